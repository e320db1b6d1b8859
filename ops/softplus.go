package ops

import (
	"math"

	"neocog/graph"
	"neocog/vm/kernel"
)

// Softplus returns log(1 + eˣ), element by element: a smooth ReLU.
//
//	x   float [...]
//	y   same type as x, at least 0
//	dx  = dy·Sigmoid(x)
//
// Computed as max(x, 0) + log(1 + e^−|x|), so that nothing overflows and small
// results keep their digits. Dugas et al., “Incorporating Second-Order Functional
// Knowledge for Better Option Pricing”, NIPS 2000. ONNX Softplus.
func Softplus(x *graph.Value) *graph.Value { return graph.Apply(softplus{}, x) }

type softplus struct{}

func (softplus) Name() string { return "Softplus" }

func (softplus) Elementwise() {}

func (softplus) Infer(in []graph.Type) ([]graph.Type, error) { return sameFloat(in, 1) }

func (softplus) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return planWide(in[0], func(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) })
}

func (softplus) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	return []*graph.Value{Mul(dy[0], Sigmoid(n.In(0)))}
}
