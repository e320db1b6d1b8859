package ops

import (
	"fmt"
	"math"
	"strings"

	"neocog/graph"
	"neocog/internal/cpu"
	"neocog/internal/simd"
	"neocog/vm/kernel"
)

// Rounding says how many windows lie along an axis on which the last one does
// not end where the padded image ends.
type Rounding uint8

// The roundings of (size − window + padding)/stride + 1.
const (
	Exact Rounding = iota // a fraction is refused
	Floor                 // the rest of the image is not seen
	Ceil                  // one more window, if it begins before the padding at the end; what it lacks is padding
)

var roundings = [...]string{"exact", "floor", "ceil"}

// String returns exact, floor or ceil.
func (r Rounding) String() string {
	if int(r) < len(roundings) {
		return roundings[r]
	}
	return fmt.Sprintf("Rounding(%d)", uint8(r))
}

// MarshalText returns String.
func (r Rounding) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (r *Rounding) UnmarshalText(text []byte) error {
	for i, name := range roundings {
		if name == string(text) {
			*r = Rounding(i)
			return nil
		}
	}
	return fmt.Errorf("unknown rounding %q, want exact, floor or ceil", text)
}

// An axis is one direction in which a window slides over an image.
type axis struct {
	name             string // height or width
	window           string // filter or window
	in, size         int
	stride, dilation int
	before, after    int // padding
	round            Rounding
	padBelowSize     bool // a window must meet a pixel
}

// maxAttribute bounds every number in the attributes of a window, so that no
// arithmetic overflows.
const maxAttribute = 1 << 30

// span is the extent of the window, with the gaps of dilation.
func (a axis) span() int { return (a.size-1)*a.dilation + 1 }

// outputs returns the number of windows:
//
//	⌊(in − span + before + after) / stride⌋ + 1   exact or rounded as a.round says
//
// and how far the last one reaches beyond the padding, which is 0 but for Ceil.
func (a axis) outputs() (n, beyond int, err error) {
	if err := a.check(); err != nil {
		return 0, 0, err
	}
	free := a.in - a.span() + a.before + a.after
	n = free/a.stride + 1
	switch rest := free % a.stride; {
	case rest == 0 || a.round == Floor:
		return n, 0, nil
	case a.round == Exact:
		return 0, 0, a.misfit(free, rest)
	case n*a.stride < a.in+a.before: // where the next window begins
		return n + 1, a.stride - rest, nil
	}
	return n, 0, nil
}

// numbers checks the attributes by themselves.
func (a axis) numbers() error {
	for _, v := range []struct {
		name  string
		v, lo int
	}{
		{"extent of the " + a.window, a.size, 1}, {"stride", a.stride, 1}, {"dilation", a.dilation, 1},
		{"padding before", a.before, 0}, {"padding after", a.after, 0},
	} {
		if v.v < v.lo || v.v > maxAttribute {
			return fmt.Errorf("the %s is %d along the %s, want %d to %d", v.name, v.v, a.name, v.lo, maxAttribute)
		}
	}
	if a.round > Ceil {
		return fmt.Errorf("there is no %v, want ops.Exact, ops.Floor or ops.Ceil", a.round)
	}
	return nil
}

// check checks that there is at least one window.
func (a axis) check() error {
	if err := a.numbers(); err != nil {
		return err
	}
	if a.padBelowSize && max(a.before, a.after) >= a.size {
		return fmt.Errorf("padding %d and %d for a window of %d along the %s: a window must meet a pixel, so the padding is at most %d",
			a.before, a.after, a.size, a.name, a.size-1)
	}
	if padded := a.in + a.before + a.after; a.span() > padded {
		return fmt.Errorf("a %s of %d%s is larger than the %s, %d with padding %d + %d; want at most %d, or padding of %d more in all",
			a.window, a.size, a.dilated(), a.name, a.in, a.before, a.after, max(padded-1, 0)/a.dilation+min(padded, 1), a.span()-padded)
	}
	return nil
}

func (a axis) dilated() string {
	if a.dilation == 1 {
		return ""
	}
	return fmt.Sprintf(" with dilation %d, which spans %d,", a.dilation, a.span())
}

