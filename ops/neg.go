package ops

import (
	"neocog/graph"
	"neocog/internal/simd"
	"neocog/vm/kernel"
)

// Neg returns −x, element by element; the sign of zero and NaN changes too.
//
//	x   float or int [...]
//	y   same type as x
//	dx  = −dy
//
// ONNX Neg.
func Neg(x *graph.Value) *graph.Value { return graph.Apply(neg{}, x) }

type neg struct{}

func (neg) Name() string { return "Neg" }

func (neg) Elementwise() {}

func (neg) Infer(in []graph.Type) ([]graph.Type, error) { return sameNumber(in) }

func (neg) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return numberwise(in[0], eachRun(simd.Neg[float32]), eachRun(simd.Neg[float64]), eachRun(simd.Neg[int32]), eachRun(simd.Neg[int64]))
}

func (neg) VJP(_ *graph.Node, dy []*graph.Value) []*graph.Value {
	return []*graph.Value{Neg(dy[0])}
}
