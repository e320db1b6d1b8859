package conv

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"neocog/graph"
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

// Default returns the direct algorithms of this package, and im2col, in the order in which they are
// asked: each refuses what a later one does faster. The last one accepts every Problem and is the reference.
func Default() Algorithms {
	return Algorithms{Dense{}, Planar{}, Pointwise{}, Blocked{}, Im2col{}, Direct{}}
}

// All returns every algorithm of this package: those of Default, and after them those that are taken where they
// are asked for by name, or where they cost less.
func All() Algorithms {
	return slices.Concat(Default(), Winograds(), Algorithms{FFT{16}, FFT{32}, FFT{64}, FFT{}})
}

// listKey is the key of a list in kernel.Env.Settings.
type listKey struct{}

// Use puts algs before the algorithms that settings, a kernel.Env.Settings, asks for
// so far, before those that are compared at first.
func Use(settings map[any]any, algs ...Algorithm) {
	first, alone := used(settings)
	settings[listKey{}] = list{slices.Concat(algs, first), alone}
}

// Only makes algs the only algorithms: a Problem that all of them refuse is an
// error. For tests and measurements.
func Only(settings map[any]any, algs ...Algorithm) {
	settings[listKey{}] = list{slices.Clone(algs), true}
}

// A list is the algorithms that are asked first; if alone, nothing is known beside them, not even by name.
type list struct {
	first Algorithms
	alone bool
}

// used returns what Use and Only have set.
func used(settings map[any]any) (first Algorithms, alone bool) {
	l, _ := settings[listKey{}].(list)
	return l.first, l.alone
}

// Choose plans p. The reference machine (env.Reference) always takes Direct. Otherwise a
// node's own choice, algo, is taken, which must be the name of a listed algorithm or one of All
// and accept p, or, where p is a gradient, may leave it to the others. Where algo is "",
// the first of the algorithms of Use which accepts p is taken, or of Only. If there are none, the first of Default, or, in
// float32, the cheapest of the algorithms in the class of Limit: the first of Default which accepts p, and those with a clearly
// lower Cost.
//
// The choice depends on p, algo, the settings and the instruction set alone, not on env.Workers. Another batch size may make another
// choice, and so other rounding errors. The plan carries the name of the algorithm and the FLOPs of p.
func Choose(env *kernel.Env, algo string, p Problem) (kernel.Plan, error) {
	return ChooseThen(env, algo, p, nil)
}

// ChooseThen is Choose with something to do with the outputs of the pass Forward.
func ChooseThen(env *kernel.Env, algo string, p Problem, then Then) (kernel.Plan, error) {
	if err := p.Check(); err != nil {
		return kernel.Plan{}, err
	}
	algs, err := candidates(env, algo, p)
	if err != nil {
		return kernel.Plan{}, err
	}
	var refusals []string
	for _, a := range algs {
		plan, err := planThen(a, env, p, then)
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

// candidates returns the algorithms in the order in which p is offered to them.
func candidates(env *kernel.Env, algo string, p Problem) (Algorithms, error) {
	if env.Reference {
		return Algorithms{Direct{}}, nil
	}
	first, alone := used(env.Settings)
	if i := slices.IndexFunc(first, func(a Algorithm) bool { return a == nil }); i >= 0 {
		return nil, fmt.Errorf("convolution algorithm %d of the list is nil", i)
	}
	algs := first
	if !alone {
		algs = slices.Concat(first, cheaper(limit(env.Settings), p), Default())
	}
	if algo == "" {
		return algs, nil
	}
	known := first
	if !alone {
		known = slices.Concat(first, All())
	}
	i := slices.IndexFunc(known, func(a Algorithm) bool { return a.Name() == algo })
	switch {
	case i < 0:
		return nil, nearest.Unknown("convolution algorithm", algo, known.Names())
	case p.Pass == Forward:
		return known[i : i+1], nil
	}
	return slices.Concat(known[i:i+1], algs), nil
}

// worthwhile is the part of the direct cost below which another algorithm is believed to be faster: costs err by some tenths, and
// without a gain the direct sum, which needs no scratch memory for transforms, is the better one.
const worthwhile = 0.85

// cheaper returns the algorithms of a class that promise to be faster than those of Default, the fastest first.
func cheaper(class Accuracy, p Problem) Algorithms {
	if x, w, y := p.Lens(); p.DType != graph.Float32 || min(x, w, y) == 0 { // they refuse what is empty
		return nil
	}
	type candidate struct {
		Algorithm
		cost float64
	}
	var found []candidate
	for _, a := range class.estimators() {
		if c := a.Cost(p); c < worthwhile*directCost(p) {
			found = append(found, candidate{a, c})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(a.cost, b.cost) })
	var algs Algorithms
	for _, c := range found {
		algs = append(algs, c.Algorithm)
	}
	return algs
}
