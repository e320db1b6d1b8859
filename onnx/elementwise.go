package onnx

import (
	"math"

	"neocog/graph"
	"neocog/ops"
)

// elementwise are functions of each element, and arithmetic with broadcasting.
var elementwise = []rule{
	unary("Abs", ops.Abs), unary("Neg", ops.Neg), unary("Sign", ops.Sign),
	unary("Exp", ops.Exp), unary("Log", ops.Log), unary("Sqrt", ops.Sqrt), unary("Erf", ops.Erf), unary("Reciprocal", ops.Reciprocal),
	unary("Floor", ops.RoundDown), unary("Ceil", ops.RoundUp), unary("Round", ops.Round),
	unary("Relu", ops.ReLU), unary("Sigmoid", ops.Sigmoid), unary("Tanh", ops.Tanh), since1("Softplus", ops.Softplus),
	since1("Softsign", ops.Softsign), unary("Mish", ops.Mish), unary("HardSwish", hardSwish),
	unary("Sinh", func(x *graph.Value) *graph.Value {
		return ops.Scale(ops.Sub(ops.Expm1(x), ops.Expm1(ops.Neg(x))), 0.5) // nothing cancels near 0
	}),
	unary("Cosh", func(x *graph.Value) *graph.Value {
		return ops.Scale(ops.Add(ops.Exp(x), ops.Exp(ops.Neg(x))), 0.5)
	}),
	{op: "Identity", from: 1, in: [2]int{1, 1}, build: func(c *call) []*graph.Value { return one(c.in(0)) }},

	activation("LeakyRelu", "alpha", 0.01, ops.LeakyReLU),
	activation("Elu", "alpha", 1, ops.ELU),
	activation("Celu", "alpha", 1, ops.CELU),
	activation("ThresholdedRelu", "alpha", 1, func(x *graph.Value, alpha float64) *graph.Value {
		return ops.Where(ops.Less(x.Graph().Scalar(x.DType(), alpha), x), x, scalarOf(x, 0))
	}),
	{op: "Selu", from: 6, in: [2]int{1, 1}, attributes: []string{"alpha", "gamma"}, build: func(c *call) []*graph.Value {
		return one(ops.Scale(ops.ELU(c.float(0), c.attrFloat("alpha", 1.67326319217681884765625)), c.attrFloat("gamma", 1.05070102214813232421875)))
	}},
	{op: "HardSigmoid", from: 6, in: [2]int{1, 1}, attributes: []string{"alpha", "beta"}, build: func(c *call) []*graph.Value {
		return one(ops.HardSigmoid(c.float(0), c.attrFloat("alpha", 0.2), c.attrFloat("beta", 0.5)))
	}},
	{op: "Gelu", from: 20, in: [2]int{1, 1}, attributes: []string{"approximate"}, build: func(c *call) []*graph.Value {
		switch how := c.attrString("approximate", "none"); how {
		case "none":
			return one(ops.GELU(c.float(0)))
		case "tanh":
			return one(ops.GELUTanh(c.float(0)))
		default:
			c.refuse("the approximation %s is not known", quoted(how))
			return nil
		}
	}},
	{op: "Shrink", from: 9, in: [2]int{1, 1}, attributes: []string{"bias", "lambd"}, build: shrink},
	{op: "PRelu", from: 7, in: [2]int{2, 2}, build: func(c *call) []*graph.Value { return one(ops.PReLU(c.float(0), c.float(1))) }},
	{op: "Clip", from: 6, to: 10, in: [2]int{1, 1}, attributes: []string{"min", "max"}, build: func(c *call) []*graph.Value {
		return one(ops.Clip(c.float(0), c.attrFloat("min", -math.MaxFloat32), c.attrFloat("max", math.MaxFloat32)))
	}},
	{op: "Clip", from: 11, in: [2]int{1, 3}, build: clip},

	arithmetic("Add", addition), arithmetic("Sub", ops.Sub), arithmetic("Mul", multiplication),
	{op: "Mod", from: 10, in: [2]int{2, 2}, attributes: []string{"fmod"}, build: modulo},
	arithmeticOf("Div", divide), arithmeticOf("Pow", power),
	variadic("Max", func(a, b *graph.Value) *graph.Value { return ops.Maximum(a, b) }),
	variadic("Min", func(a, b *graph.Value) *graph.Value { return ops.Minimum(a, b) }),
	variadic("Sum", ops.Add),
	{op: "Mean", from: 6, in: [2]int{1, -1}, build: func(c *call) []*graph.Value {
		sum := fold(c, ops.Add)
		return one(ops.Scale(sum, rounded(sum, 1/float64(len(c.n.Input)))))
	}},
}

// rounded returns v rounded to the elements of x: an attribute that keeps its value when
// it is written as a tensor.
func rounded(x *graph.Value, v float64) float64 {
	if x.DType() == graph.Float32 {
		return float64(float32(v))
	}
	return v
}

