package ops

import (
	"fmt"

	"neocog/graph"
	"neocog/vm/kernel"
)

// Transpose returns x with its axes in another order: axis i of y is axis
// perm[i] of x. Without perm the order is reversed, which turns a matrix.
//
//	x     any [...]
//	perm  each axis of x once, negative ones from the end
//	y     y[j_0, j_1, …] = x[…], index j_i standing at axis perm[i]
//	dx    = dy with its axes put back
//
// x itself is returned where the order stays. ONNX Transpose.
func Transpose(x *graph.Value, perm ...int) *graph.Value {
	if !x.IsValid() {
		return graph.Apply(transpose{}, x)
	}
	p := make([]int, len(perm))
	for i, axis := range perm {
		p[i] = axisOf(x, axis)
	}
	if r := x.Shape().Rank(); len(perm) == 0 {
		for i := range r {
			p = append(p, r-1-i)
		}
	}
	if allInRange(p) && len(p) == x.Shape().Rank() {
		return x
	}
	return graph.Apply(transpose{graph.MakeDims(p...)}, x)
}

type transpose struct{ Perm graph.Dims }

func (transpose) Name() string { return "Transpose" }

func (o transpose) Infer(in []graph.Type) ([]graph.Type, error) {
	if err := arity(in, 1); err != nil {
		return nil, err
	}
	x := in[0]
	if o.Perm.Len() != x.Shape.Rank() {
		return nil, fmt.Errorf("the order %v has %d axes, x %v has %d", o.Perm, o.Perm.Len(), x, x.Shape.Rank())
	}
	y := make(graph.Shape, x.Shape.Rank())
	var seen [graph.MaxRank]bool
	for i, axis := range o.Perm.Slice() {
		if err := checkAxis(x, axis); err != nil {
			return nil, err
		}
		if seen[axis] {
			return nil, fmt.Errorf("the order %v has axis %d twice", o.Perm, axis)
		}
		seen[axis] = true
		y[i] = x.Shape[axis]
	}
	return []graph.Type{{DType: x.DType, Shape: y}}, nil
}

func (o transpose) Plan(_ *kernel.Env, in, out []graph.Type) (kernel.Plan, error) {
	from := contiguous(in[0].Shape)
	strides := make([]int, len(from))
	for i, axis := range o.Perm.Slice() {
		strides[i] = from[axis]
	}
	return planStrided(out[0], 0, strides)
}

func (o transpose) VJP(_ *graph.Node, dy []*graph.Value) []*graph.Value {
	back := make([]int, o.Perm.Len())
	for i, axis := range o.Perm.Slice() {
		back[axis] = i
	}
	return []*graph.Value{Transpose(dy[0], back...)}
}
