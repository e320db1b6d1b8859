package ops

import (
	"neocog/graph"
	"neocog/vm/kernel"
)

// CumSum returns the sums of the elements so far, along an axis.
//
//	x     float [...]
//	axis  negative counts from the end
//	y     same type as x:  y_i = Σ_{j ≤ i} x_j
//	dx    = the sums of dy from the other end
//
// Exclusive leaves x_i itself out of y_i; Reverse begins at the end. Accumulated in
// float64. ONNX CumSum.
func CumSum(x *graph.Value, axis int, c Cumulation) *graph.Value {
	return graph.Apply(cumSum{axisOf(x, axis), c}, x)
}

// Cumulation says which elements a cumulative sum adds.
type Cumulation struct{ Exclusive, Reverse bool }

type cumSum struct {
	Axis int
	Cumulation
}

func (cumSum) Name() string { return "CumSum" }

func (o cumSum) Infer(in []graph.Type) ([]graph.Type, error) { return inferAlong(in, o.Axis) }

func (o cumSum) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	l := newLines(in[0].Shape, o.Axis)
	return l.plan(in[0].DType, lineRun(l, cumulate[float32](o.Cumulation)), lineRun(l, cumulate[float64](o.Cumulation)))
}

func (o cumSum) VJP(_ *graph.Node, dy []*graph.Value) []*graph.Value {
	o.Reverse = !o.Reverse
	return []*graph.Value{graph.Apply(o, dy[0])}
}

func cumulate[T kernel.Float](o Cumulation) func(y, x []T) {
	return func(y, x []T) {
		sum := 0.0
		for i := range x {
			if o.Reverse {
				i = len(x) - 1 - i
			}
			v := float64(x[i])
			if o.Exclusive {
				y[i] = T(sum)
			}
			sum += v
			if !o.Exclusive {
				y[i] = T(sum)
			}
		}
	}
}
