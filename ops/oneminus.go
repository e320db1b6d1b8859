package ops

import (
	"neocog/graph"
	"neocog/internal/simd"
	"neocog/vm/kernel"
)

// OneMinus returns 1 − x, element by element.
//
//	x   float [...]
//	y   same type as x
//	dx  = −dy
func OneMinus(x *graph.Value) *graph.Value { return graph.Apply(oneMinus{}, x) }

type oneMinus struct{}

func (oneMinus) Name() string { return "OneMinus" }

func (oneMinus) Elementwise() {}

func (oneMinus) Infer(in []graph.Type) ([]graph.Type, error) { return sameFloat(in, 1) }

func (oneMinus) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return elementwise(in[0], 0, oneMinusRun[float32](), oneMinusRun[float64]())
}

func (oneMinus) VJP(_ *graph.Node, dy []*graph.Value) []*graph.Value {
	return []*graph.Value{Neg(dy[0])}
}

func oneMinusRun[T kernel.Float]() kernel.Kernel {
	one := []T{1}
	return eachRun(func(y, x []T) { simd.Sub(y, one, x) })
}
