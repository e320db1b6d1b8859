package ops

import (
	"fmt"

	"neocog/graph"
	"neocog/vm/kernel"
)

// Cast returns x with another element type.
//
//	x   any [...]
//	y   the shape of x, elements d
//	dx  = dy cast back, where both are floats; else none
//
// Floats become integers by truncation towards 0, NaN becomes 0, and what is
// out of range the nearest integer there is. i64 becomes i32 by its low bits.
// Everything but 0 becomes true, NaN too; true becomes 1. x itself is returned
// where it has the type already. ONNX Cast, which leaves the odd cases open.
func Cast(x *graph.Value, d graph.DType) *graph.Value {
	if x.IsValid() && x.DType() == d {
		return x
	}
	return graph.Apply(cast{d}, x)
}

type cast struct{ To graph.DType }

func (cast) Name() string { return "Cast" }

func (o cast) Infer(in []graph.Type) ([]graph.Type, error) {
	if err := arity(in, 1); err != nil {
		return nil, err
	}
	if o.To.Size() == 0 {
		return nil, fmt.Errorf("the element type wanted is %v", o.To)
	}
	return []graph.Type{{DType: o.To, Shape: in[0].Shape}}, nil
}

// Plan reads the types alone: where a program computes in another precision
// than the graph says, To may not be the type of the result.
func (cast) Plan(_ *kernel.Env, in, out []graph.Type) (kernel.Plan, error) {
	var k kernel.Kernel
	var err error
	switch in[0].DType {
	case graph.Float32:
		k, err = castFloat[float32](out[0].DType)
	case graph.Float64:
		k, err = castFloat[float64](out[0].DType)
	case graph.Int32:
		k, err = castInt[int32](out[0].DType)
	case graph.Int64:
		k, err = castInt[int64](out[0].DType)
	default:
		k, err = castBool(out[0].DType)
	}
	return kernel.One(in[0].Shape.Size(), kernel.Grain, k), err
}

func (cast) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	if x := n.In(0); x.DType().IsFloat() && dy[0].DType().IsFloat() {
		return []*graph.Value{Cast(dy[0], x.DType())}
	}
	return []*graph.Value{nil}
}

func castFloat[S kernel.Float](d graph.DType) (kernel.Kernel, error) {
	if d == graph.Bool {
		return truthRun[S], nil
	}
	return pickNumber(d, castRun[S, float32], castRun[S, float64], truncateRun[S, int32], truncateRun[S, int64])
}

func castInt[S int32 | int64](d graph.DType) (kernel.Kernel, error) {
	if d == graph.Bool {
		return truthRun[S], nil
	}
	return pickNumber(d, castRun[S, float32], castRun[S, float64], castRun[S, int32], castRun[S, int64])
}

func castBool(d graph.DType) (kernel.Kernel, error) {
	if d == graph.Bool {
		return func(c *kernel.Call, lo, hi int) { copy(kernel.Out[bool](c, 0)[lo:hi], kernel.In[bool](c, 0)[lo:hi]) }, nil
	}
	return pickNumber(d, countRun[float32], countRun[float64], countRun[int32], countRun[int64])
}

func castRun[S, D kernel.Number](c *kernel.Call, lo, hi int) {
	x, y := kernel.In[S](c, 0)[lo:hi], kernel.Out[D](c, 0)[lo:hi]
	for i, v := range x {
		y[i] = D(v)
	}
}

// truncateRun spells out what Go leaves to the processor: NaN and what is out of range.
func truncateRun[S kernel.Float, D int32 | int64](c *kernel.Call, lo, hi int) {
	x, y := kernel.In[S](c, 0)[lo:hi], kernel.Out[D](c, 0)[lo:hi]
	least := D(-1) << (8*graph.DTypeOf[D]().Size() - 1)
	limit := -float64(least) // the greatest is one below
	for i, v := range x {
		switch f := float64(v); {
		case f != f:
			y[i] = 0
		case f >= limit:
			y[i] = -(least + 1)
		case f < -limit:
			y[i] = least
		default:
			y[i] = D(f)
		}
	}
}

func truthRun[S kernel.Number](c *kernel.Call, lo, hi int) {
	x, y := kernel.In[S](c, 0)[lo:hi], kernel.Out[bool](c, 0)[lo:hi]
	for i, v := range x {
		y[i] = v != 0
	}
}

func countRun[D kernel.Number](c *kernel.Call, lo, hi int) {
	x, y := kernel.In[bool](c, 0)[lo:hi], kernel.Out[D](c, 0)[lo:hi]
	for i, v := range x {
		y[i] = 0
		if v {
			y[i] = 1
		}
	}
}
