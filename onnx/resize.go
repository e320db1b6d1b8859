package onnx

import (
	"math"
	"slices"

	"neocog/graph"
	"neocog/ops"
)

// resizing are the rules of Resize and of Upsample, which it replaced.
var resizing = []rule{
	{op: "Upsample", from: 7, to: 8, in: [2]int{1, 1}, attributes: []string{"mode", "scales"}, build: func(c *call) []*graph.Value {
		return one(c.upsample(c.attrFloats("scales")))
	}},
	{op: "Upsample", from: 9, to: 9, in: [2]int{2, 2}, attributes: []string{"mode"}, build: func(c *call) []*graph.Value {
		return one(c.upsample(c.known(1, "the scales").floats()))
	}},
	{op: "Resize", from: 10, to: 10, in: [2]int{2, 2}, attributes: []string{"mode"}, build: resize10},
	{op: "Resize", from: 11, in: [2]int{1, 4}, attributes: []string{
		"antialias", "axes", "coordinate_transformation_mode", "cubic_coeff_a", "exclude_outside", "extrapolation_value", "keep_aspect_ratio_policy", "mode", "nearest_mode",
	}, build: resize},
}

// upsampling is what Upsample does: an element for those that begin at its place.
func (c *call) upsampling() ops.Resampling {
	return ops.Resampling{Filter: c.interpolation(), Coordinates: ops.Asymmetric, Nearest: ops.RoundFloor}
}

// upsample is Upsample, which makes nothing smaller.
func (c *call) upsample(scales []float64) *graph.Value {
	for _, s := range scales {
		if !(s >= 1) {
			c.refuse("the scales are %v, want at least 1", scales)
		}
	}
	return c.resizeBy(c.float(0), scales, c.upsampling())
}

// resize10 is the first Resize: Upsample where it enlarges, while axes that shrink take the nearest element at or after
// the place. Operator set 10 does not say so; its test cases and ONNX Runtime do.
func resize10(c *call) []*graph.Value {
	x, scales, r := c.float(0), c.known(1, "the scales").floats(), c.upsampling()
	if r.Filter == ops.InterpolateNearest && slices.ContainsFunc(scales, func(s float64) bool { return s < 1 }) {
		shrunk := slices.Clone(scales)
		for i, s := range scales {
			shrunk[i], scales[i] = min(s, 1), max(s, 1)
		}
		down := r
		down.Nearest = ops.RoundCeil
		x = c.resizeBy(x, shrunk, down)
		c.valid(x)
	}
	return one(c.resizeBy(x, scales, r))
}

func (c *call) interpolation() (f ops.Interpolation) {
	mode := c.attrString("mode", "nearest")
	if mode == "bilinear" {
		mode = "linear"
	}
	if err := f.UnmarshalText([]byte(mode)); err != nil || f == ops.InterpolateArea {
		c.refuse("the mode %s is not known", quoted(mode))
	}
	return f
}

func (c *call) resizeBy(x *graph.Value, scales []float64, r ops.Resampling) *graph.Value {
	if len(scales) != x.Shape().Rank() {
		c.refuse("there are %d scales for x %v", len(scales), x.Type())
	}
	for _, s := range scales {
		if !(s > 0 && s < maxWindow) {
			c.refuse("the scales are %v, want numbers above 0", scales)
		}
	}
	return ops.ResizeBy(x, scales, r)
}

