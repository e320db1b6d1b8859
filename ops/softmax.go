package ops

import (
	"math"

	"neocog/graph"
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
	return l.plan(in[0].DType, softmaxRun[float32](l), softmaxRun[float64](l))
}

func (o softmax) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	return []*graph.Value{softmaxGrad(n.Out(0), dy[0], o.Axis)}
}

// softmaxGrad returns the gradient of the input of a softmax y given that of y.
func softmaxGrad(y, dy *graph.Value, axis int) *graph.Value {
	return Mul(y, Sub(dy, SumKeep(Mul(dy, y), axis)))
}

func softmaxRun[T kernel.Float](l lines) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		x, y := kernel.In[T](c, 0), kernel.Out[T](c, 0)
		for i := lo; i < hi; i++ {
			first, end := l.bounds(i)
			top, sum := logSumExp(x, first, end, l.step)
			for j := first; j < end; j += l.step {
				y[j] = T(math.Exp(float64(x[j])-top) / sum)
			}
		}
	}
}

// logSumExp returns the greatest element of a line of x, and the sum of the
// exponentials of the differences from it. log Σ e^x is top + log(sum).
func logSumExp[T kernel.Float](x []T, first, end, step int) (top, sum float64) {
	m := T(math.Inf(-1))
	for j := first; j < end; j += step {
		m = max(m, x[j])
	}
	top = float64(m)
	for j := first; j < end; j += step {
		sum += math.Exp(float64(x[j]) - top)
	}
	return top, sum
}
