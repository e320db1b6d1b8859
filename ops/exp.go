package ops

import (
	"math"

	"neocog/graph"
	"neocog/vm/kernel"
)

// Exp returns eˣ, element by element.
//
//	x   float [...]
//	y   same type as x
//	dx  = dy·y
//
// Too large an x gives +Inf, −Inf gives 0. ONNX Exp.
func Exp(x *graph.Value) *graph.Value { return graph.Apply(exp{}, x) }

type exp struct{}

func (exp) Name() string { return "Exp" }

func (exp) Infer(in []graph.Type) ([]graph.Type, error) { return sameFloat(in, 1) }

func (exp) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return elementwise(in[0], 0, expRun[float32], expRun[float64])
}

func (exp) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	return []*graph.Value{Mul(dy[0], n.Out(0))}
}

func expRun[T kernel.Float](c *kernel.Call, lo, hi int) {
	x, y := kernel.In[T](c, 0)[lo:hi], kernel.Out[T](c, 0)[lo:hi]
	for i, v := range x {
		y[i] = T(math.Exp(float64(v)))
	}
}
