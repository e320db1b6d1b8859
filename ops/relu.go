package ops

import (
	"neocog/graph"
	"neocog/internal/simd"
	"neocog/vm/kernel"
)

// ReLU returns max(x, 0), element by element. NaN stays NaN.
//
//	x   float [...]
//	y   same type as x
//	dx  = dy where y > 0, else 0        (0 at x = 0, as ONNX Relu and PyTorch)
//
// The gradient reads y, not x, so ReLU may run in place.
// Nair and Hinton, “Rectified Linear Units Improve Restricted Boltzmann
// Machines”, ICML 2010. ONNX Relu.
func ReLU(x *graph.Value) *graph.Value { return graph.Apply(relu{}, x) }

type relu struct{}

func (relu) Name() string { return "ReLU" }

func (relu) Elementwise() {}

func (relu) Infer(in []graph.Type) ([]graph.Type, error) { return sameFloat(in, 1) }

func (relu) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	p, err := kernel.ByDType(in[0].DType, in[0].Shape.Size(), eachRun(simd.ReLU[float32]), eachRun(simd.ReLU[float64]))
	p.InPlace = []int{1}
	return p, err
}

func (relu) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	return []*graph.Value{graph.Apply(reluGrad{}, n.Out(0), dy[0])}
}

// reluGrad is dy where y > 0, else 0. Its gradient with respect to dy is itself,
// that with respect to y is zero.
type reluGrad struct{}

func (reluGrad) Name() string { return "ReLUGrad" }

func (reluGrad) Elementwise() {}

func (reluGrad) Operands() []string { return []string{"y", "dy"} }

func (reluGrad) Infer(in []graph.Type) ([]graph.Type, error) { return sameFloat(in, 2) }

func (reluGrad) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	p, err := kernel.ByDType(in[0].DType, in[0].Shape.Size(), pairRun(simd.ReLUGrad[float32]), pairRun(simd.ReLUGrad[float64]))
	p.InPlace = []int{2}
	return p, err
}

func (reluGrad) VJP(n *graph.Node, ddx []*graph.Value) []*graph.Value {
	return []*graph.Value{nil, graph.Apply(reluGrad{}, n.In(0), ddx[0])}
}
