package ops

import (
	"math"

	"neocog/graph"
	"neocog/internal/simd"
	"neocog/vm/kernel"
)

// LogSoftmax returns x_i − log Σ_j e^x_j, the sum going over one axis: the
// logarithm of Softmax without its loss of digits.
//
//	x     float [...]
//	axis  negative counts from the end
//	y     same type as x
//	dx    = dy − e^y·Σ_j dy_j
//
// A −Inf among finite numbers stays −Inf; a +Inf, a NaN or nothing but −Inf
// gives NaN throughout. ONNX LogSoftmax.
func LogSoftmax(x *graph.Value, axis int) *graph.Value {
	return graph.Apply(logSoftmax{axisOf(x, axis)}, x)
}

type logSoftmax struct{ Axis int }

func (logSoftmax) Name() string { return "LogSoftmax" }

func (o logSoftmax) Infer(in []graph.Type) ([]graph.Type, error) { return inferAlong(in, o.Axis) }

func (o logSoftmax) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	l := newLines(in[0].Shape, o.Axis)
	return l.plan(in[0].DType, lineRun(l, logSoftmaxLine[float32]), lineRun(l, logSoftmaxLine[float64]))
}

func (o logSoftmax) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	return []*graph.Value{Sub(dy[0], Mul(Exp(n.Out(0)), SumKeep(dy[0], o.Axis)))}
}

func logSoftmaxLine[T kernel.Float](y, x []T) {
	top, sum := logSumExp(x)
	simd.AffineWide(y, x, top, 1, -math.Log(sum))
}