// unary is the rule of an op with one operand and no attributes.
func unary(op string, f func(x *graph.Value) *graph.Value) rule {
	return rule{op: op, from: 6, in: [2]int{1, 1}, build: func(c *call) []*graph.Value { return one(f(c.in(0))) }}
}

// since1 is unary for an op that is as it was in operator set 1.
func since1(op string, f func(x *graph.Value) *graph.Value) rule {
	r := unary(op, f)
	r.from = 1
	return r
}

// activation is the rule of an op with one operand and one float attribute.
func activation(op, attribute string, otherwise float64, f func(x *graph.Value, v float64) *graph.Value) rule {
	return rule{op: op, from: 6, in: [2]int{1, 1}, attributes: []string{attribute}, build: func(c *call) []*graph.Value {
		return one(f(c.float(0), c.attrFloat(attribute, otherwise)))
	}}
}

// arithmetic is the rule of an op with two operands that broadcast.
func arithmetic(op string, f func(a, b *graph.Value) *graph.Value) rule {
	return arithmeticOf(op, func(_ *call, a, b *graph.Value) *graph.Value { return f(a, b) })
}

// arithmeticOf is arithmetic for an op which asks the call for more. Before operator set
// 7 the second operand is stretched only if broadcast is set, from an axis on.
func arithmeticOf(op string, f func(c *call, a, b *graph.Value) *graph.Value) rule {
	return rule{op: op, from: 6, in: [2]int{2, 2}, attributes: []string{"broadcast", "axis"}, build: func(c *call) []*graph.Value {
		a, b := c.in(0), c.in(1)
		if c.attrInt("broadcast", 0) != 0 && c.model.opset < 7 {
			b = c.alignedAt(b, a, c.attrInt("axis", a.Shape().Rank()-b.Shape().Rank()))
		}
		return one(f(c, a, b))
	}}
}

// alignedAt gives b axes of extent 1 so that its first axis meets axis of a.
func (c *call) alignedAt(b, a *graph.Value, axis int) *graph.Value {
	shape := b.Shape().Clone()
	if axis < 0 || axis > a.Shape().Rank()-len(shape) {
		c.refuse("operand 1 %v does not fit at axis %d of operand 0 %v", b.Type(), axis, a.Type())
	}
	for len(shape)+axis < a.Shape().Rank() {
		shape = append(shape, 1)
	}
	return ops.Reshape(b, shape...)
}

// variadic is the rule of an op that goes over any number of operands.
func variadic(op string, f func(a, b *graph.Value) *graph.Value) rule {
	return rule{op: op, from: 6, in: [2]int{1, -1}, build: func(c *call) []*graph.Value { return one(fold(c, f)) }}
}

func fold(c *call, f func(a, b *graph.Value) *graph.Value) *graph.Value {
	y := c.in(0)
	for i := 1; i < len(c.n.Input); i++ {
		if !c.has(i) {
			c.refuse("operand %d is missing", i)
		}
		y = f(y, c.in(i))
	}
	return y
}

func hardSwish(x *graph.Value) *graph.Value {
	return ops.Mul(x, ops.HardSigmoid(x, rounded(x, 1./6), 0.5))
}

// addition adds a constant scalar without broadcasting.
func addition(a, b *graph.Value) *graph.Value {
	if s, x, ok := withConstant(a, b); ok {
		return ops.AddScalar(x, s)
	}
	return ops.Add(a, b)
}

func multiplication(a, b *graph.Value) *graph.Value {
	if s, x, ok := withConstant(a, b); ok {
		return ops.Scale(x, s)
	}
	if x := expm1Of(a, b); x != nil {
		return ops.Expm1(x)
	}
	if x := geluOf(a, b); x != nil {
		return ops.GELU(x)
	}
	return ops.Mul(a, b)
}

// madeBy returns the operand of v if v is made by that op with, if it has an attribute S,
// that number up to the digits of float32; else nil.
func madeBy(op string, s float64, v *graph.Value) *graph.Value {
	if v == nil || v.Node().Op.Name() != op {
		return nil
	}
	if op == "Scale" || op == "AddScalar" {
		if got := field[float64](v.Node().Op, "S"); math.Abs(got-s) > 1e-6*math.Abs(s) {
			return nil
		}
	}
	return v.Node().In(0)
}

// expm1Of returns x if a·b is what lower makes of Expm1(x): tanh(x/2)·(eˣ + 1).
func expm1Of(a, b *graph.Value) *graph.Value {
	x := madeBy("Exp", 0, madeBy("AddScalar", 1, b))
	if x == nil || madeBy("Scale", 0.5, madeBy("Tanh", 0, a)) != x {
		return nil
	}
	return x
}

// geluOf returns x if a·b is what lower makes of GELU(x), as other exporters do:
// x·½·(1 + erf(x/√2)).
func geluOf(a, b *graph.Value) *graph.Value {
	erf := madeBy("AddScalar", 1, madeBy("Scale", 0.5, b))
	if x := madeBy("Scale", 1/math.Sqrt2, madeBy("Erf", 0, erf)); x != nil && x == a {
		return x
	}
	return nil
}

