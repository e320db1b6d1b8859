package onnx

import (
	"math"
	"unicode"

	"neocog/graph"
	"neocog/onnx/internal/onnxpb"
	"neocog/ops"
)

// constants are ops whose results are known when the shapes are, and Cast.
var constants = []rule{
	{op: "Constant", from: 6, in: [2]int{0, 0}, attributes: []string{"value", "value_float", "value_floats", "value_int", "value_ints"}, build: constantNode},
	{op: "ConstantOfShape", from: 9, in: [2]int{1, 1}, attributes: []string{"value"}, build: constantOfShape},
	{op: "Shape", from: 6, in: [2]int{1, 1}, attributes: []string{"start", "end"}, build: shapeOf},
	{op: "Size", from: 6, in: [2]int{1, 1}, build: func(c *call) []*graph.Value {
		return one(c.constInts(graph.Shape{}, c.size(c.in(0))))
	}},
	{op: "Range", from: 11, in: [2]int{3, 3}, build: rangeOf},
	{op: "EyeLike", from: 9, in: [2]int{1, 1}, attributes: []string{"dtype", "k"}, build: eyeLike},
	{op: "Cast", from: 6, in: [2]int{1, 1}, attributes: []string{"saturate", "to"}, build: func(c *call) []*graph.Value {
		return one(cast(c.in(0), c.dtype("to", graph.Invalid)))
	}},
	{op: "CastLike", from: 15, in: [2]int{2, 2}, attributes: []string{"saturate"}, build: func(c *call) []*graph.Value {
		return one(cast(c.in(0), c.in(1).DType()))
	}},
}

// cast converts, and takes back a conversion from int32 to int64.
func cast(x *graph.Value, d graph.DType) *graph.Value {
	if from := uncast(x); from != x && d == graph.Int32 && from.DType() == graph.Int32 && x.DType() == graph.Int64 {
		return from
	}
	return ops.Cast(x, d)
}

func constantNode(c *call) []*graph.Value {
	if k := c.attrTensor("value"); k != nil {
		return one(c.g.ConstOf(k.typ, k.data))
	}
	for _, a := range c.n.Attribute {
		switch {
		case a.Name == "value_int" && a.I != nil:
			return one(c.constInts(graph.Shape{}, int(*a.I)))
		case a.Name == "value_ints":
			v := c.attrInts(a.Name)
			return one(c.constInts(graph.Shape{len(v)}, v...))
		case a.Name == "value_float" && a.F != nil:
			return one(c.g.Scalar(graph.Float32, float64(*a.F)))
		case a.Name == "value_floats":
			return one(graph.Const(c.g, graph.Shape{len(a.Floats)}, a.Floats...))
		}
	}
	c.refuse("it has no value that is known")
	return nil
}

// constantOfShape takes no memory for its elements.
func constantOfShape(c *call) []*graph.Value {
	dims, batch := c.extents(0, "the shape")
	shape := graph.Shape(dims)
	for i, d := range shape {
		if d < 0 && !batch[i] {
			c.refuse("the shape is %v", dims)
		}
	}
	value := c.attrTensor("value")
	if value == nil {
		value = &constant{typ: graph.Of(graph.Float32, 1), data: "\x00\x00\x00\x00"}
	}
	if value.typ.Shape.Size() != 1 {
		c.refuse("the value is %v, want one element", value.typ)
	}
	if err := (graph.Type{DType: value.typ.DType, Shape: shape}).Check(); err != nil {
		c.refuse("%w", err)
	}
	return one(ops.BroadcastTo(c.g.ConstOf(graph.Of(value.typ.DType), value.data), shape...))
}

// shapeOf gives the shape, or a part of it, as a constant.
func shapeOf(c *call) []*graph.Value {
	x := c.in(0)
	s := x.Shape()
	start, end := wrapped(c.attrInt("start", 0), len(s)), wrapped(c.attrInt("end", math.MaxInt32), len(s))
	start, end = clamp(start, 0, len(s)), clamp(end, 0, len(s))
	s = s[start:max(start, end)]
	k := ofInts(graph.Shape{len(s)}, s.Bind(probes[0])...)
	if !s.IsStatic() {
		k.other = ofInts(k.typ.Shape, s.Bind(probes[1])...).data
		c.deferred = map[int]*value{0: {known: &k}}
	}
	return one(c.g.ConstOf(k.typ, k.data))
}

func rangeOf(c *call) []*graph.Value {
	d := c.known(0, "the start").typ.DType
	start, limit, delta := c.scalar(0, "the start"), c.scalar(1, "the limit"), c.scalar(2, "the delta")
	n := math.Max(math.Ceil((limit-start)/delta), 0)
	if !(n <= maxTable) {
		c.refuse("from %v to %v in steps of %v are too many elements", start, limit, delta)
	}
	if !d.IsInt() {
		v := make([]float64, int(n))
		for i := range v {
			v[i] = start + float64(i)*delta
		}
		return one(ops.Cast(graph.Const(c.g, graph.Shape{len(v)}, v...), d))
	}
	v := make([]int, int(n))
	for i := range v {
		v[i] = int(start) + i*int(delta)
	}
	return one(ops.Cast(c.constInts(graph.Shape{len(v)}, v...), d))
}

func eyeLike(c *call) []*graph.Value {
	x := c.in(0)
	if x.Shape().Rank() != 2 {
		c.refuse("x is %v, want a matrix", x.Type())
	}
	h, w, k := c.extent(x, 0), c.extent(x, 1), c.attrInt("k", 0)
	if w != 0 && h > maxTable/w {
		c.refuse("x %v is too large", x.Type())
	}
	eye := make([]bool, h*w)
	for i := range eye {
		eye[i] = i%w-i/w == k
	}
	return one(ops.Cast(graph.Const(c.g, graph.Shape{h, w}, eye...), c.dtype("dtype", x.DType())))
}

// dtype returns the element type that an attribute names.
func (c *call) dtype(name string, otherwise graph.DType) graph.DType {
	a := c.attribute(name, onnxpb.TypeInt, func(a *onnxpb.Attribute) bool { return a.I != nil })
	if a == nil && otherwise != graph.Invalid {
		return otherwise
	}
	if a == nil {
		c.refuse("the attribute %s is missing", name)
	}
	d, ok := dtypes[onnxpb.DataType(*a.I)]
	if !ok || int64(onnxpb.DataType(*a.I)) != *a.I {
		c.refuse("the attribute %s asks for elements of type %v; there are float, double, int32, int64 and bool", name, onnxpb.DataType(clamp(int(*a.I), -1, unicode.MaxRune)))
	}
	return d
}
