package onnx

import (
	"neocog/graph"
	"neocog/ops"
)

// indexing are ops that read or write where other operands say.
var indexing = []rule{
	{op: "Gather", from: 6, in: [2]int{2, 2}, attributes: []string{"axis"}, build: func(c *call) []*graph.Value {
		x := c.rank(0, 1)
		axis := c.axis(c.attrInt("axis", 0), x.Shape().Rank())
		return one(ops.Gather(x, c.fromStart(c.in(1), x, axis), axis))
	}},
	{op: "GatherElements", from: 11, in: [2]int{2, 2}, attributes: []string{"axis"}, build: func(c *call) []*graph.Value {
		x := c.rank(0, 1)
		axis := c.axis(c.attrInt("axis", 0), x.Shape().Rank())
		return one(ops.GatherElements(x, c.fromStart(c.in(1), x, axis), axis))
	}},
	{op: "Scatter", from: 9, to: 10, in: [2]int{3, 3}, attributes: []string{"axis"}, build: scatter},
	{op: "ScatterElements", from: 11, in: [2]int{3, 3}, attributes: []string{"axis", "reduction"}, build: scatter},
	{op: "OneHot", from: 9, in: [2]int{3, 3}, attributes: []string{"axis"}, build: oneHot},
}

// fromStart returns indices along an axis of x, where ONNX counts negative ones from
// the end and Neocog does not.
func (c *call) fromStart(indices, x *graph.Value, axis int) *graph.Value {
	if !indices.DType().IsInt() {
		c.refuse("the indices are %v, want integers", indices.Type())
	}
	if k, ok := literal(indices); ok {
		v := k.ints()
		negative := false
		for i := range v {
			if v[i] < 0 {
				v[i] += c.extent(x, axis)
				negative = true
			}
		}
		if !negative {
			return indices
		}
		return ops.Cast(c.constInts(indices.Shape(), v...), indices.DType())
	}
	if isPlace(indices, c.extent(x, axis)) {
		return indices
	}
	zero := c.g.Scalar(indices.DType(), 0)
	n := c.g.Scalar(indices.DType(), float64(c.extent(x, axis)))
	return ops.Where(ops.Less(indices, zero), ops.Add(indices, n), indices)
}

// uncast returns what v is the Cast of, or v.
func uncast(v *graph.Value) *graph.Value {
	if n := v.Node(); n.Op.Name() == "Cast" && n.In(0).DType().IsInt() {
		return n.In(0)
	}
	return v
}

// isPlace reports whether indices are none below 0: those of greatest elements, or what
// fromStart has made already.
func isPlace(v *graph.Value, extent int) bool {
	for {
		n := v.Node()
		switch n.Op.Name() {
		case "Max", "MaxPool2D", "TopK":
			return v == n.Out(1)
		case "Where":
			return isWrapped(n, extent)
		case "Reshape", "Transpose", "BroadcastTo", "Cast":
			if v = n.In(0); !v.DType().IsInt() {
				return false
			}
		default:
			return false
		}
	}
}

// isWrapped reports whether n is what fromStart makes for an extent.
func isWrapped(n *graph.Node, extent int) bool {
	less, add := n.In(0).Node(), n.In(1).Node()
	if less.Op.Name() != "Less" || add.Op.Name() != "Add" || less.In(0) != n.In(2) || add.In(0) != n.In(2) {
		return false
	}
	isScalar := func(v *graph.Value, want int) bool {
		k, ok := literal(v)
		return ok && v.DType().IsInt() && v.Shape().Rank() == 0 && k.ints()[0] == want
	}
	return isScalar(less.In(1), 0) && isScalar(add.In(1), extent)
}

func scatter(c *call) []*graph.Value {
	x := c.rank(0, 1)
	axis := c.axis(c.attrInt("axis", 0), x.Shape().Rank())
	how := ops.ScatterReplace
	switch reduction := c.attrString("reduction", "none"); reduction {
	case "none":
	case "add":
		how = ops.ScatterAdd
	case "mul":
		how = ops.ScatterMul
	case "max":
		how = ops.ScatterMax
	case "min":
		how = ops.ScatterMin
	default:
		c.refuse("the reduction %s is not known", quoted(reduction))
	}
	return one(ops.ScatterElements(x, c.fromStart(c.in(1), x, axis), c.in(2), axis, how))
}

// oneHot compares the indices with each class, so that what is out of range is off
// everywhere.
func oneHot(c *call) []*graph.Value {
	indices := c.in(0)
	depth := int(c.scalar(1, "the depth"))
	values := c.in(2)
	if depth < 1 || depth > maxTable {
		c.refuse("the depth is %d, want 1 to %d", depth, maxTable)
	}
	if s := values.Shape(); s.Rank() != 1 || s[0] != 2 {
		c.refuse("the values are %v, want off and on", values.Type())
	}
	if !indices.DType().IsInt() {
		indices = ops.Cast(indices, graph.Int64)
	}
	rank := indices.Shape().Rank()
	axis := c.axis(c.attrInt("axis", -1), rank+1)
	s := append(indices.Shape().Clone(), 1)
	copy(s[axis+1:], s[axis:])
	s[axis] = 1
	class := make([]int, depth)
	for i := range class {
		class[i] = i
	}
	along := make(graph.Shape, rank+1)
	for i := range along {
		along[i] = 1
	}
	along[axis] = depth
	zero := c.g.Scalar(indices.DType(), 0)
	n := c.g.Scalar(indices.DType(), float64(depth))
	at := ops.Reshape(ops.Where(ops.Less(indices, zero), ops.Add(indices, n), indices), s...)
	hot := ops.Equal(at, ops.Cast(c.constInts(along, class...), indices.DType()))
	off, on := ops.Reshape(ops.Slice(values, 0, 0, 1)), ops.Reshape(ops.Slice(values, 0, 1, 2))
	return one(ops.Where(hot, on, off))
}
