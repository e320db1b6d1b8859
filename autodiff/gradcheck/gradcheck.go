package gradcheck

import (
	"cmp"
	"context"

	"neocog/autodiff"
)

// The kinds of subjects.
const (
	Op        = "op"
	Algorithm = "algorithm" // of convolutions
	Model     = "model"
)

// A Subject is something whose gradients are checked.
type Subject struct {
	Kind  string
	Name  string
	Cases []Case
	Why   string // there are no cases
}

// All returns Ops, Algorithms and Models.
func All() []Subject {
	return append(append(Ops(), Algorithms()...), Models()...)
}

// A Case is one function of a subject.
type Case struct {
	Title string // what is particular about it
	check func(ctx context.Context, c autodiff.Config) (Result, error)
}

// Check compares the derivatives of the function with finite differences. Of c the tolerances, where 0 stands for
// autodiff.Check's, and the seed are used. The error is about what prevented the check.
func (k Case) Check(ctx context.Context, c autodiff.Config) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	return k.check(ctx, autodiff.Config{RTol: cmp.Or(c.RTol, 1e-6), ATol: cmp.Or(c.ATol, 1e-8), Seed: c.Seed})
}

// A Result is what a check found.
type Result struct {
	Checked int      `json:"checked"` // derivatives compared
	Failed  int      `json:"failed"`  // those which are wrong
	Wrong   []string `json:"wrong,omitempty"`
	// Of the derivative that comes nearest to its tolerance, or passes it furthest.
	Error     float64 `json:"error"`
	Tolerance float64 `json:"tolerance"`
}

// Worst is the part of the tolerance that the worst derivative needed; above 1 it is wrong.
func (r Result) Worst() float64 {
	if r.Tolerance == 0 {
		return 0 // nothing was checked
	}
	return r.Error / r.Tolerance
}

// Add returns the result of both checks.
func (r Result) Add(s Result) Result {
	if was := r.Worst(); s.Tolerance > 0 && (r.Tolerance == 0 || was == was && !(s.Worst() <= was)) { // NaN is the worst
		r.Error, r.Tolerance = s.Error, s.Tolerance
	}
	r.Checked += s.Checked
	r.Failed += s.Failed
	r.Wrong = append(r.Wrong[:len(r.Wrong):len(r.Wrong)], s.Wrong...)
	return r
}

// shown is how many wrong derivatives of a case are described.
const shown = 5

func resultOf(rep *autodiff.Report) Result {
	r := Result{Checked: rep.Checked, Failed: len(rep.Mismatches), Error: rep.Error, Tolerance: rep.Tolerance}
	for _, m := range rep.Mismatches[:min(shown, len(rep.Mismatches))] {
		r.Wrong = append(r.Wrong, m.String())
	}
	return r
}

// within says whether a derivative passes, and keeps it in r.
func (r *Result) within(off, tolerance float64, describe func() string) {
	one := Result{Checked: 1, Error: off, Tolerance: tolerance}
	if !(off <= tolerance) {
		one.Failed = 1
		if len(r.Wrong) < shown {
			one.Wrong = []string{describe()}
		}
	}
	*r = r.Add(one)
}

// String returns, for instance, "op Conv2D".
func (s Subject) String() string { return s.Kind + " " + s.Name }
