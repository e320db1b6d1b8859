package autodiff_test

import (
	"math"
	"slices"

	"neocog/graph"
	"neocog/ops"
)

// A compositionStep applies an op to a term, and says how large the result may be; not ok is an op that the term is not for.
type compositionStep struct {
	name  string
	apply func(c *composer, x term) (y term, ok bool)
}

// each is a function of each element.
func each(name string, f func(x *graph.Value) *graph.Value, size func(s float64) float64) compositionStep {
	return compositionStep{name, func(_ *composer, x term) (term, bool) { return term{f(x.v), size(x.size)}, true }}
}

// pair is a function of two values of one shape, or one that broadcasts.
func pair(name string, f func(a, b *graph.Value) *graph.Value, size func(a, b float64) float64) compositionStep {
	return compositionStep{name, func(c *composer, x term) (term, bool) {
		y := c.like(x)
		return term{f(x.v, y.v), size(x.size, y.size)}, true
	}}
}

// along is a function along an axis of n elements.
func along(name string, f func(c *composer, x *graph.Value, axis, n int) *graph.Value, size func(s, n float64) float64) compositionStep {
	return compositionStep{name, func(c *composer, x term) (term, bool) {
		if isRank(x, 0) {
			return x, false
		}
		axis := c.axis(x)
		n := extent(x, axis)
		return term{f(c, x.v, axis, n), size(x.size, float64(n))}, true
	}}
}

// ofImages is a function of [N,C,H,W] with at least 2×2 pixels.
func ofImages(name string, f func(c *composer, x *graph.Value) *graph.Value, size func(s float64) float64) compositionStep {
	return compositionStep{name, func(c *composer, x term) (term, bool) {
		if !isRank(x, 4) || min(extent(x, 2), extent(x, 3)) < 2 {
			return x, false
		}
		return term{f(c, x.v), size(x.size)}, true
	}}
}

var compositionSteps = slices.Concat(elementSteps(), pairSteps(), axisSteps(), pickSteps(), imageSteps())

func unchanged(s float64) float64             { return s }
func upTo(most float64) func(float64) float64 { return func(float64) float64 { return most } }
func unchangedAlong(s, _ float64) float64     { return s }
func manyAlong(s, n float64) float64          { return s * n }

func elementSteps() []compositionStep {
	return []compositionStep{
		each("Neg", ops.Neg, unchanged),
		each("OneMinus", ops.OneMinus, func(s float64) float64 { return 1 + s }),
		each("Scale", func(x *graph.Value) *graph.Value { return ops.Scale(x, -1.7) }, func(s float64) float64 { return 1.7 * s }),
		each("AddScalar", func(x *graph.Value) *graph.Value { return ops.AddScalar(x, 0.3) }, func(s float64) float64 { return 0.3 + s }),
		each("Square", ops.Square, func(s float64) float64 { return s * s }),
		each("Exp", ops.Exp, math.Exp),
		each("Expm1", ops.Expm1, math.Exp),
		each("Log", func(x *graph.Value) *graph.Value { return ops.Log(above(x)) }, func(s float64) float64 { return math.Log(1+s*s) + 1 }),
		each("Sqrt", func(x *graph.Value) *graph.Value { return ops.Sqrt(above(x)) }, func(s float64) float64 { return s + 1 }),
		each("Reciprocal", func(x *graph.Value) *graph.Value { return ops.Reciprocal(above(x)) }, upTo(2)),
		each("Tanh", ops.Tanh, upTo(1)),
		each("Sigmoid", ops.Sigmoid, upTo(1)),
		each("Softplus", ops.Softplus, func(s float64) float64 { return s + 1 }),
		each("Erf", ops.Erf, upTo(1)),
		each("GELU", ops.GELU, unchanged),
		each("GELUTanh", ops.GELUTanh, unchanged),
		each("SiLU", ops.SiLU, unchanged),
		each("Mish", ops.Mish, unchanged),
		each("ReLU", ops.ReLU, unchanged),
		each("LeakyReLU", func(x *graph.Value) *graph.Value { return ops.LeakyReLU(x, 0.1) }, unchanged),
		each("ELU", func(x *graph.Value) *graph.Value { return ops.ELU(x, 1.3) }, func(s float64) float64 { return s + 0.3 }),
		each("SELU", ops.SELU, func(s float64) float64 { return 2 * s }),
		each("CELU", func(x *graph.Value) *graph.Value { return ops.CELU(x, 0.5) }, unchanged),
		each("HardSwish", ops.HardSwish, unchanged),
		each("Softsign", ops.Softsign, upTo(1)),
		each("Clip", func(x *graph.Value) *graph.Value { return ops.Clip(x, -0.4, 0.6) }, upTo(0.6)),
		each("Abs", ops.Abs, unchanged),
		each("Round", func(x *graph.Value) *graph.Value { return ops.Add(x, ops.Round(x)) }, func(s float64) float64 { return 2*s + 1 }),
		each("Floor", func(x *graph.Value) *graph.Value { return ops.Sub(x, ops.RoundDown(x)) }, upTo(1)),
		each("Sign", func(x *graph.Value) *graph.Value { return ops.Mul(x, ops.Sign(x)) }, unchanged),
		each("Sum", func(x *graph.Value) *graph.Value { return ops.Mul(x, ops.Sum(ops.Scale(x, 0.1))) }, func(s float64) float64 { return 0.1 * mostElements * s * s }),
		each("Mean", func(x *graph.Value) *graph.Value { return ops.Sub(x, ops.Mean(x)) }, func(s float64) float64 { return 2 * s }),
		each("Max", func(x *graph.Value) *graph.Value { return ops.Sub(x, ops.Max(x)) }, func(s float64) float64 { return 2 * s }),
		each("SumSquares", func(x *graph.Value) *graph.Value { return ops.Add(x, ops.L2(0.05, x)) }, func(s float64) float64 { return s + 2*s*s }),
	}
}

