package ops

import (
	"math"

	"neocog/graph"
	"neocog/internal/simd"
	"neocog/vm/kernel"
)

// GELU returns x·Φ(x), Φ being the distribution function of the standard normal
// distribution. See GELUTanh for the approximation that some networks were trained with.
//
//	x   float [...]
//	y   same type as x
//	dx  = dy·(Φ(x) + x·φ(x)),  φ(x) = e^(−x²/2)/√(2π)
//
// It is −0 for −Inf, +Inf for +Inf. Hendrycks and Gimpel, “Gaussian Error Linear
// Units”, 2016. ONNX Gelu, approximate none.
func GELU(x *graph.Value) *graph.Value { return graph.Apply(gelu{}, x) }

type gelu struct{}

func (gelu) Name() string { return "GELU" }

func (gelu) Elementwise() {}

func (gelu) Infer(in []graph.Type) ([]graph.Type, error) { return sameFloat(in, 1) }

func (gelu) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return elementwise(in[0], 0, eachRun(simd.GELU[float32]), eachRun(simd.GELU[float64]))
}

func (gelu) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	return []*graph.Value{graph.Apply(geluGrad{}, n.In(0), dy[0])}
}

// geluGrad is dy·(Φ(x) + x·φ(x)). Given ddx its gradient with respect to dy is
// itself, that with respect to x is ddx·dy·(2 − x²)·φ(x).
type geluGrad struct{}

func (geluGrad) Name() string { return "GELUGrad" }

func (geluGrad) Elementwise() {}

func (geluGrad) Operands() []string { return operandsXDy }

func (geluGrad) Infer(in []graph.Type) ([]graph.Type, error) { return sameFloat(in, 2) }

func (geluGrad) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return elementwise(in[0], 1, pairRun(simd.GELUGrad[float32]), pairRun(simd.GELUGrad[float64]))
}

func (geluGrad) VJP(n *graph.Node, ddx []*graph.Value) []*graph.Value {
	x, dy := n.In(0), n.In(1)
	squares := Square(x)
	density := Scale(Exp(Scale(squares, -0.5)), 1/math.Sqrt(2*math.Pi))
	bend := Mul(AddScalar(Neg(squares), 2), density)
	return []*graph.Value{Mul(Mul(ddx[0], dy), bend), graph.Apply(geluGrad{}, x, ddx[0])}
}
