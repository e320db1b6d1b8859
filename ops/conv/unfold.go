package conv

import "neocog/vm/kernel"

// unfolding maps the pixels of an image to the columns of its matrix: C channels of H×W
// pixels, R×S taps, P×Q outputs.
type unfolding[T kernel.Float] struct {
	C, H, W, R, S, P, Q int
	stride, dilation    [2]int
	pad                 [4]int
	spans               []span // of the taps of a filter's row
}

// A span is where a tap meets the image: for the outputs q0 … q1-1 of a row, the first of them
// at pixel w.
type span struct{ w, q0, q1 int }

func newUnfolding[T kernel.Float](p Problem) unfolding[T] {
	P, Q := p.Out()
	u := unfolding[T]{p.C, p.H, p.W, p.R, p.S, P, Q, p.Stride, p.Dilation, p.Pad, make([]span, p.S)}
	for s := range u.spans {
		first, stride := s*p.Dilation[1]-p.Pad[1], p.Stride[1]
		q0 := min(ceilDiv(max(-first, 0), stride), Q)
		q1 := min(ceilDiv(max(p.W-first, 0), stride), Q)
		u.spans[s] = span{first + q0*stride, q0, max(q0, q1)}
	}
	return u
}

// unfold writes rows p0 … p1-1 of outputs of the matrix of some planes of an image:
//
//	tile[((c·R + r)·S + s)·cols + (p−p0)·Q + q] = plane c at (p·stride − top + r·dilation, q·stride − left + s·dilation)
//
// or 0 in the padding, with cols = (p1−p0)·Q.
func (u *unfolding[T]) unfold(tile, planes []T, channels, p0, p1 int) {
	cols, i := (p1-p0)*u.Q, 0
	again := u.again(p1 - p0)
	for c := range channels {
		plane := planes[c*u.H*u.W:][:u.H*u.W]
		for r := range u.R {
			for _, at := range u.spans {
				block, known := tile[i:i+cols], 0
				if r > 0 && again > 0 {
					known = copy(block[:again], tile[i-u.S*cols+cols-again:])
				}
				i += cols
				h := (p0+known/u.Q)*u.stride[0] - u.pad[0] + r*u.dilation[0]
				for o := known; o < cols; o += u.Q {
					row := block[o : o+u.Q]
					u.unfoldRow(row, plane, h, at)
					h += u.stride[0]
				}
			}
		}
	}
}

// unfoldRow writes what a tap sees of row h of the image.
func (u *unfolding[T]) unfoldRow(row, plane []T, h int, at span) {
	if h < 0 || h >= u.H || at.q0 == at.q1 {
		clear(row)
		return
	}
	pixels := plane[h*u.W+at.w:]
	if at.q0 > 0 {
		clear(row[:at.q0])
	}
	if at.q1 < len(row) {
		clear(row[at.q1:])
	}
	row = row[at.q0:at.q1]
	if u.stride[1] == 1 {
		copy(row, pixels)
		return
	}
	j := 0
	for i := range row {
		row[i] = pixels[j]
		j += u.stride[1]
	}
}

// again returns how many elements of a block of that many rows of outputs, for tap r, s, are the last ones of
// the block for tap r−1, s: where the stride divides the dilation, both see the same rows of the image.
func (u *unfolding[T]) again(rows int) int {
	if u.dilation[0]%u.stride[0] != 0 {
		return 0
	}
	return max(rows-u.dilation[0]/u.stride[0], 0) * u.Q
}

// fold is the adjoint of unfold: it adds each element of the tile to its pixel, those of the padding to none. The
// tile is spoilt: what tap r, s has in common with tap r−1, s is added there first.
func (u *unfolding[T]) fold(planes, tile []T, channels, p0, p1 int) {
	cols := (p1 - p0) * u.Q
	again := u.again(p1 - p0)
	for c := range channels {
		plane := planes[c*u.H*u.W:][:u.H*u.W]
		for r := u.R - 1; r >= 0; r-- {
			for s, at := range u.spans {
				i := ((c*u.R+r)*u.S + s) * cols
				block, known := tile[i:i+cols], 0
				if r > 0 && again > 0 {
					add(tile[i-u.S*cols+cols-again:], block[:again])
					known = again
				}
				h := (p0+known/u.Q)*u.stride[0] - u.pad[0] + r*u.dilation[0]
				for o := known; o < cols; o += u.Q {
					if h >= 0 && h < u.H && at.q0 < at.q1 {
						u.foldRow(plane[h*u.W+at.w:], block[o+at.q0:o+at.q1])
					}
					h += u.stride[0]
				}
			}
		}
	}
}

func (u *unfolding[T]) foldRow(pixels, row []T) {
	if u.stride[1] == 1 {
		add(pixels, row)
		return
	}
	j := 0
	for _, v := range row {
		pixels[j] += v
		j += u.stride[1]
	}
}

// add adds src to the first elements of dst.
func add[T kernel.Float](dst, src []T) {
	for len(src) >= 8 {
		d, t := (*[8]T)(dst), (*[8]T)(src)
		d[0] += t[0]
		d[1] += t[1]
		d[2] += t[2]
		d[3] += t[3]
		d[4] += t[4]
		d[5] += t[5]
		d[6] += t[6]
		d[7] += t[7]
		dst, src = dst[8:], src[8:]
	}
	for i, v := range src {
		dst[i] += v
	}
}
