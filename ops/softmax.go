package ops

import (
	"neocog/graph"
	"neocog/internal/simd"
	"neocog/vm/kernel"
)

// Softmax returns e^x_i / Σ_j e^x_j, the sum going over one axis.
//
//	x     float [...]
//	axis  negative counts from the end
//	y     same type as x
//	dx    = y·(dy − Σ_j dy_j·y_j)
//
// Exponentials are taken of x_i − max_j x_j, so that none overflows. A −Inf
// among finite numbers gives 0; a +Inf, a NaN or nothing but −Inf gives NaN
// throughout. ONNX Softmax.
func Softmax(x *graph.Value, axis int) *graph.Value {
	return graph.Apply(softmax{axisOf(x, axis)}, x)
}

type softmax struct{ Axis int }

func (softmax) Name() string { return "Softmax" }

func (o softmax) Infer(in []graph.Type) ([]graph.Type, error) { return inferAlong(in, o.Axis) }

func (o softmax) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	l := newLines(in[0].Shape, o.Axis)
	return l.plan(in[0].DType, lineRun(l, softmaxLine[float32]), lineRun(l, softmaxLine[float64]))
}

func (o softmax) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	return []*graph.Value{softmaxGrad(n.Out(0), dy[0], o.Axis)}
}

// softmaxGrad returns the gradient of the input of a softmax y given that of y.
func softmaxGrad(y, dy *graph.Value, axis int) *graph.Value {
	return Mul(y, Sub(dy, SumKeep(Mul(dy, y), axis)))
}

func softmaxLine[T kernel.Float](y, x []T) {
	top, sum := logSumExp(x)
	simd.ExpScale(y, x, top, 1/sum)
}

// logSumExp returns the greatest element of x, and the sum of the exponentials of
// the differences from it. log Σ e^x is top + log(sum).
func logSumExp[T kernel.Float](x []T) (top, sum float64) {
	top = float64(simd.Greatest(x))
	return top, simd.SumExp(x, top)
}
