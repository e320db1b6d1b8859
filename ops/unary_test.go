package ops

import (
	"math"
	"testing"

	"neocog/graph"
)

func TestUnaryValues(t *testing.T) {
	e := math.E
	minus0 := math.Copysign(0, -1)
	for _, c := range []struct {
		name    string
		op      graph.Op
		x, want []float64
	}{
		{"neg", neg{}, []float64{1, -2, 0, inf, nan}, []float64{-1, 2, minus0, -inf, nan}},
		{"exp", exp{}, []float64{0, 1, -inf, inf, 1000, -1000, nan}, []float64{1, e, 0, inf, inf, 0, nan}},
		{"log", log{}, []float64{1, e, 0, minus0, -1, inf, nan}, []float64{0, 1, -inf, -inf, nan, inf, nan}},
		{"sqrt", sqrt{}, []float64{4, 2, 0, minus0, -1, inf, nan}, []float64{2, math.Sqrt2, 0, minus0, nan, inf, nan}},
		{"one minus", oneMinus{}, []float64{1, .25, -inf, nan}, []float64{0, .75, inf, nan}},
		{"scale", scale{-3}, []float64{1, -.5, 0, inf, nan}, []float64{-3, 1.5, minus0, -inf, nan}},
		{"scale by 0", scale{0}, []float64{1, -1, inf, nan}, []float64{0, minus0, nan, nan}},
		{"add scalar", addScalar{2.5}, []float64{1, -2.5, inf, nan}, []float64{3.5, 0, inf, nan}},
		{"sigmoid", sigmoid{}, []float64{0, 1, -1, 800, -800, -700, inf, -inf, nan},
			[]float64{.5, 1 / (1 + 1/e), 1 / (1 + e), 1, 0, math.Exp(-700), 1, 0, nan}},
		{"tanh", tanh{}, []float64{0, minus0, 1, -1, 1000, -inf, nan},
			[]float64{0, minus0, (e*e - 1) / (e*e + 1), (1 - e*e) / (e*e + 1), 1, -1, nan}},
		{"abs", abs{}, []float64{-1.5, 2, minus0, -inf, nan}, []float64{1.5, 2, 0, inf, nan}},
		{"sign", sign{}, []float64{-1.5, 2, 0, minus0, -inf, nan}, []float64{-1, 1, 0, minus0, -1, nan}},
		{"floor", floor{}, []float64{1.5, -1.5, 2, minus0, inf, nan}, []float64{1, -2, 2, minus0, inf, nan}},
		{"ceil", ceil{}, []float64{1.5, -1.5, -.5, minus0, -inf, nan}, []float64{2, -1, minus0, minus0, -inf, nan}},
		{"round", round{}, []float64{.5, 1.5, 2.5, -.5, -1.5, 1.25, inf, nan}, []float64{0, 2, 2, minus0, -2, 1, inf, nan}},
		{"erf", erf{}, []float64{0, 1, -1, inf, -inf, nan}, []float64{0, 0.8427007929497149, -0.8427007929497149, 1, -1, nan}},
		{"expm1", expm1{}, []float64{0, 1, 1e-9, -inf, inf, nan}, []float64{0, e - 1, 1.0000000005e-9, -1, inf, nan}},
		{"softplus", softplus{}, []float64{0, -80, 200, inf, -inf, nan}, []float64{math.Ln2, math.Exp(-80), 200, inf, 0, nan}},
		{"gelu", gelu{}, []float64{0, inf, -inf, nan}, []float64{0, inf, minus0, nan}},
		{"leaky relu", leakyReLU{.25}, []float64{2, -2, 0, minus0, inf, -inf, nan}, []float64{2, -.5, 0, minus0, inf, -inf, nan}},
		{"clip", clip{-1, 2}, []float64{-3, 3, .5, inf, -inf, nan}, []float64{-1, 2, .5, 2, -1, nan}},
		{"clip above", clip{0, inf}, []float64{-3, 3, inf, nan}, []float64{0, 3, inf, nan}},
		{"empty", exp{}, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			expect(t, c.op, f64(sh(len(c.x)), c.want...), f64(sh(len(c.x)), c.x...))
			x, want := make([]float32, len(c.x)), make([]float32, len(c.x))
			for i := range x {
				x[i], want[i] = float32(c.x[i]), float32(c.want[i])
			}
			expect(t, c.op, f32(sh(len(x)), want...), f32(sh(len(x)), x...))
		})
	}
	expect(t, neg{}, of[int32](sh(3), -1, 0, math.MinInt32), of[int32](sh(3), 1, 0, math.MinInt32))
	expect(t, abs{}, of[int32](sh(3), 1, 0, math.MinInt32), of[int32](sh(3), -1, 0, math.MinInt32))
	expect(t, sign{}, of[int64](sh(4), -1, 0, 1, -1), of[int64](sh(4), -5, 0, 7, math.MinInt64))
	expect(t, neg{}, of[int64](sh(1), 5), of[int64](sh(), -5).as(sh(1)))
}

// as returns x under another shape.
func (x tensor) as(s graph.Shape) tensor {
	return tensor{graph.Type{DType: x.t.DType, Shape: s}, x.data}
}

func TestUnaryRefuses(t *testing.T) {
	for name, f := range map[string]func(*graph.Value) *graph.Value{
		"Exp": Exp, "Log": Log, "Sqrt": Sqrt, "OneMinus": OneMinus, "Sigmoid": Sigmoid, "Tanh": Tanh,
		"Floor": RoundDown, "Ceil": RoundUp, "Round": Round, "Erf": Erf, "Expm1": Expm1, "Softplus": Softplus, "GELU": GELU,
		"LeakyReLU": func(x *graph.Value) *graph.Value { return LeakyReLU(x, 0.1) },
		"Clip":      func(x *graph.Value) *graph.Value { return Clip(x, 0, 6) },
		"Scale":     func(x *graph.Value) *graph.Value { return Scale(x, 2) },
		"AddScalar": func(x *graph.Value) *graph.Value { return AddScalar(x, 2) },
	} {
		refuses(t, name+": got i32[N], want a tensor of f32 or f64", func(g *graph.Graph) {
			f(g.Input("x", graph.Of(graph.Int32, graph.Batch)))
		})
		if f(nil).IsValid() {
			t.Errorf("%s(nil) is valid", name)
		}
	}
	refuses(t, "Neg: got bool[2], want a tensor of f32, f64, i32 or i64", func(g *graph.Graph) {
		Neg(g.Input("x", graph.Of(graph.Bool, 2)))
	})
	for _, f := range []func(*graph.Value) *graph.Value{Abs, Sign, SELU, GELUTanh, SiLU, Mish, HardSwish, Softsign, Reciprocal} {
		if f(nil).IsValid() {
			t.Error("a function of nothing is valid")
		}
	}
	refuses(t, "Clip: the bounds are 2 and 1, want the lower one first", func(g *graph.Graph) { Clip(in(g, "x", 2), 2, 1) })
	refuses(t, "Clip: the bounds are NaN and 1", func(g *graph.Graph) { Clip(in(g, "x", 2), nan, 1) })
	refuses(t, "LeakyReLU: alpha is +Inf, want a finite number", func(g *graph.Graph) { LeakyReLU(in(g, "x", 2), inf) })
	refuses(t, "CELU: alpha is 0, want a finite number above 0", func(g *graph.Graph) { CELU(in(g, "x", 2), 0) })
	g := graph.New("scale")
	if x := in(g, "x", 2); Scale(x, 1) != x {
		t.Error("scaling by 1 is not x itself")
	}
}
