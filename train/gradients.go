package train

import (
	"fmt"

	"neocog/graph"
	"neocog/ops"
)

// ClipValue limits every element of the gradients to −limit … limit, a positive
// number: see ops.Clip. An infinite element becomes the limit, with its sign; NaN stays, so
// that a run that diverges shows it. The same as PyTorch's clip_grad_value_.
func ClipValue(limit float64, grads []*graph.Value) []*graph.Value {
	out := make([]*graph.Value, len(grads))
	for i, d := range grads {
		if !limited("clip by value", limit, d) {
			return grads
		}
		out[i] = ops.Clip(d, -limit, limit)
	}
	return out
}

// ClipNorm scales the gradients together so that their norm is at most limit, a
// positive number; below it they keep their bits.
//
//	g' = g / max(1, ‖g‖/limit),   ‖g‖² = Σ g² over all elements of all gradients
//
// The squares are added up in the gradients' type: where that overflows, in float32 above a
// norm of 1.8·10¹⁹, all elements become 0, as in PyTorch.
//
// Pascanu, Mikolov and Bengio, “On the difficulty of training recurrent neural
// networks”, ICML 2013, algorithm 1.
func ClipNorm(limit float64, grads []*graph.Value) []*graph.Value {
	for _, d := range grads {
		if !limited("clip by norm", limit, d) {
			return grads
		}
	}
	if len(grads) == 0 {
		return nil
	}
	over := ops.ReLU(ops.AddScalar(ops.Scale(norm(grads...), 1/limit), -1))
	out := make([]*graph.Value, len(grads))
	for i, d := range grads {
		out[i] = ops.Div(d, ops.AddScalar(over, 1))
	}
	return out
}

// limited reports whether d can be clipped, and reports a limit that is none.
func limited(what string, limit float64, d *graph.Value) bool {
	if !d.IsValid() {
		return false
	}
	if !(limit > 0) {
		d.Graph().Errorf(what, "the limit is %v, want a positive number", limit)
		return false
	}
	return true
}

// Accumulate adds up gradients over several runs, in the buffers "acc/<parameter>",
// and returns the sums with those of this run:
//
//	acc' = keep·acc + share·g
//
// keep is 0 in the first of the runs and 1 in the others; share is the part of the
// images that this run has of all. Both are scalars of the gradients' type. With
// means over the images of each run as losses, the sum after the last is the
// gradient of the mean over all.
func Accumulate(keep, share *graph.Value, params, grads []*graph.Value) []*graph.Value {
	out := make([]*graph.Value, len(grads))
	g := graphOf(params)
	if g == nil {
		return grads
	}
	g.AtRoot(func() {
		for i, d := range grads {
			acc := g.Buffer("acc/"+label(params[i]), params[i].Type(), graph.Zeros())
			out[i] = ops.Add(ops.Mul(acc, keep), ops.Mul(d, share))
			g.Update(acc, out[i])
		}
	})
	return out
}

// label returns the name of a parameter.
func label(w *graph.Value) string { return w.Node().Op.(graph.ParamOp).Label }

// Average keeps running means of parameters, to evaluate with: weights that are
// averaged over the last 1/(1−β) steps lie nearer to the middle of the valley than
// the last of them.
//
//	e' = β·e + (1−β)·w',   ŵ = e'/(1−βᵗ) after t steps
//
// w' is what the updates declared so far make of w; a parameter without one is left
// out. e is the buffer "opt/<parameter>/average", 1−βᵗ the scalar buffer
// "opt/average".
//
// Polyak and Juditsky, “Acceleration of stochastic approximation by averaging”, 1992;
// with the correction of Kingma and Ba, ICLR 2015, section 7.2.
func Average(beta float64, params []*graph.Value) {
	g := graphOf(params)
	if g == nil {
		return
	}
	if !(beta > 0 && beta < 1) {
		g.Errorf("average", "Beta is %v, want a number between 0 and 1", beta)
		return
	}
	g.AtRoot(func() {
		for _, w := range params {
			if next := nextOf(w); next != nil {
				weight(g, averageWeight, w.DType(), beta)
				e := slot(w, "average")
				g.Update(e, average(e, next, beta))
			}
		}
	})
}

// The names of what Average keeps.
const averageWeight = "opt/average"

func averageName(param string) string { return fmt.Sprintf("opt/%s/average", param) }
