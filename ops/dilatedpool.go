package ops

import (
	"fmt"

	"neocog/graph"
)

// This file pools windows whose elements are not neighbours, or which are not alike: along one axis at a time, from copies
// of the windows.

// dilated reports whether p's windows have gaps.
func (p Pool) dilated() bool { return orOne(p.Dilation) != [2]int{1, 1} }

// dilatedMax is MaxPool2D with dilation. Rows come first, so that of equal pixels the first in row-major
// order wins.
func dilatedMax(x *graph.Value, p Pool) *graph.Value {
	if p.CountPad {
		return mistake(x, "MaxPool2D", fmt.Errorf("CountPad is for averages: padding has no part in a maximum"))
	}
	for axis := 3; axis >= 2; axis-- {
		windows, _, err := p.windowsAlong(axis-2, x)
		if err != nil {
			return mistake(x, "MaxPool2D", err)
		}
		x = maxAlong(x, axis, windows)
	}
	return x
}

// dilatedAvg is AvgPool2D with dilation.
func dilatedAvg(x *graph.Value, p Pool) *graph.Value {
	for axis := 3; axis >= 2; axis-- {
		windows, padded, err := p.windowsAlong(axis-2, x)
		if err != nil {
			return mistake(x, "AvgPool2D", err)
		}
		divisors := make([]float64, len(windows))
		for i, w := range windows {
			if divisors[i] = float64(len(w)); p.CountPad {
				divisors[i] = float64(padded[i])
			}
		}
		shape := graph.Shape(ones(4))
		shape[axis] = len(divisors)
		x = Div(sumAlong(x, axis, windows), constLike(x, shape, divisors))
	}
	return x
}

// windowsAlong returns the pixels of each window along height (i = 0) or width of x [N,C,H,W], in order, and how many
// elements it has with the padding.
func (p Pool) windowsAlong(i int, x *graph.Value) (windows [][]int, padded []int, err error) {
	if err := isImage("x", x.Type(), "NCHW"); err != nil {
		return nil, nil, err
	}
	p = p.full()
	a := axis{"height", "window", x.Shape()[2+i], p.Size[i], p.Stride[i], p.Dilation[i], p.Pad[i], p.Pad[2+i], p.Round, true}
	if i == 1 {
		a.name = "width"
	}
	n, _, err := a.outputs()
	switch {
	case err != nil:
		return nil, nil, err
	case n > mostCopies/a.size:
		return nil, nil, fmt.Errorf("%d windows of %d along the %s are more than can be copied, %d elements", n, a.size, a.name, mostCopies)
	}
	windows, padded = make([][]int, n), make([]int, n)
	for o := range windows {
		for t := range a.size {
			at := o*a.stride - a.before + t*a.dilation
			if at >= 0 && at < a.in {
				windows[o] = append(windows[o], at)
			}
			if at < a.in+a.after {
				padded[o]++
			}
		}
		if len(windows[o]) == 0 {
			return nil, nil, fmt.Errorf("window %d along the %s meets no pixel: its %d elements, %d apart, are all padding", o, a.name, a.size, a.dilation)
		}
	}
	return windows, padded, nil
}

// mostCopies bounds the indices of windows that are copied along an axis.
const mostCopies = 1 << 22

// maxAlong returns the maxima of windows along an axis. Of equal elements the first wins, which repeating the
// last element of a short window does not change.
func maxAlong(x *graph.Value, axis int, windows [][]int) *graph.Value {
	return Max(Gather(x, windowIndices(x.Graph(), windows, -1), axis), axis+1)
}

// sumAlong returns the sums of windows along an axis; what short ones lack is a zero after the end of x.
func sumAlong(x *graph.Value, axis int, windows [][]int) *graph.Value {
	none, after := make([]int, x.Shape().Rank()), make([]int, x.Shape().Rank())
	after[axis] = 1
	return Sum(Gather(Pad(x, none, after, 0), windowIndices(x.Graph(), windows, x.Shape()[axis]), axis), axis+1)
}

// windowIndices is a constant [windows, the longest]. Short windows are filled up with an index, or where that is −1
// with their last element.
func windowIndices(g *graph.Graph, windows [][]int, filling int) *graph.Value {
	longest := 0
	for _, w := range windows {
		longest = max(longest, len(w))
	}
	indices := make([]int32, 0, len(windows)*longest)
	for _, w := range windows {
		for k := range longest {
			switch {
			case k < len(w):
				indices = append(indices, int32(w[k]))
			case filling >= 0:
				indices = append(indices, int32(filling))
			default:
				indices = append(indices, int32(w[len(w)-1]))
			}
		}
	}
	return graph.Const(g, graph.Shape{len(windows), longest}, indices...)
}
