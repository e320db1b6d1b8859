package ops

import (
	"neocog/graph"
	"neocog/internal/simd"
	"neocog/vm/kernel"
)

// Exp returns eˣ, element by element.
//
//	x   float [...]
//	y   same type as x
//	dx  = dy·y
//
// Too large an x gives +Inf, −Inf gives 0. ONNX Exp.
func Exp(x *graph.Value) *graph.Value { return graph.Apply(exp{}, x) }

type exp struct{}

func (exp) Name() string { return "Exp" }

func (exp) Elementwise() {}

func (exp) Infer(in []graph.Type) ([]graph.Type, error) { return sameFloat(in, 1) }

func (exp) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return elementwise(in[0], 0, eachRun(simd.Exp[float32]), eachRun(simd.Exp[float64]))
}

func (exp) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	return []*graph.Value{Mul(dy[0], n.Out(0))}
}
