package gorgonia

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/ops"
)

// rules says what becomes of each of Gorgonia's ops, by the name of its Go type. Gorgonia exports neither its ops nor their attributes,
// so that both are read by reflection; TestEveryRule sees every one of them.
var rules map[string]func(c *call) (*graph.Value, error)

func init() { // not in the declaration, which the rules themselves need
	rules = map[string]func(c *call) (*graph.Value, error){
		"constantScalar":      constant,
		"constantTensor":      constant,
		"elemBinOp":           elementwise,
		"elemUnaryOp":         unary,
		"minBetween":          func(c *call) (*graph.Value, error) { return c.binary(extreme(ops.Minimum)) },
		"maxBetween":          func(c *call) (*graph.Value, error) { return c.binary(extreme(ops.Maximum)) },
		"dtConvOp":            convert,
		"linAlgBinOp":         product,
		"tensordotOp":         tensordot,
		"sumOp":               func(c *call) (*graph.Value, error) { return c.over(ops.Sum) },
		"maxOp":               func(c *call) (*graph.Value, error) { return c.over(ops.Max) },
		"sizeOp":              size,
		"repeatOp":            repeat,
		"reshapeOp":           reshape,
		"transposeOp":         transpose,
		"concatOp":            concat,
		"sliceOp":             slice,
		"byIndicesOp":         byIndices,
		"softmaxOp":           softmax,
		"maxPoolOp":           maxPool,
		"avgPoolOp":           avgPool,
		"globalAveragePoolOp": globalAvgPool,
		"upsampleOp":          upsample,
		"BatchNormOp":         batchNorm,
		"GroupNormOp":         groupNorm,
		"dropoutOp":           dropout,
	}
}

// kind returns the name of op's type if it is one of Gorgonia's.
func kind(op G.Op) string {
	t := reflect.Indirect(reflect.ValueOf(op)).Type()
	if t.PkgPath() != reflect.TypeFor[G.Node]().PkgPath() {
		return ""
	}
	return t.Name()
}

// A call is a node on its way into the graph.
type call struct {
	*converter
	n *G.Node
}

// attr returns an attribute of the node's op.
func (c *call) attr(name string) reflect.Value {
	return reflect.Indirect(reflect.ValueOf(c.n.Op())).FieldByName(name)
}

func (c *call) int(name string) int { return int(c.attr(name).Int()) }

func (c *call) ints(name string) []int {
	list := c.attr(name)
	out := make([]int, list.Len())
	for i := range out {
		out[i] = int(list.Index(i).Int())
	}
	return out
}

// refuse says why the node cannot be converted.
func (c *call) refuse(format string, args ...any) (*graph.Value, error) {
	return nil, &UnsupportedError{c.n, opName(c.n), fmt.Sprintf(format, args...)}
}

// in returns what operand i becomes.
func (c *call) in(i int) (*graph.Value, error) { return c.value(children(c.n)[i]) }

// over reduces along the op's axes, along all if it has none.
func (c *call) over(reduce func(*graph.Value, ...int) *graph.Value) (*graph.Value, error) {
	x, err := c.in(0)
	if err != nil {
		return nil, err
	}
	return reduce(x, c.ints("along")...), nil
}

// binary applies f to both operands.
func (c *call) binary(f func(a, b *graph.Value) *graph.Value) (*graph.Value, error) {
	in, err := c.operands(c.n)
	if err != nil {
		return nil, err
	}
	return f(in[0], in[1]), nil
}

func extreme(of func(a, b *graph.Value, more ...*graph.Value) *graph.Value) func(a, b *graph.Value) *graph.Value {
	return func(a, b *graph.Value) *graph.Value { return of(a, b) }
}

func reshaped(x *graph.Value, s graph.Shape) *graph.Value { return ops.Reshape(x, s...) }

