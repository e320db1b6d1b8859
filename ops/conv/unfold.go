package conv

import "neocog/vm/kernel"

// unfolding maps the pixels of an image to the columns of its matrix: C channels of H×W
// pixels, R×S taps, P×Q outputs.
type unfolding[T kernel.Float] struct {
	C, H, W, R, S, P, Q int
	stride, dilation    [2]int
	pad                 [4]int
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
			for s := range u.S {
				block, known := tile[i:i+cols], 0
				if r > 0 && again > 0 {
					known = copy(block[:again], tile[i-u.S*cols+cols-again:])
				}
				i += cols
				w, q0, q1 := u.span(s)
				h := (p0+known/u.Q)*u.stride[0] - u.pad[0] + r*u.dilation[0]
				for o := known; o < cols; o += u.Q {
					row := block[o : o+u.Q]
					switch {
					case h < 0 || h >= u.H || q0 == q1:
						clear(row)
					case u.stride[1] == 1:
						clear(row[:q0])
						copy(row[q0:q1], plane[h*u.W+w:])
						clear(row[q1:])
					default:
						clear(row[:q0])
						gather(row[q0:q1], plane[h*u.W+w:], u.stride[1])
						clear(row[q1:])
					}
					h += u.stride[0]
				}
			}
		}
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

// fold is the adjoint of unfold: it adds each element of the tile to its pixel, those of the padding to none.
// A pixel's terms are added in the order of r, s and p.
func (u *unfolding[T]) fold(planes, tile []T, channels, p0, p1 int) {
	i := 0
	for c := range channels {
		plane := planes[c*u.H*u.W:][:u.H*u.W]
		for r := range u.R {
			for s := range u.S {
				w, q0, q1 := u.span(s)
				h := p0*u.stride[0] - u.pad[0] + r*u.dilation[0]
				for range p1 - p0 {
					if h >= 0 && h < u.H && q0 < q1 {
						scatterAdd(plane[h*u.W+w:], tile[i+q0:i+q1], u.stride[1])
					}
					i += u.Q
					h += u.stride[0]
				}
			}
		}
	}
}

// span returns the outputs q0 … q1-1 of a row for which tap s meets the image, and the pixel which it meets first.
func (u *unfolding[T]) span(s int) (w, q0, q1 int) {
	first, stride := s*u.dilation[1]-u.pad[1], u.stride[1]
	q0 = min(ceilDiv(max(-first, 0), stride), u.Q)
	q1 = min(ceilDiv(max(u.W-first, 0), stride), u.Q)
	return first + q0*stride, q0, max(q0, q1)
}

// gather sets dst[i] = src[i·stride].
func gather[T kernel.Float](dst, src []T, stride int) {
	j := 0
	for i := range dst {
		dst[i] = src[j]
		j += stride
	}
}

// scatterAdd adds src[i] to dst[i·stride].
func scatterAdd[T kernel.Float](dst, src []T, stride int) {
	if stride == 1 {
		dst = dst[:len(src)]
		for i, v := range src {
			dst[i] += v
		}
		return
	}
	j := 0
	for _, v := range src {
		dst[j] += v
		j += stride
	}
}
