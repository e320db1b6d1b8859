package ops

import (
	"neocog/graph"
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

func (add) Operands() []string { return operandsAB }

func (add) Infer(in []graph.Type) ([]graph.Type, error) { return inferBinary(in, true) }

func (add) Plan(_ *kernel.Env, in, out []graph.Type) (kernel.Plan, error) {
	return planBinary(in, out, addRow[float32], addRow[float64], addRow[int32], addRow[int64])
}

func (add) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	return []*graph.Value{sumTo(dy[0], n.In(0)), sumTo(dy[0], n.In(1))}
}

func addRow[T kernel.Number](y, a, b []T, sa, sb int) {
	switch {
	case sa == 0:
		v := a[0]
		for i, w := range b {
			y[i] = v + w
		}
	case sb == 0:
		w := b[0]
		for i, v := range a {
			y[i] = v + w
		}
	default:
		for i, v := range a {
			y[i] = v + b[i]
		}
	}
}