// resize goes by scales or by sizes, and with tf_crop_and_resize takes a part of x.
func resize(c *call) []*graph.Value {
	x := c.float(0)
	rank := x.Shape().Rank()
	r := ops.Resampling{
		Filter: c.interpolation(), CubicA: c.attrFloat("cubic_coeff_a", -0.75), ExcludeOutside: c.attrInt("exclude_outside", 0) != 0,
		Extrapolation: c.attrFloat("extrapolation_value", 0),
	}
	if r.CubicA == -0.75 || r.Filter != ops.InterpolateCubic {
		r.CubicA = 0 // which stands for it
	}
	mode, nearest := c.attrString("coordinate_transformation_mode", "half_pixel"), c.attrString("nearest_mode", "round_prefer_floor")
	if err := r.Coordinates.UnmarshalText([]byte(mode)); err != nil {
		c.refuse("the coordinates %s are not known", quoted(mode))
	}
	if err := r.Nearest.UnmarshalText([]byte(nearest)); err != nil {
		c.refuse("the nearest_mode %s is not known", quoted(nearest))
	}
	if r.Filter != ops.InterpolateNearest {
		r.Nearest = 0
	}
	if r.Coordinates != ops.CropAndResize {
		r.Extrapolation = 0
	}
	if c.attrInt("antialias", 0) != 0 || c.attrString("keep_aspect_ratio_policy", "stretch") != "stretch" {
		c.refuse("antialias and keep_aspect_ratio_policy are not known")
	}
	axes := c.attrInts("axes")
	if axes == nil {
		for i := range rank {
			axes = append(axes, i)
		}
	}
	c.axes(axes, rank)
	// Scales, or sizes, and the part of x for each axis.
	scales, sizes, start, end := make([]float64, rank), x.Shape().Clone(), make([]float64, rank), make([]float64, rank)
	for i := range rank {
		scales[i], end[i] = 1, 1
	}
	list := func(i int, what string, n int) []float64 {
		v := c.known(i, what).floats()
		if len(v) != n {
			c.refuse("%s has %d elements for %d axes", what, len(v), len(axes))
		}
		return v
	}
	if r.Coordinates == ops.CropAndResize {
		if !c.has(1) {
			c.refuse("the part of x, roi, is missing")
		}
		roi := list(1, "roi", 2*len(axes))
		for i, a := range axes {
			a = c.axis(a, rank)
			start[a], end[a] = roi[i], roi[len(axes)+i]
		}
	}
	byScale := c.has(2) && c.known(2, "the scales").typ.Shape.Size() > 0
	switch {
	case byScale:
		for i, s := range list(2, "the scales", len(axes)) {
			scales[c.axis(axes[i], rank)] = s
		}
	case c.has(3):
		dims, _ := c.extents(3, "the sizes")
		if len(dims) != len(axes) {
			c.refuse("there are %d sizes for %d axes", len(dims), len(axes))
		}
		for i, d := range dims {
			sizes[c.axis(axes[i], rank)] = d
		}
	default:
		c.refuse("neither scales nor sizes are given")
	}
	if r.Coordinates == ops.TFHalfPixelForNN && !byScale && r.Filter == ops.InterpolateNearest && (r.Nearest == ops.RoundPreferFloor || r.Nearest == ops.RoundFloor) {
		// An axis that keeps its extent keeps its elements, here as with other coordinates.
		return one(resizeChanged(x, sizes, r))
	}
	if r.Coordinates != ops.CropAndResize {
		if byScale {
			return one(c.resizeBy(x, scales, r))
		}
		return one(ops.Resize(x, sizes, r))
	}
	for a := range rank {
		if start[a] == 0 && end[a] == 1 && scales[a] == 1 && sizes[a] == x.Shape()[a] {
			continue
		}
		size := sizes[a]
		if r.Scale = 0; byScale {
			r.Scale = scales[a]
			size = int(math.Floor(float64(c.extent(x, a)) * (end[a] - start[a]) * scales[a]))
		}
		r.Start, r.End = start[a], end[a]
		if x = ops.ResizeAxis(x, a, size, r); !x.IsValid() {
			break
		}
	}
	return one(x)
}

// resizeChanged resizes the axes that get another extent, those that shrink most first.
func resizeChanged(x *graph.Value, sizes []int, r ops.Resampling) *graph.Value {
	var axes []int
	for a, n := range x.Shape() {
		if n != sizes[a] {
			axes = append(axes, a)
		}
	}
	s := x.Shape()
	slices.SortStableFunc(axes, func(a, b int) int { return sizes[a]*s[b] - sizes[b]*s[a] })
	for _, a := range axes {
		x = ops.ResizeAxis(x, a, sizes[a], r)
	}
	return x
}

// attrFloats returns nil where the attribute is not given.
func (c *call) attrFloats(name string) []float64 {
	for _, a := range c.n.Attribute {
		if a.Name == name {
			var out []float64
			for _, v := range a.Floats {
				out = append(out, float64(v))
			}
			return out
		}
	}
	return nil
}

