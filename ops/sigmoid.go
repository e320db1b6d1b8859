package ops

import (
	"neocog/graph"
	"neocog/internal/simd"
	"neocog/vm/kernel"
)

// Sigmoid returns the logistic function 1/(1 + e⁻ˣ), element by element.
//
//	x   float [...]
//	y   same type as x, between 0 and 1
//	dx  = dy·y·(1 − y)
//
// It neither overflows nor loses digits for large |x|. The gradient reads y,
// not x. ONNX Sigmoid.
func Sigmoid(x *graph.Value) *graph.Value { return graph.Apply(sigmoid{}, x) }

type sigmoid struct{}

func (sigmoid) Name() string { return "Sigmoid" }

func (sigmoid) Elementwise() {}

func (sigmoid) Infer(in []graph.Type) ([]graph.Type, error) { return sameFloat(in, 1) }

func (sigmoid) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return elementwise(in[0], 0, eachRun(simd.Sigmoid[float32]), eachRun(simd.Sigmoid[float64]))
}

func (sigmoid) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	y := n.Out(0)
	return []*graph.Value{Mul(dy[0], Mul(y, OneMinus(y)))}
}
