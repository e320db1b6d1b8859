package ops

import (
	"fmt"

	"neocog/graph"
	"neocog/vm/kernel"
)

// Reshape returns x with the same elements in the same order under another
// shape. Nothing is copied.
//
//	x   any [...]
//	y   [dims...]
//	dx  = dy with the shape of x
//
// The extent graph.Batch, which is −1, means two things. Where the shape of x
// is symbolic it is the batch: as many axes of y as of x must have it, and the
// other extents must have equal products. Where the shape of x is static, at
// most one axis may have it, and its extent follows from the rest.
// ONNX Reshape.
func Reshape(x *graph.Value, dims ...int) *graph.Value {
	if x.IsValid() {
		if s, err := reshaped(x.Shape(), dims); err == nil {
			if s.Equal(x.Shape()) {
				return x
			}
			dims = s
		}
	}
	return graph.Apply(reshape{graph.MakeDims(dims...)}, x)
}

type reshape struct{ Shape graph.Dims }

func (reshape) Name() string { return "Reshape" }

func (r reshape) Infer(in []graph.Type) ([]graph.Type, error) {
	if err := arity(in, 1); err != nil {
		return nil, err
	}
	if r.Shape.Len() > graph.MaxRank {
		return nil, fmt.Errorf("the shape has %d dimensions, the most is %d", r.Shape.Len(), graph.MaxRank)
	}
	s, err := reshaped(in[0].Shape, r.Shape.Slice())
	return []graph.Type{{DType: in[0].DType, Shape: s}}, err
}

func (reshape) Plan(_ *kernel.Env, _, _ []graph.Type) (kernel.Plan, error) {
	return kernel.Plan{View: true}, nil
}

func (reshape) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	return []*graph.Value{Reshape(dy[0], n.In(0).Shape()...)}
}

// reshaped returns the shape which dims mean for a tensor of shape x.
func reshaped(x graph.Shape, dims []int) (graph.Shape, error) {
	y := graph.Shape(dims).Clone()
	for _, d := range dims {
		if d < graph.Batch {
			return nil, fmt.Errorf("the shape %v has the negative extent %d", y, d)
		}
	}
	have, haveN := staticSize(x)
	want, wantN := staticSize(y)
	switch {
	case haveN == 0 && wantN == 0 && have != want:
		return nil, fmt.Errorf("x %v has %d elements, the shape %v wants %d", x, have, y, want)
	case haveN == 0 && wantN == 1:
		if want == 0 || have%want != 0 {
			return nil, fmt.Errorf("x %v has %d elements, which do not divide into the %d of the other extents of %v", x, have, want, y)
		}
		for i, d := range y {
			if d == graph.Batch {
				y[i] = have / want
			}
		}
	case haveN == 0 && wantN > 1:
		return nil, fmt.Errorf("the shape %v leaves %d extents open, at most one can follow from x %v", y, wantN, x)
	case haveN != wantN:
		return nil, fmt.Errorf("x %v has %d symbolic axes N, the shape %v has %d; a symbolic axis cannot be joined or split", x, haveN, y, wantN)
	case have != want:
		return nil, fmt.Errorf("x %v has %d elements for each N, the shape %v wants %d", x, have, y, want)
	}
	return y, nil
}

// staticSize returns the product of the extents which are not Batch, and how many are.
func staticSize(s graph.Shape) (size, symbolic int) {
	size = 1
	for _, d := range s {
		if d == graph.Batch {
			symbolic++
		} else {
			size *= d
		}
	}
	return size, symbolic
}
