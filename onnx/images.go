package onnx

import (
	"math"
	"slices"

	"neocog/graph"
	"neocog/ops"
)

// images are convolutions and poolings.
var images = []rule{
	{op: "Conv", from: 6, in: [2]int{2, 3}, attributes: append([]string{"group"}, windowAttributes...), build: convolution},
	{op: "ConvTranspose", from: 6, in: [2]int{2, 3}, attributes: append([]string{"group", "output_padding", "output_shape"}, windowAttributes...), build: convTranspose},
	{op: "MaxPool", from: 6, in: [2]int{1, 1}, attributes: append([]string{"ceil_mode", "storage_order"}, windowAttributes...), build: maxPool},
	{op: "MaxUnpool", from: 9, in: [2]int{2, 3}, attributes: []string{"kernel_shape", "pads", "strides"}, build: maxUnpool},
	{op: "AveragePool", from: 6, in: [2]int{1, 1}, attributes: append([]string{"ceil_mode", "count_include_pad"}, windowAttributes...), build: averagePool},
	{op: "LpPool", from: 6, in: [2]int{1, 1}, attributes: append([]string{"ceil_mode", "p"}, windowAttributes...), build: lpPool},
	{op: "GlobalLpPool", from: 6, in: [2]int{1, 1}, attributes: []string{"p"}, build: func(c *call) []*graph.Value {
		return one(ops.GlobalLpPool(c.rank(0, 3), float64(c.attrInt("p", 2))))
	}},
	{op: "GlobalAveragePool", from: 1, in: [2]int{1, 1}, build: global(func(x *graph.Value, axes []int) *graph.Value { return ops.MeanKeep(x, axes...) })},
	{op: "GlobalMaxPool", from: 1, in: [2]int{1, 1}, build: global(func(x *graph.Value, axes []int) *graph.Value { return ops.MaxKeep(x, axes...) })},
}

var windowAttributes = []string{"auto_pad", "dilations", "kernel_shape", "pads", "strides"}

// A window is how a filter or a pooling slides over the spatial axes of x, with one
// element of each list for each axis; pads are first all at the beginnings, then
// all at the ends.
type window struct {
	size, stride, dilation, pads []int
	rounded                      bool // some axis has a rest that no window sees
}

// window reads the attributes for x [N, C, spatial...]; size is that of the filter.
func (c *call) window(x *graph.Value, size []int) window {
	n := len(size)
	w := window{size: size, stride: c.list("strides", n, 1), dilation: c.list("dilations", n, 1), pads: c.attrInts("pads")}
	if w.pads == nil {
		w.pads = make([]int, 2*n)
	}
	if len(w.pads) != 2*n || x.Shape().Rank() != n+2 {
		c.refuse("x is %v, the window has %d axes and %d paddings", x.Type(), n, len(w.pads))
	}
	c.bounded(w)
	auto := c.attrString("auto_pad", "NOTSET")
	for i := range n {
		h := c.extent(x, i+2)
		span := (w.size[i]-1)*w.dilation[i] + 1
		switch auto {
		case "NOTSET":
		case "VALID":
			w.pads[i], w.pads[n+i] = 0, 0
		case "SAME_UPPER", "SAME_LOWER":
			all := max((ceilDiv(h, w.stride[i])-1)*w.stride[i]+span-h, 0)
			w.pads[i], w.pads[n+i] = all/2, all-all/2
			if auto == "SAME_LOWER" {
				w.pads[i], w.pads[n+i] = all-all/2, all/2
			}
		default:
			c.refuse("auto_pad %s is not known", quoted(auto))
		}
		if (h+w.pads[i]+w.pads[n+i]-span)%w.stride[i] != 0 {
			w.rounded = true
		}
	}
	return w
}

// bounded refuses a window with which nothing can be computed.
func (c *call) bounded(w window) {
	for i := range w.size {
		for _, v := range []int{w.size[i], w.stride[i], w.dilation[i]} {
			if v < 1 || v > maxWindow {
				c.refuse("extent %d, stride %d, dilation %d of the window along axis %d, want 1 to %d", w.size[i], w.stride[i], w.dilation[i], i+2, maxWindow)
			}
		}
	}
}