// misfit explains a fraction of a window, and what would fit.
func (a axis) misfit(free, rest int) error {
	var fits []string
	fit := func(what string, values ...int) {
		var list []string
		for _, v := range values {
			if v > 0 {
				list = append(list, fmt.Sprint(v))
			}
		}
		if len(list) > 0 {
			fits = append(fits, what+" "+strings.Join(list, " or "))
		}
	}
	if pad := a.before + a.after + a.stride - rest; !a.padBelowSize || pad <= 2*(a.size-1) {
		fits = append(fits, fmt.Sprintf("padding of %d in all", pad))
	}
	fit("stride", a.divisor(free, -1), a.divisor(free, +1))
	fit(a.window, a.otherSize(-1), a.otherSize(+1))
	fit(a.name, a.in-rest, a.in-rest+a.stride)

	floor, ceil := a, a
	floor.round, ceil.round = Floor, Ceil
	down, _, _ := floor.outputs()
	up, _, _ := ceil.outputs()
	size := ""
	if a.dilation != 1 {
		size = fmt.Sprintf(" (a %s of %d with dilation %d spans %d)", a.window, a.size, a.dilation, a.span())
	}
	rounded := fmt.Sprintf("ops.Floor for %d, ops.Ceil for %d", down, up)
	if up == down {
		rounded = fmt.Sprintf("ops.Floor or ops.Ceil for %d", down)
	}
	return fmt.Errorf("(%d − %d + %d)/%d + 1 = %s windows along the %s%s; what fits: %s; or Round: %s",
		a.in, a.span(), a.before+a.after, a.stride, fraction(float64(free)/float64(a.stride)+1), a.name, size, strings.Join(fits, ", "), rounded)
}

// fraction writes a number that is not whole with two digits, never as a whole
// number.
func fraction(v float64) string {
	s := fmt.Sprintf("%.2f", v)
	if strings.HasSuffix(s, ".00") {
		return fmt.Sprint(v)
	}
	return s
}

// divisor returns the divisor of free which is next to the stride, below or
// above; 0 if there is none, or none up to twice the stride.
func (a axis) divisor(free, step int) int {
	d := a.stride
	for range min(a.stride, 1000) {
		if d += step; d < 1 || d > free {
			return 0
		}
		if free%d == 0 {
			return d
		}
	}
	return 0
}

// otherSize returns the size of window next to a.size that fits, below or
// above; 0 if there is none.
func (a axis) otherSize(step int) int {
	for range min(a.stride, 1000) { // the rest repeats after a.stride
		a.size += step
		free := a.in - a.span() + a.before + a.after
		if a.size < 1 || free < 0 || a.padBelowSize && max(a.before, a.after) >= a.size {
			return 0
		}
		if free%a.stride == 0 {
			return a.size
		}
	}
	return 0
}

