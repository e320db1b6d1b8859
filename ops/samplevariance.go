package ops

import (
	"neocog/graph"
	"neocog/vm/kernel"
)

// sampleVariance is variance·M/(M−1), M being the number of elements of x for
// each one of variance: known when shapes are, so that the batch may be
// symbolic. Where M is 0 or 1 the variance stays. x gives its shape only.
type sampleVariance struct{}

func (sampleVariance) Name() string { return "SampleVariance" }

func (sampleVariance) Operands() []string { return []string{"variance", "x"} }

func (sampleVariance) Infer(in []graph.Type) ([]graph.Type, error) {
	if err := arity(in, 2); err != nil {
		return nil, err
	}
	return in[:1], checkNorm(0, in[1], []string{"variance"}, in[:1])
}

func (sampleVariance) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	factor := 1.0
	if m := float64(newChannels(in[1].Shape).each()); m > 1 {
		factor = m / (m - 1)
	}
	return elementwise(in[0], 0, scaleRun[float32](factor), scaleRun[float64](factor))
}

func (o sampleVariance) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	return []*graph.Value{graph.Apply(o, dy[0], n.In(1)), nil}
}
