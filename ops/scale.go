package ops

import (
	"neocog/graph"
	"neocog/internal/simd"
	"neocog/vm/kernel"
)

// Scale returns s·x, element by element, s rounded to x's element type.
//
//	x   float [...]
//	y   same type as x
//	dx  = s·dy
//
// Scale by 1 is x itself.
func Scale(x *graph.Value, s float64) *graph.Value {
	if s == 1 && x.IsValid() {
		return x
	}
	return graph.Apply(scale{s}, x)
}

type scale struct{ S float64 }

func (scale) Name() string { return "Scale" }

func (scale) Elementwise() {}

func (scale) Infer(in []graph.Type) ([]graph.Type, error) { return sameFloat(in, 1) }

func (o scale) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return elementwise(in[0], 0, scaleRun[float32](o.S), scaleRun[float64](o.S))
}

func (o scale) VJP(_ *graph.Node, dy []*graph.Value) []*graph.Value {
	return []*graph.Value{Scale(dy[0], o.S)}
}

func scaleRun[T kernel.Float](scalar float64) kernel.Kernel {
	s := []T{T(scalar)}
	return eachRun(func(y, x []T) { simd.Mul(y, x, s) })
}
