package onnx

import (
	"math"
	"slices"

	"neocog/graph"
	"neocog/ops"
)

// shapes are ops that move elements and compute none.
var shapes = []rule{
	{op: "Reshape", from: 6, in: [2]int{2, 2}, attributes: []string{"allowzero"}, build: reshape},
	{op: "Flatten", from: 6, in: [2]int{1, 1}, attributes: []string{"axis"}, build: flatten},
	{op: "Squeeze", from: 6, in: [2]int{1, 2}, attributes: []string{"axes"}, build: squeeze},
	{op: "Unsqueeze", from: 6, in: [2]int{1, 2}, attributes: []string{"axes"}, build: unsqueeze},
	{op: "Transpose", from: 6, in: [2]int{1, 1}, attributes: []string{"perm"}, build: transpose},
	{op: "Concat", from: 6, in: [2]int{1, -1}, attributes: []string{"axis"}, build: concat},
	{op: "Split", from: 6, in: [2]int{1, 2}, attributes: []string{"axis", "num_outputs", "split"}, build: split},
	{op: "Slice", from: 6, to: 9, in: [2]int{1, 1}, attributes: []string{"axes", "ends", "starts"}, build: func(c *call) []*graph.Value {
		return one(c.slice(c.in(0), c.attrInts("starts"), c.attrInts("ends"), c.attrInts("axes"), nil))
	}},
	{op: "Slice", from: 10, in: [2]int{3, 5}, build: func(c *call) []*graph.Value {
		var axes, steps []int
		if c.has(3) {
			axes = c.ints(3, "the axes")
		}
		if c.has(4) {
			steps = c.ints(4, "the steps")
		}
		return one(c.slice(c.in(0), c.ints(1, "the starts"), c.ints(2, "the ends"), axes, steps))
	}},
	{op: "Pad", from: 6, to: 10, in: [2]int{1, 1}, attributes: []string{"mode", "pads", "value"}, build: func(c *call) []*graph.Value {
		return one(c.pad(c.in(0), c.attrInts("pads"), nil, c.attrFloat("value", 0)))
	}},
	{op: "Pad", from: 11, in: [2]int{2, 4}, attributes: []string{"mode"}, build: func(c *call) []*graph.Value {
		value := 0.0
		if c.has(2) {
			value = c.scalar(2, "the value of the padding")
		}
		var axes []int
		if c.has(3) {
			axes = c.ints(3, "the axes")
		}
		return one(c.pad(c.in(0), c.ints(1, "the padding"), axes, value))
	}},
	{op: "Expand", from: 8, in: [2]int{2, 2}, build: expand},
	{op: "Tile", from: 6, in: [2]int{2, 2}, build: tile},
	{op: "DepthToSpace", from: 6, in: [2]int{1, 1}, attributes: []string{"blocksize", "mode"}, build: depthToSpace},
	{op: "SpaceToDepth", from: 6, in: [2]int{1, 1}, attributes: []string{"blocksize"}, build: spaceToDepth},
	{op: "Trilu", from: 14, in: [2]int{1, 2}, attributes: []string{"upper"}, build: trilu},
}

// reshape understands 0, an extent of x, and −1, what is left. Where the batch is
// symbolic, −1 is the batch unless that has been taken over by a 0.
func reshape(c *call) []*graph.Value {
	x := c.in(0)
	dims, batch := c.extents(1, "the shape")
	open, taken, have, want := -1, false, 1, 1
	for i, d := range dims {
		switch {
		case batch[i]:
			taken = true
		case d < -1 || d == -1 && open >= 0:
			c.refuse("the shape is %v", dims)
		case d == -1:
			open = i
		case d == 0 && c.attrInt("allowzero", 0) == 0:
			if i >= x.Shape().Rank() {
				c.refuse("the shape is %v: x %v has no axis %d whose extent 0 could mean", dims, x.Type(), i)
			}
			dims[i] = x.Shape()[i]
			taken = taken || dims[i] == graph.Batch
		}
	}
	if taken && open >= 0 {
		for _, d := range x.Shape() {
			have *= max(d, -d) // the batch counts as 1
		}
		for _, d := range dims {
			want *= max(d, -d)
		}
		if want == 0 || have%want != 0 {
			c.refuse("x %v does not divide into the shape %v", x.Type(), dims)
		}
		dims[open] = have / want
	}
	return one(ops.Reshape(x, dims...))
}