// samePadding returns the padding for which in pixels give ⌈in/stride⌉ windows, the
// larger half at the end (ONNX SAME_UPPER, TensorFlow SAME).
func (a axis) samePadding() (before, after int) {
	total := max((ceilDiv(a.in, a.stride)-1)*a.stride+a.span()-a.in, 0)
	return total / 2, total - total/2
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// orOne replaces zeros, which stand for 1.
func orOne(v [2]int) [2]int {
	for i := range v {
		if v[i] == 0 {
			v[i] = 1
		}
	}
	return v
}

// A stretch are windows q … q+n-1 of a row of windows which see the same number of
// columns, the first one from column w0 on.
type stretch struct{ q, n, w0, taps int }

// stretches returns the stretches of each row: windows that reach over the left edge
// of the image are one by themselves each, then come those inside, then those
// that reach over the right edge.
func (g *pooling) stretches() []stretch {
	var all []stretch
	for q := 0; q < g.Q; {
		_, _, w0, w1 := g.window(0, q)
		s := stretch{q, 1, w0, w1 - w0}
		if q*g.Stride[1] >= g.Pad[1] {
			s.n = min((g.W-w1)/g.Stride[1]+1, g.Q-q)
		}
		all = append(all, s)
		q += s.n
	}
	return all
}

// windows returns the windows of a stretch in row p, and where in its plane the
// first of them begins.
func (g *pooling) windows(p int, s stretch) (at int, w simd.Windows) {
	h0, h1, _, _ := g.window(p, s.q)
	return h0*g.W + s.w0, simd.Windows{Step: g.Stride[0], N: s.n, Rows: h1 - h0, Taps: s.taps, Pitch: g.W, Stride: g.Stride[1]}
}

// lines returns plane and row of row i of windows, and for how many rows before row end of
// windows it is true that they see as many rows of pixels of the same plane; one
// unless together.
func (g *pooling) lines(i, end int, together bool) (plane, p, lines int) {
	plane, p = i/g.P, i%g.P
	inside := (g.H+g.Pad[0]-g.Size[0])/g.Stride[0] + 1 // the first row that reaches over the lower edge
	if !together || p*g.Stride[0] < g.Pad[0] || p >= inside {
		return plane, p, 1
	}
	return plane, p, min(inside, g.P, p+end-i) - p
}

// padsToAdvantage reports whether vectors of windows pay for copies of the image
// with padding.
func (g *pooling) padsToAdvantage(d graph.DType) bool {
	return cpu.Current() > cpu.Portable && d == graph.Float32 && g.Q >= 3 && len(g.stretches()) > 1
}

// paddedWindows returns the rows of windows in a copy of the image with padding, from the first column
// that a window sees to the last.
func (g *pooling) paddedWindows() simd.Windows {
	return simd.Windows{
		Step: g.Stride[0], N: g.Q, Taps: g.Size[1], Pitch: (g.Q-1)*g.Stride[1] + g.Size[1], Stride: g.Stride[1],
		Before: g.Pad[1], Width: g.W,
	}
}

// eachPadded calls f for rows lo … hi-1 of windows, counted over all planes, some lines of
// one plane at a time: row i, which is row p of the plane, and those after it. The worker's own
// memory holds those rows of the plane which are seen, with v for padding.
func (g *pooling) eachPadded(c *kernel.Call, x []float32, lo, hi int, v float32, f func(plane []float32, i, p, lines int)) {
	pitch := g.paddedWindows().Pitch
	seen := min(g.W, pitch-g.Pad[1])
	plane := kernel.Local[float32](c, 0, g.H*pitch)
	for lo < hi {
		n, p := lo/g.P, lo%g.P
		end := min(hi, (n+1)*g.P) // of the plane
		top, _, _, _ := g.window(p, 0)
		_, bottom, _, _ := g.window(end-1-n*g.P, 0)
		for h := top; h < bottom; h++ {
			row := plane[h*pitch:][:pitch]
			for i := range g.Pad[1] {
				row[i] = v
			}
			copy(row[g.Pad[1]:], x[(n*g.H+h)*g.W:][:seen])
			for i := g.Pad[1] + seen; i < pitch; i++ {
				row[i] = v
			}
		}
		for lo < end {
			_, p, lines := g.lines(lo, end, true)
			f(plane, lo, p, lines)
			lo += lines
		}
	}
}

// isImage returns an error unless t is a float tensor of images whose extents are known.
func isImage(name string, t graph.Type, layout string) error {
	if err := rank(name, t, 4, layout); err != nil {
		return err
	}
	if err := isFloat(t); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if !t.Shape[2:].IsStatic() {
		return fmt.Errorf("%s is %v: height and width must be known", name, t)
	}
	return nil
}

// areImageIndices returns an error unless pixels of an H×W image can be counted with Int32.
func areImageIndices(h, w int) error {
	if h < 1 || w < 1 || h > math.MaxInt32/w {
		return fmt.Errorf("the image is %d×%d, want 1 to %d pixels", h, w, math.MaxInt32)
	}
	return nil
}

// A Window says on which elements of an axis an element of a result depends:
// element p on those from p·Stride − Before on, Size of them.
//
// Ops on images have a method Windows(in []graph.Type) [2]Window, for height and
// width of their first operand; it is how package inspect knows receptive fields.
type Window struct{ Size, Stride, Before int }

func (a axis) seen() Window { return Window{a.span(), a.stride, a.before} }
