package ops

import (
	"fmt"

	"neocog/graph"
	"neocog/vm/kernel"
)

// Gather returns whole slices of x along an axis, those which indices name: rows of a
// table, as of an embedding, for axis 0.
//
//	x        any [A..., n, B...], n along the axis
//	indices  int [I...], each from 0 to n−1
//	axis     negative counts from the end
//	y        [A..., I..., B...]
//	dx       = the sum of the dy of all places where the slice went
//
// An index out of range, a negative one too, stops the run with an error. ONNX
// Gather, where negative indices count from the end.
func Gather(x, indices *graph.Value, axis int) *graph.Value {
	return graph.Apply(gatherSlices{axisOf(x, axis)}, x, indices)
}

type gatherSlices struct{ Axis int }

func (gatherSlices) Name() string { return "Gather" }

func (gatherSlices) Operands() []string { return operandsXIndices }

// operandsXIndices are those of ops which pick elements.
var operandsXIndices = []string{"x", "indices"}

func (o gatherSlices) Infer(in []graph.Type) ([]graph.Type, error) {
	if err := arity(in, 2); err != nil {
		return nil, err
	}
	x, indices := in[0], in[1]
	if err := checkAxis(x, o.Axis); err != nil {
		return nil, err
	}
	if err := areIndices(indices, x, o.Axis); err != nil {
		return nil, err
	}
	y := append(x.Shape[:o.Axis].Clone(), indices.Shape...)
	return []graph.Type{{DType: x.DType, Shape: append(y, x.Shape[o.Axis+1:]...)}}, nil
}

// areIndices returns an error unless t may be indices along an axis of x.
func areIndices(t, x graph.Type, axis int) error {
	if !t.DType.IsInt() {
		return fmt.Errorf("indices are %v, want i32 or i64", t)
	}
	if x.Shape[axis] == 0 && t.Shape.Size() != 0 {
		return fmt.Errorf("x %v has no elements along axis %d for indices %v to name", x, axis, t)
	}
	return nil
}

func (o gatherSlices) Plan(_ *kernel.Env, in, out []graph.Type) (kernel.Plan, error) {
	s := newTable(in[0].Shape, in[1].Shape, o.Axis)
	k, err := pickIndexed(in[0].DType, in[1].DType,
		gatherRun[bool, int32](s), gatherRun[bool, int64](s),
		gatherRun[int32, int32](s), gatherRun[int32, int64](s),
		gatherRun[int64, int32](s), gatherRun[int64, int64](s))
	return kernel.One(s.outer*s.count, grainOf(s.inner), k), err
}

func (o gatherSlices) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	return []*graph.Value{graph.Apply(gatherGrad{o.Axis, n.In(0).Shape()[o.Axis]}, n.In(1), dy[0]), nil}
}

// A table is x as slices along an axis: outer times n of them, of inner elements, of
// which count indices name some.
type table struct{ outer, n, inner, count int }

func newTable(x, indices graph.Shape, axis int) table {
	return table{x[:axis].Size(), x[axis], x[axis+1:].Size(), indices.Size()}
}

func gatherRun[T graph.Element, I kernel.Number](s table) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		x, indices, y := kernel.In[T](c, 0), kernel.In[I](c, 1), kernel.Out[T](c, 0)
		for i := lo; i < hi; i++ {
			to := y[i*s.inner : (i+1)*s.inner]
			if at, ok := indexAt(c, indices, i%s.count, s.n); ok {
				copy(to, x[(i/s.count*s.n+at)*s.inner:])
			} else {
				clear(to)
			}
		}
	}
}

// indexAt returns index i, which is to be below n; one out of range is a fault.
func indexAt[I kernel.Number](c *kernel.Call, indices []I, i, n int) (at int, ok bool) {
	v := int64(indices[i])
	if v < 0 || v >= int64(n) {
		c.Fault.Set(i, "index %d at element %d: want 0 to %d", v, i, n-1)
		return 0, false
	}
	return int(v), true
}

// pickIndexed returns the kernel which moves elements of d, as integers of their
// size, by indices of type index.
func pickIndexed(d, index graph.DType, k1i32, k1i64, k4i32, k4i64, k8i32, k8i64 kernel.Kernel) (kernel.Kernel, error) {
	if index == graph.Int32 {
		return pickMove(d, k1i32, k4i32, k8i32)
	}
	return pickMove(d, k1i64, k4i64, k8i64)
}

// gatherGrad adds the slices of dy up where indices say, in a tensor with N slices
// along the axis: the gradient of Gather, whose gradient is Gather.
//
//	indices int [I...], dy float [A..., I..., B...]   →   dx [A..., N, B...]
type gatherGrad struct{ Axis, N int }

func (gatherGrad) Name() string { return "GatherGrad" }

func (gatherGrad) Operands() []string { return []string{"indices", "dy"} }

func (o gatherGrad) Infer(in []graph.Type) ([]graph.Type, error) {
	if err := arity(in, 2); err != nil {
		return nil, err
	}
	indices, dy := in[0], in[1]
	if err := isFloat(dy); err != nil {
		return nil, err
	}
	end := o.Axis + indices.Shape.Rank()
	if o.Axis < 0 || end > dy.Shape.Rank() || !dy.Shape[o.Axis:end].Equal(indices.Shape) {
		return nil, fmt.Errorf("dy is %v, want the extents of indices %v from axis %d on", dy, indices, o.Axis)
	}
	dx := append(dy.Shape[:o.Axis].Clone(), o.N)
	out := graph.Type{DType: dy.DType, Shape: append(dx, dy.Shape[end:]...)}
	if o.N < graph.Batch {
		return nil, fmt.Errorf("%d slices are asked for, want at least 0", o.N)
	}
	return []graph.Type{out}, areIndices(indices, out, o.Axis)
}

func (o gatherGrad) Plan(_ *kernel.Env, in, out []graph.Type) (kernel.Plan, error) {
	s := newTable(out[0].Shape, in[0].Shape, o.Axis)
	k, err := pickLabels(out[0].DType, in[0].DType,
		gatherGradRun[float32, int32](s), gatherGradRun[float32, int64](s), nil,
		gatherGradRun[float64, int32](s), gatherGradRun[float64, int64](s), nil)
	return kernel.One(s.outer*s.bands(), grainOf((s.n+s.count)*min(s.inner, band)), k), err
}

func (o gatherGrad) VJP(n *graph.Node, ddx []*graph.Value) []*graph.Value {
	return []*graph.Value{nil, Gather(ddx[0], n.In(0), o.Axis)}
}

// bands is into how many columns workers divide slices.
func (s table) bands() int { return (s.inner + band - 1) / band }

// gatherGradRun computes a column of all slices: whoever writes an element adds up all of it, in the order
// of the indices.
func gatherGradRun[T kernel.Float, I kernel.Number](s table) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		indices, dy, dx := kernel.In[I](c, 0), kernel.In[T](c, 1), kernel.Out[T](c, 0)
		for i := lo; i < hi; i++ {
			outer, first := i/s.bands(), i%s.bands()*band
			width := min(band, s.inner-first)
			for n := range s.n {
				clear(dx[(outer*s.n+n)*s.inner+first:][:width])
			}
			for j := range s.count {
				at, ok := indexAt(c, indices, j, s.n)
				if !ok {
					continue
				}
				to, from := dx[(outer*s.n+at)*s.inner+first:][:width], dy[(outer*s.count+j)*s.inner+first:]
				for k := range to {
					to[k] += from[k]
				}
			}
		}
	}
}
