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
func (o SGD) Apply(lr *graph.Value, params, grads []*graph.Value) {
	each(o, params, grads, func(g *graph.Graph, w, dw *graph.Value) {
		g.Update(w, ops.Sub(w, ops.Mul(dw, lr)))
	})
}

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
func (o Momentum) Apply(lr *graph.Value, params, grads []*graph.Value) {
	each(o, params, grads, func(g *graph.Graph, w, dw *graph.Value) {
		v := slot(g, w, "v")
		next := ops.Sub(ops.Scale(v, fraction(g, o, "Mu", o.Mu, 0.9)), ops.Mul(dw, lr))
		g.Update(v, next)
		g.Update(w, ops.Add(w, next))
	})
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
func (o Nesterov) Apply(lr *graph.Value, params, grads []*graph.Value) {
	each(o, params, grads, func(g *graph.Graph, w, dw *graph.Value) {
		mu := fraction(g, o, "Mu", o.Mu, 0.9)
		v, down := slot(g, w, "v"), ops.Mul(dw, lr)
		next := ops.Sub(ops.Scale(v, mu), down)
		g.Update(v, next)
		g.Update(w, ops.Sub(w, ops.Sub(down, ops.Scale(next, mu))))
	})
}
