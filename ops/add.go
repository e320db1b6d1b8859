package ops

import (
	"neocog/graph"
	"neocog/internal/simd"
	"neocog/vm/kernel"
)

// Add returns a + b, element by element, with NumPy's broadcasting.
//
//	a   float or int [...]     b   elements as a's
//	y   the shape in which a and b meet
//	da  = dy, db = dy, each summed over the axes along which it was stretched
//
// Integers wrap around. ONNX Add.
func Add(a, b *graph.Value) *graph.Value { return graph.Apply(add{}, a, b) }

type add struct{}

func (add) Name() string { return "Add" }

func (add) Elementwise() {}

func (add) Operands() []string { return operandsAB }

func (add) Infer(in []graph.Type) ([]graph.Type, error) { return inferBinary(in, true) }

func (add) Plan(_ *kernel.Env, in, out []graph.Type) (kernel.Plan, error) {
	return planBinary(in, out, simd.Add[float32], simd.Add[float64], simd.Add[int32], simd.Add[int64])
}

func (add) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	return []*graph.Value{sumTo(dy[0], n.In(0)), sumTo(dy[0], n.In(1))}
}
