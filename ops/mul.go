package ops

import (
	"neocog/graph"
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

func (mul) Operands() []string { return operandsAB }

func (mul) Infer(in []graph.Type) ([]graph.Type, error) { return inferBinary(in, true) }

func (mul) Plan(_ *kernel.Env, in, out []graph.Type) (kernel.Plan, error) {
	return planBinary(in, out, mulRow[float32], mulRow[float64], mulRow[int32], mulRow[int64])
}

func (mul) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	a, b := n.In(0), n.In(1)
	return []*graph.Value{sumTo(Mul(dy[0], b), a), sumTo(Mul(dy[0], a), b)}
}

func mulRow[T kernel.Number](y, a, b []T, sa, sb int) {
	switch {
	case sa == 0:
		v := a[0]
		for i, w := range b {
			y[i] = v * w
		}
	case sb == 0:
		w := b[0]
		for i, v := range a {
			y[i] = v * w
		}
	default:
		for i, v := range a {
			y[i] = v * b[i]
		}
	}
}
