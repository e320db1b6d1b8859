package ops

import (
	"fmt"

	"neocog/graph"
	"neocog/vm/kernel"
)

// Equal tells where a = b, element by element, with NumPy's broadcasting.
//
//	a   any [...]     b   elements as a's
//	y   bool, the shape in which a and b meet
//
// NaN equals nothing, 0 equals −0. There is no gradient. ONNX Equal.
func Equal(a, b *graph.Value) *graph.Value { return graph.Apply(equal{}, a, b) }

// Less tells where a < b, for floats and integers, else as Equal does. ONNX Less.
func Less(a, b *graph.Value) *graph.Value { return graph.Apply(less{}, a, b) }

// LessEqual tells where a ≤ b, else as Less does. ONNX LessOrEqual.
func LessEqual(a, b *graph.Value) *graph.Value { return graph.Apply(lessEqual{}, a, b) }

// Greater tells where a > b: Less(b, a). ONNX Greater.
func Greater(a, b *graph.Value) *graph.Value { return Less(b, a) }

// GreaterEqual tells where a ≥ b: LessEqual(b, a). ONNX GreaterOrEqual.
func GreaterEqual(a, b *graph.Value) *graph.Value { return LessEqual(b, a) }

type equal struct{}

func (equal) Name() string { return "Equal" }

func (equal) Operands() []string { return operandsAB }

func (equal) Infer(in []graph.Type) ([]graph.Type, error) { return inferCompare(in, true) }

func (equal) Plan(_ *kernel.Env, in, out []graph.Type) (kernel.Plan, error) {
	if in[0].DType == graph.Bool {
		l := binaryNest(in, out)
		return kernel.One(out[0].Shape.Size(), kernel.Grain, binaryRun(l, equalRow[bool])), nil
	}
	return planCompare(in, out, equalRow[float32], equalRow[float64], equalRow[int32], equalRow[int64])
}

type less struct{}

func (less) Name() string { return "Less" }

func (less) Operands() []string { return operandsAB }

func (less) Infer(in []graph.Type) ([]graph.Type, error) { return inferCompare(in, false) }

func (less) Plan(_ *kernel.Env, in, out []graph.Type) (kernel.Plan, error) {
	return planCompare(in, out, lessRow[float32], lessRow[float64], lessRow[int32], lessRow[int64])
}

type lessEqual struct{}

func (lessEqual) Name() string { return "LessEqual" }

func (lessEqual) Operands() []string { return operandsAB }

func (lessEqual) Infer(in []graph.Type) ([]graph.Type, error) { return inferCompare(in, false) }

func (lessEqual) Plan(_ *kernel.Env, in, out []graph.Type) (kernel.Plan, error) {
	return planCompare(in, out, lessEqualRow[float32], lessEqualRow[float64], lessEqualRow[int32], lessEqualRow[int64])
}

// inferCompare is the inference of a comparison with broadcasting.
func inferCompare(in []graph.Type, bools bool) ([]graph.Type, error) {
	if err := arity(in, 2); err != nil {
		return nil, err
	}
	a, b := in[0], in[1]
	if a.DType != b.DType {
		return nil, fmt.Errorf("a has elements %v, b has %v, want the same; ops.Cast converts", a.DType, b.DType)
	}
	if a.DType == graph.Bool && !bools {
		return nil, fmt.Errorf("the elements are bool, which have no order")
	}
	shape, err := broadcastShape(a.Shape, b.Shape)
	if err != nil {
		return nil, err
	}
	return []graph.Type{{DType: graph.Bool, Shape: shape}}, nil
}

func planCompare(in, out []graph.Type, f32 func([]bool, []float32, []float32), f64 func([]bool, []float64, []float64),
	i32 func([]bool, []int32, []int32), i64 func([]bool, []int64, []int64)) (kernel.Plan, error) {
	l := binaryNest(in, out)
	k, err := pickNumber(in[0].DType, binaryRun(l, f32), binaryRun(l, f64), binaryRun(l, i32), binaryRun(l, i64))
	return kernel.One(out[0].Shape.Size(), kernel.Grain, k), err
}

func equalRow[T graph.Element](y []bool, a, b []T) {
	stepA, stepB := strideOf(a, y), strideOf(b, y)
	for i := range y {
		y[i] = a[i*stepA] == b[i*stepB]
	}
}

func lessRow[T kernel.Number](y []bool, a, b []T) {
	stepA, stepB := strideOf(a, y), strideOf(b, y)
	for i := range y {
		y[i] = a[i*stepA] < b[i*stepB]
	}
}

func lessEqualRow[T kernel.Number](y []bool, a, b []T) {
	stepA, stepB := strideOf(a, y), strideOf(b, y)
	for i := range y {
		y[i] = a[i*stepA] <= b[i*stepB]
	}
}
