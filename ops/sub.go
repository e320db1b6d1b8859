package ops

import (
	"neocog/graph"
	"neocog/internal/simd"
	"neocog/vm/kernel"
)

// Sub returns a − b, element by element, with NumPy's broadcasting.
//
//	a   float or int [...]     b   elements as a's
//	y   the shape in which a and b meet
//	da  = dy, db = −dy, each summed over the axes along which it was stretched
//
// Integers wrap around. ONNX Sub.
func Sub(a, b *graph.Value) *graph.Value { return graph.Apply(sub{}, a, b) }

type sub struct{}

func (sub) Name() string { return "Sub" }

func (sub) Elementwise() {}

func (sub) Operands() []string { return operandsAB }

func (sub) Infer(in []graph.Type) ([]graph.Type, error) { return inferBinary(in, true) }

func (sub) Plan(_ *kernel.Env, in, out []graph.Type) (kernel.Plan, error) {
	return planBinary(in, out, simd.Sub[float32], simd.Sub[float64], simd.Sub[int32], simd.Sub[int64])
}

func (sub) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	return []*graph.Value{sumTo(dy[0], n.In(0)), Neg(sumTo(dy[0], n.In(1)))}
}
