package ops

import (
	"fmt"

	"neocog/graph"
	"neocog/vm/kernel"
)

// Pool are the attributes of a pooling. Only Size must be given.
type Pool struct {
	Size   [2]int // of the window: vertical, horizontal
	Stride [2]int // 0 stands for Size: windows side by side
	// Pad is the padding at the top, left, bottom, right, less than the window each. It
	// never wins a maximum, and counts in an average only with CountPad.
	Pad [4]int
	// Round says what happens where (H − size + top + bottom)/stride is no whole
	// number. Exact, the zero value, refuses.
	Round Rounding
	// Dilation is the distance of a window's elements; 0 stands for 1. With gaps, the windows are copied.
	Dilation [2]int
	// CountPad makes an average divide by the size of the window with the padding in it,
	// but without what Ceil adds beyond (ONNX count_include_pad). Otherwise
	// only pixels count. MaxPool2D refuses it.
	CountPad bool
}

// full returns p with its strides.
func (p Pool) full() Pool {
	for i := range 2 {
		if p.Stride[i] == 0 {
			p.Stride[i] = p.Size[i]
		}
	}
	p.Dilation = orOne(p.Dilation)
	return p
}

// canonical returns p as the ops keep it: without a stride which is the size, and a dilation of 1.
func (p Pool) canonical() Pool {
	if p = p.full(); p.Stride == p.Size {
		p.Stride = [2]int{}
	}
	if !p.dilated() {
		p.Dilation = [2]int{}
	}
	return p
}

// pooling is a Pool on an image of H×W pixels with P×Q windows.
type pooling struct {
	Pool
	H, W, P, Q int
}

// on returns the pooling of an image whose shape ends with h, w.
func (p Pool) on(h, w int) (pooling, error) {
	p = p.full()
	if p.dilated() {
		return pooling{}, fmt.Errorf("the windows have dilation %d×%d, want none: their elements are to be neighbours", p.Dilation[0], p.Dilation[1])
	}
	if h < 1 || w < 1 {
		return pooling{}, fmt.Errorf("the image is %d×%d: there is no pixel to pool", h, w)
	}
	vertical := axis{"height", "window", h, p.Size[0], p.Stride[0], 1, p.Pad[0], p.Pad[2], p.Round, true}
	horizontal := axis{"width", "window", w, p.Size[1], p.Stride[1], 1, p.Pad[1], p.Pad[3], p.Round, true}
	P, _, err := vertical.outputs()
	if err != nil {
		return pooling{}, err
	}
	Q, _, err := horizontal.outputs()
	if err != nil {
		return pooling{}, err
	}
	return pooling{p, h, w, P, Q}, nil
}

// windows says on what a place of y depends in x.
func (p Pool) windows() [2]Window {
	p = p.full()
	return [2]Window{{p.Size[0], p.Stride[0], p.Pad[0]}, {p.Size[1], p.Stride[1], p.Pad[1]}}
}

// window returns the pixels h0 … h1-1, w0 … w1-1 of window p, q.
func (g *pooling) window(p, q int) (h0, h1, w0, w1 int) {
	h0, w0 = p*g.Stride[0]-g.Pad[0], q*g.Stride[1]-g.Pad[1]
	return max(h0, 0), min(h0+g.Size[0], g.H), max(w0, 0), min(w0+g.Size[1], g.W)
}

// divisor returns by how much the sum over window p, q is divided.
func (g *pooling) divisor(p, q int) int {
	if !g.CountPad {
		h0, h1, w0, w1 := g.window(p, q)
		return (h1 - h0) * (w1 - w0)
	}
	h, w := p*g.Stride[0]-g.Pad[0], q*g.Stride[1]-g.Pad[1]
	return (min(h+g.Size[0], g.H+g.Pad[2]) - h) * (min(w+g.Size[1], g.W+g.Pad[3]) - w)
}

// planPlanes returns the plan of a step over planes, or over rows of planes, each of
// which touches so many elements.
func planPlanes(d graph.DType, items, elements int, f32, f64 kernel.Kernel) (kernel.Plan, error) {
	k, err := kernel.Pick(d, f32, f64)
	return kernel.One(items, max(kernel.Grain/max(elements, 1), 1), k), err
}