// withConstant reports whether one operand is a finite float constant of one element
// that does not change the shape of the other, x.
func withConstant(a, b *graph.Value) (s float64, x *graph.Value, ok bool) {
	for _, p := range [][2]*graph.Value{{a, b}, {b, a}} {
		k, isConst := p[1].Node().Op.(graph.ConstOp)
		if !isConst || !p[1].DType().IsFloat() || p[1].Shape().Size() != 1 || p[1].Shape().Rank() > p[0].Shape().Rank() || p[0].DType() != p[1].DType() {
			continue
		}
		if s = k.At(p[1].DType(), 0); !math.IsInf(s, 0) && !math.IsNaN(s) {
			return s, p[0], true
		}
	}
	return 0, nil, false
}

// modulo is the remainder of integers, with the sign of the divisor, or with fmod that
// of the dividend. Modulo the pixels of a plane, the place of a MaxPool's maximum in
// all of x is its place within the plane, which is what our MaxPool2D gives.
func modulo(c *call) []*graph.Value {
	b := c.in(1)
	if v := c.values[c.n.Input[0]]; c.folding == nil && v.plane != nil {
		if k, ok := literal(b); ok && b.Shape().Size() == 1 && b.DType().IsInt() && k.ints()[0] == v.pixels {
			return one(ops.Cast(v.plane, graph.Int64))
		}
	}
	a, fmod := c.in(0), c.attrInt("fmod", 0) != 0
	if a.DType().IsFloat() {
		c.refuse("the operands are %v and %v; the remainder of integers is known", a.Type(), b.Type())
	}
	towards0 := divide(c, a, b)
	rest := ops.Sub(a, ops.Mul(towards0, b))
	if fmod {
		return one(rest)
	}
	zero := c.g.Scalar(a.DType(), 0)
	other := ops.And(ops.Not(ops.Equal(rest, zero)), ops.Xor(ops.Less(rest, zero), ops.Less(b, zero)))
	return one(ops.Where(other, ops.Add(rest, b), rest))
}

// divide divides integers towards 0. Through float64 that is exact for int32, and
// for int64 below 2⁵².
func divide(c *call, a, b *graph.Value) *graph.Value {
	switch {
	case a.DType() == graph.Int64 && c.folding != nil:
		for _, k := range c.folding {
			for _, v := range k.ints() {
				if v < -1<<52 || v > 1<<52 {
					c.refuse("division of %d, want numbers within ±2⁵²", v)
				}
			}
		}
		for _, v := range c.folding[1].ints() {
			if v == 0 {
				c.refuse("division by 0")
			}
		}
	case a.DType() == graph.Int64:
		c.refuse("division of int64 that are not constants")
	case a.DType() != graph.Int32:
		return ops.Div(a, b)
	}
	y := ops.Div(ops.Cast(a, graph.Float64), ops.Cast(b, graph.Float64))
	return ops.Cast(y, a.DType())
}

// power raises integers through float64, which is exact below 2⁵³. The result has
// the element type of the base.
func power(_ *call, a, b *graph.Value) *graph.Value {
	if a.DType().IsFloat() {
		return ops.Pow(a, ops.Cast(b, a.DType()))
	}
	return ops.Cast(ops.Pow(ops.Cast(a, graph.Float64), ops.Cast(b, graph.Float64)), a.DType())
}

// clip bounds by constants or by scalars of the graph, either of which may be
// missing. An upper bound below the lower one wins.
func clip(c *call) []*graph.Value {
	x := c.in(0)
	bound := func(i int, otherwise float64) (float64, bool) {
		if !c.has(i) {
			return otherwise, true
		}
		if v := c.values[c.n.Input[i]]; c.folding == nil && v.constant() == nil && v.init == nil {
			return 0, false
		}
		return c.scalar(i, "a bound"), true
	}
	lo, knownLo := bound(1, -infinity)
	hi, knownHi := bound(2, infinity)
	if knownLo && knownHi && x.DType().IsFloat() && lo <= hi {
		return one(ops.Clip(x, lo, hi))
	}
	if c.has(1) {
		x = ops.Maximum(x, c.in(1))
	}
	if c.has(2) {
		x = ops.Minimum(x, c.in(2))
	}
	return one(x)
}

// shrink moves x towards 0 by bias where |x| > lambd; the rest is 0.
func shrink(c *call) []*graph.Value {
	x := c.float(0)
	bias, lambd := c.attrFloat("bias", 0), c.attrFloat("lambd", 0.5)
	scalar := func(v float64) *graph.Value { return c.g.Scalar(x.DType(), v) }
	below := ops.Where(ops.Less(x, scalar(-lambd)), ops.AddScalar(x, bias), scalar(0))
	return one(ops.Where(ops.Less(scalar(lambd), x), ops.AddScalar(x, -bias), below))
}
