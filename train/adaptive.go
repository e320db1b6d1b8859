package train

import (
	"fmt"

	"neocog/graph"
	"neocog/ops"
)

// AdaGrad divides the gradient by the root of the sum of all its squares so far,
// the slot "s": weights that move little keep their rate.
//
//	s' = s + g²
//	w' = w − lr·g/(√s' + ε)
//
// Duchi, Hazan and Singer, “Adaptive Subgradient Methods for Online Learning and
// Stochastic Optimization”, JMLR 2011, with the ε of CS231n.
type AdaGrad struct {
	Eps float64 // ε, positive; 0 means 1e-8
}

// Name returns "adagrad".
func (AdaGrad) Name() string { return "adagrad" }

// Apply declares the updates.
func (o AdaGrad) Apply(lr *graph.Value, params, grads []*graph.Value) { apply(o, lr, params, grads) }

// Next returns w'.
func (o AdaGrad) Next(lr, w, dw *graph.Value) *graph.Value {
	s := slot(w, "s")
	next := ops.Add(s, ops.Square(dw))
	w.Graph().Update(s, next)
	root := ops.AddScalar(ops.Sqrt(next), positive(w, o, "Eps", o.Eps, 1e-8))
	return ops.Sub(w, ops.Div(ops.Mul(dw, lr), root))
}

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
func (o RMSProp) Apply(lr *graph.Value, params, grads []*graph.Value) { apply(o, lr, params, grads) }

// Next returns w'.
func (o RMSProp) Next(lr, w, dw *graph.Value) *graph.Value {
	s := slot(w, "s")
	next := average(s, ops.Square(dw), fraction(w, o, "Rho", o.Rho, 0.9))
	w.Graph().Update(s, next)
	root := ops.AddScalar(ops.Sqrt(next), positive(w, o, "Eps", o.Eps, 1e-8))
	return ops.Sub(w, ops.Div(ops.Mul(dw, lr), root))
}

// AdaDelta scales the gradient by the running root mean square of the steps, the
// slot "d", over that of the gradient, the slot "s": steps have the unit of the
// weights, and the usual learning rate is 1.
//
//	s' = ρ·s + (1−ρ)·g²
//	Δ  = g·√(d + ε)/√(s' + ε)
//	d' = ρ·d + (1−ρ)·Δ²
//	w' = w − lr·Δ
//
// Zeiler, “ADADELTA: An Adaptive Learning Rate Method”, 2012, algorithm 1, which
// has no lr.
type AdaDelta struct {
	Rho float64 // ρ, between 0 and 1; 0 means 0.95
	Eps float64 // ε, positive; 0 means 1e-6
}

// Name returns "adadelta".
func (AdaDelta) Name() string { return "adadelta" }

// Apply declares the updates.
func (o AdaDelta) Apply(lr *graph.Value, params, grads []*graph.Value) { apply(o, lr, params, grads) }

// Next returns w'.
func (o AdaDelta) Next(lr, w, dw *graph.Value) *graph.Value {
	rho, eps := fraction(w, o, "Rho", o.Rho, 0.95), positive(w, o, "Eps", o.Eps, 1e-6)
	s, d := slot(w, "s"), slot(w, "d")
	square := average(s, ops.Square(dw), rho)
	ratio := ops.Div(ops.Sqrt(ops.AddScalar(d, eps)), ops.Sqrt(ops.AddScalar(square, eps)))
	step := ops.Mul(dw, ratio)
	w.Graph().Update(s, square)
	w.Graph().Update(d, average(d, ops.Square(step), rho))
	return ops.Sub(w, ops.Mul(step, lr))
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
func (o Adam) Apply(lr *graph.Value, params, grads []*graph.Value) { apply(o, lr, params, grads) }

// Next returns w'.
func (o Adam) Next(lr, w, dw *graph.Value) *graph.Value { return ops.Sub(w, o.step(o, lr, w, dw)) }

// step returns lr·m̂/(√v̂ + ε) for the rule called by, which mistakes name.
func (o Adam) step(by Optimizer, lr, w, dw *graph.Value) *graph.Value {
	g := w.Graph()
	b1, b2 := fraction(w, by, "Beta1", o.Beta1, 0.9), fraction(w, by, "Beta2", o.Beta2, 0.999)
	eps := positive(w, by, "Eps", o.Eps, 1e-8)
	// Scalars, which all parameters share: the tape computes equal ops once.
	rate := ops.Div(lr, weight(g, fmt.Sprintf("opt/adam/beta1=%g", b1), w.DType(), b1))
	root := ops.Sqrt(weight(g, fmt.Sprintf("opt/adam/beta2=%g", b2), w.DType(), b2))
	m, v := slot(w, "m"), slot(w, "v")
	mean, square := average(m, dw, b1), average(v, ops.Square(dw), b2)
	g.Update(m, mean)
	g.Update(v, square)
	down := ops.AddScalar(ops.Div(ops.Sqrt(square), root), eps)
	return ops.Div(ops.Mul(mean, rate), down)
}

// AdamW is Adam with a weight decay that does not go through its scaling.
//
//	w' = w − lr·λ·w − lr·m̂/(√v̂ + ε)
//
// Slots and constants are those of Adam.
//
// Loshchilov and Hutter, “Decoupled Weight Decay Regularization”, ICLR 2019,
// algorithm 2, with lr for their η·α as in other libraries.
type AdamW struct {
	Beta1, Beta2 float64 // β₁, β₂, between 0 and 1; 0 means 0.9 and 0.999
	Eps          float64 // ε, positive; 0 means 1e-8
	Decay        float64 // λ, at least 0; 0.01 is usual, 0 makes it Adam
}

// Name returns "adamw".
func (AdamW) Name() string { return "adamw" }

// Apply declares the updates.
func (o AdamW) Apply(lr *graph.Value, params, grads []*graph.Value) { apply(o, lr, params, grads) }

// Next returns w'.
func (o AdamW) Next(lr, w, dw *graph.Value) *graph.Value {
	step := Adam{o.Beta1, o.Beta2, o.Eps}.step(o, lr, w, dw)
	if decay := notNegative(w, o, "Decay", o.Decay); decay > 0 {
		w = ops.Sub(w, ops.Mul(w, ops.Scale(lr, decay)))
	}
	return ops.Sub(w, step)
}

// average returns the running mean ρ·old + (1−ρ)·x.
func average(old, x *graph.Value, rho float64) *graph.Value {
	return ops.Add(ops.Scale(old, rho), ops.Scale(x, 1-rho))
}

// weight returns 1−ρᵗ at step t, kept in the buffer of that name. Rules for several
// parameters share it.
func weight(g *graph.Graph, name string, d graph.DType, rho float64) *graph.Value {
	if old := g.Lookup(name); old != nil {
		if next := nextOf(old); next != nil {
			return next
		}
	}
	old := g.Buffer(name, graph.Of(d), graph.Zeros())
	next := ops.AddScalar(ops.Scale(old, rho), 1-rho)
	g.Update(old, next)
	return next
}

// nextOf returns what a parameter or buffer becomes, nil if it has no update.
func nextOf(v *graph.Value) *graph.Value {
	for _, u := range v.Graph().Updates() {
		if u.Param == v {
			return u.Next
		}
	}
	return nil
}
