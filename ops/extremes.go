package ops

import (
	"neocog/graph"
	"neocog/internal/simd"
	"neocog/vm/kernel"
)

// Maximum returns the greatest of its operands, element by element, with NumPy's
// broadcasting. See Max for the greatest element over axes.
//
//	a, b, more  float or int [...], elements of one type
//	y           the shape in which they meet
//	da          = dy where a ≥ b, else 0;  db = dy elsewhere
//	              each summed over the axes along which it was stretched
//
// NaN if any is NaN. Equal operands give the gradient to the first (PyTorch divides
// it among them). ONNX Max.
func Maximum(a, b *graph.Value, more ...*graph.Value) *graph.Value {
	y := graph.Apply(maximum{}, a, b)
	for _, v := range more {
		y = graph.Apply(maximum{}, y, v)
	}
	return y
}

// Minimum returns the least of its operands, as Maximum does the greatest: da is dy
// where a ≤ b. ONNX Min.
func Minimum(a, b *graph.Value, more ...*graph.Value) *graph.Value {
	y := graph.Apply(minimum{}, a, b)
	for _, v := range more {
		y = graph.Apply(minimum{}, y, v)
	}
	return y
}

type maximum struct{}

func (maximum) Name() string { return "Maximum" }

func (maximum) Elementwise() {}

func (maximum) Operands() []string { return operandsAB }

func (maximum) Infer(in []graph.Type) ([]graph.Type, error) { return inferBinary(in, true) }

func (maximum) Plan(_ *kernel.Env, in, out []graph.Type) (kernel.Plan, error) {
	return planBinary(in, out, maxFloats[float32], maxFloats[float64], maxRow[int32], maxRow[int64])
}

func (maximum) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	return divide(n, dy[0], LessEqual(n.In(1), n.In(0)))
}

// divide gives dy to the first operand of n where first is true, else to the second.
func divide(n *graph.Node, dy, first *graph.Value) []*graph.Value {
	zero := scalarLike(dy, 0)
	return []*graph.Value{sumTo(Where(first, dy, zero), n.In(0)), sumTo(Where(first, zero, dy), n.In(1))}
}

func maxFloats[T kernel.Float](y, a, b []T) {
	if len(a) == len(b) {
		simd.Max(y, a, b)
		return
	}
	maxRow(y, a, b)
}

func maxRow[T kernel.Number](y, a, b []T) {
	stepA, stepB := strideOf(a, y), strideOf(b, y)
	for i := range y {
		y[i] = max(a[i*stepA], b[i*stepB])
	}
}

type minimum struct{}

func (minimum) Name() string { return "Minimum" }

func (minimum) Elementwise() {}

func (minimum) Operands() []string { return operandsAB }

func (minimum) Infer(in []graph.Type) ([]graph.Type, error) { return inferBinary(in, true) }

func (minimum) Plan(_ *kernel.Env, in, out []graph.Type) (kernel.Plan, error) {
	return planBinary(in, out, minFloats[float32], minFloats[float64], minRow[int32], minRow[int64])
}

func (minimum) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	return divide(n, dy[0], LessEqual(n.In(0), n.In(1)))
}

func minFloats[T kernel.Float](y, a, b []T) {
	if len(a) == len(b) {
		simd.Min(y, a, b)
		return
	}
	minRow(y, a, b)
}

func minRow[T kernel.Number](y, a, b []T) {
	stepA, stepB := strideOf(a, y), strideOf(b, y)
	for i := range y {
		y[i] = min(a[i*stepA], b[i*stepB])
	}
}
