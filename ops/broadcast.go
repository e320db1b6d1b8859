package ops

import (
	"fmt"

	"neocog/graph"
	"neocog/vm/kernel"
)

// This file is what the binary ops share: NumPy's broadcasting. Each of them
// brings a row function.

// operandsAB are the formal names of the operands of binary ops.
var operandsAB = []string{"a", "b"}

// operandsXDy are those of the gradients of activations.
var operandsXDy = []string{"x", "dy"}

// broadcastShape returns the shape in which a and b meet, or what is wrong.
func broadcastShape(a, b graph.Shape) (graph.Shape, error) {
	y := make(graph.Shape, max(len(a), len(b)))
	for i := range y {
		m, n := 1, 1
		if j := i - len(y) + len(a); j >= 0 {
			m = a[j]
		}
		if j := i - len(y) + len(b); j >= 0 {
			n = b[j]
		}
		switch {
		case m == n || n == 1:
			y[i] = m
		case m == 1:
			y[i] = n
		default:
			err := fmt.Errorf("shapes %v and %v do not broadcast: a has %v, b has %v at axis %d from the end, want equal extents or 1", a, b, extent(m), extent(n), len(y)-i)
			if m == graph.Batch || n == graph.Batch {
				err = fmt.Errorf("%w; the symbolic N goes with N and 1 only", err)
			}
			return nil, err
		}
	}
	return y, nil
}

// inferBinary is the inference of a binary op with broadcasting.
func inferBinary(in []graph.Type, ints bool) ([]graph.Type, error) {
	if err := arity(in, 2); err != nil {
		return nil, err
	}
	a, b := in[0], in[1]
	if a.DType != b.DType {
		return nil, fmt.Errorf("a has elements %v, b has %v, want the same; ops.Cast converts", a.DType, b.DType)
	}
	if !a.DType.IsFloat() && !(ints && a.DType.IsInt()) {
		want := "f32 or f64"
		if ints {
			want = "f32, f64, i32 or i64"
		}
		return nil, fmt.Errorf("the elements are %v, want %s", a.DType, want)
	}
	shape, err := broadcastShape(a.Shape, b.Shape)
	if err != nil {
		return nil, err
	}
	return []graph.Type{{DType: a.DType, Shape: shape}}, nil
}

// A rowFunc computes a row of y from rows of a and b. One of these may have one
// element, which stands for all.
type rowFunc[T kernel.Number] func(y, a, b []T)

// planBinary returns the plan of a binary op with broadcasting. An operand of
// the result's shape may be overwritten.
func planBinary(in, out []graph.Type, f32 rowFunc[float32], f64 rowFunc[float64], i32 rowFunc[int32], i64 rowFunc[int64]) (kernel.Plan, error) {
	y, l := out[0].Shape, binaryNest(in, out)
	k, err := pickNumber(in[0].DType, binaryRun(l, f32), binaryRun(l, f64), binaryRun(l, i32), binaryRun(l, i64))
	p := kernel.One(y.Size(), kernel.Grain, k)
	for i := range in {
		if in[i].Shape.Equal(y) {
			p.InPlace = []int{i + 1}
			break
		}
	}
	return p, err
}

// binaryNest returns the loops over the result, with the steps of both operands.
func binaryNest(in, out []graph.Type) nest {
	y := out[0].Shape
	return newNest(y, stretched(in[0].Shape, y), stretched(in[1].Shape, y))
}

func binaryRun[T, Y graph.Element](l nest, row func(y []Y, a, b []T)) kernel.Kernel {
	n, sa, sb := l.inner()
	if l.rank == 1 { // no place to find
		return func(c *kernel.Call, lo, hi int) {
			if lo < hi {
				a, b := kernel.In[T](c, 0), kernel.In[T](c, 1)
				row(kernel.Out[Y](c, 0)[lo:hi], a[lo*sa:(hi-1)*sa+1], b[lo*sb:(hi-1)*sb+1])
			}
		}
	}
	return func(c *kernel.Call, lo, hi int) {
		a, b, y := kernel.In[T](c, 0), kernel.In[T](c, 1), kernel.Out[Y](c, 0)
		for p := l.place(lo); lo < hi; {
			w := min(n-p.at[l.rank-1], hi-lo)
			row(y[lo:lo+w], a[p.off[0]:p.off[0]+(w-1)*sa+1], b[p.off[1]:p.off[1]+(w-1)*sb+1])
			l.forward(&p, w)
			lo += w
		}
	}
}

// sumTo undoes broadcasting: it sums dy over the axes along which a tensor of
// the shape of like was stretched to dy's. It is the gradient of stretching.
func sumTo(dy, like *graph.Value) *graph.Value { return unstretch(dy, like, Sum) }

// unstretch reduces dy, by Sum or Mean, over the axes along which like was
// stretched, and gives it like's shape.
func unstretch(dy, like *graph.Value, reduce func(*graph.Value, ...int) *graph.Value) *graph.Value {
	if !dy.IsValid() || !like.IsValid() {
		return dy
	}
	from, to := dy.Shape(), like.Shape()
	if from.Equal(to) {
		return dy
	}
	var axes []int
	for i := range from {
		if j := i - len(from) + len(to); j < 0 || to[j] == 1 && from[i] != 1 {
			axes = append(axes, i)
		}
	}
	if len(axes) > 0 {
		dy = reduce(dy, axes...)
	}
	return Reshape(dy, to...)
}
