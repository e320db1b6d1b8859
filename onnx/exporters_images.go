package onnx

import (
	"neocog/graph"
	"neocog/onnx/internal/onnxpb"
	"neocog/ops"
)

// This file exports convolutions, poolings and what normalises their results.

// orOnes returns v with 1 for 0.
func orOnes(v [2]int) []int {
	out := v[:]
	for i := range out {
		if out[i] == 0 {
			out[i] = 1
		}
	}
	return out
}

// convAttributes are those of a convolution of x [N,C,H,W] to y [N,K,P,Q] with w.
// The padding at the end is what the windows see: for Ceil more than is asked for, for
// Floor that asked for.
func (e *emitter) convAttributes(c ops.Conv, x, w, y graph.Shape) []*onnxpb.Attribute {
	stride, dilation := orOnes(c.Stride), orOnes(c.Dilation)
	pads := c.Pad
	if c.Round == ops.Ceil {
		for i := range 2 {
			pads[2+i] = max(pads[2+i], (y[2+i]-1)*stride[i]+(w[2+i]-1)*dilation[i]+1-x[2+i]-pads[i])
		}
	}
	return []*onnxpb.Attribute{
		attrInts("dilations", dilation...), attrInt("group", max(c.Groups, 1)), attrInts("kernel_shape", w[2:]...),
		attrInts("pads", pads[:]...), attrInts("strides", stride...),
	}
}

// exportInputGrad writes a ConvTranspose. Rows and columns of the output which no window
// reaches are output_padding.
func exportInputGrad(e *emitter, n *graph.Node) {
	c, w, dy, x := field[ops.Conv](n.Op, "Conv"), n.In(0).Shape(), n.In(1).Shape(), n.Out(0).Shape()
	stride, dilation := orOnes(c.Stride), orOnes(c.Dilation)
	pads, extra := c.Pad, [2]int{}
	var lack [2]int // rows and columns that no window reaches, beyond what output_padding may add
	for i := range 2 {
		full := (dy[2+i]-1)*stride[i] + (w[2+i]-1)*dilation[i] + 1
		if extra[i] = x[2+i] + pads[i] + pads[2+i] - full; extra[i] < 0 { // for Ceil
			extra[i], pads[2+i] = 0, pads[2+i]-extra[i]
		}
		if most := max(stride[i], dilation[i]) - 1; extra[i] > most {
			lack[i], extra[i] = extra[i]-most, most
		}
	}
	attributes := []*onnxpb.Attribute{
		attrInts("dilations", dilation...), attrInt("group", max(c.Groups, 1)), attrInts("kernel_shape", w[2:]...),
		attrInts("output_padding", extra[:]...), attrInts("pads", pads[:]...), attrInts("strides", stride...),
	}
	in := []string{e.in()[1], e.in()[0]}
	if lack == [2]int{} {
		e.with(n, "ConvTranspose", in, attributes...)
		return
	}
	t := n.Out(0).Type()
	part := graph.Type{DType: t.DType, Shape: t.Shape.Clone()}
	part.Shape[2] -= lack[0]
	part.Shape[3] -= lack[1]
	y := e.op("ConvTranspose", part, in, attributes...)
	e.with(n, "Pad", []string{y, e.ints(0, 0, 0, 0, 0, 0, lack[0], lack[1])})
}

// exportFilterGrad writes a convolution in which images are channels and channels
// images: of x with dy, strides and dilations swapped.
//
//	x   [N, G·c, H, W] → [c, G·N, H, W]     dy  [N, G·k, P, Q] → [G·k, N, P, Q]
//	    → [c, G·k, R, S] → [G·k, c, R, S]
func exportFilterGrad(e *emitter, n *graph.Node) {
	c, x, dy, w := field[ops.Conv](n.Op, "Conv"), n.In(0).Type(), n.In(1).Type(), n.Out(0).Type()
	stride, dilation, groups := orOnes(c.Stride), orOnes(c.Dilation), max(c.Groups, 1)
	of := func(extents ...int) graph.Type { return graph.Of(x.DType, extents...) }
	batch, perGroup, h, wide := x.Shape[0], w.Shape[1], x.Shape[2], x.Shape[3]
	xs := e.in()[0]
	if groups == 1 {
		xs = e.op("Transpose", of(perGroup, batch, h, wide), []string{xs}, attrInts("perm", 1, 0, 2, 3))
	} else {
		all := unknown // groups times the batch
		if batch != graph.Batch {
			all = groups * batch
		}
		split := e.op("Reshape", of(batch, groups, perGroup, h, wide), []string{xs, e.ints(-1, groups, perGroup, h, wide)})
		turned := e.op("Transpose", of(perGroup, groups, batch, h, wide), []string{split}, attrInts("perm", 2, 1, 0, 3, 4))
		xs = e.op("Reshape", of(perGroup, all, h, wide), []string{turned, e.ints(perGroup, -1, h, wide)})
	}
	dys := e.op("Transpose", of(dy.Shape[1], batch, dy.Shape[2], dy.Shape[3]), []string{e.in()[1]}, attrInts("perm", 1, 0, 2, 3))
	// The padding at the end is that with which there are exactly R×S places.
	pads := c.Pad
	var size, cut [2]int
	for i := range 2 {
		span := (dy.Shape[2+i]-1)*stride[i] + 1
		pads[2+i] = (w.Shape[2+i]-1)*dilation[i] + span - x.Shape[2+i] - pads[i]
		if pads[2+i] < 0 { // the end of x meets no window
			pads[2+i] = 0
		}
		size[i] = (x.Shape[2+i]+pads[i]+pads[2+i]-span)/dilation[i] + 1
		cut[i] = size[i] - w.Shape[2+i]
	}
	conv := e.op("Conv", of(perGroup, dy.Shape[1], size[0], size[1]), []string{xs, dys},
		attrInts("dilations", stride...), attrInt("group", groups), attrInts("pads", pads[:]...), attrInts("strides", dilation...))
	if cut != [2]int{} {
		conv = e.op("Slice", of(perGroup, dy.Shape[1], w.Shape[2], w.Shape[3]), []string{conv, e.ints(0, 0), e.ints(w.Shape[2], w.Shape[3]), e.ints(2, 3)})
	}
	e.with(n, "Transpose", []string{conv}, attrInts("perm", 1, 0, 2, 3))
}

