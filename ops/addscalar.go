package ops

import (
	"neocog/graph"
	"neocog/internal/simd"
	"neocog/vm/kernel"
)

// AddScalar returns x + s, element by element, s rounded to x's element type.
//
//	x   float [...]
//	y   same type as x
//	dx  = dy
func AddScalar(x *graph.Value, s float64) *graph.Value { return graph.Apply(addScalar{s}, x) }

type addScalar struct{ S float64 }

func (addScalar) Name() string { return "AddScalar" }

func (addScalar) Elementwise() {}

func (addScalar) Infer(in []graph.Type) ([]graph.Type, error) { return sameFloat(in, 1) }

func (o addScalar) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return elementwise(in[0], 0, addScalarRun[float32](o.S), addScalarRun[float64](o.S))
}

func (addScalar) VJP(_ *graph.Node, dy []*graph.Value) []*graph.Value { return dy }

func addScalarRun[T kernel.Float](scalar float64) kernel.Kernel {
	s := []T{T(scalar)}
	return eachRun(func(y, x []T) { simd.Add(y, x, s) })
}
