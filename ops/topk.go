package ops

import (
	"fmt"

	"neocog/graph"
	"neocog/vm/kernel"
)

// TopK returns the k greatest elements along an axis, the greatest first, and where
// they are.
//
//	x        float [...]
//	k        at least 0, at most the extent of the axis
//	axis     negative counts from the end
//	y        [..., k, ...]
//	indices  i32, the shape of y
//	dx       = dy at the elements chosen, 0 elsewhere
//
// Of equal elements the first comes first; NaN counts as the greatest. ONNX TopK,
// sorted, largest.
func TopK(x *graph.Value, k, axis int) (y, indices *graph.Value) {
	out := graph.ApplyN(2, topK{k, axisOf(x, axis), false}, x)
	return out[0], out[1]
}

// BottomK returns the k least elements, the least first, as TopK does the greatest;
// NaN still counts as the greatest. ONNX TopK with largest 0.
func BottomK(x *graph.Value, k, axis int) (y, indices *graph.Value) {
	out := graph.ApplyN(2, topK{k, axisOf(x, axis), true}, x)
	return out[0], out[1]
}

type topK struct {
	K, Axis int
	Least   bool
}

func (topK) Name() string { return "TopK" }

func (o topK) Infer(in []graph.Type) ([]graph.Type, error) {
	out, err := inferAlong(in, o.Axis)
	if err != nil {
		return nil, err
	}
	n := out[0].Shape[o.Axis]
	if n == graph.Batch {
		return nil, fmt.Errorf("axis %d of x %v is the symbolic N, whose extent must be known to choose from", o.Axis, in[0])
	}
	if o.K < 0 || o.K > n {
		return nil, fmt.Errorf("%d elements are asked for, x %v has %d along axis %d", o.K, in[0], n, o.Axis)
	}
	y := out[0].Shape.Clone()
	y[o.Axis] = o.K
	return []graph.Type{{DType: in[0].DType, Shape: y}, {DType: graph.Int32, Shape: y}}, nil
}

func (o topK) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	l := newLines(in[0].Shape, o.Axis)
	k, err := kernel.Pick(in[0].DType, topKRun[float32](o, l), topKRun[float64](o, l))
	return kernel.One(l.count, grainOf(l.length), k), err
}

func (o topK) VJP(n *graph.Node, d []*graph.Value) []*graph.Value {
	if d[0] == nil {
		return []*graph.Value{nil}
	}
	return []*graph.Value{ScatterElements(ZerosLike(n.In(0)), n.Out(1), d[0], o.Axis, ScatterReplace)}
}

// topKRun inserts each element of a line among the best so far, which are sorted, if
// it beats the last of them.
func topKRun[T kernel.Float](o topK, l lines) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		x, y, indices := kernel.In[T](c, 0), kernel.Out[T](c, 0), kernel.Out[int32](c, 1)
		best := lines{count: l.count, length: o.K, step: l.step}
		for i := lo; i < hi; i++ {
			from, _ := l.bounds(i)
			to, _ := best.bounds(i)
			for j := range l.length {
				v := x[from+j*l.step]
				at := min(j, o.K)
				for ; at > 0 && before(v, y[to+(at-1)*l.step], o.Least); at-- {
					if at < o.K {
						y[to+at*l.step], indices[to+at*l.step] = y[to+(at-1)*l.step], indices[to+(at-1)*l.step]
					}
				}
				if at < o.K {
					y[to+at*l.step], indices[to+at*l.step] = v, int32(j)
				}
			}
		}
	}
}

// before reports whether v comes before w. NaN is the greatest.
func before[T kernel.Float](v, w T, least bool) bool {
	if least {
		return beats(w, v)
	}
	return beats(v, w)
}
