package conv

import "neocog/vm/kernel"

// Then is what becomes of outputs lo … hi-1 of the whole tensor, in place, once they are
// complete, such as the addition of a residual and ReLU while they are in the cache. It may be called for any stretch, by any worker,
// once for each output, and wants local memory of its own: see kernel.Loop.
type Then func(c *kernel.Call, lo, hi int)

// Finisher is an Algorithm which calls a Then itself, for the pass Forward. For others a step is added to their plan,
// when everything has left the cache.
type Finisher interface {
	Algorithm
	PlanThen(env *kernel.Env, p Problem, then Then) (kernel.Plan, error)
}

// planThen plans p by a, with then, which may be nil.
func planThen(a Algorithm, env *kernel.Env, p Problem, then Then) (kernel.Plan, error) {
	if then == nil {
		return a.Plan(env, p)
	}
	if f, ok := a.(Finisher); ok {
		return f.PlanThen(env, p, then)
	}
	plan, err := a.Plan(env, p)
	_, _, y := p.Lens()
	plan.Steps = append(plan.Steps, kernel.Step{N: y, Grain: kernel.Grain, Run: kernel.Kernel(then)})
	return plan, err
}

// finish calls t, unless it is nil, for the outputs of filters k0 … k1-1 of image n: columns q0 … q1-1 of rows p0 … p1-1.
func (t Then) finish(c *kernel.Call, p *Problem, n, k0, k1, p0, p1, q0, q1 int) {
	if t == nil || k0 >= k1 || p0 >= p1 || q0 >= q1 {
		return
	}
	P, Q := p.Out()
	switch first := (n*p.K + k0) * P * Q; {
	case q0 > 0 || q1 < Q:
		for k := range k1 - k0 {
			for row := p0; row < p1; row++ {
				t(c, first+(k*P+row)*Q+q0, first+(k*P+row)*Q+q1)
			}
		}
	case p0 > 0 || p1 < P:
		for k := range k1 - k0 {
			t(c, first+(k*P+p0)*Q, first+(k*P+p1)*Q)
		}
	default: // whole planes are neighbours
		t(c, first, first+(k1-k0)*P*Q)
	}
}
