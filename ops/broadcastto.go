package ops

import (
	"fmt"

	"neocog/graph"
	"neocog/internal/simd"
	"neocog/vm/kernel"
)

// BroadcastTo returns x stretched to a shape as NumPy does: shapes are aligned
// at their last axes, and axes which x lacks or in which it has extent 1 repeat.
//
//	x   any [...]
//	y   [shape...], graph.Batch allowed
//	dx  = dy summed over the repeated axes
//
// x itself is returned where nothing changes. ONNX Expand, numpy.broadcast_to.
func BroadcastTo(x *graph.Value, shape ...int) *graph.Value {
	if x.IsValid() && x.Shape().Equal(shape) {
		return x
	}
	return graph.Apply(broadcastTo{graph.MakeDims(shape...)}, x)
}

type broadcastTo struct{ Shape graph.Dims }

func (broadcastTo) Name() string { return "BroadcastTo" }

func (b broadcastTo) Infer(in []graph.Type) ([]graph.Type, error) {
	return inferStretch(in, b.Shape)
}

func (broadcastTo) Plan(_ *kernel.Env, in, out []graph.Type) (kernel.Plan, error) {
	return planStrided(out[0], 0, stretched(in[0].Shape, out[0].Shape))
}

func (broadcastTo) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	return []*graph.Value{sumTo(dy[0], n.In(0))}
}

// inferStretch is the inference of an op which stretches its input to a shape.
func inferStretch(in []graph.Type, shape graph.Dims) ([]graph.Type, error) {
	if err := arity(in, 1); err != nil {
		return nil, err
	}
	if shape.Len() > graph.MaxRank {
		return nil, fmt.Errorf("the shape has %d dimensions, the most is %d", shape.Len(), graph.MaxRank)
	}
	x, to := in[0].Shape, graph.Shape(shape.Slice())
	if got, err := broadcastShape(x, to); err != nil || !got.Equal(to) {
		return nil, fmt.Errorf("x has shape %v, which does not stretch to %v: aligned at their last axes, each extent of x must be 1 or the one wanted", x, to)
	}
	return []graph.Type{{DType: in[0].DType, Shape: to}}, nil
}

// spreadMean is BroadcastTo divided by the number of elements of y for each one
// of x: the gradient of Mean. That number is known when shapes are, so that
// the mean over a symbolic batch has a gradient.
type spreadMean struct{ Shape graph.Dims }

func (spreadMean) Name() string { return "SpreadMean" }

func (s spreadMean) Infer(in []graph.Type) ([]graph.Type, error) {
	out, err := inferStretch(in, s.Shape)
	if err != nil {
		return nil, err
	}
	return out, isFloat(in[0])
}

func (spreadMean) Plan(_ *kernel.Env, in, out []graph.Type) (kernel.Plan, error) {
	x, y := in[0].Shape, out[0].Shape
	l := newNest(y, stretched(x, y))
	count := float64(y.Size()) / float64(max(1, x.Size()))
	return kernel.ByDType(in[0].DType, y.Size(), spreadMeanRun[float32](l, count), spreadMeanRun[float64](l, count))
}

func (spreadMean) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	return []*graph.Value{unstretch(dy[0], n.In(0), Mean)}
}

func spreadMeanRun[T kernel.Float](l nest, count float64) kernel.Kernel {
	n, step, _ := l.inner()
	divisor := []T{T(count)}
	return func(c *kernel.Call, lo, hi int) {
		x, y := kernel.In[T](c, 0), kernel.Out[T](c, 0)
		for p := l.place(lo); lo < hi; {
			w := min(n-p.at[l.rank-1], hi-lo)
			row := y[lo : lo+w]
			if step == 0 {
				fill(row, x[p.off[0]]/T(count))
			} else {
				simd.Div(row, x[p.off[0]:p.off[0]+w], divisor)
			}
			l.forward(&p, w)
			lo += w
		}
	}
}
