package ops

import (
	"fmt"
	"strconv"

	"neocog/graph"
)

// This file holds the checks that Infer methods share. Messages name operands
// by position; the graph adds the op, the place and the operands themselves.

// arity returns an error unless there are n inputs.
func arity(in []graph.Type, n int) error {
	if len(in) != n {
		return fmt.Errorf("got %d operands, want %d", len(in), n)
	}
	return nil
}

// sameFloat is the inference of an element-wise op on n float tensors of one
// type, whose result has that type too.
func sameFloat(in []graph.Type, n int) ([]graph.Type, error) {
	if err := arity(in, n); err != nil {
		return nil, err
	}
	if err := isFloat(in[0]); err != nil {
		return nil, err
	}
	for _, t := range in[1:] {
		if !t.Equal(in[0]) {
			return nil, fmt.Errorf("operands have types %v and %v, want the same", in[0], t)
		}
	}
	return in[:1], nil
}

// sameNumber is the inference of an element-wise op on one tensor of floats or integers.
func sameNumber(in []graph.Type) ([]graph.Type, error) {
	if err := arity(in, 1); err != nil {
		return nil, err
	}
	return in, isNumber(in[0])
}

// isFloat returns an error unless t is a float tensor.
func isFloat(t graph.Type) error {
	if !t.DType.IsFloat() {
		return fmt.Errorf("got %v, want a tensor of f32 or f64", t)
	}
	return nil
}

// sameDType returns an error unless all inputs have the element type of the first.
func sameDType(in []graph.Type) error {
	for _, t := range in[1:] {
		if t.DType != in[0].DType {
			return fmt.Errorf("operands have element types %v and %v, want the same", in[0].DType, t.DType)
		}
	}
	return nil
}

// rank returns an error unless t has r dimensions; layout names them, as in NCHW.
func rank(name string, t graph.Type, r int, layout string) error {
	if t.Shape.Rank() != r {
		return fmt.Errorf("%s has %d dimensions, want %d: %s", name, t.Shape.Rank(), r, layout)
	}
	return nil
}

// isNumber returns an error unless t is a tensor of floats or integers.
func isNumber(t graph.Type) error {
	if !t.DType.IsFloat() && !t.DType.IsInt() {
		return fmt.Errorf("got %v, want a tensor of f32, f64, i32 or i64", t)
	}
	return nil
}

// axisOf returns axis, counted from the end where it is negative, for a tensor
// like x; Infer refuses what is out of range.
func axisOf(x *graph.Value, axis int) int {
	if axis < 0 && x.IsValid() {
		if a := axis + x.Shape().Rank(); a >= 0 {
			return a
		}
	}
	return axis
}

// checkAxis returns an error unless axis is an axis of t.
func checkAxis(t graph.Type, axis int) error {
	switch r := t.Shape.Rank(); {
	case axis >= 0 && axis < r:
		return nil
	case r == 0:
		return fmt.Errorf("axis %d is out of range, x is a scalar", axis)
	default:
		return fmt.Errorf("axis %d is out of range, x %v has axes 0 to %d", axis, t, r-1)
	}
}

// extent returns an extent as it is printed, N for Batch.
func extent(d int) string {
	if d == graph.Batch {
		return "N"
	}
	return strconv.Itoa(d)
}
