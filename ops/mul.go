package ops

import (
	"neocog/graph"
	"neocog/internal/simd"
	"neocog/vm/kernel"
)

// Mul returns a · b, element by element, with NumPy's broadcasting. See MatMul
// for the product of matrices.
//
//	a   float or int [...]     b   elements as a's
//	y   the shape in which a and b meet
//	da  = dy·b, db = dy·a, each summed over the axes along which it was stretched
//
// 0·Inf and 0·NaN are NaN. Integers wrap around. ONNX Mul.
func Mul(a, b *graph.Value) *graph.Value { return graph.Apply(mul{}, a, b) }

// Square returns x², which is Mul(x, x).
func Square(x *graph.Value) *graph.Value { return Mul(x, x) }

type mul struct{}

func (mul) Name() string { return "Mul" }

func (mul) Elementwise() {}

func (mul) Operands() []string { return operandsAB }

func (mul) Infer(in []graph.Type) ([]graph.Type, error) { return inferBinary(in, true) }

func (mul) Plan(_ *kernel.Env, in, out []graph.Type) (kernel.Plan, error) {
	return planBinary(in, out, simd.Mul[float32], simd.Mul[float64], simd.Mul[int32], simd.Mul[int64])
}

func (mul) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	a, b := n.In(0), n.In(1)
	return []*graph.Value{sumTo(Mul(dy[0], b), a), sumTo(Mul(dy[0], a), b)}
}
