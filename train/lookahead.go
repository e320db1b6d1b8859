package train

import (
	"fmt"

	"neocog/graph"
	"neocog/ops"
)

// Lookahead lets another rule take k steps, θ, and then goes back to a point α of
// the way from where these began, φ.
//
//	θ' = the step of Inner
//	φ' = φ + α·(θ' − φ), θ' = φ'   after every k-th step
//
// The slot "lead" is θ − φ, which is zero at first, as slots are; the scalar buffer
// "opt/lookahead/steps=5" counts to k. Inner keeps its slots when θ goes back.
//
// Zhang, Lucas, Hinton and Ba, “Lookahead Optimizer: k steps forward, 1 step back”,
// NeurIPS 2019, algorithm 1.
type Lookahead struct {
	Inner Optimizer // nil means Momentum{}
	Steps int       // k, at least 1; 0 means 5
	Alpha float64   // α, between 0 and 1; 0 means 0.5
}

// Name returns "lookahead".
func (Lookahead) Name() string { return "lookahead" }

// Apply declares the updates.
func (o Lookahead) Apply(lr *graph.Value, params, grads []*graph.Value) { apply(o, lr, params, grads) }

// Next returns w'.
func (o Lookahead) Next(lr, w, dw *graph.Value) *graph.Value {
	inner := o.Inner
	if inner == nil {
		inner = Momentum{}
	}
	k := int(positive(w, o, "Steps", float64(o.Steps), 5))
	back := 1 - fraction(w, o, "Alpha", o.Alpha, 0.5)
	g := w.Graph()
	fast := inner.Next(lr, w, dw)
	lead := slot(w, "lead")
	ahead := ops.Add(lead, ops.Sub(fast, w))
	now := every(g, w.DType(), k)
	g.Update(lead, ops.Mul(ahead, ops.OneMinus(now)))
	return ops.Sub(fast, ops.Mul(ahead, ops.Scale(now, back)))
}

// every returns a scalar which is 1 at every k-th step and 0 at all others, by a
// buffer which counts 0, 1 … k−1, 0 … All parameters share it.
func every(g *graph.Graph, d graph.DType, k int) *graph.Value {
	name := fmt.Sprintf("opt/lookahead/steps=%d", k)
	count, known := g.Lookup(name), true
	if count == nil {
		count, known = g.Buffer(name, graph.Of(d), graph.Zeros()), false
	}
	last := ops.ReLU(ops.AddScalar(count, float64(2-k))) // count − (k−2), which is 1 at k−1
	if !known {
		g.Update(count, ops.Mul(ops.AddScalar(count, 1), ops.OneMinus(last)))
	}
	return last
}
