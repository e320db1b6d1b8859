package ops

import (
	"neocog/graph"
	"neocog/internal/simd"
	"neocog/vm/kernel"
)

// Div returns a / b, element by element, with NumPy's broadcasting.
//
//	a   float [...]     b   elements as a's
//	y   the shape in which a and b meet
//	da  = dy/b, db = −dy·y/b, each summed over the axes along which it was stretched
//
// Division by zero gives an infinity, 0/0 NaN, as IEEE 754 says. There is no
// division of integers. ONNX Div.
func Div(a, b *graph.Value) *graph.Value { return graph.Apply(div{}, a, b) }

type div struct{}

func (div) Name() string { return "Div" }

func (div) Elementwise() {}

func (div) Operands() []string { return operandsAB }

func (div) Infer(in []graph.Type) ([]graph.Type, error) { return inferBinary(in, false) }

func (div) Plan(_ *kernel.Env, in, out []graph.Type) (kernel.Plan, error) {
	return planBinary(in, out, simd.Div[float32], simd.Div[float64], nil, nil)
}

func (div) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	a, b, y := n.In(0), n.In(1), n.Out(0)
	da := Div(dy[0], b)
	return []*graph.Value{sumTo(da, a), Neg(sumTo(Mul(da, y), b))}
}
