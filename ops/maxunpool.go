package ops

import (
	"fmt"

	"neocog/graph"
)

// MaxUnpool puts elements back where a MaxPool found them, and zeros elsewhere.
//
//	x        float [N,C,...], at least 3 dimensions
//	argmax   i32, the shape of x: where each element goes, in row-major order within its plane, as
//	         MaxPool2DIndices gives it
//	extents  of the planes of y
//	y        [N,C,extents...]
//	dx       = dy at argmax
//
// Elements that go to one place are added up. An index out of range stops the run with an error. It
// is the gradient of the pooling. ONNX MaxUnpool, whose indices count over all of y:
// argmax is what they leave over when they are divided by the elements of a plane.
func MaxUnpool(x, argmax *graph.Value, extents ...int) *graph.Value {
	if !x.IsValid() || !argmax.IsValid() || x.Graph() != argmax.Graph() {
		return graph.Apply(maxPool2DGrad{1, 1}, argmax, x)
	}
	s := x.Shape()
	switch {
	case len(extents)+2 > graph.MaxRank:
		return mistake(x, "MaxUnpool", fmt.Errorf("planes have %d dimensions, the most is %d", len(extents), graph.MaxRank-2))
	case s.Rank() < 3 || !s[1:].IsStatic():
		return mistake(x, "MaxUnpool", fmt.Errorf("x is %v, want [N, C, ...], only N symbolic", x.Type()))
	case !argmax.Shape().Equal(s):
		return mistake(x, "MaxUnpool", fmt.Errorf("argmax is %v, x is %v, want an index for each element", argmax.Type(), x.Type()))
	}
	size := 1
	for _, n := range extents {
		if n < 0 || n > 0 && size > maxAttribute/n {
			return mistake(x, "MaxUnpool", fmt.Errorf("planes are %v, want at most %d elements", graph.Shape(extents), maxAttribute))
		}
		size *= n
	}
	flat := []int{s[0], s[1], 1, s[2:].Size()}
	y := graph.Apply(maxPool2DGrad{1, size}, Reshape(argmax, flat...), Reshape(x, flat...))
	if !y.IsValid() {
		return y
	}
	return Reshape(y, append([]int{s[0], s[1]}, extents...)...)
}
