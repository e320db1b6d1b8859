package ops

import (
	"neocog/graph"
	"neocog/internal/simd"
	"neocog/vm/kernel"
)

// Tanh returns the hyperbolic tangent, element by element.
//
//	x   float [...]
//	y   same type as x, between −1 and 1
//	dx  = dy·(1 − y²)
//
// The gradient reads y, not x. ONNX Tanh.
func Tanh(x *graph.Value) *graph.Value { return graph.Apply(tanh{}, x) }

type tanh struct{}

func (tanh) Name() string { return "Tanh" }

func (tanh) Elementwise() {}

func (tanh) Infer(in []graph.Type) ([]graph.Type, error) { return sameFloat(in, 1) }

func (tanh) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return elementwise(in[0], 0, eachRun(simd.Tanh[float32]), eachRun(simd.Tanh[float64]))
}

func (tanh) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	return []*graph.Value{Mul(dy[0], OneMinus(Square(n.Out(0))))}
}
