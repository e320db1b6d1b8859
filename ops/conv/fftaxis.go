package conv

import (
	"math"

	"neocog/internal/fft"
)

// An axis is how the height or the width of a convolution, as a correlation of inputs with a filter, is cut into tiles.
//
//	out[o] = Σ_{j<span} in[o + j − before] · w[j]
type axis struct {
	in, out      int
	span, before int
	used         int // inputs that some output needs
	single       bool
	size         int // of a tile
	tiles, step  int // outputs of a tile
}

// newAxis returns axis i of p in one tile. Its position 0 is element 0 of the input, and the padding is the zeros at the end, for both sides: a
// transform knows no beginning.
func newAxis(p Problem, i int) axis {
	P, Q := p.Out()
	a := axis{in: [...]int{p.H, p.W}[i], out: [...]int{P, Q}[i], span: [...]int{p.spanH(), p.spanW()}[i], before: p.Pad[i], single: true, tiles: 1}
	if p.Pass == InputGrad {
		a.in, a.out, a.before = a.out, a.in, a.span-1-a.before
	}
	a.used, a.step = min(a.in, a.out+a.span-1-a.before), a.out
	a.size = fft.Length(max(a.used+max(a.before, 0), a.out+a.span-1-a.before, a.out, a.span))
	return a
}

// cuts returns ways to cut an axis into tiles of at most that size, position 0 of which is what their first output sees first: the fewest tiles and some
// more, if they leave a quarter of the largest to outputs.
func (a axis) cuts(most int) (all []axis) {
	widest := most - a.span + 1
	if 4*widest < most {
		return nil
	}
	a.single = false
	fewest := ceilDiv(a.out, widest)
	for n := fewest; n < fewest+8; n++ {
		a.step = ceilDiv(a.out, n) // tiles alike
		a.tiles = ceilDiv(a.out, a.step)
		a.size = min(fft.Length(a.step+a.span-1), most)
		if a.tiles == n {
			all = append(all, a)
		}
	}
	return all
}

// cost is about how many microseconds p takes in tiles of such heights and widths, as measured on two cores with AVX-512: products, the filters' spectra
// coming from memory, and the transforms. Larger tiles take fewer products, smaller ones less memory.
func cost(p Problem, y, x axis) float64 {
	in, out, tiles := float64(p.C/p.Groups), float64(p.K/p.Groups), float64(p.N*y.tiles*x.tiles)
	pixels := float64(y.size * x.size)
	work := pixels * math.Log2(pixels)
	filters := in * out * pixels / 2
	return float64(p.Groups) * (filters*tiles*8/240e3 + filters*8/30e3 +
		in*out*(0.015+float64(p.R*p.S)*4e-4+work*1.2e-5) + (in+out)*tiles*(0.03+work*3.5e-5))
}

// sees reports whether some tap sees an input at all. Where none does the result is zero, which rounding errors of other sums would hide.
func (a axis) sees(dilation int) bool {
	for j := 0; j < a.span; j += dilation {
		if a.out-1+j >= a.before && j-a.before < a.in { // outputs 0 … out-1 see inputs j−before … out−1+j−before
			return true
		}
	}
	return false
}

// position is where output 0 of a tile, or tap 0 of the gradient of the filter, comes out.
func (a axis) position(i int) int {
	if a.single {
		i += a.size - a.before%a.size
	}
	return i % a.size
}

// inputs is the window of the inputs, outputs that of the outputs as operand.
func (a axis) inputs() window {
	if a.single {
		return window{limit: a.used, extent: a.in}
	}
	return window{first: -a.before, step: a.step, limit: a.size, extent: a.in}
}

func (a axis) outputs() window {
	return window{step: a.step, limit: a.step, extent: a.out}
}

// A window is which elements of a row or column the tiles hold: position p of tile i is element first + i·step + p, if p is less than
// limit and the element exists, and zero otherwise.
type window struct{ first, step, limit, extent int }

// at returns the element at position 0, and the positions lo … hi-1 which are not zero.
func (w window) at(tile int) (first, lo, hi int) {
	first = w.first + tile*w.step
	return first, max(0, -first), max(min(w.limit, w.extent-first), 0)
}