// maxWindow bounds what is computed with, so that nothing overflows.
const maxWindow = 1 << 20

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// list returns an attribute of n integers, each otherwise if it is not given.
func (c *call) list(name string, n, otherwise int) []int {
	l := c.attrInts(name)
	if l == nil {
		l = slices.Repeat([]int{otherwise}, n)
	}
	if len(l) != n {
		c.refuse("the attribute %s has %d elements, want %d", name, len(l), n)
	}
	return l
}

// planar returns w for a plane: a line of pixels becomes an image of one row.
func (w window) planar() window {
	if len(w.size) == 2 {
		return w
	}
	return window{[]int{1, w.size[0]}, []int{1, w.stride[0]}, []int{1, w.dilation[0]}, []int{0, w.pads[0], 0, w.pads[1]}, w.rounded}
}

// flat gives x [N, C, L] a height of 1, and returns what takes it away again.
func flat(x *graph.Value) (image *graph.Value, back func(*graph.Value) *graph.Value) {
	if s := x.Shape(); s.Rank() == 3 {
		return ops.Reshape(x, s[0], s[1], 1, s[2]), func(y *graph.Value) *graph.Value {
			if !y.IsValid() {
				return y
			}
			s := y.Shape()
			return ops.Reshape(y, s[0], s[1], s[3])
		}
	}
	return x, func(y *graph.Value) *graph.Value { return y }
}

// conv returns the attributes of a convolution.
func (w window) conv(groups int) ops.Conv {
	p := w.planar()
	o := ops.Conv{Pad: [4]int(p.pads)}
	if s := [2]int(p.stride); s != [2]int{1, 1} {
		o.Stride = s
	}
	if d := [2]int(p.dilation); d != [2]int{1, 1} {
		o.Dilation = d
	}
	if groups != 1 {
		o.Groups = groups
	}
	o.Round = w.rounding()
	return o
}

// rounding is Exact where it can be.
func (w window) rounding() ops.Rounding {
	if w.rounded {
		return ops.Floor
	}
	return ops.Exact
}

// filter returns operand 1, whose rank must be x's, and the extents of its window.
func (c *call) filter(x *graph.Value) (w *graph.Value, size []int) {
	w = c.float(1)
	if r := w.Shape().Rank(); r != x.Shape().Rank() || r < 3 || r > 5 {
		c.refuse("x is %v and w %v; images of one to three dimensions are known", x.Type(), w.Type())
	}
	size = w.Shape()[2:]
	if k := c.attrInts("kernel_shape"); k != nil && !slices.Equal(k, size) {
		c.refuse("kernel_shape is %v, w is %v", k, w.Type())
	}
	for i := range w.Shape() {
		c.extent(w, i)
	}
	return w, size
}

// biased adds operand 2, an element for each channel, to y.
func (c *call) biased(y *graph.Value) *graph.Value {
	if !c.has(2) || !y.IsValid() {
		return y
	}
	b := c.float(2)
	if b.Shape().Rank() != 1 {
		c.refuse("the bias is %v, want an element for each channel", b.Type())
	}
	each := graph.Shape{b.Shape()[0]}
	for range y.Shape()[2:] {
		each = append(each, 1)
	}
	return ops.Add(y, ops.Reshape(b, each...))
}

func convolution(c *call) []*graph.Value {
	x := c.float(0)
	if y := c.filterGradient(x); y != nil {
		return one(y)
	}
	w, size := c.filter(x)
	win, groups := c.window(x, size), c.attrInt("group", 1)
	if len(size) == 3 {
		return one(c.biased(ops.Conv3D(x, w, ops.Conv3{
			Stride: [3]int(win.stride), Dilation: [3]int(win.dilation), Pad: [6]int(win.pads), Groups: groups, Round: win.rounding(),
		})))
	}
	o := win.conv(groups)
	x, back := flat(x)
	w, _ = flat(w)
	if c.has(2) && c.in(2).Shape().Rank() == 1 {
		return one(back(ops.Conv2DBias(x, w, c.float(2), o)))
	}
	return one(back(c.biased(ops.Conv2D(x, w, o))))
}

