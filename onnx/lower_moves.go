package onnx

import (
	"neocog/graph"
	"neocog/ops"
)

// This file expresses ops which move elements, and poolings, by others.

// lowerPad puts elements between others as columns behind them.
func lowerPad(n *graph.Node, in []*graph.Value) []*graph.Value {
	between := field[graph.Dims](n.Op, "Between").Slice()
	value := field[float64](n.Op, "Value")
	x := in[0]
	for axis, b := range between {
		s := x.Shape()
		if b == 0 || s[axis] <= 0 {
			continue
		}
		before, after := graph.Shape(s[:axis].Clone()), s[axis+1:]
		apart := append(append(before.Clone(), s[axis], 1), after...)
		hi := make([]int, len(apart))
		hi[axis+1] = b
		x = ops.Pad(ops.Reshape(x, apart...), make([]int, len(apart)), hi, value)
		x = ops.Reshape(x, append(append(before, s[axis]*(b+1)), after...)...)
		x = ops.Slice(x, axis, 0, (s[axis]-1)*(b+1)+1)
	}
	return one(ops.Pad(x, field[graph.Dims](n.Op, "Lo").Slice(), field[graph.Dims](n.Op, "Hi").Slice(), value))
}

// lowerGatherGrad adds slices up by ScatterElements: the axes of the indices become one, and
// each index stands for a whole slice.
func lowerGatherGrad(n *graph.Node, in []*graph.Value) []*graph.Value {
	indices, dy := in[0], in[1]
	axis, rank := field[int](n.Op, "Axis"), indices.Shape().Rank()
	s, dx := dy.Shape(), n.Out(0).Shape()
	count, ok := joined(indices.Shape())
	if !ok {
		dy.Graph().Errorf("GatherGrad", "the indices are %v; axes of which one is the batch cannot be joined", indices.Type())
		return one(dy.Graph().Invalid())
	}
	flat := append(append(s[:axis].Clone(), count), s[axis+rank:]...)
	along := make(graph.Shape, len(flat))
	for i := range along {
		along[i] = 1
	}
	along[axis] = count
	index := ops.BroadcastTo(ops.Reshape(indices, along...), flat...)
	zeros := ops.Full(dy.Graph(), graph.Type{DType: dy.DType(), Shape: dx}, 0)
	return one(ops.ScatterElements(zeros, index, ops.Reshape(dy, flat...), axis, ops.ScatterAdd))
}

// reducedLast brings the axes of x to its end, as one, and returns what undoes it
// for a tensor of that shape.
func reducedLast(shape graph.Shape, axes []int) (perm []int, flat graph.Shape, back []int) {
	reduced := map[int]bool{}
	for _, a := range axes {
		reduced[a] = true
	}
	count := 1
	for i, d := range shape {
		if len(axes) > 0 && !reduced[i] {
			perm, flat = append(perm, i), append(flat, d)
		}
	}
	for i, d := range shape {
		if len(axes) == 0 || reduced[i] {
			perm, count = append(perm, i), count*d
		}
	}
	back = make([]int, len(perm))
	for i, p := range perm {
		back[p] = i
	}
	return perm, append(flat, count), back
}

// lowerMaxGrad compares the place of each element with that of the greatest.
func lowerMaxGrad(n *graph.Node, in []*graph.Value) []*graph.Value {
	index, dy := in[0], in[1]
	shape := graph.Shape(field[graph.Dims](n.Op, "Shape").Slice())
	perm, flat, back := reducedLast(shape, field[graph.Dims](n.Op, "Axes").Slice())
	column := append(flat[:len(flat)-1].Clone(), 1)
	count := flat[len(flat)-1]
	places := make([]int32, count)
	for i := range places {
		places[i] = int32(i)
	}
	here := ops.Equal(ops.Reshape(index, column...), graph.Const(dy.Graph(), graph.Shape{count}, places...))
	dx := ops.Where(here, ops.Reshape(dy, column...), scalarOf(dy, 0))
	moved := make(graph.Shape, len(perm))
	for i, p := range perm {
		moved[i] = shape[p]
	}
	return one(ops.Transpose(ops.Reshape(dx, moved...), back...))
}

func lowerMaxPick(n *graph.Node, in []*graph.Value) []*graph.Value {
	x, index := in[0], in[1]
	perm, flat, _ := reducedLast(x.Shape(), field[graph.Dims](n.Op, "Axes").Slice())
	column := append(flat[:len(flat)-1].Clone(), 1)
	moved := ops.Reshape(ops.Transpose(x, perm...), flat...)
	return one(ops.Reshape(ops.GatherElements(moved, ops.Reshape(index, column...), len(flat)-1), n.Out(0).Shape()...))
}

// planes returns x [N, C, H, W] as [N, C, H·W].
func planes(x *graph.Value) *graph.Value {
	s := x.Shape()
	return ops.Reshape(x, s[0], s[1], s[2]*s[3])
}

func lowerMaxPoolGrad(n *graph.Node, in []*graph.Value) []*graph.Value {
	argmax, dy := in[0], in[1]
	s := n.Out(0).Shape()
	zeros := ops.Full(dy.Graph(), graph.Of(dy.DType(), s[0], s[1], s[2]*s[3]), 0)
	return one(ops.Reshape(ops.ScatterElements(zeros, planes(argmax), planes(dy), 2, ops.ScatterAdd), s...))
}

func lowerMaxPoolGather(n *graph.Node, in []*graph.Value) []*graph.Value {
	return one(ops.Reshape(ops.GatherElements(planes(in[1]), planes(in[0]), 2), n.Out(0).Shape()...))
}

// lowerAvgPoolGrad spreads dy, divided, by a transposed convolution with ones. The
// divisors are the averages that a pooling of ones with padding has, inverted.
func lowerAvgPoolGrad(n *graph.Node, in []*graph.Value) []*graph.Value {
	dy := in[0]
	p := field[ops.Pool](n.Op, "Pool")
	h, w := field[int](n.Op, "H"), field[int](n.Op, "W")
	stride := p.Stride
	for i := range stride {
		if stride[i] == 0 {
			stride[i] = p.Size[i]
		}
	}
	s := dy.Shape()
	share := make([]float64, s[2]*s[3])
	for i := range share {
		rows := inWindow(i/s[3]*stride[0]-p.Pad[0], p.Size[0], h, p.Pad[2], p.CountPad)
		columns := inWindow(i%s[3]*stride[1]-p.Pad[1], p.Size[1], w, p.Pad[3], p.CountPad)
		share[i] = 1 / float64(rows*columns)
	}
	shares := constantLike(dy, graph.Shape{s[2], s[3]}, share)
	ones := make([]float64, s[1]*p.Size[0]*p.Size[1])
	for i := range ones {
		ones[i] = 1
	}
	filter := constantLike(dy, graph.Shape{s[1], 1, p.Size[0], p.Size[1]}, ones)
	return one(ops.Conv2DInputGrad(filter, ops.Mul(dy, shares), h, w, ops.Conv{Stride: stride, Pad: p.Pad, Groups: s[1], Round: p.Round}))
}