func flatten(c *call) []*graph.Value {
	x := c.in(0)
	s := x.Shape()
	axis := c.attrInt("axis", 1)
	if axis != len(s) {
		axis = c.axis(axis, len(s))
	}
	if axis == 1 && len(s) >= 2 {
		return one(ops.Flatten(x))
	}
	rows, ok := joined(s[:axis])
	columns, also := joined(s[axis:])
	if !ok || !also {
		c.symbolic(x)
	}
	return one(ops.Reshape(x, rows, columns))
}

func squeeze(c *call) []*graph.Value {
	x := c.in(0)
	s := x.Shape()
	axes := c.attrInts("axes")
	if c.has(1) {
		axes = c.ints(1, "the axes")
	}
	if axes == nil {
		for i, d := range s {
			if d == 1 {
				axes = append(axes, i)
			}
		}
	}
	axes = c.axes(axes, len(s))
	y := graph.Shape{}
	for i, d := range s {
		switch {
		case !slices.Contains(axes, i):
			y = append(y, d)
		case d != 1:
			c.refuse("axis %d of x %v cannot be dropped, only an extent of 1 can", i, x.Type())
		}
	}
	return one(ops.Reshape(x, y...))
}

func unsqueeze(c *call) []*graph.Value {
	x := c.in(0)
	axes := c.attrInts("axes")
	if c.has(1) {
		axes = c.ints(1, "the axes")
	}
	rank := x.Shape().Rank() + len(axes)
	if rank > graph.MaxRank {
		c.refuse("the result would have %d dimensions, the most is %d", rank, graph.MaxRank)
	}
	axes = c.axes(axes, rank)
	y, rest := graph.Shape{}, x.Shape()
	for i := range rank {
		if slices.Contains(axes, i) {
			y = append(y, 1)
		} else {
			y, rest = append(y, rest[0]), rest[1:]
		}
	}
	return one(ops.Reshape(x, y...))
}

func transpose(c *call) []*graph.Value {
	x := c.in(0)
	perm := c.attrInts("perm")
	if perm == nil {
		for i := range x.Shape() {
			perm = append([]int{i}, perm...)
		}
	}
	if n := x.Node(); n.Op.Name() == "Transpose" && len(perm) == x.Shape().Rank() {
		// Back to where it was.
		first := field[graph.Dims](n.Op, "Perm").Slice()
		back := true
		for i, p := range perm {
			back = back && p >= 0 && p < len(first) && first[p] == i
		}
		if back {
			return one(n.In(0))
		}
	}
	return one(ops.Transpose(x, perm...))
}

func concat(c *call) []*graph.Value {
	var xs []*graph.Value
	for i := range c.n.Input {
		if !c.has(i) {
			c.refuse("operand %d is missing", i)
		}
		xs = append(xs, c.in(i))
	}
	if len(xs) == 1 {
		return xs
	}
	return one(ops.Concat(c.axis(c.attrInt("axis", 0), xs[0].Shape().Rank()), xs...))
}

// split cuts x along an axis into parts of given or of equal extents.
func split(c *call) []*graph.Value {
	x := c.rank(0, 1)
	axis := c.axis(c.attrInt("axis", 0), x.Shape().Rank())
	n, parts := c.extent(x, axis), c.attrInts("split")
	if c.has(1) {
		parts = c.ints(1, "the parts")
	}
	if parts == nil {
		count := c.attrInt("num_outputs", len(c.n.Output))
		if count < 1 || count != len(c.n.Output) || c.model.opset < 18 && n%count != 0 {
			c.refuse("axis %d of x %v cannot be cut into %d parts", axis, x.Type(), count)
		}
		each := ceilDiv(n, count)
		for at := 0; len(parts) < count; at += each {
			parts = append(parts, min(each, max(n-at, 0)))
		}
	}
	if len(parts) < len(c.n.Output) {
		c.refuse("there are %d results and %d parts", len(c.n.Output), len(parts))
	}
	var out []*graph.Value
	at := 0
	for _, p := range parts {
		if p < 0 || p > n-at {
			c.refuse("the parts are %v, axis %d of x %v has %d", parts, axis, x.Type(), n)
		}
		out = append(out, ops.Slice(x, axis, at, at+p))
		at += p
	}
	if at != n {
		c.refuse("the parts %v are %d in all, axis %d of x %v has %d", parts, at, axis, x.Type(), n)
	}
	return out
}

