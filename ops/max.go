package ops

import (
	"fmt"
	"math"

	"neocog/graph"
	"neocog/internal/simd"
	"neocog/vm/kernel"
)

// Max returns the greatest element over the given axes, which y lacks; over all
// axes, as a scalar, if none is given.
//
//	x     float [...]
//	axes  negative ones count from the end
//	y     the shape of x without the axes
//	dx    = dy at the greatest element, 0 elsewhere
//
// Of several greatest elements the first in row-major order gets the gradient
// (PyTorch's amax divides it among them). NaN counts as the greatest. The
// greatest of nothing is −Inf. ONNX ReduceMax.
func Max(x *graph.Value, axes ...int) *graph.Value {
	return graph.ApplyN(2, reduceMax{axesOf(x, axes)}, x)[0]
}

// MaxKeep is Max, but y has extent 1 in place of each reduced axis and so
// broadcasts against x.
func MaxKeep(x *graph.Value, axes ...int) *graph.Value { return kept(Max(x, axes...), x, axes) }

// ArgMax returns where along an axis the greatest element is.
//
//	x     float [...]
//	axis  negative counts from the end
//	y     i32, the shape of x without the axis
//
// Of several greatest elements it is the first; NaN counts as the greatest. Where
// there are none it is −1. It has no gradient. ONNX ArgMax.
func ArgMax(x *graph.Value, axis int) *graph.Value {
	return graph.ApplyN(2, reduceMax{axesOf(x, []int{axis})}, x)[1]
}

// reduceMax has two results: the greatest elements, and which they are, counted
// in row-major order of the reduced axes.
type reduceMax struct{ Axes graph.Dims }

func (reduceMax) Name() string { return "Max" }

func (o reduceMax) Infer(in []graph.Type) ([]graph.Type, error) {
	y, err := inferReduce(in, o.Axes)
	if err != nil {
		return nil, err
	}
	return []graph.Type{y[0], {DType: graph.Int32, Shape: y[0].Shape}}, nil
}

func (o reduceMax) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	r := newReduction(in[0].Shape, o.Axes)
	if r.count > math.MaxInt32 {
		return kernel.Plan{}, fmt.Errorf("%d elements are compared, the most is %d", r.count, math.MaxInt32)
	}
	return r.plan(in[0].DType, maxRun[float32](r), maxRun[float64](r))
}

func (o reduceMax) VJP(n *graph.Node, d []*graph.Value) []*graph.Value {
	if d[0] == nil {
		return []*graph.Value{nil}
	}
	return []*graph.Value{graph.Apply(maxGrad{graph.MakeDims(n.In(0).Shape()...), o.Axes}, n.Out(1), d[0])}
}

func maxRun[T kernel.Float](r reduction) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		x, y, index := kernel.In[T](c, 0), kernel.Out[T](c, 0), kernel.Out[int32](c, 1)
		r.eachBand(lo, hi, func(first, n, base int) {
			y, index := y[first:first+n], index[first:first+n]
			fill(y, T(math.Inf(-1)))
			fill(index, -1)
			r.eachRow(base, n, func(lo, hi, turn int) {
				if r.columns {
					for i, v := range x[lo:hi] {
						if beats(v, y[i]) || index[i] < 0 {
							y[i], index[i] = v, int32(turn)
						}
					}
					return
				}
				if best := simd.Greatest(x[lo:hi]); lo < hi && (beats(best, y[0]) || index[0] < 0) {
					i := find(x[lo:hi], best)
					y[0], index[0] = x[lo+i], int32(turn+i)
				}
			})
		})
	}
}

// find returns the index of the first element of x which is v, NaN being NaN and
// 0 also −0. There must be one.
func find[T kernel.Float](x []T, v T) int {
	i := 0
	for x[i] != v && (x[i] == x[i] || v == v) {
		i++
	}
	return i
}

// beats reports whether v is greater than best, NaN being the greatest.
func beats[T kernel.Float](v, best T) bool { return v > best || v != v && best == best }

// maxGrad is the gradient of Max: dy at the elements index, 0 elsewhere. Its own
// gradient is maxPick.
//
//	index i32, dy: the shape without the axes   →   dx [Shape...]
type maxGrad struct{ Shape, Axes graph.Dims }

func (maxGrad) Name() string { return "MaxGrad" }

func (maxGrad) Operands() []string { return []string{"index", "dy"} }

