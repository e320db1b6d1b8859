package ops

import (
	"math"

	"neocog/graph"
	"neocog/vm/kernel"
)

// Pow returns aᵇ, element by element, with NumPy's broadcasting.
//
//	a   float [...]     b   elements as a's
//	y   the shape in which a and b meet
//	da  = dy·b·aᵇ⁻¹, 0 where b is 0
//	db  = dy·y·log a, 0 where a is 0
//	      each summed over the axes along which it was stretched; NaN where a is infinite and b 0, or a 0 and b below 0
//
// Special cases are those of math.Pow: a⁰ is 1 even for NaN, the root of a negative
// number NaN. The gradient with respect to b is NaN for a negative a. Exponents
// 2, 1 and −1 cost no logarithm. ONNX Pow.
func Pow(a, b *graph.Value) *graph.Value { return graph.Apply(pow{}, a, b) }

// Reciprocal returns 1/x, which is Div: ±Inf for ±0. ONNX Reciprocal.
func Reciprocal(x *graph.Value) *graph.Value { return Div(scalarLike(x, 1), x) }

// scalarLike returns a constant with the element type of x, where x is valid.
func scalarLike(x *graph.Value, v float64) *graph.Value {
	if !x.IsValid() {
		return x
	}
	return x.Graph().Scalar(x.DType(), v)
}

type pow struct{}

func (pow) Name() string { return "Pow" }

func (pow) Elementwise() {}

func (pow) Operands() []string { return operandsAB }

func (pow) Infer(in []graph.Type) ([]graph.Type, error) { return inferBinary(in, false) }

func (pow) Plan(_ *kernel.Env, in, out []graph.Type) (kernel.Plan, error) {
	return planBinary(in, out, powRow[float32], powRow[float64], nil, nil)
}

// VJP leaves out of its way what is infinite or no number where a factor is 0.
func (pow) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	a, b, y := n.In(0), n.In(1), n.Out(0)
	zero, one := scalarLike(a, 0), scalarLike(a, 1)
	less := Where(Equal(b, zero), one, AddScalar(b, -1))
	da := Mul(dy[0], Mul(b, Pow(a, less)))
	db := Mul(dy[0], Mul(y, Log(Where(Equal(a, zero), one, a))))
	return []*graph.Value{sumTo(da, a), sumTo(db, b)}
}

func powRow[T kernel.Float](y, a, b []T) {
	stepA, stepB := strideOf(a, y), strideOf(b, y)
	for i := range y {
		y[i] = power(a[i*stepA], b[i*stepB])
	}
}

// strideOf returns 0 for one element which stands for all, else 1.
func strideOf[X, Y graph.Element](x []X, y []Y) int {
	if len(x) == len(y) {
		return 1
	}
	return 0
}

func power[T kernel.Float](a, b T) T {
	switch b {
	case 2:
		return a * a
	case 1:
		return a
	case -1:
		return 1 / a
	}
	return T(math.Pow(float64(a), float64(b)))
}
