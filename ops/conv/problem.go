package conv

import (
	"fmt"
	"strings"

	"neocog/graph"
)

// A Pass is one of the three computations that training a convolution takes.
type Pass uint8

// The passes. Each is linear in either operand, and each one's gradients are
// the other two.
const (
	Forward    Pass = iota // y from x and w
	InputGrad              // dx from w and dy; forward, a transposed convolution
	FilterGrad             // dw from x and dy
)

// String returns forward, inputgrad or filtergrad.
func (p Pass) String() string {
	switch p {
	case Forward:
		return "forward"
	case InputGrad:
		return "inputgrad"
	case FilterGrad:
		return "filtergrad"
	}
	return fmt.Sprintf("Pass(%d)", uint8(p))
}

// A Problem is one convolution, with everything that decides how it is best
// computed. It is comparable and serves as the key of tuning tables.
//
//	x, dx  [N,C,H,W]
//	w, dw  [K,C/Groups,R,S]
//	b      [K]              only with Bias, only in the pass Forward
//	y, dy  [N,K,P,Q]        P and Q by Out
type Problem struct {
	Pass             Pass
	DType            graph.DType
	N, C, H, W       int
	K, R, S          int
	Groups           int    // at least 1; divides C and K
	Stride, Dilation [2]int // vertical, horizontal; at least 1
	Pad              [4]int // top, left, bottom, right; at least 0
	Bias             bool
}

// Out returns the height and width of y, rounded down:
//
//	P = ⌊(H + top + bottom − ((R−1)·dilation + 1)) / stride⌋ + 1
//
// An output that is rounded up is a Problem with more padding at the bottom and
// on the right.
func (p Problem) Out() (P, Q int) {
	return extent(p.H+p.Pad[0]+p.Pad[2], p.R, p.Stride[0], p.Dilation[0]),
		extent(p.W+p.Pad[1]+p.Pad[3], p.S, p.Stride[1], p.Dilation[1])
}

func extent(padded, size, stride, dilation int) int {
	return (padded-(size-1)*dilation-1)/stride + 1
}

// Lens returns the numbers of elements of x, w and y (or of their gradients).
func (p Problem) Lens() (x, w, y int) {
	P, Q := p.Out()
	return p.N * p.C * p.H * p.W, p.K * (p.C / p.Groups) * p.R * p.S, p.N * p.K * P * Q
}

// FilterInput is the index of w among the inputs of the passes that have it.
func (p Problem) FilterInput() int {
	if p.Pass == InputGrad {
		return 0
	}
	return 1
}

// FLOPs returns the multiplications and additions of the definition, the same for
// each pass: two for each element of y and of its filter. Taps in the padding
// count, the bias does not.
func (p Problem) FLOPs() int64 {
	_, _, y := p.Lens()
	return 2 * int64(y) * int64(p.C/p.Groups*p.R*p.S)
}

// String returns a line which is different for different problems, such as
//
//	forward f32 x[64,1,28,28] w[6,1,5,5] pad[2,2,2,2] bias
//
// Stride, dilation and groups are shown where they are not 1, padding where it
// is not 0.
func (p Problem) String() string {
	var b strings.Builder
	g := max(p.Groups, 1)
	fmt.Fprintf(&b, "%v %v x[%d,%d,%d,%d] w[%d,%d,%d,%d]", p.Pass, p.DType, p.N, p.C, p.H, p.W, p.K, p.C/g, p.R, p.S)
	if p.Stride != [2]int{1, 1} {
		fmt.Fprintf(&b, " stride[%d,%d]", p.Stride[0], p.Stride[1])
	}
	if p.Dilation != [2]int{1, 1} {
		fmt.Fprintf(&b, " dilation[%d,%d]", p.Dilation[0], p.Dilation[1])
	}
	if p.Pad != [4]int{} {
		fmt.Fprintf(&b, " pad[%d,%d,%d,%d]", p.Pad[0], p.Pad[1], p.Pad[2], p.Pad[3])
	}
	if p.Groups != 1 {
		fmt.Fprintf(&b, " groups=%d", p.Groups)
	}
	if p.Bias {
		b.WriteString(" bias")
	}
	return b.String()
}

// Check returns what is wrong with p, if anything. The ops hand out checked
// problems only, so an Algorithm need not call it.
func (p Problem) Check() error {
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("convolution %v: "+format, append([]any{p}, args...)...)
	}
	switch {
	case p.Pass > FilterGrad:
		return wrong("there is no such pass")
	case !p.DType.IsFloat():
		return wrong("the element type is %v, want f32 or f64", p.DType)
	case min(p.N, p.C, p.H, p.W, p.K) < 0:
		return wrong("an extent is negative")
	case min(p.R, p.S) < 1:
		return wrong("the filter is %d×%d, want at least 1×1", p.R, p.S)
	case p.Groups < 1 || p.C%p.Groups != 0 || p.K%p.Groups != 0:
		return wrong("%d groups do not divide %d channels and %d filters", p.Groups, p.C, p.K)
	case min(p.Stride[0], p.Stride[1], p.Dilation[0], p.Dilation[1]) < 1:
		return wrong("stride and dilation are at least 1")
	case min(p.Pad[0], p.Pad[1], p.Pad[2], p.Pad[3]) < 0:
		return wrong("padding is at least 0")
	case p.Bias && p.Pass != Forward:
		return wrong("only the forward pass has a bias")
	case p.spanH() > p.H+p.Pad[0]+p.Pad[2] || p.spanW() > p.W+p.Pad[1]+p.Pad[3]:
		return wrong("the filter spans %d×%d, more than image and padding", p.spanH(), p.spanW())
	}
	return nil
}

// spanH and spanW return the extents of the dilated filter.
func (p Problem) spanH() int { return (p.R-1)*p.Dilation[0] + 1 }
func (p Problem) spanW() int { return (p.S-1)*p.Dilation[1] + 1 }

// Pointwise reports whether p is a 1×1 convolution with stride 1 and without
// padding: a matrix product on the image as it lies in memory.
func (p Problem) Pointwise() bool {
	return p.R == 1 && p.S == 1 && p.Stride == [2]int{1, 1} && p.Pad == [4]int{}
}
