package ops

import (
	"fmt"

	"neocog/graph"
)

// This file pools windows whose elements are not neighbours, or which are not alike: along one axis at a time, from copies
// of the windows.

// dilated reports whether p's windows have gaps.
func (p Pool) dilated() bool { return orOne(p.Dilation) != [2]int{1, 1} }

// dilatedMax is MaxPool2D with dilation, and MaxPool2DIndices if places are asked for. Rows come first, so that of equal
// pixels the first in row-major order wins.
func dilatedMax(x *graph.Value, p Pool, places bool) (y, argmax *graph.Value) {
	refuse := func(err error) (y, argmax *graph.Value) {
		return mistake(x, "MaxPool2D", err), x.Graph().Invalid()
	}
	if p.CountPad {
		return refuse(fmt.Errorf("CountPad is for averages: padding has no part in a maximum"))
	}
	for axis := 3; axis >= 2; axis-- {
		windows, _, err := p.windowsAlong(axis-2, x)
		if err != nil {
			return refuse(err)
		}
		if places && axis == 3 {
			s := x.Shape()
			if s[2] > mostCopies/s[3] {
				return refuse(fmt.Errorf("the places of %d×%d pixels are more than can be listed, %d", s[2], s[3], mostCopies))
			}
			argmax = placesIn(x, s[2], s[3])
		}
		x, argmax = maxAlong(x, argmax, axis, windows)
	}
	return x, argmax
}

// placesIn returns the place of each pixel of x [N,C,h,w] in its plane, in row-major order.
func placesIn(x *graph.Value, h, w int) *graph.Value {
	at := make([]int32, h*w)
	for i := range at {
		at[i] = int32(i)
	}
	return BroadcastTo(graph.Const(x.Graph(), graph.Shape{h, w}, at...), x.Shape()...)
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

// along is the height (i = 0) or width of x [N,C,H,W] with the windows on it.
func (p Pool) along(i int, x *graph.Value) axis {
	p = p.full()
	name := [2]string{"height", "width"}[i]
	return axis{name, "window", x.Shape()[2+i], p.Size[i], p.Stride[i], p.Dilation[i], p.Pad[i], p.Pad[2+i], p.Round, true}
}

// windowsAlong returns the pixels of each window along height (i = 0) or width of x [N,C,H,W], in order, and how many
// elements it has with the padding.
func (p Pool) windowsAlong(i int, x *graph.Value) (windows [][]int, padded []int, err error) {
	if err := isImage("x", x.Type(), "NCHW"); err != nil {
		return nil, nil, err
	}
	a := p.along(i, x)
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

// maxAlong returns the maxima of windows along an axis and, unless places is nil, what it says of them. Of equal
// elements the first wins, which repeating the last element of a short window does not change.
func maxAlong(x, places *graph.Value, axis int, windows [][]int) (y, at *graph.Value) {
	indices := windowIndices(x.Graph(), windows, -1)
	copies := Gather(x, indices, axis)
	out := graph.ApplyN(2, reduceMax{axesOf(copies, []int{axis + 1})}, copies)
	if places == nil {
		return out[0], nil
	}
	at = GatherElements(Gather(places, indices, axis), Unsqueeze(out[1], axis+1), axis+1)
	return out[0], Squeeze(at, axis+1)
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