func pairSteps() []compositionStep {
	plus := func(a, b float64) float64 { return a + b }
	return []compositionStep{
		pair("Add", ops.Add, plus),
		pair("Sub", ops.Sub, plus),
		pair("Mul", ops.Mul, func(a, b float64) float64 { return a * b }),
		pair("Div", func(a, b *graph.Value) *graph.Value { return ops.Div(a, above(b)) }, func(a, _ float64) float64 { return 2 * a }),
		pair("Pow", func(a, b *graph.Value) *graph.Value { return ops.Pow(above(a), ops.Tanh(b)) }, func(a, _ float64) float64 { return 2 + a*a }),
		pair("Maximum", func(a, b *graph.Value) *graph.Value { return ops.Maximum(a, b) }, math.Max),
		pair("Minimum", func(a, b *graph.Value) *graph.Value { return ops.Minimum(a, b) }, math.Max),
		pair("Where", func(a, b *graph.Value) *graph.Value { return ops.Where(ops.Less(a, b), ops.Square(a), b) }, func(a, b float64) float64 { return max(a*a, b) }),
		pair("Huber", func(a, b *graph.Value) *graph.Value {
			return ops.Add(a, ops.Huber(a, ops.BroadcastTo(b, a.Shape()...), 0.7))
		}, func(a, b float64) float64 { return a + 0.7*(a+b) }),
		pair("MSE", func(a, b *graph.Value) *graph.Value { return ops.Add(a, ops.MSE(a, ops.BroadcastTo(b, a.Shape()...))) }, func(a, b float64) float64 { return a + (a+b)*(a+b) }),
	}
}

