package train

import (
	"neocog/graph"
	"neocog/ops"
)

// SGD is stochastic gradient descent.
//
//	w' = w − lr·g
//
// Robbins and Monro, “A Stochastic Approximation Method”, 1951.
type SGD struct{}

// Name returns "sgd".
func (SGD) Name() string { return "sgd" }

// Apply declares the updates.
func (o SGD) Apply(lr *graph.Value, params, grads []*graph.Value) { apply(o, lr, params, grads) }

// Next returns w'.
func (o SGD) Next(lr, w, dw *graph.Value) *graph.Value { return ops.Sub(w, ops.Mul(dw, lr)) }

// Momentum is SGD with a velocity v, the slot "v".
//
//	v' = μ·v − lr·g
//	w' = w + v'
//
// A step of the learning rate thereby takes 1/(1−μ) steps to come into full effect.
// Polyak, “Some methods of speeding up the convergence of iteration methods”, 1964,
// in the form of CS231n.
type Momentum struct {
	Mu float64 // μ, between 0 and 1; 0 means 0.9
}

// Name returns "momentum".
func (Momentum) Name() string { return "momentum" }

// Apply declares the updates.
func (o Momentum) Apply(lr *graph.Value, params, grads []*graph.Value) { apply(o, lr, params, grads) }

// Next returns w'.
func (o Momentum) Next(lr, w, dw *graph.Value) *graph.Value {
	v := slot(w, "v")
	next := ops.Sub(ops.Scale(v, fraction(w, o, "Mu", o.Mu, 0.9)), ops.Mul(dw, lr))
	w.Graph().Update(v, next)
	return ops.Add(w, next)
}

// Nesterov is momentum which takes the gradient where the velocity leads. The
// parameters kept are those ahead, w + μ·v, as in CS231n:
//
//	v' = μ·v − lr·g
//	w' = w − μ·v + (1+μ)·v' = w − (lr·g − μ·v')
//
// Nesterov, “A method of solving a convex programming problem with convergence
// rate O(1/k²)”, 1983; Sutskever, Martens, Dahl and Hinton, “On the importance of
// initialization and momentum in deep learning”, ICML 2013, section 2.
type Nesterov struct {
	Mu float64 // μ, between 0 and 1; 0 means 0.9
}

// Name returns "nesterov".
func (Nesterov) Name() string { return "nesterov" }

// Apply declares the updates.
func (o Nesterov) Apply(lr *graph.Value, params, grads []*graph.Value) { apply(o, lr, params, grads) }

// Next returns w'.
func (o Nesterov) Next(lr, w, dw *graph.Value) *graph.Value {
	mu := fraction(w, o, "Mu", o.Mu, 0.9)
	v, down := slot(w, "v"), ops.Mul(dw, lr)
	next := ops.Sub(ops.Scale(v, mu), down)
	w.Graph().Update(v, next)
	return ops.Sub(w, ops.Sub(down, ops.Scale(next, mu)))
}

// LARS is momentum in which every tensor has a rate of its own, in proportion to
// its norm: layer-wise adaptive rate scaling, for very large batches.
//
//	r  = η·‖w‖ / (‖g‖ + λ·‖w‖ + 1e-8)
//	v' = μ·v − lr·r·(g + λ·w)
//	w' = w + v'
//
// Norms are Euclidean, over the whole tensor. A tensor of fewer than two dimensions,
// such as a bias or the scale of a normalisation, and one that is all zeros, have
// no scale of their own: r = 1. The velocity is the slot "v".
//
// You, Gitman and Ginsburg, “Large Batch Training of Convolutional Networks”, 2017,
// algorithm 1; r = 1 as in its implementations, for tensors that start at zero would
// stay there.
type LARS struct {
	Mu    float64 // μ, between 0 and 1; 0 means 0.9
	Trust float64 // η, positive; 0 means 0.001
	Decay float64 // λ, at least 0, which takes the place of L2
}

// Name returns "lars".
func (LARS) Name() string { return "lars" }

// Apply declares the updates.
func (o LARS) Apply(lr *graph.Value, params, grads []*graph.Value) { apply(o, lr, params, grads) }

// Next returns w'.
func (o LARS) Next(lr, w, dw *graph.Value) *graph.Value {
	trust, decay := positive(w, o, "Trust", o.Trust, 0.001), notNegative(w, o, "Decay", o.Decay)
	if w.Shape().Rank() >= 2 {
		length := norm(w)
		r := ops.Div(ops.Scale(length, trust), ops.AddScalar(ops.Add(norm(dw), ops.Scale(length, decay)), 1e-8))
		some := ops.Div(length, ops.AddScalar(length, 1e-30)) // 1, or 0 if all is zero
		lr = ops.Mul(lr, ops.Add(r, ops.OneMinus(some)))
	}
	if decay > 0 {
		dw = ops.Add(dw, ops.Scale(w, decay))
	}
	return Momentum{Mu: fraction(w, o, "Mu", o.Mu, 0.9)}.Next(lr, w, dw)
}

// norm returns the Euclidean norm of all elements of values.
func norm(values ...*graph.Value) *graph.Value { return ops.Sqrt(ops.L2(2, values...)) }