func constant(c *call) (*graph.Value, error) {
	holder, ok := c.n.Op().(interface{ Value() G.Value })
	if !ok {
		return c.refuse("it shows no value")
	}
	d, err := dense(holder.Value())
	if err != nil {
		return nil, err
	}
	shape := graph.Shape(c.n.Shape())
	switch v := d.Materialize().Data().(type) {
	case []float32:
		return graph.Const(c.Graph, shape, v...), nil
	case float32:
		return graph.Const(c.Graph, shape, v), nil
	case []float64:
		return graph.Const(c.Graph, shape, v...), nil
	case float64:
		return graph.Const(c.Graph, shape, v), nil
	case []int:
		wide := make([]int64, len(v))
		for i, n := range v {
			wide[i] = int64(n)
		}
		return graph.Const(c.Graph, shape, wide...), nil
	case int:
		return graph.Const(c.Graph, shape, int64(v)), nil
	}
	return c.refuse("constants are floats and ints, not %v", d.Dtype())
}

// elementwise also knows Rectify, x ⊙ (x ≥ 0).
func elementwise(c *call) (*graph.Value, error) {
	name, _, _ := strings.Cut(c.n.Op().String(), " ")
	kids := children(c.n)
	if name == "⊙" && isPositive(kids[1], kids[0]) {
		x, err := c.in(0)
		if err != nil {
			return nil, err
		}
		return ops.ReLU(x), nil
	}
	in, err := c.operands(c.n)
	if err != nil {
		return nil, err
	}
	a, b := in[0], in[1]
	var y *graph.Value
	switch name {
	case "+":
		return ops.Add(a, b), nil
	case "-":
		return ops.Sub(a, b), nil
	case "⊙":
		return ops.Mul(a, b), nil
	case "÷":
		return ops.Div(a, b), nil
	case "^":
		return ops.Pow(a, b), nil
	case "<":
		y = ops.Less(a, b)
	case ">":
		y = ops.Greater(a, b)
	case "<=":
		y = ops.LessEqual(a, b)
	case ">=":
		y = ops.GreaterEqual(a, b)
	case "==":
		y = ops.Equal(a, b)
	case "!=":
		y = ops.Not(ops.Equal(a, b))
	default:
		return c.refuse(noRule)
	}
	if c.attr("retSame").Bool() {
		y = ops.Cast(y, a.DType())
	}
	return y, nil
}

// isPositive reports whether n is x ≥ 0, as a number.
func isPositive(n, x *G.Node) bool {
	if n.Op() == nil || n.Op().String() != ">= true" {
		return false
	}
	kids := children(n)
	zero, ok := kids[1].Op().(interface{ Value() G.Value })
	return ok && kids[0] == x && fmt.Sprint(zero.Value().Data()) == "0"
}

var unaries = map[string]func(x *graph.Value) *graph.Value{
	"abs": ops.Abs, "sign": ops.Sign, "ceil": ops.RoundUp, "floor": ops.RoundDown,
	"exp": ops.Exp, "ln": ops.Log, "neg": ops.Neg, "square": ops.Square, "sqrt": ops.Sqrt,
	"log2":    func(x *graph.Value) *graph.Value { return ops.Scale(ops.Log(x), 1/ln2) },
	"inv":     ops.Reciprocal,
	"invSqrt": func(x *graph.Value) *graph.Value { return ops.Reciprocal(ops.Sqrt(x)) },
	"cube":    func(x *graph.Value) *graph.Value { return ops.Mul(ops.Square(x), x) },
	"tanh":    ops.Tanh, "sigmoid": ops.Sigmoid,
	"log1p":    func(x *graph.Value) *graph.Value { return ops.Log(ops.AddScalar(x, 1)) },
	"expm1":    ops.Expm1,
	"softplus": ops.Softplus,
}

const ln2 = 0.693147180559945309417232121458176568

func unary(c *call) (*graph.Value, error) {
	f, ok := unaries[c.n.Op().String()]
	if !ok {
		return c.refuse(noRule)
	}
	x, err := c.in(0)
	if err != nil {
		return nil, err
	}
	return f(x), nil
}

