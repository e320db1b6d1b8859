package opstest_test

import (
	"fmt"
	"math"

	"neocog/graph"
	"neocog/ops"
	"neocog/ops/opstest"
	"neocog/vm/kernel"
)

// swish is x·σ(βx); Ramachandran, Zoph and Le 2017.
type swish struct{ Beta float64 }

func (swish) Name() string                                { return "my.Swish" }
func (swish) Infer(in []graph.Type) ([]graph.Type, error) { return in[:1], nil }

func (s swish) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return kernel.ByDType(in[0].DType, in[0].Shape.Size(), swishRun[float32](s), swishRun[float64](s))
}

func swishRun[T kernel.Float](s swish) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		x, y := kernel.In[T](c, 0), kernel.Out[T](c, 0)
		for i := lo; i < hi; i++ {
			y[i] = x[i] / T(1+math.Exp(-s.Beta*float64(x[i])))
		}
	}
}

// VJP: dx = dy·(βy + σ(βx)·(1 − βy)).
func (s swish) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	by, sig := ops.Scale(n.Out(0), s.Beta), ops.Sigmoid(ops.Scale(n.In(0), s.Beta))
	return []*graph.Value{ops.Mul(dy[0], ops.Add(by, ops.Mul(sig, ops.OneMinus(by))))}
}

// In a test the first argument is its *testing.T. Everything is checked by one
// call: kernel, text form, tape, and gradients of first and second order.
func ExampleRun() {
	t := &fake{}
	opstest.Run(t, opstest.Op{Op: swish{Beta: 1.5}, In: opstest.Shapes{{2, 3, 4, 4}}})
	fmt.Println(len(t.reports), "reports")
	// Output: 0 reports
}