func axisSteps() []compositionStep {
	return []compositionStep{
		along("Softmax", func(_ *composer, x *graph.Value, axis, _ int) *graph.Value { return ops.Softmax(x, axis) }, func(_, _ float64) float64 { return 1 }),
		along("LogSoftmax", func(_ *composer, x *graph.Value, axis, _ int) *graph.Value { return ops.LogSoftmax(x, axis) }, func(s, n float64) float64 { return 2*s + math.Log(n) }),
		along("SumKeep", func(_ *composer, x *graph.Value, axis, _ int) *graph.Value { return ops.SumKeep(x, axis) }, manyAlong),
		along("Mean axis", func(_ *composer, x *graph.Value, axis, _ int) *graph.Value { return ops.Mean(x, axis) }, unchangedAlong),
		along("Max axis", func(_ *composer, x *graph.Value, axis, _ int) *graph.Value { return ops.MaxKeep(x, axis) }, unchangedAlong),
		along("Min axis", func(_ *composer, x *graph.Value, axis, _ int) *graph.Value { return ops.MinKeep(x, axis) }, unchangedAlong),
		along("LogSumExp", func(_ *composer, x *graph.Value, axis, _ int) *graph.Value { return ops.LogSumExpKeep(x, axis) }, func(s, n float64) float64 { return s + math.Log(n) }),
		along("Prod", func(_ *composer, x *graph.Value, axis, _ int) *graph.Value { return ops.ProdKeep(ops.Tanh(x), axis) }, func(_, _ float64) float64 { return 1 }),
		along("NormL1", func(_ *composer, x *graph.Value, axis, _ int) *graph.Value { return ops.NormL1Keep(x, axis) }, manyAlong),
		along("CumSum", func(c *composer, x *graph.Value, axis, _ int) *graph.Value {
			return ops.CumSum(x, axis, ops.Cumulation{Exclusive: c.one(0, 1) == 1, Reverse: c.one(0, 1) == 1})
		}, manyAlong),
		along("Standardise", func(_ *composer, x *graph.Value, axis, _ int) *graph.Value { return ops.Standardise(x, axis, 0.1) }, func(_, n float64) float64 { return math.Sqrt(n) }),
		along("Concat", func(_ *composer, x *graph.Value, axis, _ int) *graph.Value { return ops.Concat(axis, x, ops.Square(x)) }, func(s, _ float64) float64 { return max(s, s*s) }),
		along("Slice", func(c *composer, x *graph.Value, axis, n int) *graph.Value {
			lo := c.rng.IntN(n)
			return ops.Slice(x, axis, lo, lo+1+c.rng.IntN(n-lo))
		}, unchangedAlong),
		along("SliceStep", func(_ *composer, x *graph.Value, axis, n int) *graph.Value { return ops.SliceStep(x, axis, 0, n, 2) }, unchangedAlong),
		along("Pad", func(c *composer, x *graph.Value, axis, _ int) *graph.Value {
			lo, hi := make([]int, x.Shape().Rank()), make([]int, x.Shape().Rank())
			lo[axis], hi[axis] = c.one(0, 1), c.one(0, 1)
			return ops.Pad(x, lo, hi, 0.2)
		}, func(s, _ float64) float64 { return max(s, 0.2) }),
		along("Tile", func(_ *composer, x *graph.Value, axis, _ int) *graph.Value {
			times := slices.Repeat([]int{1}, x.Shape().Rank())
			times[axis] = 2
			return ops.Tile(x, times...)
		}, unchangedAlong),
		along("Resize", func(c *composer, x *graph.Value, axis, n int) *graph.Value {
			return ops.ResizeAxis(x, axis, n+c.one(1, 2), ops.Resampling{Filter: ops.InterpolateLinear})
		}, unchangedAlong),
		along("Transpose", func(c *composer, x *graph.Value, _, _ int) *graph.Value {
			return ops.Transpose(x, c.rng.Perm(x.Shape().Rank())...)
		}, unchangedAlong),
		along("Reshape", func(_ *composer, x *graph.Value, _, n int) *graph.Value { return ops.Reshape(x, n, -1) }, unchangedAlong),
		along("BroadcastTo", func(_ *composer, x *graph.Value, axis, _ int) *graph.Value {
			return ops.BroadcastTo(ops.MeanKeep(x, axis), x.Shape()...)
		}, unchangedAlong),
	}
}

func pickSteps() []compositionStep {
	matrix := func(name string, f func(x, y *graph.Value) *graph.Value) compositionStep {
		return compositionStep{name, func(c *composer, x term) (term, bool) {
			if !isRank(x, 2) {
				return x, false
			}
			y := c.like(x)
			return term{f(x.v, ops.BroadcastTo(y.v, x.v.Shape()...)), float64(max(extent(x, 0), extent(x, 1))) * x.size * y.size}, true
		}}
	}
	scatter := func(how ops.Scatter, size func(s, n float64) float64) compositionStep {
		return along("ScatterElements "+how.String(), func(c *composer, x *graph.Value, axis, n int) *graph.Value {
			s := x.Shape().Clone()
			return ops.ScatterElements(ops.Tanh(x), c.indices(term{v: x}, n, s...), ops.Sigmoid(x), axis, how)
		}, size)
	}
	one := func(_, _ float64) float64 { return 1 }
	return []compositionStep{
		matrix("MatMul", func(x, y *graph.Value) *graph.Value { return ops.MatMul(x, ops.Transpose(y)) }),
		matrix("Gemm", func(x, y *graph.Value) *graph.Value {
			return ops.Gemm(x, y, x.Graph().Scalar(graph.Float64, 0.5), ops.Trans{B: true})
		}),
		matrix("Einsum", func(x, y *graph.Value) *graph.Value {
			return ops.Einsum("ij,ik->jk", x, y)
		}),
		along("Gather", func(c *composer, x *graph.Value, axis, n int) *graph.Value {
			return ops.Gather(x, c.indices(term{v: x}, n, 2), axis)
		}, unchangedAlong),
		along("GatherElements", func(c *composer, x *graph.Value, axis, n int) *graph.Value {
			return ops.GatherElements(x, c.indices(term{v: x}, n, x.Shape()...), axis)
		}, unchangedAlong),
		along("TopK", func(c *composer, x *graph.Value, axis, n int) *graph.Value {
			y, _ := ops.TopK(x, 1+c.rng.IntN(n), axis)
			return y
		}, unchangedAlong),
		scatter(ops.ScatterReplace, one), scatter(ops.ScatterAdd, func(_, n float64) float64 { return 1 + n }),
		scatter(ops.ScatterMul, one), scatter(ops.ScatterMax, one), scatter(ops.ScatterMin, one),
		{"SoftmaxCrossEntropy", func(c *composer, x term) (term, bool) {
			if !isRank(x, 2) {
				return x, false
			}
			loss := ops.SoftmaxCrossEntropy(x.v, c.indices(x, extent(x, 1), extent(x, 0)), ops.CrossEntropy{Smoothing: 0.1})
			return term{ops.Add(x.v, loss), 3*x.size + 3}, true
		}},
		{"LayerNorm", func(c *composer, x term) (term, bool) {
			if x.v.Shape().Rank() < 2 {
				return x, false
			}
			n := x.v.Shape()[1:].Clone()
			y := ops.LayerNorm(x.v, c.source(n).v, c.source(n).v, 0.1)
			return term{y, 1 + math.Sqrt(float64(n.Size()))}, true
		}},
		{"RMSNorm", func(c *composer, x term) (term, bool) {
			if isRank(x, 0) {
				return x, false
			}
			n := extent(x, x.v.Shape().Rank()-1)
			return term{ops.RMSNorm(x.v, c.source(graph.Shape{n}).v, 0.1), math.Sqrt(float64(n))}, true
		}},
		{"Dropout", func(c *composer, x term) (term, bool) {
			return term{ops.Dropout(x.v, 0.3, ops.Random(x.v.Graph())), 1.5 * x.size}, true
		}},
	}
}

