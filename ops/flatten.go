package ops

import (
	"fmt"

	"neocog/graph"
	"neocog/vm/kernel"
)

// Flatten returns x as a matrix with one row for each image. Nothing is copied.
//
//	x   any [N, ...], at least one axis
//	y   [N, D], D the product of all extents but the first
//	dx  = dy with the shape of x
//
// Only the first axis may be symbolic. ONNX Flatten with axis 1.
func Flatten(x *graph.Value) *graph.Value { return graph.Apply(flatten{}, x) }

type flatten struct{}

func (flatten) Name() string { return "Flatten" }

func (flatten) Infer(in []graph.Type) ([]graph.Type, error) {
	if err := arity(in, 1); err != nil {
		return nil, err
	}
	s := in[0].Shape
	if s.Rank() == 0 {
		return nil, fmt.Errorf("x is a scalar, want at least one dimension")
	}
	if !s[1:].IsStatic() {
		return nil, fmt.Errorf("x has shape %v, only its first axis may be the symbolic N", s)
	}
	return []graph.Type{graph.Of(in[0].DType, s[0], s[1:].Size())}, nil
}

func (flatten) Plan(_ *kernel.Env, _, _ []graph.Type) (kernel.Plan, error) {
	return kernel.Plan{View: true}, nil
}

func (flatten) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	return []*graph.Value{Reshape(dy[0], n.In(0).Shape()...)}
}
