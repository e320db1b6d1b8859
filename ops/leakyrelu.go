package ops

import (
	"fmt"
	"math"

	"neocog/graph"
	"neocog/vm/kernel"
)

// LeakyReLU returns x where x ≥ 0, alpha·x below, element by element.
//
//	x      float [...]
//	alpha  the slope below 0, finite; 0.01 in the paper and in ONNX, 0.1 in Darknet
//	y      same type as x
//	dx     = dy where x > 0, else alpha·dy        (alpha·dy at x = 0, as PyTorch)
//
// NaN stays NaN. Maas, Hannun and Ng, “Rectifier Nonlinearities Improve Neural
// Network Acoustic Models”, ICML 2013. ONNX LeakyRelu.
func LeakyReLU(x *graph.Value, alpha float64) *graph.Value { return graph.Apply(leakyReLU{alpha}, x) }

type leakyReLU struct{ Alpha float64 }

func (leakyReLU) Name() string { return "LeakyReLU" }

func (leakyReLU) Elementwise() {}

func (o leakyReLU) Infer(in []graph.Type) ([]graph.Type, error) {
	if math.IsNaN(o.Alpha) || math.IsInf(o.Alpha, 0) {
		return nil, fmt.Errorf("alpha is %v, want a finite number", o.Alpha)
	}
	return sameFloat(in, 1)
}

func (o leakyReLU) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return elementwise(in[0], 0, eachRun(leak[float32](o.Alpha)), eachRun(leak[float64](o.Alpha)))
}

func (o leakyReLU) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	return []*graph.Value{graph.Apply(leakyReLUGrad(o), n.In(0), dy[0])}
}

func leak[T kernel.Float](alpha float64) func(y, x []T) {
	a := T(alpha)
	return func(y, x []T) {
		for i, v := range x {
			w := a * v
			if v >= 0 {
				w = v
			}
			y[i] = w
		}
	}
}

// leakyReLUGrad is dy where x > 0, else Alpha·dy. Its gradient with respect to dy
// is itself, that with respect to x is zero.
type leakyReLUGrad struct{ Alpha float64 }

func (leakyReLUGrad) Name() string { return "LeakyReLUGrad" }

func (leakyReLUGrad) Elementwise() {}

func (leakyReLUGrad) Operands() []string { return operandsXDy }

func (leakyReLUGrad) Infer(in []graph.Type) ([]graph.Type, error) { return sameFloat(in, 2) }

func (o leakyReLUGrad) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return elementwise(in[0], 1, pairRun(leakGrad[float32](o.Alpha)), pairRun(leakGrad[float64](o.Alpha)))
}

func (o leakyReLUGrad) VJP(n *graph.Node, ddx []*graph.Value) []*graph.Value {
	return []*graph.Value{nil, graph.Apply(o, n.In(0), ddx[0])}
}

func leakGrad[T kernel.Float](alpha float64) func(dx, x, dy []T) {
	a := T(alpha)
	return func(dx, x, dy []T) {
		for i, v := range x {
			d := dy[i]
			w := a * d
			if v > 0 {
				w = d
			}
			dx[i] = w
		}
	}
}
