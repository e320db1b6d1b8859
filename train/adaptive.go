package train

import (
	"fmt"

	"neocog/graph"
	"neocog/ops"
)

// RMSProp divides the gradient by a running root of its mean square, the slot "s".
//
//	s' = ρ·s + (1−ρ)·g²
//	w' = w − lr·g/(√s' + ε)
//
// Tieleman and Hinton, “Lecture 6.5: rmsprop”, COURSERA: Neural Networks for
// Machine Learning, 2012.
type RMSProp struct {
	Rho float64 // ρ, between 0 and 1; 0 means 0.9
	Eps float64 // ε, positive; 0 means 1e-8
}

// Name returns "rmsprop".
func (RMSProp) Name() string { return "rmsprop" }

// Apply declares the updates.
func (o RMSProp) Apply(lr *graph.Value, params, grads []*graph.Value) {
	each(o, params, grads, func(g *graph.Graph, w, dw *graph.Value) {
		s := slot(g, w, "s")
		next := average(s, ops.Square(dw), fraction(g, o, "Rho", o.Rho, 0.9))
		g.Update(s, next)
		root := ops.AddScalar(ops.Sqrt(next), positive(g, o, "Eps", o.Eps, 1e-8))
		g.Update(w, ops.Sub(w, ops.Div(ops.Mul(dw, lr), root)))
	})
}

// Adam follows a running mean of the gradient, the slot "m", divided by the
// running root of its mean square, the slot "v". Both start at zero, and are
// divided by the weight that they have gathered.
//
//	m' = β₁·m + (1−β₁)·g        m̂ = m'/(1−β₁ᵗ)
//	v' = β₂·v + (1−β₂)·g²       v̂ = v'/(1−β₂ᵗ)
//	w' = w − lr·m̂/(√v̂ + ε)
//
// t counts the steps from 1. The weights 1−βᵗ are the running means of the
// constant 1, and kept as such in scalar buffers, "opt/adam/beta1=0.9" and
// "opt/adam/beta2=0.999": a power of β₂ would lose digits in the difference from 1.
//
// Kingma and Ba, “Adam: A Method for Stochastic Optimization”, ICLR 2015, algorithm 1.
type Adam struct {
	Beta1, Beta2 float64 // β₁, β₂, between 0 and 1; 0 means 0.9 and 0.999
	Eps          float64 // ε, positive; 0 means 1e-8
}

// Name returns "adam".
func (Adam) Name() string { return "adam" }

// Apply declares the updates.
func (o Adam) Apply(lr *graph.Value, params, grads []*graph.Value) {
	var rate, root *graph.Value // lr/(1−β₁ᵗ) and √(1−β₂ᵗ), which all parameters share
	var b1, b2, eps float64
	each(o, params, grads, func(g *graph.Graph, w, dw *graph.Value) {
		if rate == nil {
			b1, b2 = fraction(g, o, "Beta1", o.Beta1, 0.9), fraction(g, o, "Beta2", o.Beta2, 0.999)
			eps = positive(g, o, "Eps", o.Eps, 1e-8)
			rate = ops.Div(lr, weight(g, "beta1", w.DType(), b1))
			root = ops.Sqrt(weight(g, "beta2", w.DType(), b2))
		}
		m, v := slot(g, w, "m"), slot(g, w, "v")
		mean, square := average(m, dw, b1), average(v, ops.Square(dw), b2)
		g.Update(m, mean)
		g.Update(v, square)
		down := ops.AddScalar(ops.Div(ops.Sqrt(square), root), eps)
		g.Update(w, ops.Sub(w, ops.Div(ops.Mul(mean, rate), down)))
	})
}

// average returns the running mean ρ·old + (1−ρ)·x.
func average(old, x *graph.Value, rho float64) *graph.Value {
	return ops.Add(ops.Scale(old, rho), ops.Scale(x, 1-rho))
}

// weight returns 1−ρᵗ at step t. Rules for several groups of parameters share it.
func weight(g *graph.Graph, name string, d graph.DType, rho float64) *graph.Value {
	name = fmt.Sprintf("opt/adam/%s=%g", name, rho)
	for _, u := range g.Updates() {
		if u.Param == g.Lookup(name) {
			return u.Next
		}
	}
	old := g.Buffer(name, graph.Of(d), graph.Zeros())
	next := ops.AddScalar(ops.Scale(old, rho), 1-rho)
	g.Update(old, next)
	return next
}