func imageSteps() []compositionStep {
	window := func(c *composer) ops.Pool {
		return ops.Pool{Size: [2]int{2, 2}, Stride: [2]int{c.one(1, 2), 1}, Pad: [4]int{c.one(0, 1), 0, 0, c.one(0, 1)}, Round: ops.Floor}
	}
	grow := func(n float64) func(float64) float64 { return func(s float64) float64 { return n * s } }
	return []compositionStep{
		ofImages("MaxPool2D", func(c *composer, x *graph.Value) *graph.Value { return ops.MaxPool2D(x, window(c)) }, unchanged),
		ofImages("AvgPool2D", func(c *composer, x *graph.Value) *graph.Value { return ops.AvgPool2D(x, window(c)) }, unchanged),
		ofImages("GlobalAvgPool", func(_ *composer, x *graph.Value) *graph.Value { return ops.GlobalAvgPool(x) }, unchanged),
		ofImages("Conv2D", func(c *composer, x *graph.Value) *graph.Value {
			w := c.source(graph.Shape{2, x.Shape()[1], 2, c.one(1, 2)})
			return ops.Conv2D(x, w.v, ops.Conv{Stride: [2]int{1, c.one(1, 2)}, Pad: [4]int{c.one(0, 1), 1, 0, 1}, Round: ops.Floor})
		}, grow(16)),
		ofImages("Conv2D depthwise", func(c *composer, x *graph.Value) *graph.Value {
			channels := x.Shape()[1]
			w, b := c.source(graph.Shape{channels, 1, 2, 2}), c.source(graph.Shape{channels})
			return ops.Conv2DBias(x, w.v, b.v, ops.Conv{Groups: channels, Same: true})
		}, func(s float64) float64 { return 4*s + 1 }),
		ofImages("ConvTranspose2D", func(c *composer, x *graph.Value) *graph.Value {
			w := c.source(graph.Shape{x.Shape()[1], 1, 2, 2})
			return ops.ConvTranspose2D(x, w.v, ops.ConvTranspose{Stride: [2]int{c.one(1, 2), 1}, Pad: [4]int{0, 1, 0, 0}})
		}, grow(16)),
		ofImages("BatchNorm", func(c *composer, x *graph.Value) *graph.Value {
			n := graph.Shape{x.Shape()[1]}
			y, _, _ := ops.BatchNorm(x, c.source(n).v, c.source(n).v, 0.1)
			return y
		}, upTo(6)),
		ofImages("LRN", func(_ *composer, x *graph.Value) *graph.Value {
			return ops.LRN(x, ops.LocalResponse{Size: 3, Alpha: 0.5, Beta: 0.75, K: 1})
		}, unchanged),
		ofImages("Flatten", func(_ *composer, x *graph.Value) *graph.Value { return ops.Flatten(x) }, unchanged),
	}
}
