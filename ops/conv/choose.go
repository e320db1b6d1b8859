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

// Choose plans p. The reference machine (env.Reference) always takes Direct. Otherwise a
// node's own choice, algo, is taken, which must be the name of a listed algorithm or one that Find knows
// and accept p, or, where p is a gradient, may leave it to the others. Where algo is "",
// the first of the algorithms of Use which accepts p is taken, or of Only. If there are none, the fastest that UseTimes knows for p; else, in
// float32, the cheapest of the algorithms in the class of Limit: the first of Default which accepts p, and those with a clearly
// lower Cost. Accepting includes to need no more workspace than LimitWorkspace allows.
//
// The choice depends on p, algo, the settings, the instruction set and env.Kept alone, not on env.Workers. Another batch size may make another
// choice, and so other rounding errors. The plan carries the name of the algorithm, p, and its FLOPs.
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
	plan, refusals, err := first(algs, env, p, then)
	switch {
	case err != nil:
		return kernel.Plan{}, err
	case len(algs) == 0:
		return kernel.Plan{}, fmt.Errorf("the list of convolution algorithms is empty")
	case len(refusals) == len(algs) && len(algs) == 1:
		return kernel.Plan{}, refusals[0]
	case len(refusals) == len(algs):
		return kernel.Plan{}, fmt.Errorf("no convolution algorithm can do %v (%s)", p, reasons(refusals))
	}
	plan.FLOPs, plan.Problem = p.FLOPs(), p
	return plan, nil
}

// first plans p by the first of the algorithms that accepts it; it returns as many refusals as there are algorithms if none does.
func first(algs Algorithms, env *kernel.Env, p Problem, then Then) (kernel.Plan, []*Unsupported, error) {
	var refusals []*Unsupported
	for _, a := range algs {
		plan, err := planWithin(a, env, p, then)
		var no *Unsupported
		switch {
		case errors.As(err, &no):
			refusals = append(refusals, no)
		case err != nil:
			return plan, nil, fmt.Errorf("convolution algorithm %s: %w", a.Name(), err)
		default:
			if plan.Algo == "" {
				plan.Algo = a.Name()
			}
			return plan, refusals, nil
		}
	}
	return kernel.Plan{}, refusals, nil
}

// reasons joins what algorithms say.
func reasons(refusals []*Unsupported) string {
	var all []string
	for _, r := range refusals {
		all = append(all, r.Algorithm+": "+r.Reason)
	}
	return strings.Join(all, "; ")
}

// planWithin is planThen within the limit of the workspace.
func planWithin(a Algorithm, env *kernel.Env, p Problem, then Then) (kernel.Plan, error) {
	plan, err := planThen(a, env, p, then)
	limit, limited := workspaceLimit(env.Settings)
	if _, members := a.(Family); err != nil || !limited || members { // members have been asked one by one
		return plan, err
	}
	one := plan
	if env.Workers > 1 { // a plan for one, so that the number of workers does not change the choice
		if one, err = a.Plan(&kernel.Env{Workers: 1, Settings: env.Settings, Kept: env.Kept}, p); err != nil {
			return plan, err
		}
	}
	if n := Workspace(one, 1); n > limit {
		return plan, Refuse(a, p, "it would take %s of workspace, the limit is %s", bytes(n), bytes(limit))
	}
	return plan, nil
}

// Workspace returns how many bytes of scratch memory a plan takes on so many workers: what all of them share, what is prepared
// of the filter, and what each has for itself. Limits count one worker, so that they say the same for any number.
func Workspace(plan kernel.Plan, workers int) int {
	return plan.Shared + plan.Prepare.Bytes + workers*plan.Local
}

// bytes writes 1536 as 1.5 KiB.
func bytes(n int) string {
	for i, unit := range []string{"GiB", "MiB", "KiB"} {
		if size := 1 << (30 - 10*i); n >= size {
			return fmt.Sprintf("%.4g %s", float64(n)/float64(size), unit)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}

// candidates returns the algorithms in the order in which p is offered to them.
func candidates(env *kernel.Env, algo string, p Problem) (Algorithms, error) {
	if env.Reference {
		return Algorithms{Direct{}}, nil
	}
	if a := forced(env.Settings); a != nil {
		return Algorithms{a}, nil
	}
	first, alone := used(env.Settings)
	if i := slices.IndexFunc(first, func(a Algorithm) bool { return a == nil }); i >= 0 {
		return nil, fmt.Errorf("convolution algorithm %d of the list is nil", i)
	}
	algs := first
	if !alone {
		algs = slices.Concat(first, ranked(env, p), Default())
	}
	if algo == "" {
		return algs, nil
	}
	named := first
	if !alone {
		named = slices.Concat(first, All(), Families())
	}
	i := slices.IndexFunc(named, func(a Algorithm) bool { return a.Name() == algo })
	switch {
	case i < 0:
		return nil, nearest.Unknown("convolution algorithm", algo, named.Names())
	case p.Pass == Forward:
		return named[i : i+1], nil
	}
	return slices.Concat(named[i:i+1], algs), nil
}

// worthwhile is the part of the direct cost below which another algorithm is believed to be faster: costs err by some tenths, and
// without a gain the direct sum, which needs no scratch memory for transforms, is the better one.
const worthwhile = 0.85

// kept reports whether what is prepared of p's filter is kept from run to run.
func kept(env *kernel.Env, p Problem) bool {
	i := p.FilterInput()
	return p.Pass != FilterGrad && i < len(env.Kept) && env.Kept[i]
}

// ranked returns the algorithms which are asked before those of Default, the fastest first: what has been measured or, if nothing
// has been, those of the class that promise to be faster than direct sums.
func ranked(env *kernel.Env, p Problem) (algs Algorithms) {
	if x, w, y := p.Lens(); p.DType != graph.Float32 || min(x, w, y) == 0 { // costs are those of float32, and who is empty is refused
		return nil
	}
	class, kept := accuracy(env.Settings), kept(env, p)
	for _, name := range fastest(env.Settings, p, kept) {
		if a, err := Find(name); err == nil && class.has(a) {
			algs = append(algs, a)
		}
	}
	if len(algs) > 0 {
		return algs
	}
	for _, a := range byCost(class, All(), p, kept) {
		if e, ok := a.(Estimator); ok && e.Cost(p, kept) < worthwhile*directCost(p, kept) {
			algs = append(algs, a)
		}
	}
	return algs
}

// byCost returns those of algs that the class has, the cheapest first.
func byCost(class Accuracy, algs Algorithms, p Problem, kept bool) Algorithms {
	var sorted Algorithms
	for _, a := range algs {
		if class.has(a) {
			sorted = append(sorted, a)
		}
	}
	slices.SortStableFunc(sorted, func(a, b Algorithm) int { return cmp.Compare(Cost(a, p, kept), Cost(b, p, kept)) })
	return sorted
}

// Cost returns the microseconds by which a is compared with others: its own, or those of the direct algorithms.
func Cost(a Algorithm, p Problem, kept bool) float64 {
	if e, ok := a.(Estimator); ok {
		return e.Cost(p, kept)
	}
	return directCost(p, kept)
}
