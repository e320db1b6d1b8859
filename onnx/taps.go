package onnx

import (
	"math"

	"neocog/graph"
	"neocog/ops"
)

// This file has poolings which no op of ours has: of any number of axes, and with gaps
// in the window. They are made of one slice of the padded image for each element of
// the window, a tap.

// maxTaps is the most elements of such a window.
const maxTaps = 256

// unusual returns the window of a pooling that is made of taps.
func (c *call) unusual() (w window, ok bool) {
	x, size := c.rank(0, 3), c.attrInts("kernel_shape")
	if len(size) != x.Shape().Rank()-2 {
		c.refuse("the window is %v, x %v", size, x.Type())
	}
	w = c.window(c.float(0), size)
	gaps := false
	taps := 1
	for i := range size {
		gaps = gaps || w.dilation[i] != 1
		taps *= min(size[i], maxTaps+1)
		taps = min(taps, maxTaps+1)
	}
	if ok = gaps || len(size) > 2; !ok {
		return w, false
	}
	if taps > maxTaps {
		c.refuse("the window is %v; with gaps, or of more than two axes, it may have %d elements", size, maxTaps)
	}
	if len(c.n.Output) > 1 && c.n.Output[1] != "" {
		c.refuse("the places of the greatest elements are not known for a window of %v with dilation %v", size, w.dilation)
	}
	return w, true
}

// outputs returns how many windows there are along each axis of x, and by how much
// the last ones reach beyond the padding.
func (c *call) outputs(x *graph.Value, w window) (counts, beyond []int) {
	n := len(w.size)
	for i := range n {
		in := c.extent(x, i+2)
		free := in + w.pads[i] + w.pads[n+i] - ((w.size[i]-1)*w.dilation[i] + 1)
		if free < 0 || w.pads[i] < 0 || w.pads[n+i] < 0 {
			c.refuse("the window %v with padding %v is larger than x %v", w.size, w.pads, x.Type())
		}
		count, over := free/w.stride[i]+1, 0
		if rest := free % w.stride[i]; rest != 0 && c.attrInt("ceil_mode", 0) != 0 && count*w.stride[i] < in+w.pads[i] {
			count, over = count+1, w.stride[i]-rest
		}
		counts, beyond = append(counts, count), append(beyond, over)
	}
	return counts, beyond
}

// taps calls each with one slice of x, padded by value, for every element of the
// window: for all windows what that element sees.
func (c *call) taps(x *graph.Value, w window, value float64, each func(tap *graph.Value)) {
	n := len(w.size)
	counts, beyond := c.outputs(x, w)
	lo, hi := make([]int, n+2), make([]int, n+2)
	for i := range n {
		lo[i+2], hi[i+2] = w.pads[i], w.pads[n+i]+beyond[i]
	}
	padded := ops.Pad(x, lo, hi, value)
	at := make([]int, n)
	for {
		tap := padded
		for i := range n {
			first := at[i] * w.dilation[i]
			tap = ops.SliceStep(tap, i+2, first, first+(counts[i]-1)*w.stride[i]+1, w.stride[i])
		}
		each(tap)
		i := n - 1
		for ; i >= 0; i-- {
			if at[i]++; at[i] < w.size[i] {
				break
			}
			at[i] = 0
		}
		if i < 0 {
			return
		}
	}
}

func (c *call) maxOfTaps(w window) *graph.Value {
	var y *graph.Value
	c.taps(c.float(0), w, math.Inf(-1), func(tap *graph.Value) {
		if y == nil {
			y = tap
		} else {
			y = ops.Maximum(y, tap)
		}
	})
	return y
}

// meanOfTaps divides by the pixels that a window sees, or by pixels and padding.
func (c *call) meanOfTaps(w window) *graph.Value {
	x := c.float(0)
	var y *graph.Value
	c.taps(x, w, 0, func(tap *graph.Value) {
		if y == nil {
			y = tap
		} else {
			y = ops.Add(y, tap)
		}
	})
	n := len(w.size)
	counts, _ := c.outputs(x, w)
	total := graph.Shape(counts).Size()
	if total > maxTable {
		c.refuse("x is %v, too large for a table of divisors", x.Type())
	}
	divisors := make([]float64, total)
	for j := range divisors {
		divisors[j] = 1
		for i, k := n-1, j; i >= 0; i-- {
			first := k%counts[i]*w.stride[i] - w.pads[i]
			k /= counts[i]
			seen := 0
			for tap := range w.size[i] {
				p := first + tap*w.dilation[i]
				inside := p >= 0 && p < x.Shape()[i+2]
				if c.attrInt("count_include_pad", 0) != 0 {
					inside = p < x.Shape()[i+2]+w.pads[n+i]
				}
				if inside {
					seen++
				}
			}
			divisors[j] *= float64(seen)
		}
	}
	return ops.Div(y, constantLike(y, counts, divisors))
}

// maxUnpool puts elements back to where a MaxPool found them; all else is 0. The
// indices are places in the whole of the result.
func maxUnpool(c *call) []*graph.Value {
	x, indices := c.rank(0, 3), c.in(1)
	if !indices.Type().Shape.Equal(x.Shape()) || indices.DType() != graph.Int64 {
		c.refuse("x is %v, the indices %v", x.Type(), indices.Type())
	}
	size := c.attrInts("kernel_shape")
	n := len(size)
	if n != x.Shape().Rank()-2 {
		c.refuse("the window is %v, x %v", size, x.Type())
	}
	stride, pads := c.list("strides", n, 1), c.list("pads", 2*n, 0)
	from := x.Shape()[:2].Clone()
	for i := range n {
		from = append(from, (c.extent(x, i+2)-1)*stride[i]+size[i]-pads[i]-pads[n+i])
	}
	to := from
	if c.has(2) {
		to = c.ints(2, "the shape of the result")
	}
	if len(to) != len(from) || graph.Shape(to).Size() < 0 {
		c.refuse("the shape of the result is %v", to)
	}
	for i, d := range from {
		if d < 0 || to[i] < d {
			c.refuse("the shape of the result is %v, want at least %v", to, from)
		}
	}
	// The indices count in the shape that the window gives, also where the result is larger.
	elements, total := c.size(x), from.Size()
	zeros := ops.Full(c.g, graph.Of(x.DType(), total), 0)
	places := c.fromStart(ops.Reshape(indices, elements), zeros, 0)
	flat := ops.ScatterElements(zeros, places, ops.Reshape(x, elements), 0, ops.ScatterReplace)
	y := ops.Reshape(flat, from...)
	hi := make([]int, len(to))
	for i := range to {
		hi[i] = to[i] - from[i]
	}
	return one(ops.Pad(y, make([]int, len(to)), hi, 0))
}
