package ops

import (
	"fmt"

	"neocog/graph"
	"neocog/vm/kernel"
)

// Concat returns its inputs one after the other along an axis.
//
//	axis  negative counts from the end; not the symbolic batch
//	xs    any [...], at least one, all of the same extents elsewhere
//	y     the extents along axis added up
//	dx_i  = the part of dy where x_i was
//
// ONNX Concat.
func Concat(axis int, xs ...*graph.Value) *graph.Value {
	if len(xs) > 0 {
		axis = axisOf(xs[0], axis)
	}
	return graph.Apply(concat{axis}, xs...)
}

type concat struct{ Axis int }

func (concat) Name() string { return "Concat" }

func (o concat) Infer(in []graph.Type) ([]graph.Type, error) {
	if len(in) == 0 {
		return nil, fmt.Errorf("got no operands, want at least 1")
	}
	first := in[0]
	if err := checkAxis(first, o.Axis); err != nil {
		return nil, err
	}
	if err := sameDType(in); err != nil {
		return nil, err
	}
	y := first.Shape.Clone()
	y[o.Axis] = 0
	for i, t := range in {
		if t.Shape.Rank() != first.Shape.Rank() {
			return nil, fmt.Errorf("operand 0 has %d dimensions, operand %d has %d, want as many", first.Shape.Rank(), i, t.Shape.Rank())
		}
		for axis, n := range t.Shape {
			switch {
			case axis != o.Axis && n != first.Shape[axis]:
				return nil, fmt.Errorf("operand 0 is %v, operand %d is %v: they may differ along axis %d only", first, i, t, o.Axis)
			case axis == o.Axis && n == graph.Batch:
				return nil, fmt.Errorf("operand %d is %v: axis %d is the symbolic N, and the result would not have extent N; join along another axis", i, t, axis)
			case axis == o.Axis:
				y[axis] += n
			}
		}
	}
	return []graph.Type{{DType: first.DType, Shape: y}}, nil
}

func (o concat) Plan(_ *kernel.Env, in, out []graph.Type) (kernel.Plan, error) {
	ends := make([]int, len(in)) // of each input's part in a row of y
	row := 0
	for i, t := range in {
		row += t.Shape[o.Axis:].Size()
		ends[i] = row
	}
	k, err := pickMove(out[0].DType, concatRun[bool](ends), concatRun[int32](ends), concatRun[int64](ends))
	return kernel.One(out[0].Shape.Size(), kernel.Grain, k), err
}

func (o concat) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	dx := make([]*graph.Value, len(n.Ins()))
	at := 0
	for i, x := range n.Ins() {
		d := x.Shape()[o.Axis]
		dx[i] = Slice(dy[0], o.Axis, at, at+d)
		at += d
	}
	return dx
}

func concatRun[T graph.Element](ends []int) kernel.Kernel {
	row := ends[len(ends)-1]
	return func(c *kernel.Call, lo, hi int) {
		if lo >= hi {
			return
		}
		y := kernel.Out[T](c, 0)
		r, at := lo/row, lo%row
		for lo < hi {
			start := 0
			for i, end := range ends {
				if at < end && lo < hi {
					w := min(end-at, hi-lo)
					copy(y[lo:lo+w], kernel.In[T](c, i)[r*(end-start)+at-start:])
					lo += w
					at += w
				}
				start = end
			}
			r, at = r+1, 0
		}
	}
}