// filterGradient returns, for images that are channels and channels that are the
// images of a symbolic batch, what their convolution is: the gradient of a filter, of which
// strides and dilations are swapped. For others it returns nil.
func (c *call) filterGradient(x *graph.Value) *graph.Value {
	if x.Shape().Rank() != 4 || x.Shape()[1] != graph.Batch || c.has(2) || c.attrInt("group", 1) != 1 {
		return nil
	}
	images, dy := swapped(x), swapped(c.float(1))
	if images == nil || dy == nil || c.attrString("auto_pad", "NOTSET") != "NOTSET" {
		return nil
	}
	w := c.window(x, dy.Shape()[2:])
	o := ops.Conv{Pad: [4]int(w.pads)}
	if s := [2]int(w.dilation); s != [2]int{1, 1} {
		o.Stride = s
	}
	if d := [2]int(w.stride); d != [2]int{1, 1} {
		o.Dilation = d
	}
	var size [2]int
	for i := range size {
		span := (w.size[i]-1)*w.dilation[i] + 1
		free := x.Shape()[2+i] + w.pads[i] + w.pads[2+i] - span
		if size[i] = free/w.stride[i] + 1; free < 0 {
			return nil
		}
		if rest := x.Shape()[2+i] + w.pads[i] + w.pads[2+i] - ((size[i]-1)*w.stride[i] + 1); rest%w.dilation[i] != 0 {
			o.Round = ops.Floor
		}
	}
	return ops.Transpose(ops.Conv2DFilterGrad(images, dy, size[0], size[1], o), 1, 0, 2, 3)
}

// swapped returns what v is made of by swapping the first two of four axes, or nil.
func swapped(v *graph.Value) *graph.Value {
	if n := v.Node(); n.Op.Name() == "Transpose" && field[graph.Dims](n.Op, "Perm") == graph.MakeDims(1, 0, 2, 3) {
		return n.In(0)
	}
	return nil
}

// convTranspose is the gradient of a convolution by its images.
func convTranspose(c *call) []*graph.Value {
	x := c.float(0)
	w, size := c.filter(x)
	n := len(size)
	win := window{size: size, stride: c.list("strides", n, 1), dilation: c.list("dilations", n, 1), pads: c.list("pads", 2*n, 0)}
	extra, shape, auto := c.list("output_padding", n, 0), c.attrInts("output_shape"), c.attrString("auto_pad", "NOTSET")
	if len(shape) > n {
		shape = shape[len(shape)-n:] // with the batch and the channels
	}
	c.bounded(win)
	out := make([]int, n)
	for i := range n {
		span := (size[i]-1)*win.dilation[i] + 1
		full := win.stride[i]*(c.extent(x, i+2)-1) + extra[i] + span
		same := auto == "SAME_UPPER" || auto == "SAME_LOWER"
		switch {
		case len(shape) == n:
			out[i] = shape[i]
		case same:
			out[i] = c.extent(x, i+2) * win.stride[i]
		case auto == "VALID":
			win.pads[i], win.pads[n+i] = 0, 0
			out[i] = full
		case auto == "NOTSET":
			out[i] = full - win.pads[i] - win.pads[n+i]
		default:
			c.refuse("auto_pad %s is not known", quoted(auto))
		}
		if len(shape) == n || same {
			all := max(full-out[i], 0)
			win.pads[i], win.pads[n+i] = all-all/2, all/2
			if auto == "SAME_UPPER" {
				win.pads[i], win.pads[n+i] = all/2, all-all/2
			}
		}
		if (out[i]+win.pads[i]+win.pads[n+i]-span)%win.stride[i] != 0 {
			win.rounded = true
		}
	}
	if n == 3 {
		// What the output has beyond the last window.
		o := ops.ConvTranspose3{Stride: [3]int(win.stride), Dilation: [3]int(win.dilation), Pad: [6]int(win.pads), Groups: c.attrInt("group", 1)}
		for i := range n {
			full := win.stride[i]*(x.Shape()[i+2]-1) + (size[i]-1)*win.dilation[i] + 1 - win.pads[i] - win.pads[n+i]
			o.OutputPad[i] = out[i] - full
		}
		return one(c.biased(ops.ConvTranspose3D(x, w, o)))
	}
	x, back := flat(x)
	w, _ = flat(w)
	if n == 1 {
		out = []int{1, out[0]}
	}
	return one(back(c.biased(ops.Conv2DInputGrad(w, x, out[0], out[1], win.conv(c.attrInt("group", 1))))))
}

