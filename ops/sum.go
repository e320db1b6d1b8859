package ops

import (
	"neocog/graph"
	"neocog/internal/simd"
	"neocog/vm/kernel"
)

// Sum returns the sum over the given axes, which y lacks; over all axes, as a
// scalar, if none is given.
//
//	x     float [...]
//	axes  negative ones count from the end
//	y     the shape of x without the axes
//	dx    = dy, stretched to the shape of x
//
// The sum of nothing is 0. Sums are accumulated in float64, over all axes in
// chunks of 4096 elements which are combined pairwise. ONNX ReduceSum.
func Sum(x *graph.Value, axes ...int) *graph.Value { return graph.Apply(sum{axesOf(x, axes)}, x) }

// SumKeep is Sum, but y has extent 1 in place of each reduced axis and so
// broadcasts against x.
func SumKeep(x *graph.Value, axes ...int) *graph.Value { return kept(Sum(x, axes...), x, axes) }

type sum struct{ Axes graph.Dims }

func (sum) Name() string { return "Sum" }

func (s sum) Infer(in []graph.Type) ([]graph.Type, error) { return inferReduce(in, s.Axes) }

func (s sum) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return planSum(in[0], s.Axes, 1)
}

func (s sum) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	x := n.In(0)
	dy0 := Reshape(dy[0], keepAxes(x.Shape(), s.Axes)...)
	return []*graph.Value{BroadcastTo(dy0, x.Shape()...)}
}

// planSum returns the plan of the sum of x over axes, divided by divisor.
func planSum(x graph.Type, axes graph.Dims, divisor float64) (kernel.Plan, error) {
	r := newReduction(x.Shape, axes)
	if r.results == 1 {
		return planTotal(x, simd.Sum[float32], simd.Sum[float64], divisor)
	}
	p, err := r.plan(x.DType, sumRun[float32](r, divisor), sumRun[float64](r, divisor))
	p.Local = kernel.SizeOf(graph.Float64, band)
	return p, err
}

func sumRun[T kernel.Float](r reduction, divisor float64) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		x, y, acc := kernel.In[T](c, 0), kernel.Out[T](c, 0), kernel.Local[float64](c, 0, band)
		r.eachBand(lo, hi, func(first, n, base int) {
			clear(acc[:n])
			r.eachRow(base, n, func(lo, hi, _ int) {
				if !r.columns {
					acc[0] += simd.Sum(x[lo:hi])
					return
				}
				simd.Accumulate(acc[:n], x[lo:hi])
			})
			for i, v := range acc[:n] {
				y[first+i] = T(v / divisor)
			}
		})
	}
}
