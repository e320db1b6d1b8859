package simd

import "math"

// This file holds the steps of optimisers, each in one pass over the parameters w,
// their gradients g and what the rule remembers of them. Every operation is rounded,
// in the order of the formulas, so that a step has the bits of the same step made of
// single operations. The step of plain gradient descent is Axpy(-lr, g, w).

// Momentum computes v' = μ·v − lr·g and w' = w + v'.
func Momentum[T Float](w, v, g []T, lr, mu T) {
	if step(momentumKernel, w, g, v, nil, lr, mu) {
		return
	}
	for i, dw := range g {
		v[i] = T(mu*v[i]) - T(dw*lr)
		w[i] += v[i]
	}
}

// Nesterov computes v' = μ·v − lr·g and w' = w − (lr·g − μ·v').
func Nesterov[T Float](w, v, g []T, lr, mu T) {
	if step(nesterovKernel, w, g, v, nil, lr, mu) {
		return
	}
	for i, dw := range g {
		down := T(dw * lr)
		v[i] = T(mu*v[i]) - down
		w[i] -= down - T(mu*v[i])
	}
}

// RMSProp computes s' = ρ·s + (1−ρ)·g² and w' = w − lr·g/(√s' + ε).
func RMSProp[T Float](w, s, g []T, lr T, rho, eps float64) {
	old, now, e := T(rho), T(1-rho), T(eps)
	if step(rmspropKernel, w, g, s, nil, lr, old, now, e) {
		return
	}
	for i, dw := range g {
		s[i] = T(old*s[i]) + T(now*T(dw*dw))
		w[i] -= T(dw*lr) / (T(math.Sqrt(float64(s[i]))) + e)
	}
}

// Adam computes
//
//	m' = β₁·m + (1−β₁)·g
//	v' = β₂·v + (1−β₂)·g²
//	w' = w − rate·m'/(√v'/root + ε)
//
// At step t, counted from 1, rate is lr/(1−β₁ᵗ) and root √(1−β₂ᵗ).
func Adam[T Float](w, m, v, g []T, rate, root T, beta1, beta2, eps float64) {
	AdamW(w, m, v, g, rate, root, beta1, beta2, eps, 0)
}

// AdamW is Adam with decoupled weight decay: w' = w − decay·w − rate·m'/(√v'/root + ε),
// where decay is lr·λ; with a decay of 0 it is Adam.
//
// Loshchilov and Hutter, “Decoupled Weight Decay Regularization”, ICLR 2019,
// algorithm 2.
func AdamW[T Float](w, m, v, g []T, rate, root T, beta1, beta2, eps float64, decay T) {
	k := adamWKernel
	if decay == 0 {
		k = adamKernel
	}
	old1, now1, old2, now2, e := T(beta1), T(1-beta1), T(beta2), T(1-beta2), T(eps)
	if step(k, w, g, m, v, rate, root, old1, now1, old2, now2, e, decay) {
		return
	}
	for i, dw := range g {
		m[i] = T(old1*m[i]) + T(now1*dw)
		v[i] = T(old2*v[i]) + T(now2*T(dw*dw))
		if decay != 0 {
			w[i] -= T(decay * w[i])
		}
		w[i] -= T(m[i]*rate) / (T(math.Sqrt(float64(v[i])))/root + e)
	}
}

// step runs the kernel of an optimiser where the elements are float32; v may be nil.
func step[T Float](k kernel, w, g, m, v []T, numbers ...T) bool {
	same(len(w), len(g), len(m))
	if v != nil {
		same(len(w), len(v))
	}
	s := single(w)
	if s == nil {
		return false
	}
	p := args{dst: at(s), a: at(single(g)), b: at(single(m)), c: at(single(v)), end: len(s)}
	for i, f := range numbers {
		p.f[i] = float32(f)
	}
	return run(k, &p)
}