func (o maxGrad) Infer(in []graph.Type) ([]graph.Type, error) {
	if err := arity(in, 2); err != nil {
		return nil, err
	}
	if err := isFloat(in[1]); err != nil {
		return nil, err
	}
	dx := graph.Type{DType: in[1].DType, Shape: o.Shape.Slice()}
	if o.Shape.Len() > graph.MaxRank {
		return nil, fmt.Errorf("the shape has %d dimensions, the most is %d", o.Shape.Len(), graph.MaxRank)
	}
	if err := checkAxes(dx, o.Axes); err != nil {
		return nil, err
	}
	if err := checkIndex(in[0], in[1], dx, o.Axes); err != nil {
		return nil, err
	}
	return []graph.Type{dx}, nil
}

// checkIndex returns an error unless index and dy have the shape of x without the axes.
func checkIndex(index, dy, x graph.Type, axes graph.Dims) error {
	want := dropAxes(x.Shape, axes)
	if index.DType != graph.Int32 || !index.Shape.Equal(want) {
		return fmt.Errorf("index is %v, want i32%v", index, want)
	}
	if !dy.Shape.Equal(want) {
		return fmt.Errorf("dy is %v, want %v%v", dy, dy.DType, want)
	}
	return nil
}

func (o maxGrad) Plan(_ *kernel.Env, _, out []graph.Type) (kernel.Plan, error) {
	r := newReduction(out[0].Shape, o.Axes)
	return r.plan(out[0].DType, maxGradRun[float32](r), maxGradRun[float64](r))
}

func (o maxGrad) VJP(n *graph.Node, d []*graph.Value) []*graph.Value {
	return []*graph.Value{nil, graph.Apply(maxPick{o.Axes}, d[0], n.In(0))}
}

func maxGradRun[T kernel.Float](r reduction) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		index, dy, dx := kernel.In[int32](c, 0), kernel.In[T](c, 1), kernel.Out[T](c, 0)
		r.eachBand(lo, hi, func(first, n, base int) {
			r.eachRow(base, n, func(lo, hi, _ int) { clear(dx[lo:hi]) })
			for i := range n {
				if at, ok := r.turn(c, index, first+i); ok {
					dx[base+i+at] = dy[first+i]
				}
			}
		})
	}
}

// maxPick returns the elements index of x: the gradient of maxGrad.
//
//	x [...], index i32: the shape without the axes   →   y: that shape
type maxPick struct{ Axes graph.Dims }

func (maxPick) Name() string { return "MaxPick" }

func (maxPick) Operands() []string { return []string{"x", "index"} }

func (o maxPick) Infer(in []graph.Type) ([]graph.Type, error) {
	if err := arity(in, 2); err != nil {
		return nil, err
	}
	y, err := inferReduce(in[:1], o.Axes)
	if err != nil {
		return nil, err
	}
	return y, checkIndex(in[1], y[0], in[0], o.Axes)
}

func (o maxPick) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	r := newReduction(in[0].Shape, o.Axes)
	k, err := kernel.Pick(in[0].DType, maxPickRun[float32](r), maxPickRun[float64](r))
	return kernel.One(r.results, kernel.Grain, k), err
}

func (o maxPick) VJP(n *graph.Node, d []*graph.Value) []*graph.Value {
	return []*graph.Value{graph.Apply(maxGrad{graph.MakeDims(n.In(0).Shape()...), o.Axes}, n.In(1), d[0]), nil}
}

func maxPickRun[T kernel.Float](r reduction) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		x, index, y := kernel.In[T](c, 0), kernel.In[int32](c, 1), kernel.Out[T](c, 0)
		for p := r.kept.place(lo); lo < hi; lo++ {
			y[lo] = 0
			if at, ok := r.turn(c, index, lo); ok {
				y[lo] = x[p.off[0]+at]
			}
			r.kept.forward(&p, 1)
		}
	}
}

// turn returns the offset, from its first element, of the element of result i
// that index names. Where there is none to name, ok is false.
func (r *reduction) turn(c *kernel.Call, index []int32, i int) (off int, ok bool) {
	at := int(index[i])
	if at < 0 || at >= r.count {
		if r.count > 0 {
			c.Fault.Set(i, "index %d at element %d: want 0 to %d", at, i, r.count-1)
		}
		return 0, false
	}
	return r.over.place(at).off[0], true
}