// pool returns the operand and the attributes of a pooling: of an image, which a line of
// pixels is brought to, or of a volume.
func (c *call) pool() (x *graph.Value, back func(*graph.Value) *graph.Value, p ops.Pool, volume *ops.Pool3) {
	x = c.float(0)
	size := c.attrInts("kernel_shape")
	if len(size) < 1 || len(size) > 3 {
		c.refuse("the window is %v; images of one to three dimensions are known", size)
	}
	w := c.window(x, size)
	c.listed(x, w)
	round := w.rounding()
	if w.rounded && c.attrInt("ceil_mode", 0) != 0 {
		round = ops.Ceil
	}
	countPad := c.attrInt("count_include_pad", 0) != 0
	if len(size) == 3 {
		return x, nil, p, &ops.Pool3{
			Size: [3]int(w.size), Stride: [3]int(w.stride), Dilation: [3]int(w.dilation), Pad: [6]int(w.pads), Round: round, CountPad: countPad,
		}
	}
	planar := w.planar()
	p = ops.Pool{Size: [2]int(planar.size), Stride: [2]int(planar.stride), Pad: [4]int(planar.pads), Round: round, CountPad: countPad}
	if d := [2]int(planar.dilation); d != [2]int{1, 1} {
		p.Dilation = d
	}
	x, back = flat(x)
	return x, back, p, nil
}

// listed refuses windows with gaps, which are copied by lists of their elements, where a list would be too long: along an
// axis, and for volumes along all windows of a plane. Places in them, and in volumes, are listed too.
func (c *call) listed(x *graph.Value, w window) {
	gaps := slices.Max(w.dilation) > 1
	windows := 1 // of a plane
	for i, size := range w.size {
		n := (c.extent(x, i+2)+w.pads[i]+w.pads[len(w.size)+i]-(size-1)*w.dilation[i]-1)/w.stride[i] + 1
		if gaps && (n > maxTable/size || i > 0 && n > maxTable/max(windows, 1)) {
			c.refuse("%d windows of %d along axis %d of x %v, with gaps, are too many to be listed: more than %d elements", n, size, i+2, x.Type(), maxTable)
		}
		if i > 0 {
			windows *= n
		}
	}
	places := len(c.n.Output) > 1 && c.n.Output[1] != ""
	if places && (gaps || len(w.size) == 3) && x.Shape()[2:].Size() > maxTable {
		c.refuse("places in x %v are too many to be listed, more than %d", x.Type(), maxTable)
	}
}

// maxPool has a second result: where in x the greatest elements are.
func maxPool(c *call) []*graph.Value {
	x, back, p, volume := c.pool()
	if len(c.n.Output) < 2 || c.n.Output[1] == "" {
		if volume != nil {
			return one(ops.MaxPool3D(x, *volume))
		}
		return one(back(ops.MaxPool2D(x, p)))
	}
	columns := c.attrInt("storage_order", 0) != 0
	var y, argmax *graph.Value
	switch {
	case volume == nil:
		y, argmax = ops.MaxPool2DIndices(x, p)
	case columns:
		c.refuse("places in volumes are counted in order of rows, storage_order 0")
	default:
		back = func(y *graph.Value) *graph.Value { return y }
		y, argmax = ops.MaxPool3DIndices(x, *volume)
	}
	out := []*graph.Value{back(y), back(argmax)}
	if !y.IsValid() {
		return out
	}
	v := &value{pixels: x.Shape()[2:].Size()}
	if !columns {
		v.plane = out[1]
	}
	v.later = func(c *call) *graph.Value { return back(c.places(x, argmax, v.plane == nil)) }
	c.deferred = map[int]*value{1: v}
	return out
}

