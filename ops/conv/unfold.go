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

// unfold writes some rows and columns of the matrix of an image's planes: terms t0 … t1-1, term t being (c·R + r)·S + s, and
// outputs o0 … o1-1, output o being p·Q + q:
//
//	tile[(t−t0)·(o1−o0) + o−o0] = plane c at (p·stride − top + r·dilation, q·stride − left + s·dilation)
//
// or 0 in the padding.
func (u *unfolding[T]) unfold(tile, planes []T, t0, t1, o0, o1 int) {
	cols := o1 - o0
	again := u.again(cols)
	for t := t0; t < t1; t++ {
		block, known := tile[(t-t0)*cols:][:cols], 0
		if again > 0 && t-u.S >= t0 && t/u.S%u.R > 0 {
			known = copy(block[:again], tile[(t-u.S-t0)*cols+cols-again:])
		}
		plane, h, at := u.tap(planes, t, o0+known)
		q := (o0 + known) % u.Q
		for o := known; o < cols; {
			n := min(u.Q-q, cols-o)
			part := at
			if n < u.Q {
				part = at.part(q, n, u.stride[1])
			}
			u.unfoldRow(block[o:o+n], plane, h, part)
			o, q, h = o+n, 0, h+u.stride[0]
		}
	}
}

// tap returns the plane that term t sees, the row of it that it sees for output o, and where its columns are.
func (u *unfolding[T]) tap(planes []T, t, o int) (plane []T, h int, at span) {
	c, r, s := t/(u.R*u.S), t/u.S%u.R, t%u.S
	return planes[c*u.H*u.W:][:u.H*u.W], o/u.Q*u.stride[0] - u.pad[0] + r*u.dilation[0], u.spans[s]
}

// part returns the span for n outputs from q on, which is output 0 of the part.
func (at span) part(q, n, stride int) span {
	q0 := min(max(at.q0-q, 0), n)
	return span{at.w + max(q-at.q0, 0)*stride, q0, max(min(at.q1-q, n), q0)}
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

// again returns how many of so many outputs of a block, for tap r, s, are the last ones of
// the block for tap r−1, s: where the stride divides the dilation, both see the same rows of the image.
func (u *unfolding[T]) again(cols int) int {
	if u.dilation[0]%u.stride[0] != 0 {
		return 0
	}
	return max(cols-u.dilation[0]/u.stride[0]*u.Q, 0)
}

// fold is the adjoint of unfold: it adds each element of the tile to its pixel, those of the padding to none. The
// tile is spoilt: what tap r, s has in common with tap r−1, s is added there first.
func (u *unfolding[T]) fold(planes, tile []T, t0, t1, o0, o1 int) {
	cols := o1 - o0
	again := u.again(cols)
	for t := t1 - 1; t >= t0; t-- {
		block, known := tile[(t-t0)*cols:][:cols], 0
		if again > 0 && t-u.S >= t0 && t/u.S%u.R > 0 {
			add(tile[(t-u.S-t0)*cols+cols-again:], block[:again])
			known = again
		}
		plane, h, at := u.tap(planes, t, o0+known)
		q := (o0 + known) % u.Q
		for o := known; o < cols; {
			n := min(u.Q-q, cols-o)
			part := at
			if n < u.Q {
				part = at.part(q, n, u.stride[1])
			}
			if h >= 0 && h < u.H && part.q0 < part.q1 {
				u.foldRow(plane[h*u.W+part.w:], block[o+part.q0:o+part.q1])
			}
			o, q, h = o+n, 0, h+u.stride[0]
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