// poolAttributes are those of a pooling. Of ceil_mode it is not settled whether a window
// may begin in the padding at the end, as ours may not: where that makes a difference, the
// padding is made such that the windows are as many as ours without ceil_mode.
func poolAttributes(n *graph.Node) []*onnxpb.Attribute {
	p, x, y := field[ops.Pool](n.Op, "Pool"), n.In(0).Shape(), n.Out(0).Shape()
	stride := p.Stride
	for i := range stride {
		if stride[i] == 0 {
			stride[i] = p.Size[i]
		}
	}
	ceil := 0
	if p.Round == ops.Ceil {
		ceil = 1
		var end [2]int
		for i := range 2 {
			if free := x[2+i] + p.Pad[i] + p.Pad[2+i] - p.Size[i]; ceilDiv(free, stride[i])+1 != y[2+i] {
				ceil = 0
			}
			end[i] = max(p.Pad[2+i], (y[2+i]-1)*stride[i]+p.Size[i]-x[2+i]-p.Pad[i])
		}
		if ceil == 0 {
			p.Pad[2], p.Pad[3] = end[0], end[1]
		}
	}
	return []*onnxpb.Attribute{attrInt("ceil_mode", ceil), attrInts("kernel_shape", p.Size[:]...), attrInts("pads", p.Pad[:]...), attrInts("strides", stride[:]...)}
}

// exportMaxPool makes places within planes from ONNX's places in all of x.
func exportMaxPool(e *emitter, n *graph.Node) {
	attributes := poolAttributes(n)
	if !e.used(n.Out(1)) {
		e.one(n, "MaxPool", attributes...)
		return
	}
	y := n.Out(0).Type()
	long := graph.Type{DType: graph.Int64, Shape: y.Shape}
	out := e.ops("MaxPool", []graph.Type{y, long}, e.in(), attributes...)
	e.bind(n.Out(0), out[0])
	x := n.In(0).Shape()
	within := e.op("Mod", long, []string{out[1], e.scalar(graph.Int64, float64(x[2]*x[3]))})
	e.bind(n.Out(1), e.op("Cast", n.Out(1).Type(), []string{within}, attrInt("to", int(onnxpb.Int32))))
}

// exportBatchNorm writes training mode with momentum 0, in which the running
// statistics become those of the batch. Those that there were do not count; but ONNX
// Runtime writes the new ones over them, and makes equal constants and initialisers one
// (its version 1.30 does so to gamma): so they are numbers that nothing else is.
func exportBatchNorm(e *emitter, n *graph.Node) {
	t := n.Out(1).Type()
	placeholder := func() string {
		v := make([]float64, t.Shape.Size())
		for i := range v {
			v[i] = float64(len(e.graph.Node)) + 0.1234567
		}
		return e.constant(ofFloats(t, v))
	}
	out := e.ops("BatchNormalization", []graph.Type{n.Out(0).Type(), t, t}, append(e.in(), placeholder(), placeholder()),
		attrFloat("epsilon", field[float64](n.Op, "Eps")), attrFloat("momentum", 0), attrInt("training_mode", 1))
	for i, v := range n.Outs() {
		e.bind(v, out[i])
	}
}

// exportStandardise writes a LayerNormalization with a scale of 1.
func exportStandardise(e *emitter, n *graph.Node) {
	axis, x := field[int](n.Op, "Axis"), n.In(0).Type()
	part := graph.Type{DType: x.DType, Shape: x.Shape[axis:]}
	unit := make([]float64, part.Shape.Size())
	for i := range unit {
		unit[i] = 1
	}
	attributes := []*onnxpb.Attribute{attrInt("axis", axis), attrFloat("epsilon", field[float64](n.Op, "Eps"))}
	in := append(e.in(), e.constant(ofFloats(part, unit)))
	if !e.used(n.Out(1)) {
		e.with(n, "LayerNormalization", in, attributes...)
		return
	}
	each := n.Out(1).Type()
	out := e.ops("LayerNormalization", []graph.Type{x, each, each}, in, attributes...)
	e.bind(n.Out(0), out[0])
	e.bind(n.Out(1), out[2])
}