// places turns positions within planes of x into positions in all of x: in
// row-major order, or column by column within each plane.
func (c *call) places(x, argmax *graph.Value, columns bool) *graph.Value {
	n := c.size(x)
	s := x.Shape()
	if !argmax.IsValid() || n > maxTable {
		c.refuse("x is %v, too large for positions of greatest elements", x.Type())
	}
	at := ops.Cast(argmax, graph.Int64)
	if columns {
		h, w := s[2], s[3]
		f := ops.Cast(argmax, graph.Float64)
		row := ops.RoundDown(ops.Div(f, scalarOf(f, float64(w))))
		column := ops.Sub(f, ops.Scale(row, float64(w)))
		at = ops.Cast(ops.Add(ops.Scale(column, float64(h)), row), graph.Int64)
	}
	first := make([]int, s[0]*s[1])
	for i := range first {
		first[i] = i * s[2:].Size()
	}
	shape := graph.Shape{s[0], s[1]}
	for range s[2:] {
		shape = append(shape, 1)
	}
	return ops.Add(at, c.constInts(shape, first...))
}

func averagePool(c *call) []*graph.Value {
	x, back, p, volume := c.pool()
	if volume != nil {
		return one(ops.AvgPool3D(x, *volume))
	}
	return one(back(ops.AvgPool2D(x, p)))
}

// lpPool is the p-norm of each window.
func lpPool(c *call) []*graph.Value {
	x, back, p, volume := c.pool()
	norm := float64(c.attrInt("p", 2))
	if volume != nil {
		return one(ops.LpPool3D(x, norm, *volume))
	}
	return one(back(ops.LpPool2D(x, norm, p)))
}

// global reduces all spatial axes.
func global(reduce func(x *graph.Value, axes []int) *graph.Value) func(c *call) []*graph.Value {
	return func(c *call) []*graph.Value {
		x := c.rank(0, 3)
		var axes []int
		for i := 2; i < x.Shape().Rank(); i++ {
			axes = append(axes, i)
		}
		return one(reduce(c.float(0), axes))
	}
}

// maxUnpool puts elements back to where a MaxPool found them; all else is 0. The
// indices are places in the whole of the result.
func maxUnpool(c *call) []*graph.Value {
	x, indices := c.rank(0, 3), c.in(1)
	if !indices.Type().Shape.Equal(x.Shape()) || indices.DType() != graph.Int64 {
		c.refuse("x is %v, the indices %v", x.Type(), indices.Type())
	}
	size := c.attrInts("kernel_shape")
	n := len(size)
	if n != x.Shape().Rank()-2 {
		c.refuse("the window is %v, x %v", size, x.Type())
	}
	w := window{size: size, stride: c.list("strides", n, 1), dilation: slices.Repeat([]int{1}, n), pads: c.list("pads", 2*n, 0)}
	c.bounded(w)
	from := x.Shape()[:2].Clone()
	for i := range n {
		h, before, after := c.extent(x, i+2), w.pads[i], w.pads[n+i]
		if min(before, after) < -maxWindow || max(before, after) > maxWindow || h > math.MaxInt/2/maxWindow {
			c.refuse("padding %d and %d of axis %d of x %v, want within ±%d", before, after, i+2, x.Type(), maxWindow)
		}
		from = append(from, (h-1)*w.stride[i]+size[i]-before-after)
	}
	to := from
	if c.has(2) {
		to = c.ints(2, "the shape of the result")
	}
	if len(to) != len(from) || graph.Shape(to).Size() < 0 {
		c.refuse("the shape of the result is %v", to)
	}
	for i, d := range from {
		if d < 0 || to[i] < d {
			c.refuse("the shape of the result is %v, want at least %v", to, from)
		}
	}
	// The indices count in the shape that the window gives, also where the result is larger.
	elements, total := c.size(x), from.Size()
	zeros := ops.Full(c.g, graph.Of(x.DType(), total), 0)
	places := c.fromStart(ops.Reshape(indices, elements), zeros, 0)
	flat := ops.ScatterElements(zeros, places, ops.Reshape(x, elements), 0, ops.ScatterReplace)
	y := ops.Reshape(flat, from...)
	hi := make([]int, len(to))
	for i := range to {
		hi[i] = to[i] - from[i]
	}
	return one(ops.Pad(y, make([]int, len(to)), hi, 0))
}
