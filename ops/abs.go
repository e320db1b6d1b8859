package ops

import (
	"neocog/graph"
	"neocog/internal/simd"
	"neocog/vm/kernel"
)

// Abs returns |x|, element by element.
//
//	x   float or int [...]
//	y   same type as x
//	dx  = dy·Sign(x)        (0 at x = 0, as PyTorch)
//
// NaN stays NaN; the least integer, which has no positive counterpart, stays as
// it is. ONNX Abs.
func Abs(x *graph.Value) *graph.Value { return graph.Apply(abs{}, x) }

type abs struct{}

func (abs) Name() string { return "Abs" }

func (abs) Elementwise() {}

func (abs) Infer(in []graph.Type) ([]graph.Type, error) { return sameNumber(in) }

func (abs) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return numberwise(in[0], eachRun(simd.Abs[float32]), eachRun(simd.Abs[float64]), eachRun(absInt[int32]), eachRun(absInt[int64]))
}

func (abs) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	return []*graph.Value{Mul(dy[0], Sign(n.In(0)))}
}

func absInt[T int32 | int64](y, x []T) {
	for i, v := range x {
		y[i] = max(v, -v)
	}
}
