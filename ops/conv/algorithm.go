package conv

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"neocog/internal/nearest"
	"neocog/vm/kernel"
)

// An Algorithm computes convolutions in one particular way.
//
// Plan is called once for each Problem. It returns the plan, or an *Unsupported
// which says why this algorithm cannot do p, upon which the next one is asked.
// The plan's kernels find the buffers so, all of element type p.DType:
//
//	| pass       | In                 | Out |
//	|------------|--------------------|-----|
//	| Forward    | x, w, b if p.Bias  | y   |
//	| InputGrad  | w, dy              | dx  |
//	| FilterGrad | x, dy              | dw  |
//
// Outputs and scratch memory hold garbage, which may be NaN, before the first step.
// Any extent but those of the filter may be 0, the batch in particular: an empty
// sum is 0, so that dw of an empty batch is written too. The results must have
// the same bits for every grouping of the items of a step; see package kernel.
type Algorithm interface {
	// Name is what ops.Conv.Algo, dumps and profiles call the algorithm, such as
	// "im2col"; parameters are part of it: "winograd F(2×2,3×3)".
	Name() string
	Plan(env *kernel.Env, p Problem) (kernel.Plan, error)
}

// Unsupported is the error of an Algorithm which cannot do a Problem.
type Unsupported struct {
	Algorithm string
	Problem   Problem
	Reason    string
}

// Error returns, for instance,
//
//	pointwise cannot do forward f32 x[1,3,8,8] w[4,3,3,3]: only 1×1 filters
func (u *Unsupported) Error() string {
	return fmt.Sprintf("%s cannot do %v: %s", u.Algorithm, u.Problem, u.Reason)
}

// Refuse returns the *Unsupported error of a.
func Refuse(a Algorithm, p Problem, format string, args ...any) error {
	return &Unsupported{a.Name(), p, fmt.Sprintf(format, args...)}
}

// Algorithms is an ordered list: the first which accepts a Problem computes it.
type Algorithms []Algorithm

// Names returns the names in order.
func (l Algorithms) Names() []string {
	names := make([]string, len(l))
	for i, a := range l {
		names[i] = a.Name()
	}
	return names
}

// Default returns the algorithms of this package in the order in which they are
// asked. The last one accepts every Problem and is the reference.
func Default() Algorithms { return Algorithms{Dense{}, Planar{}, Blocked{}, Im2col{}, Direct{}} }

// All returns every algorithm of this package: those of Default, and after them those that are used where they are asked for
// by name only.
func All() Algorithms {
	return slices.Concat(Default(), Winograds(), Algorithms{FFT{16}, FFT{32}, FFT{64}, FFT{}})
}

// listKey is the key of an Algorithms in kernel.Env.Settings.
type listKey struct{}

// Use puts algs before the algorithms that settings, a kernel.Env.Settings, asks for
// so far, which are those of Default at first.
func Use(settings map[any]any, algs ...Algorithm) {
	all := slices.Concat(algs, list(settings))
	if _, ok := settings[listKey{}].(only); ok {
		settings[listKey{}] = only(all)
		return
	}
	settings[listKey{}] = all
}

// Only makes algs the only algorithms: a Problem that all of them refuse is an
// error. For tests and measurements.
func Only(settings map[any]any, algs ...Algorithm) {
	settings[listKey{}] = only(slices.Clone(algs))
}

// only is a list beside which nothing is known by name.
type only Algorithms

// list returns the algorithms that are asked where nobody names one.
func list(settings map[any]any) Algorithms {
	switch l := settings[listKey{}].(type) {
	case Algorithms:
		return l
	case only:
		return Algorithms(l)
	}
	return Default()
}

// named returns the algorithms that are known by name.
func named(settings map[any]any) Algorithms {
	l := list(settings)
	if _, ok := settings[listKey{}].(only); ok {
		return l
	}
	for _, a := range All() {
		if !slices.ContainsFunc(l, func(b Algorithm) bool { return b != nil && b.Name() == a.Name() }) {
			l = append(slices.Clip(l), a)
		}
	}
	return l
}

// Choose plans p. The reference machine (env.Reference) always takes Direct. Otherwise a
// node's own choice, algo, is taken, which must be the name of a listed algorithm or one of All
// and accept p, or, where p is a gradient, may leave it to the others; where algo is "",
// the first listed algorithm which accepts p.
// The list is that of Use and Only, else Default. The plan carries the name of
// the algorithm and the FLOPs of p.
func Choose(env *kernel.Env, algo string, p Problem) (kernel.Plan, error) {
	if err := p.Check(); err != nil {
		return kernel.Plan{}, err
	}
	algs := list(env.Settings)
	if i := slices.IndexFunc(algs, func(a Algorithm) bool { return a == nil }); i >= 0 {
		return kernel.Plan{}, fmt.Errorf("convolution algorithm %d of the list is nil", i)
	}
	switch {
	case env.Reference:
		algs = Algorithms{Direct{}}
	case algo != "":
		known := named(env.Settings)
		i := slices.IndexFunc(known, func(a Algorithm) bool { return a.Name() == algo })
		if i < 0 {
			return kernel.Plan{}, nearest.Unknown("convolution algorithm", algo, known.Names())
		}
		if p.Pass == Forward {
			algs = known[i : i+1]
		} else {
			algs = slices.Concat(known[i:i+1], algs)
		}
	}
	var refusals []string
	for _, a := range algs {
		plan, err := a.Plan(env, p)
		if err == nil {
			plan.Algo, plan.FLOPs = a.Name(), p.FLOPs()
			return plan, nil
		}
		var no *Unsupported
		if !errors.As(err, &no) {
			return kernel.Plan{}, fmt.Errorf("convolution algorithm %s: %w", a.Name(), err)
		}
		if len(algs) == 1 {
			return kernel.Plan{}, err
		}
		refusals = append(refusals, a.Name()+": "+no.Reason)
	}
	if len(algs) == 0 {
		return kernel.Plan{}, fmt.Errorf("the list of convolution algorithms is empty")
	}
	return kernel.Plan{}, fmt.Errorf("no convolution algorithm can do %v (%s)", p, strings.Join(refusals, "; "))
}