// slice cuts x: bounds are clipped, steps may go backwards.
func (c *call) slice(x *graph.Value, starts, ends, axes, steps []int) *graph.Value {
	s := x.Shape()
	if axes == nil {
		for i := range starts {
			axes = append(axes, i)
		}
	}
	if steps == nil {
		steps = slices.Repeat([]int{1}, len(starts))
	}
	if len(starts) != len(ends) || len(starts) != len(axes) || len(starts) != len(steps) {
		c.refuse("there are %d starts, %d ends, %d axes and %d steps", len(starts), len(ends), len(axes), len(steps))
	}
	c.axes(axes, len(s))
	for i, a := range axes {
		a = c.axis(a, len(s))
		if starts[i] == 0 && steps[i] == 1 && ends[i] >= math.MaxInt32 {
			continue // all of it, be it symbolic
		}
		n, step := c.extent(x, a), steps[i]
		switch {
		case step == 0:
			c.refuse("the step along axis %d is 0", a)
		case step > 0:
			lo, hi := clamp(wrapped(starts[i], n), 0, n), clamp(wrapped(ends[i], n), 0, n)
			x = ops.SliceStep(x, a, min(lo, hi), hi, min(step, max(n, 1)))
		default:
			// A start is brought into x, as ONNX says; NumPy's may stand before it.
			hi, lo := min(clamp(wrapped(starts[i], n), 0, n), n-1), clamp(wrapped(ends[i], n), -1, n-1)
			step = max(step, -n-1)
			count := ceilDiv(max(hi-lo, 0), -step)
			if count > maxTable {
				c.refuse("axis %d of x %v is too long to be reversed: %d elements, the most is %d", a, x.Type(), count, maxTable)
			}
			index := make([]int, count)
			for j := range index {
				index[j] = hi + j*step
			}
			x = ops.Gather(x, c.constInts(graph.Shape{len(index)}, index...), a)
		}
		if !x.IsValid() {
			return x
		}
	}
	return x
}

// wrapped counts a negative v from the end.
func wrapped(v, n int) int {
	if v < 0 {
		return max(v, math.MinInt/2) + n
	}
	return v
}

func clamp(v, lo, hi int) int { return max(lo, min(v, hi)) }

// pad puts elements around x. Negative padding cuts; the modes reflect, edge and
// wrap fetch elements of x.
func (c *call) pad(x *graph.Value, pads, axes []int, value float64) *graph.Value {
	rank := x.Shape().Rank()
	if axes == nil {
		for i := range rank {
			axes = append(axes, i)
		}
	}
	if len(pads) != 2*len(axes) {
		c.refuse("there are %d paddings for %d axes, want two for each", len(pads), len(axes))
	}
	c.axes(axes, rank)
	mode := c.attrString("mode", "constant")
	lo, hi := make([]int, rank), make([]int, rank)
	for i, a := range axes {
		a = c.axis(a, rank)
		before, after := pads[i], pads[len(axes)+i]
		if before == 0 && after == 0 {
			continue
		}
		n := c.extent(x, a)
		if mode == "constant" {
			if before < -n || after < -n || -min(before, 0)-min(after, 0) > n {
				c.refuse("padding %d and %d cuts more than axis %d of x %v has", before, after, a, x.Type())
			}
			if before < 0 || after < 0 {
				x = ops.Slice(x, a, -min(before, 0), n+min(after, 0))
			}
			lo[a], hi[a] = max(before, 0), max(after, 0)
			continue
		}
		if before < 0 || after < 0 || before > maxTable || after > maxTable || n == 0 {
			c.refuse("padding %d and %d of axis %d of x %v, want 0 to %d of what has elements", before, after, a, x.Type(), maxTable)
		}
		x = ops.Concat(a, c.beside(x, a, -before, 0, mode), x, c.beside(x, a, n, n+after, mode))
	}
	if !x.IsValid() {
		return x
	}
	return ops.Pad(x, lo, hi, value)
}

// beside returns what stands at the places from to to along an axis of x, which lie outside.
func (c *call) beside(x *graph.Value, axis, from, to int, mode string) *graph.Value {
	n := c.extent(x, axis)
	index := make([]int, to-from)
	for i := range index {
		index[i] = c.mirrored(mode, from+i, n)
	}
	return ops.Gather(x, c.constInts(graph.Shape{len(index)}, index...), axis)
}

