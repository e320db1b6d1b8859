package onnx

import (
	"neocog/graph"
	"neocog/ops"
)

// reductions go over axes.
var reductions = []rule{
	reduce("ReduceSum", ops.Sum, ops.SumKeep), reduce("ReduceMean", ops.Mean, ops.MeanKeep), reduce("ReduceProd", ops.Prod, ops.ProdKeep),
	reduce("ReduceMax", ops.Max, ops.MaxKeep), reduce("ReduceMin", ops.Min, ops.MinKeep),
	reduce("ReduceL1", ops.NormL1, ops.NormL1Keep), reduce("ReduceL2", ops.NormL2, ops.NormL2Keep), reduce("ReduceSumSquare", ops.SumSquare, ops.SumSquareKeep),
	reduce("ReduceLogSum", ops.LogSum, ops.LogSumKeep), reduce("ReduceLogSumExp", ops.LogSumExp, ops.LogSumExpKeep),
	{op: "ArgMax", from: 6, in: [2]int{1, 1}, attributes: argAttributes, build: arg(ops.ArgMax)},
	{op: "ArgMin", from: 6, in: [2]int{1, 1}, attributes: argAttributes, build: arg(ops.ArgMin)},
	softmaxes("Softmax", ops.Softmax, 6, 12), softmaxes("Softmax", ops.Softmax, 13, 0),
	softmaxes("LogSoftmax", ops.LogSoftmax, 6, 12), softmaxes("LogSoftmax", ops.LogSoftmax, 13, 0),
	softmaxes("Hardmax", hardmax, 6, 12), softmaxes("Hardmax", hardmax, 13, 0),
	{op: "CumSum", from: 11, in: [2]int{2, 2}, attributes: []string{"exclusive", "reverse"}, build: cumSum},
	{op: "TopK", from: 6, to: 9, in: [2]int{1, 1}, attributes: []string{"axis", "k"}, build: func(c *call) []*graph.Value { return topK(c, c.attrInt("k", 0)) }},
	{op: "TopK", from: 10, in: [2]int{2, 2}, attributes: []string{"axis", "largest", "sorted"}, build: func(c *call) []*graph.Value {
		return topK(c, int(c.scalar(1, "k")))
	}},
}

type reducer func(x *graph.Value, axes ...int) *graph.Value

// reduce is the rule of a reduction. The axes are an attribute, and from operator
// set 13 (ReduceSum) or 18 (the others) on an operand; none means all, or
// nothing at all with noop_with_empty_axes.
func reduce(op string, drop, keep reducer) rule {
	return rule{op: op, from: 6, in: [2]int{1, 2}, attributes: []string{"axes", "keepdims", "noop_with_empty_axes"}, build: func(c *call) []*graph.Value {
		x := c.in(0)
		axes := c.attrInts("axes")
		if c.has(1) {
			axes = c.ints(1, "the axes")
		}
		axes = c.axes(axes, x.Shape().Rank())
		if len(axes) == 0 && c.attrInt("noop_with_empty_axes", 0) != 0 {
			return one(x)
		}
		if len(axes) == 0 {
			for i := range x.Shape() {
				axes = append(axes, i)
			}
		}
		if !x.DType().IsFloat() {
			c.refuse("x is %v, want float or double", x.Type())
		}
		if c.attrInt("keepdims", 1) != 0 {
			return one(keep(x, axes...))
		}
		return one(drop(x, axes...))
	}}
}

var argAttributes = []string{"axis", "keepdims", "select_last_index"}

// arg is the rule of ArgMax and ArgMin. The last of several is the first from the
// other end.
func arg(f func(x *graph.Value, axis int) *graph.Value) func(c *call) []*graph.Value {
	return func(c *call) []*graph.Value {
		c.float(0)
		x := c.rank(0, 1)
		axis := c.axis(c.attrInt("axis", 0), x.Shape().Rank())
		last := c.attrInt("select_last_index", 0) != 0
		if last {
			x = c.reversed(x, axis)
		}
		y := ops.Cast(f(x, axis), graph.Int64)
		if last {
			y = ops.Sub(c.constInts(graph.Shape{}, c.extent(x, axis)-1), y)
		}
		if c.attrInt("keepdims", 1) != 0 && y.IsValid() {
			s := x.Shape().Clone()
			s[axis] = 1
			y = ops.Reshape(y, s...)
		}
		return one(y)
	}
}

// reversed returns x with an axis in reverse order.
func (c *call) reversed(x *graph.Value, axis int) *graph.Value {
	n := c.extent(x, axis)
	if n > maxTable {
		c.refuse("axis %d of x %v is too long to be reversed", axis, x.Type())
	}
	index := make([]int, n)
	for i := range index {
		index[i] = n - 1 - i
	}
	return ops.Gather(x, c.constInts(graph.Shape{n}, index...), axis)
}

// softmaxes is the rule of an op along one axis, by default the last one. Before
// operator set 13 x counted as a matrix whose rows are all axes from one on, by
// default 1.
func softmaxes(op string, f func(x *graph.Value, axis int) *graph.Value, from, to int64) rule {
	return rule{op: op, from: from, to: to, in: [2]int{1, 1}, attributes: []string{"axis"}, build: func(c *call) []*graph.Value {
		x := c.float(0)
		if from >= 13 {
			return one(f(x, c.axis(c.attrInt("axis", -1), x.Shape().Rank())))
		}
		s := x.Shape()
		axis := c.attrInt("axis", 1)
		if axis != len(s) {
			axis = c.axis(axis, len(s))
		}
		if axis == len(s)-1 {
			return one(f(x, axis))
		}
		rows, ok := joined(s[:axis])
		columns, static := joined(s[axis:])
		if !ok || !static || columns == graph.Batch {
			c.symbolic(x)
		}
		return one(ops.Reshape(f(ops.Reshape(x, rows, columns), 1), s...))
	}}
}

// hardmax is 1 at the first of the greatest elements along an axis, else 0.
func hardmax(x *graph.Value, axis int) *graph.Value {
	greatest := ops.ArgMax(x, axis)
	if !greatest.IsValid() || x.Shape()[axis] < 0 || x.Shape()[axis] > maxTable {
		x.Graph().Errorf("Hardmax", "axis %d of x is %v, want a known extent up to %d", axis, x.Type(), maxTable)
		return x.Graph().Invalid()
	}
	at, along := x.Shape().Clone(), make(graph.Shape, x.Shape().Rank())
	places := make([]int32, at[axis])
	for i := range places {
		places[i] = int32(i)
	}
	for i := range along {
		along[i] = 1
	}
	at[axis], along[axis] = 1, len(places)
	return ops.Cast(ops.Equal(ops.Reshape(greatest, at...), graph.Const(x.Graph(), along, places...)), x.DType())
}

func cumSum(c *call) []*graph.Value {
	x := c.in(0)
	return one(ops.CumSum(x, c.axis(int(c.scalar(1, "the axis")), x.Shape().Rank()), ops.Cumulation{
		Exclusive: c.attrInt("exclusive", 0) != 0, Reverse: c.attrInt("reverse", 0) != 0,
	}))
}

func topK(c *call, k int) []*graph.Value {
	x := c.rank(0, 1)
	axis := c.axis(c.attrInt("axis", -1), x.Shape().Rank())
	pick := ops.TopK
	if c.attrInt("largest", 1) == 0 {
		pick = ops.BottomK
	}
	y, indices := pick(x, k, axis)
	return []*graph.Value{y, ops.Cast(indices, graph.Int64)}
}
