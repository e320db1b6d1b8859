package ops

import (
	"math"

	"neocog/graph"
	"neocog/vm/kernel"
)

// Sigmoid returns the logistic function 1/(1 + e⁻ˣ), element by element.
//
//	x   float [...]
//	y   same type as x, between 0 and 1
//	dx  = dy·y·(1 − y)
//
// It neither overflows nor loses digits for large |x|. The gradient reads y,
// not x. ONNX Sigmoid.
func Sigmoid(x *graph.Value) *graph.Value { return graph.Apply(sigmoid{}, x) }

type sigmoid struct{}

func (sigmoid) Name() string { return "Sigmoid" }

func (sigmoid) Infer(in []graph.Type) ([]graph.Type, error) { return sameFloat(in, 1) }

func (sigmoid) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return elementwise(in[0], 0, sigmoidRun[float32], sigmoidRun[float64])
}

func (sigmoid) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	y := n.Out(0)
	return []*graph.Value{Mul(dy[0], Mul(y, OneMinus(y)))}
}

func sigmoidRun[T kernel.Float](c *kernel.Call, lo, hi int) {
	x, y := kernel.In[T](c, 0)[lo:hi], kernel.Out[T](c, 0)[lo:hi]
	for i, v := range x {
		// The exponential of −|x| cannot overflow.
		e := math.Exp(-math.Abs(float64(v)))
		if v < 0 {
			y[i] = T(e / (1 + e))
		} else {
			y[i] = T(1 / (1 + e))
		}
	}
}
