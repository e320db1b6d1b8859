package bench

import (
	"errors"
	"slices"
	"time"

	"neocog/ops/conv"
	"neocog/vm/kernel"
)

// A Racer is an algorithm in a Race, and what came of it.
type Racer struct {
	Algo    string        // of the plan: of a family the member
	Refused string        // why it cannot
	Time    time.Duration // the median of whole runs
	Kept    time.Duration // of runs whose filter was prepared before; as Time where nothing is

	l, keeps    *loop // keeps runs what is left to do if the filter is kept, nil if that is all
	reps        int
	times, rest []time.Duration
}

const (
	raceRounds = 5
	raceTime   = 3 * time.Millisecond // of runs of an algorithm in a round
	raceReps   = 50                   // in a round at most
	hopeless   = 1.7                  // times the fastest: what takes longer in the first round runs no more
)

// Race runs algorithms in turn on the same operands, round by round, so that what slows the machine down slows all of them, and takes medians. Those
// that are far from the fastest run once, unless all is set. A refusal is a result, too.
func Race(p conv.Problem, algorithms []conv.Algorithm, threads int, class conv.Accuracy, all bool) ([]*Racer, error) {
	first, second, result := operandsOf(p)
	in := []vector{random(p.DType, first, 1), random(p.DType, second, 2)}
	out := newVector(p.DType, result)
	var racers []*Racer
	best := time.Duration(1<<63 - 1)
	for _, a := range algorithms {
		r := &Racer{Algo: a.Name()}
		racers = append(racers, r)
		plan, err := racing(p, a, threads, class, false)
		var no *conv.Unsupported
		switch {
		case errors.As(err, &no):
			r.Refused = no.Reason
			continue
		case err != nil:
			return nil, err
		}
		r.Algo = plan.Algo
		r.l = newLoop(plan, threads, in, out)
		defer r.l.close()
		if err := r.keep(p, a, threads, class, in, out); err != nil {
			return nil, err
		}
		if r.keeps != nil {
			defer r.keeps.close()
		}
		once := make([]time.Duration, 2)
		if err := r.l.run(once); err != nil {
			return nil, err
		}
		r.reps = 1 + min(max(1, int(raceTime/max(once[1], 1))), raceReps)
		r.times = once[1:]
		best = min(best, once[1])
	}
	for range raceRounds {
		for _, r := range racers {
			if r.l == nil || !all && float64(r.times[0]) > hopeless*float64(best) {
				continue
			}
			if err := r.turn(p); err != nil {
				return nil, err
			}
		}
	}
	for _, r := range racers {
		if r.l == nil {
			continue
		}
		if len(r.times) > 1 {
			r.times = r.times[1:] // the first one took no turn
		}
		r.Time = time.Duration(medianOf(r.times))
		r.Kept = r.Time
		if len(r.rest) > 0 {
			r.Kept = time.Duration(medianOf(r.rest))
		}
	}
	return racers, nil
}

// turn runs r in a round; the first run, which brings operands into the caches, does not count.
func (r *Racer) turn(p conv.Problem) error {
	times := make([]time.Duration, r.reps)
	if err := r.l.run(times); err != nil {
		return err
	}
	r.times = append(r.times, times[1:]...)
	if r.keeps == nil {
		return nil
	}
	if err := r.keeps.run(times); err != nil {
		return err
	}
	r.rest = append(r.rest, slices.Clone(times[1:])...)
	return nil
}

// keep prepares the filter. Filters are kept in the forward pass alone: gradients are computed while filters change.
func (r *Racer) keep(p conv.Problem, a conv.Algorithm, threads int, class conv.Accuracy, in []vector, out vector) error {
	if p.Pass != conv.Forward {
		return nil
	}
	plan, err := racing(p, a, threads, class, true)
	if err != nil || plan.Prepare.Steps == 0 {
		return err
	}
	r.keeps = newLoop(plan, threads, in, out)
	if err := r.keeps.run(once()); err != nil {
		r.keeps.close()
		return err
	}
	r.keeps.keep()
	return nil
}

// racing returns a's plan.
func racing(p conv.Problem, a conv.Algorithm, threads int, class conv.Accuracy, kept bool) (kernel.Plan, error) {
	env := &kernel.Env{Workers: threads, Settings: map[any]any{}, Kept: keptFilter(p, kept)}
	conv.Limit(env.Settings, class)
	conv.Force(env.Settings, a)
	return conv.Choose(env, "", p)
}
