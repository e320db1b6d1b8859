package ops

import (
	"neocog/graph"
	"neocog/internal/simd"
	"neocog/vm/kernel"
)

// Sqrt returns the square root, element by element.
//
//	x   float [...]
//	y   same type as x
//	dx  = dy/(2y)
//
// The root of a negative number is NaN, that of −0 is −0. The gradient at 0 is
// infinite, or NaN where dy is 0. ONNX Sqrt.
func Sqrt(x *graph.Value) *graph.Value { return graph.Apply(sqrt{}, x) }

type sqrt struct{}

func (sqrt) Name() string { return "Sqrt" }

func (sqrt) Elementwise() {}

func (sqrt) Infer(in []graph.Type) ([]graph.Type, error) { return sameFloat(in, 1) }

func (sqrt) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return elementwise(in[0], 0, eachRun(simd.Sqrt[float32]), eachRun(simd.Sqrt[float64]))
}

func (sqrt) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	return []*graph.Value{Scale(Div(dy[0], n.Out(0)), 0.5)}
}