// exportResize writes a Resize of one axis.
func exportResize(e *emitter, n *graph.Node) {
	r := field[ops.Resampling](n.Op, "Resampling")
	axis, size := field[int](n.Op, "Axis"), field[int](n.Op, "Size")
	x, rank := n.In(0).Shape(), n.In(0).Shape().Rank()
	extents := make([]float64, rank)
	roi := make([]float64, 2*rank)
	for i := range extents {
		extents[i], roi[rank+i] = 1, 1
	}
	in := []string{e.in()[0], "", "", ""}
	part := 1.0
	if r.Coordinates == ops.CropAndResize {
		roi[axis], roi[rank+axis] = r.Start, r.End
		part = r.End - r.Start
		in[1] = e.constant(ofFloats(graph.Of(graph.Float32, 2*rank), roi))
	}
	if scale := float64(float32(r.Scale)); r.Scale != 0 && int(math.Floor(float64(x[axis])*part*scale)) == size {
		extents[axis] = r.Scale
		in[2] = e.constant(ofFloats(graph.Of(graph.Float32, rank), extents))
		in = in[:3]
	} else {
		in[3] = e.shape(n.Out(0).Shape())
	}
	a := r.CubicA
	if a == 0 {
		a = -0.75
	}
	exclude := 0
	if r.ExcludeOutside {
		exclude = 1
	}
	e.with(n, "Resize", in, attrString("coordinate_transformation_mode", r.Coordinates.String()), attrFloat("cubic_coeff_a", a), attrInt("exclude_outside", exclude),
		attrFloat("extrapolation_value", r.Extrapolation), attrString("mode", r.Filter.String()), attrString("nearest_mode", r.Nearest.String()))
}

// lowerResize leaves alone what ONNX's Resize can do; means over areas are a product
// with their weights.
func lowerResize(n *graph.Node, in []*graph.Value) []*graph.Value {
	r := field[ops.Resampling](n.Op, "Resampling")
	if r.Filter != ops.InterpolateArea {
		return nil
	}
	axis, size := field[int](n.Op, "Axis"), field[int](n.Op, "Size")
	from := in[0].Shape()[axis]
	return one(contracted(in[0], axis, size, resizeWeights(r, from, size)))
}

func lowerResizeGrad(n *graph.Node, in []*graph.Value) []*graph.Value {
	axis, size, from := field[int](n.Op, "Axis"), field[int](n.Op, "Size"), field[int](n.Op, "N")
	w := resizeWeights(field[ops.Resampling](n.Op, "Resampling"), from, size)
	transposed := make([]float64, len(w))
	for i := range size {
		for j := range from {
			transposed[j*size+i] = w[i*from+j]
		}
	}
	return one(contracted(in[0], axis, from, transposed))
}

// resizeWeights returns the weights [size, from] of a Resize: what it makes of the unit
// matrix.
func resizeWeights(r ops.Resampling, from, size int) []float64 {
	r.Extrapolation = 0
	unit := make([]float64, from*from)
	for i := range from {
		unit[i*from+i] = 1
	}
	g := graph.New("")
	y := ops.ResizeAxis(graph.Const(g, graph.Shape{from, from}, unit...), 0, size, r)
	return interpreted(y)
}

// contracted multiplies an axis of x by w, [size, extent]: a convolution of 1×1 of which the
// axis is the channels.
func contracted(x *graph.Value, axis, size int, w []float64) *graph.Value {
	perm := make([]int, x.Shape().Rank())
	for i := range perm {
		perm[i] = i
	}
	if len(perm) == 1 {
		return ops.Reshape(ops.MatMul(constantLike(x, graph.Shape{size, x.Shape()[0]}, w), ops.Reshape(x, x.Shape()[0], 1)), size)
	}
	perm[1], perm[axis] = perm[axis], perm[1]
	t := ops.Transpose(x, perm...)
	s := t.Shape().Clone()
	y := ops.Conv2D(ops.Reshape(t, s[0], s[1], s[2:].Size(), 1), constantLike(x, graph.Shape{size, s[1], 1, 1}, w), ops.Conv{})
	s[1] = size
	return ops.Transpose(ops.Reshape(y, s...), perm...)
}
