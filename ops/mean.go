package ops

import (
	"neocog/graph"
	"neocog/vm/kernel"
)

// Mean returns the mean over the given axes, which y lacks; over all axes, as a
// scalar, if none is given.
//
//	x     float [...]
//	axes  negative ones count from the end; the batch may be among them
//	y     the shape of x without the axes
//	dx    = dy / count, stretched to the shape of x
//
// The mean of nothing is NaN. Accumulated as Sum is. ONNX ReduceMean.
func Mean(x *graph.Value, axes ...int) *graph.Value { return graph.Apply(mean{axesOf(x, axes)}, x) }

// MeanKeep is Mean, but y has extent 1 in place of each reduced axis and so
// broadcasts against x.
func MeanKeep(x *graph.Value, axes ...int) *graph.Value { return kept(Mean(x, axes...), x, axes) }

type mean struct{ Axes graph.Dims }

func (mean) Name() string { return "Mean" }

func (m mean) Infer(in []graph.Type) ([]graph.Type, error) { return inferReduce(in, m.Axes) }

func (m mean) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	r := newReduction(in[0].Shape, m.Axes)
	return planSum(in[0], m.Axes, float64(r.count))
}

func (m mean) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	x := n.In(0)
	dy0 := Reshape(dy[0], keepAxes(x.Shape(), m.Axes)...)
	return []*graph.Value{graph.Apply(spreadMean{graph.MakeDims(x.Shape()...)}, dy0)}
}
