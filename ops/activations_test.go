package ops_test

import (
	"math"
	"testing"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/ops"
	"neocog/ops/opstest"
)

// mapped computes f of one float64 vector.
func mapped(t *testing.T, f func(x *graph.Value) *graph.Value, x ...float64) []float64 {
	t.Helper()
	y, err := evaluate(func(in values) *graph.Value { return f(in[0]) }, opstest.Dense(graph.Of(graph.Float64, len(x)), x))
	if err != nil {
		t.Fatal(err)
	}
	return y
}

// The activations must be the formulas of their papers, written here once more in
// package math's terms. They agree to 1e-14 of |y|, and of 1 near 0: some formulas cancel there.
func TestActivationsAreTheirFormulas(t *testing.T) {
	elu := func(x, a float64) float64 {
		if x > 0 {
			return x
		}
		return a * math.Expm1(x)
	}
	hard := func(x, a, b float64) float64 { return math.Max(0, math.Min(1, a*x+b)) }
	var xs []float64
	for x := -9.0; x <= 9; x += 0.1875 {
		xs = append(xs, x)
	}
	for _, c := range []struct {
		name string
		f    func(x *graph.Value) *graph.Value
		want func(x float64) float64
	}{
		{"LeakyReLU", func(x *graph.Value) *graph.Value { return ops.LeakyReLU(x, 0.1) }, func(x float64) float64 { return math.Max(x, 0) + 0.1*math.Min(x, 0) }},
		{"PReLU", func(x *graph.Value) *graph.Value { return ops.PReLU(x, x.Graph().Scalar(graph.Float64, -0.5)) }, func(x float64) float64 { return math.Max(x, 0) - 0.5*math.Min(x, 0) }},
		{"ELU", func(x *graph.Value) *graph.Value { return ops.ELU(x, 1.5) }, func(x float64) float64 { return elu(x, 1.5) }},
		{"SELU", ops.SELU, func(x float64) float64 { return 1.05070102214813232421875 * elu(x, 1.67326319217681884765625) }},
		{"CELU", func(x *graph.Value) *graph.Value { return ops.CELU(x, 0.5) }, func(x float64) float64 { return math.Max(x, 0) + math.Min(0, 0.5*math.Expm1(x/0.5)) }},
		{"GELU", ops.GELU, func(x float64) float64 { return x / 2 * math.Erfc(-x/math.Sqrt2) }},
		{"GELUTanh", ops.GELUTanh, func(x float64) float64 { return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x))) }},
		{"SiLU", ops.SiLU, func(x float64) float64 { return x / (1 + math.Exp(-x)) }},
		{"Mish", ops.Mish, func(x float64) float64 { return x * math.Tanh(math.Log(1+math.Exp(x))) }},
		{"HardSigmoid", func(x *graph.Value) *graph.Value { return ops.HardSigmoid(x, 0.2, 0.5) }, func(x float64) float64 { return hard(x, 0.2, 0.5) }},
		{"HardSwish", ops.HardSwish, func(x float64) float64 { return x * hard(x, 1./6, 0.5) }},
		{"Softplus", ops.Softplus, func(x float64) float64 { return math.Log(1 + math.Exp(x)) }},
		{"Softsign", ops.Softsign, func(x float64) float64 { return x / (1 + math.Abs(x)) }},
		{"Reciprocal", ops.Reciprocal, func(x float64) float64 { return 1 / x }},
	} {
		for i, got := range mapped(t, c.f, xs...) {
			if want := c.want(xs[i]); got != want && !(math.Abs(got-want) <= 1e-14*(1+math.Abs(want))) {
				t.Errorf("%s(%v) is %v, want %v", c.name, xs[i], got, want)
			}
		}
	}
}

// gradientOf returns the gradient of the sum of f(x) at x.
func gradientOf(t *testing.T, f func(x *graph.Value) *graph.Value, x ...float64) []float64 {
	t.Helper()
	return mapped(t, gradientGraph(f), x...)
}

// gradientGraph is the gradient of the sum of f(x) as a function of x.
func gradientGraph(f func(x *graph.Value) *graph.Value) func(x *graph.Value) *graph.Value {
	return func(x *graph.Value) *graph.Value { return autodiff.Gradients(ops.Sum(f(x)), x)[0] }
}

// The gradients at kinks, and where a formula would give NaN, are those which the docs say.
func TestGradientsAtKinks(t *testing.T) {
	inf := math.Inf(1)
	constant := func(f func(a, b *graph.Value) *graph.Value, v float64) func(*graph.Value) *graph.Value {
		return func(x *graph.Value) *graph.Value { return f(x, x.Graph().Scalar(graph.Float64, v)) }
	}
	exponent := func(base float64) func(*graph.Value) *graph.Value {
		return func(x *graph.Value) *graph.Value { return ops.Pow(x.Graph().Scalar(graph.Float64, base), x) }
	}
	for _, c := range []struct {
		name    string
		f       func(x *graph.Value) *graph.Value
		x, want []float64
	}{
		{"Abs", ops.Abs, []float64{-2, 0, 2}, []float64{-1, 0, 1}},
		{"Sign", ops.Sign, []float64{-2, 0}, []float64{0, 0}},
		{"Round", ops.Round, []float64{0.5, 1}, []float64{0, 0}},
		{"LeakyReLU", func(x *graph.Value) *graph.Value { return ops.LeakyReLU(x, 0.25) }, []float64{-1, 0, 1}, []float64{0.25, 0.25, 1}},
		{"PReLU", constant(ops.PReLU, 0.25), []float64{-1, 0, 1}, []float64{0.25, 0.25, 1}},
		{"ELU", func(x *graph.Value) *graph.Value { return ops.ELU(x, 0.5) }, []float64{-inf, 0, 1000}, []float64{0, 0.5, 1}},
		{"Clip", func(x *graph.Value) *graph.Value { return ops.Clip(x, -1, 1) }, []float64{-2, -1, 1, 2, math.NaN()}, []float64{0, 1, 1, 0, 0}},
		{"Maximum", constant(twoOf(ops.Maximum), 1), []float64{0, 1, 2}, []float64{0, 1, 1}},
		{"Minimum", constant(twoOf(ops.Minimum), 1), []float64{0, 1, 2}, []float64{1, 1, 0}},
		{"Softplus", ops.Softplus, []float64{0, -inf, inf}, []float64{0.5, 0, 1}},
		{"x²", constant(ops.Pow, 2), []float64{0, -3}, []float64{0, -6}},
		{"x⁰", constant(ops.Pow, 0), []float64{0, 5}, []float64{0, 0}},
		{"x¹", constant(ops.Pow, 1), []float64{0, 5}, []float64{1, 1}},
		{"0ˣ", exponent(0), []float64{0, 2}, []float64{0, 0}},
	} {
		for i, got := range gradientOf(t, c.f, c.x...) {
			if got != c.want[i] {
				t.Errorf("the gradient of %s at %v is %v, want %v", c.name, c.x[i], got, c.want[i])
			}
		}
	}
}
