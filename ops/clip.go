package ops

import (
	"fmt"

	"neocog/graph"
	"neocog/vm/kernel"
)

// Clip returns x kept between lo and hi, element by element.
//
//	x       float [...]
//	lo, hi  lo ≤ hi, rounded to x's element type; infinite ones do not bind
//	y       same type as x:  min(max(x, lo), hi)
//	dx      = dy where lo ≤ x ≤ hi, else 0        (as PyTorch's clamp)
//
// NaN stays NaN, without gradient. ReLU6 is Clip(x, 0, 6). Maximum and Minimum take bounds that are
// tensors. ONNX Clip with constant bounds.
func Clip(x *graph.Value, lo, hi float64) *graph.Value { return graph.Apply(clip{lo, hi}, x) }

type clip struct{ Lo, Hi float64 }

func (clip) Name() string { return "Clip" }

func (clip) Elementwise() {}

func (o clip) Infer(in []graph.Type) ([]graph.Type, error) {
	if !(o.Lo <= o.Hi) {
		return nil, fmt.Errorf("the bounds are %v and %v, want the lower one first", o.Lo, o.Hi)
	}
	return sameFloat(in, 1)
}

func (o clip) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return elementwise(in[0], 0, eachRun(clipRow[float32](o)), eachRun(clipRow[float64](o)))
}

func (o clip) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	return []*graph.Value{graph.Apply(clipGrad(o), n.In(0), dy[0])}
}

func clipRow[T kernel.Float](o clip) func(y, x []T) {
	lo, hi := T(o.Lo), T(o.Hi)
	return func(y, x []T) {
		for i, v := range x {
			y[i] = min(max(v, lo), hi)
		}
	}
}

// clipGrad is dy where Lo ≤ x ≤ Hi, else 0. Its gradient with respect to dy is
// itself, that with respect to x is zero.
type clipGrad struct{ Lo, Hi float64 }

func (clipGrad) Name() string { return "ClipGrad" }

func (clipGrad) Elementwise() {}

func (clipGrad) Operands() []string { return operandsXDy }

func (clipGrad) Infer(in []graph.Type) ([]graph.Type, error) { return sameFloat(in, 2) }

func (o clipGrad) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return elementwise(in[0], 1, pairRun(clipGradRow[float32](o)), pairRun(clipGradRow[float64](o)))
}

func (o clipGrad) VJP(n *graph.Node, ddx []*graph.Value) []*graph.Value {
	return []*graph.Value{nil, graph.Apply(o, n.In(0), ddx[0])}
}

func clipGradRow[T kernel.Float](o clipGrad) func(dx, x, dy []T) {
	lo, hi := T(o.Lo), T(o.Hi)
	return func(dx, x, dy []T) {
		for i, v := range x {
			d := dy[i]
			if !(lo <= v && v <= hi) {
				d = 0
			}
			dx[i] = d
		}
	}
}
