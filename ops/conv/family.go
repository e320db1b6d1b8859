package conv

import "neocog/vm/kernel"

// A Family is an algorithm which is, for each problem, the cheapest of several of one kind that accepts it and is in the class of
// accuracy that is asked for; its plans carry the name of that one. Families has them.
type Family struct {
	name    string
	members Algorithms
	ordered bool // the first that accepts, whatever it costs
}

// Families returns the kinds of algorithms that can be asked for by one name:
//
//	| name     | members                                                       |
//	|----------|---------------------------------------------------------------|
//	| winograd | Winograds                                                     |
//	| fourier  | FFT with tiles of up to 16, 32 and 64 and over the whole image |
//	| sums     | those of Default: the definition's products and no others     |
func Families() Algorithms {
	return Algorithms{
		Family{"winograd", Winograds(), false},
		Family{"fourier", ffts(), false},
		Family{"sums", Default(), true},
	}
}

func ffts() Algorithms { return Algorithms{FFT{16}, FFT{32}, FFT{64}, FFT{}} }

// Name returns winograd, fourier or sums.
func (f Family) Name() string { return f.name }

// Plan refuses what all members refuse, with their reasons.
func (f Family) Plan(env *kernel.Env, p Problem) (kernel.Plan, error) { return f.PlanThen(env, p, nil) }

// PlanThen is Plan with something to do with the outputs.
func (f Family) PlanThen(env *kernel.Env, p Problem, then Then) (kernel.Plan, error) {
	if err := p.Check(); err != nil {
		return kernel.Plan{}, err
	}
	members := f.members
	if x, w, y := p.Lens(); !f.ordered && min(x, w, y) > 0 {
		members = byCost(accuracy(env.Settings), members, p, kept(env, p))
	}
	plan, refusals, err := first(members, env, p, then)
	if err == nil && len(refusals) == len(members) {
		return plan, Refuse(f, p, "%s", reasons(refusals))
	}
	return plan, err
}