// product is a matrix product, or one of its relatives.
func product(c *call) (*graph.Value, error) {
	in, err := c.operands(c.n)
	if err != nil {
		return nil, err
	}
	a, b := in[0], in[1]
	flip := func(x *graph.Value, yes string) *graph.Value {
		rank := x.Type().Shape.Rank()
		if !c.attr(yes).Bool() || rank < 2 {
			return x
		}
		perm := make([]int, rank)
		for i := range perm {
			perm[i] = i
		}
		perm[rank-2], perm[rank-1] = rank-1, rank-2
		return ops.Transpose(x, perm...)
	}
	switch operator := c.attr("āBinaryOperator"); int(number(operator)) {
	case 0, 1, 4: // matrices; matrix and vector; stacks of matrices
		return ops.MatMul(flip(a, "transA"), flip(b, "transB")), nil
	case 2: // inner product
		return ops.Sum(ops.Mul(a, b)), nil
	case 3: // outer product
		return ops.Mul(ops.Reshape(a, -1, 1), ops.Reshape(b, 1, -1)), nil
	}
	return c.refuse(noRule)
}

// tensordot brings the axes that meet to the end of a and to the front of b, and multiplies matrices.
func tensordot(c *call) (*graph.Value, error) {
	return c.binary(func(a, b *graph.Value) *graph.Value {
		meetA, meetB := c.ints("aAxes"), c.ints("bAxes")
		restA, restB := without(a, meetA), without(b, meetB)
		inner := 1
		for _, axis := range meetA {
			inner *= a.Type().Shape[axis]
		}
		left := ops.Reshape(ops.Transpose(a, slices.Concat(restA, meetA)...), -1, inner)
		right := ops.Reshape(ops.Transpose(b, slices.Concat(meetB, restB)...), inner, -1)
		return ops.MatMul(left, right)
	})
}

// without returns x's axes but these.
func without(x *graph.Value, axes []int) []int {
	var rest []int
	for axis := range x.Type().Shape {
		if !slices.Contains(axes, axis) {
			rest = append(rest, axis)
		}
	}
	return rest
}

func convert(c *call) (*graph.Value, error) {
	x, err := c.in(0)
	if err != nil {
		return nil, err
	}
	t, err := typeOf(c.n)
	if err != nil {
		return nil, err
	}
	return ops.Cast(x, t.DType), nil
}

func number(v reflect.Value) int64 {
	if v.CanUint() {
		return int64(v.Uint())
	}
	return v.Int()
}

// size is an extent, as a number of the operand's type.
func size(c *call) (*graph.Value, error) {
	shape := children(c.n)[0].Shape()
	extent := 1
	if axis := c.int("axis"); axis < len(shape) {
		extent = shape[axis]
	}
	t, err := typeOf(c.n)
	if err != nil {
		return nil, err
	}
	if !t.DType.IsFloat() {
		return c.refuse("sizes are floats, not %v", t.DType)
	}
	return c.Graph.Scalar(t.DType, float64(extent)), nil
}

// repeat stretches an axis of one element, as broadcasting does.
func repeat(c *call) (*graph.Value, error) {
	x, err := c.in(0)
	if err != nil {
		return nil, err
	}
	want := graph.Shape(c.n.Shape())
	axis := c.int("along")
	narrow := want.Clone()
	narrow[axis] = 1
	if x.Type().Shape.Size() != narrow.Size() {
		return c.refuse("it repeats axis %d of %v, which has more than one element", axis, x.Type().Shape)
	}
	return ops.BroadcastTo(reshaped(x, narrow), want...), nil
}

func reshape(c *call) (*graph.Value, error) {
	x, err := c.in(0)
	if err != nil {
		return nil, err
	}
	return reshaped(x, graph.Shape(c.n.Shape())), nil
}

func concat(c *call) (*graph.Value, error) {
	in, err := c.operands(c.n)
	if err != nil {
		return nil, err
	}
	return ops.Concat(c.int("axis"), in...), nil
}

func slice(c *call) (*graph.Value, error) {
	x, err := c.in(0)
	if err != nil {
		return nil, err
	}
	axis := c.int("along")
	s, ok := c.attr("Slice").Interface().(tensor.Slice)
	if !ok || s == nil {
		return x, nil
	}
	return ops.SliceStep(x, axis, s.Start(), s.End(), max(s.Step(), 1)), nil
}

func byIndices(c *call) (*graph.Value, error) {
	return c.binary(func(x, indices *graph.Value) *graph.Value {
		return ops.Gather(x, ops.Reshape(indices, -1), c.int("axis"))
	})
}
