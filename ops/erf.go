package ops

import (
	"math"

	"neocog/graph"
	"neocog/vm/kernel"
)

// Erf returns the error function 2/√π·∫₀ˣ e^(−t²) dt, element by element.
//
//	x   float [...]
//	y   same type as x, between −1 and 1
//	dx  = dy·2/√π·e^(−x²)
//
// Computed in float64 and rounded once. ONNX Erf.
func Erf(x *graph.Value) *graph.Value { return graph.Apply(erf{}, x) }

type erf struct{}

func (erf) Name() string { return "Erf" }

func (erf) Elementwise() {}

func (erf) Infer(in []graph.Type) ([]graph.Type, error) { return sameFloat(in, 1) }

func (erf) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return planWide(in[0], math.Erf)
}

func (erf) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	density := Scale(Exp(Neg(Square(n.In(0)))), 2/math.SqrtPi)
	return []*graph.Value{Mul(dy[0], density)}
}
