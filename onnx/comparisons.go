package onnx

import (
	"neocog/graph"
	"neocog/ops"
)

// comparisons are what gives or takes truth values.
var comparisons = []rule{
	arithmeticOf("Equal", equal),
	arithmetic("Less", ops.Less), arithmetic("LessOrEqual", ops.LessEqual),
	arithmetic("Greater", ops.Greater), arithmetic("GreaterOrEqual", ops.GreaterEqual),
	arithmetic("And", ops.And), arithmetic("Or", ops.Or), arithmetic("Xor", ops.Xor),
	since1("Not", ops.Not),
	{op: "Where", from: 9, in: [2]int{3, 3}, build: func(c *call) []*graph.Value { return one(ops.Where(c.in(0), c.in(1), c.in(2))) }},
	unary("IsNaN", func(x *graph.Value) *graph.Value { return ops.Not(ops.Equal(x, x)) }),
	{op: "IsInf", from: 10, in: [2]int{1, 1}, attributes: []string{"detect_negative", "detect_positive"}, build: isInf},
}

// equal compares truth values too.
func equal(_ *call, a, b *graph.Value) *graph.Value {
	if a.DType() == graph.Bool && b.DType() == graph.Bool {
		return ops.Not(ops.Xor(a, b))
	}
	return ops.Equal(a, b)
}

func isInf(c *call) []*graph.Value {
	x := c.float(0)
	negative, positive := c.attrInt("detect_negative", 1) != 0, c.attrInt("detect_positive", 1) != 0
	is := func(x *graph.Value, inf float64) []*graph.Value { return one(ops.Equal(x, c.g.Scalar(x.DType(), inf))) }
	switch {
	case negative && positive:
		return is(ops.Abs(x), infinity)
	case positive:
		return is(x, infinity)
	case negative:
		return is(x, -infinity)
	}
	return one(ops.Cast(ops.ZerosLike(x), graph.Bool))
}
