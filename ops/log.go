package ops

import (
	"neocog/graph"
	"neocog/internal/simd"
	"neocog/vm/kernel"
)

// Log returns the natural logarithm, element by element.
//
//	x   float [...]
//	y   same type as x
//	dx  = dy/x
//
// The logarithm of 0 is −Inf, that of a negative number NaN. ONNX Log.
func Log(x *graph.Value) *graph.Value { return graph.Apply(log{}, x) }

type log struct{}

func (log) Name() string { return "Log" }

func (log) Elementwise() {}

func (log) Infer(in []graph.Type) ([]graph.Type, error) { return sameFloat(in, 1) }

func (log) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return elementwise(in[0], 0, eachRun(simd.Log[float32]), eachRun(simd.Log[float64]))
}

func (log) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	return []*graph.Value{Div(dy[0], n.In(0))}
}