// mirrored returns which of n elements stands at place i, which may lie outside.
func (c *call) mirrored(mode string, i, n int) int {
	switch mode {
	case "edge":
		return clamp(i, 0, n-1)
	case "wrap":
		return ((i % n) + n) % n
	case "reflect":
		if n == 1 {
			return 0
		}
		period := 2 * (n - 1)
		i = ((i % period) + period) % period
		return min(i, period-i)
	}
	c.refuse("the mode %s is not known", quoted(mode))
	return 0
}

// expand stretches x to the shape in which it meets the given one.
func expand(c *call) []*graph.Value {
	x := c.in(0)
	dims, batch := c.extents(1, "the shape")
	s := x.Shape()
	y := make([]int, max(len(s), len(dims)))
	if len(y) > graph.MaxRank {
		c.refuse("the result would have %d dimensions, the most is %d", len(y), graph.MaxRank)
	}
	for i := range y {
		m, n := 1, 1
		if j := i - len(y) + len(s); j >= 0 {
			m = s[j]
		}
		symbolic := false
		if j := i - len(y) + len(dims); j >= 0 {
			n, symbolic = dims[j], batch[j]
		}
		switch {
		case n < 0 && !symbolic:
			c.refuse("the shape is %v", dims)
		case n == 1:
			y[i] = m
		case m == 1 || m == n:
			y[i] = n
		default:
			c.refuse("x %v does not stretch to the shape %v", x.Type(), dims)
		}
	}
	return one(ops.BroadcastTo(x, y...))
}

func tile(c *call) []*graph.Value { return one(ops.Tile(c.in(0), c.ints(1, "the repeats")...)) }

// blocks returns x [N, C, H, W] with its extents, all but N known, and the block size.
func (c *call) blocks() (x *graph.Value, n, ch, h, w, b int) {
	x = c.in(0)
	if x.Shape().Rank() != 4 {
		c.refuse("x is %v, want [N, C, H, W]", x.Type())
	}
	b = c.attrInt("blocksize", 0)
	if b < 1 || b > maxWindow {
		c.refuse("the block size is %d", b)
	}
	return x, x.Shape()[0], c.extent(x, 1), c.extent(x, 2), c.extent(x, 3), b
}

func depthToSpace(c *call) []*graph.Value {
	x, n, ch, h, w, b := c.blocks()
	if ch%(b*b) != 0 {
		c.refuse("%d channels do not divide into blocks of %d×%d", ch, b, b)
	}
	var y *graph.Value
	switch mode := c.attrString("mode", "DCR"); mode {
	case "DCR":
		y = ops.Transpose(ops.Reshape(x, n, b, b, ch/(b*b), h, w), 0, 3, 4, 1, 5, 2)
	case "CRD":
		y = ops.Transpose(ops.Reshape(x, n, ch/(b*b), b, b, h, w), 0, 1, 4, 2, 5, 3)
	default:
		c.refuse("the mode %s is not known", quoted(mode))
	}
	return one(ops.Reshape(y, n, ch/(b*b), h*b, w*b))
}

func spaceToDepth(c *call) []*graph.Value {
	x, n, ch, h, w, b := c.blocks()
	if h%b != 0 || w%b != 0 {
		c.refuse("an image of %d×%d does not divide into blocks of %d×%d", h, w, b, b)
	}
	y := ops.Transpose(ops.Reshape(x, n, ch, h/b, b, w/b, b), 0, 3, 5, 1, 2, 4)
	return one(ops.Reshape(y, n, ch*b*b, h/b, w/b))
}

// trilu keeps a triangle of each matrix, by a mask; the rest is 0.
func trilu(c *call) []*graph.Value {
	x := c.rank(0, 2)
	s := x.Shape()
	h, w := c.extent(x, len(s)-2), c.extent(x, len(s)-1)
	k := 0
	if c.has(1) {
		k = int(c.scalar(1, "k"))
	}
	if h != 0 && w > maxTable/h {
		c.refuse("matrices of %d×%d are too large for a mask", h, w)
	}
	mask := make([]bool, h*w)
	for i := range mask {
		row, column := i/w, i%w
		mask[i] = column-row >= k
		if c.attrInt("upper", 1) == 0 {
			mask[i] = column-row <= k
		}
	}
	return one(ops.Where(graph.Const(c.g, graph.Shape{h, w}, mask...), x, c.g.Scalar(x.DType(), 0)))
}
