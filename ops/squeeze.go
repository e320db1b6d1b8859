package ops

import (
	"fmt"
	"slices"

	"neocog/graph"
)

// Squeeze returns x without some of its axes of extent 1. Nothing is copied.
//
//	x     any [...]
//	axes  negative ones count from the end; none given means all whose extent is 1
//	y     x's elements, without those axes
//	dx    = dy with the shape of x
//
// An axis of another extent is refused, and so is the symbolic batch, which may
// turn out to be any number. It is a Reshape. ONNX Squeeze.
func Squeeze(x *graph.Value, axes ...int) *graph.Value {
	if !x.IsValid() {
		return Reshape(x)
	}
	s := x.Shape()
	drop := graph.MakeDims(axes...)
	if len(axes) > 0 {
		drop = axesOf(x, axes)
		if drop.Len() == 0 { // which axesOf makes of all
			drop = graph.MakeDims(upTo(len(s))...)
		}
		if err := checkAxes(x.Type(), drop); err != nil {
			return mistake(x, "Squeeze", err)
		}
	}
	var y []int
	for i, n := range s {
		switch named := drop.Contains(i); {
		case named && n != 1:
			return mistake(x, "Squeeze", fmt.Errorf("axis %d of x %v has extent %s, want 1", i, x.Type(), extent(n)))
		case !named && (len(axes) > 0 || n != 1):
			y = append(y, n)
		}
	}
	return Reshape(x, y...)
}

// Unsqueeze returns x with new axes of extent 1. Nothing is copied.
//
//	x     any [...]
//	axes  where y has them; negative ones count from the end of y
//	y     x's elements, with len(axes) more axes
//	dx    = dy with the shape of x
//
// It is a Reshape. ONNX Unsqueeze, numpy.expand_dims.
func Unsqueeze(x *graph.Value, axes ...int) *graph.Value {
	if !x.IsValid() {
		return Reshape(x)
	}
	rest, rank := x.Shape(), x.Shape().Rank()+len(axes)
	if rank > graph.MaxRank {
		return mistake(x, "Unsqueeze", fmt.Errorf("x %v would have %d dimensions with %d more, the most is %d", x.Type(), rank, len(axes), graph.MaxRank))
	}
	at := slices.Clone(axes)
	for i, a := range at {
		if at[i] = a + rank; a >= 0 {
			at[i] = a
		}
		if at[i] < 0 || at[i] >= rank {
			return mistake(x, "Unsqueeze", fmt.Errorf("axis %d is out of range, the result has axes 0 to %d", a, rank-1))
		}
		if slices.Contains(at[:i], at[i]) {
			return mistake(x, "Unsqueeze", fmt.Errorf("axis %d is given twice", at[i]))
		}
	}
	y := make([]int, rank)
	for i := range y {
		if y[i] = 1; !slices.Contains(at, i) {
			y[i], rest = rest[0], rest[1:]
		}
	}
	return Reshape(x, y...)
}

// mistake reports an error of a constructor, made of other ops, which was given the valid x.
func mistake(x *graph.Value, op string, err error) *graph.Value {
	x.Graph().Errorf(op, "%w", err)
	return x.Graph().Invalid()
}

// onlyBatch says that more of x than its first dimension is symbolic.
func onlyBatch(x *graph.Value) error {
	return fmt.Errorf("x is %v: only its first dimension may be symbolic", x.Type())
}

// constLike returns a constant with elements of x's float type.
func constLike(x *graph.Value, shape graph.Shape, v []float64) *graph.Value {
	if x.DType() == graph.Float64 {
		return graph.Const(x.Graph(), shape, v...)
	}
	narrow := make([]float32, len(v))
	for i := range v {
		narrow[i] = float32(v[i])
	}
	return graph.Const(x.Graph(), shape, narrow...)
}

// upTo returns 0, 1, … n-1.
func upTo(n int) []int {
	v := make([]int, n)
	for i := range v {
		v[i] = i
	}
	return v
}
