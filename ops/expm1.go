package ops

import (
	"math"

	"neocog/graph"
	"neocog/vm/kernel"
)

// Expm1 returns eˣ − 1, element by element, without cancellation near 0.
//
//	x   float [...]
//	y   same type as x
//	dx  = dy·eˣ
//
// Too large an x gives +Inf, −Inf gives −1. Computed in float64 and rounded once.
func Expm1(x *graph.Value) *graph.Value { return graph.Apply(expm1{}, x) }

type expm1 struct{}

func (expm1) Name() string { return "Expm1" }

func (expm1) Elementwise() {}

func (expm1) Infer(in []graph.Type) ([]graph.Type, error) { return sameFloat(in, 1) }

func (expm1) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return planWide(in[0], math.Expm1)
}

func (expm1) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	return []*graph.Value{Mul(dy[0], Exp(n.In(0)))}
}
