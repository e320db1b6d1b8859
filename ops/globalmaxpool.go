package ops

import (
	"fmt"

	"neocog/graph"
)

// GlobalMaxPool returns the largest element of each plane.
//
//	x   float [N,C,...], at least 3 dimensions
//	y   [N,C,1,...]
//	dx  = dy at the largest element of a plane, the first of several
//
// NaN wins over every number. Only N may be symbolic. ONNX GlobalMaxPool.
func GlobalMaxPool(x *graph.Value) *graph.Value {
	axes, y := planeAxes("GlobalMaxPool", x)
	if axes == nil {
		return y
	}
	return MaxKeep(x, axes...)
}

// planeAxes returns the axes of x from 2 on; nil and an invalid value where there are none or one is not known,
// which the graph then knows.
func planeAxes(op string, x *graph.Value) (axes []int, y *graph.Value) {
	if !x.IsValid() {
		return nil, Reshape(x)
	}
	r := x.Shape().Rank()
	switch {
	case r < 3:
		return nil, mistake(x, op, fmt.Errorf("x has %d dimensions, want at least 3: [N, C, ...]", r))
	case !x.Shape()[1:].IsStatic():
		return nil, mistake(x, op, onlyBatch(x))
	}
	return upTo(r)[2:], nil
}
