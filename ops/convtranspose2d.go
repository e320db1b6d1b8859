package ops

import (
	"fmt"

	"neocog/graph"
)

// ConvTranspose are the attributes of a transposed convolution. The zero value is the common one:
// stride 1, nothing cut off, one group.
type ConvTranspose struct {
	Stride   [2]int // how far apart elements of x are laid down: vertical, horizontal; 0 stands for 1
	Dilation [2]int // distance of the filter's taps; 0 stands for 1
	Pad      [4]int // what is cut off at the top, left, bottom, right
	// OutputPad is rows and columns more at the bottom and on the right, below Stride: of several
	// sizes of y whose convolution would have the size of x, the zero value is the least.
	OutputPad [2]int
	Groups    int // as in Conv
	// Same asks for the Pad with which y has H·stride × W·stride elements, the odd one cut off
	// at the bottom and on the right (ONNX SAME_UPPER).
	Same bool
	Algo string // as in Conv
}

// ConvTranspose2D lays down, at each place of x, the filters times its elements, and adds up where they
// overlap: the transposed convolution, or “deconvolution”, which makes images larger.
//
//	x   float [N,C,H,W]
//	w   float [C,K/groups,R,S]   as ONNX and PyTorch have it: Conv2D's filter for a y of K channels
//	y   float [N,K,P,Q]          P = (H−1)·stride − top − bottom + (R−1)·dilation + 1 + outputPad, Q likewise
//
//	y[n,k,h·stride − top + r·dilation, …] += x[n,c,h,w] · w[c,k,r,s]
//	dx  = Conv2D(dy, w)
//	dw  = Conv2DFilterGrad(dy, x)
//
// It is Conv2DInputGrad(w, x). H, W and the shape of w must be static, H and W at least 1. Places
// that no filter meets are 0. Zeiler et al., “Deconvolutional Networks”, CVPR 2010. ONNX ConvTranspose.
func ConvTranspose2D(x, w *graph.Value, c ConvTranspose) *graph.Value {
	if !areImages(x, w) {
		return Conv2DInputGrad(w, x, 0, 0, Conv{})
	}
	if x.Shape()[1] != w.Shape()[0] {
		return mistake(x, "ConvTranspose2D", fmt.Errorf("x has %s channels, w %v wants %s: one for each row", extent(x.Shape()[1]), w.Type(), extent(w.Shape()[0])))
	}
	h, top, bottom, err := transposedAxis("height", x.Shape()[2], w.Shape()[2], c, 0)
	if err != nil {
		return mistake(x, "ConvTranspose2D", err)
	}
	wd, left, right, err := transposedAxis("width", x.Shape()[3], w.Shape()[3], c, 1)
	if err != nil {
		return mistake(x, "ConvTranspose2D", err)
	}
	forward := Conv{Stride: c.Stride, Dilation: c.Dilation, Pad: [4]int{top, left, bottom, right}, Groups: c.Groups, Algo: c.Algo}
	if c.OutputPad != [2]int{} {
		forward.Round = Floor
	}
	return Conv2DInputGrad(w, x, h, wd, forward)
}

// transposedAxis returns the extent of y along vertical (i = 0) or horizontal, and what is cut off before and
// after.
func transposedAxis(name string, in, size int, c ConvTranspose, i int) (out, before, after int, err error) {
	a := axis{name, "filter", in, size, orOne(c.Stride)[i], orOne(c.Dilation)[i], c.Pad[i], c.Pad[i+2], Exact, false}
	if err := a.numbers(); err != nil {
		return 0, 0, 0, err
	}
	extra := c.OutputPad[i]
	switch {
	case in < 1 || in > maxAttribute:
		return 0, 0, 0, fmt.Errorf("the %s of x is %d, want 1 to %d", name, in, maxAttribute)
	case extra < 0 || extra >= a.stride:
		return 0, 0, 0, fmt.Errorf("the output padding is %d along the %s, want 0 to %d, below the stride", extra, name, a.stride-1)
	}
	whole := (in-1)*a.stride + a.span() + extra
	if c.Same {
		if c.Pad != [4]int{} {
			return 0, 0, 0, fmt.Errorf("padding %v is given beside Same, which chooses it", c.Pad)
		}
		cut := whole - in*a.stride
		if cut < 0 {
			return 0, 0, 0, fmt.Errorf("a filter of %d gives a %s of %d, less than %d·%d = %d, which Same wants; output padding of %d more would do",
				size, name, whole, in, a.stride, in*a.stride, -cut)
		}
		a.before, a.after = cut/2, cut-cut/2
	}
	if out = whole - a.before - a.after; out < 1 {
		return 0, 0, 0, fmt.Errorf("padding %d and %d cuts off all of the %s, which is %d without", a.before, a.after, name, whole)
	}
	return out, a.before, a.after, nil
}
