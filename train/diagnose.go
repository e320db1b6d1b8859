package train

import (
	"fmt"
	"math"
)

// A Verdict is what a course of losses says of the learning rate.
type Verdict string

// The verdicts.
const (
	TooLow    Verdict = "too low"   // the loss hardly moves
	Falling   Verdict = "learning"  // the loss falls
	TooHigh   Verdict = "too high"  // the loss does not fall, or ends above where it began
	Exploding Verdict = "exploding" // the loss is not finite, or above Explosion times the original
)

// Explosion is how many times the original loss a loss may be before the run counts
// as lost: the lecture's rule for runs of a search.
const Explosion = 3

// hardly is the part of the original loss by which it must at least move to count as
// moving. The lecture's run at 10⁻⁶ moves by 7·10⁻⁵ of it in ten epochs.
const hardly = 1e-3

// Diagnose judges the learning rate by the losses of a run: the original one first,
// then means over equal stretches of it, such as epochs. Fewer than two losses, unless
// one of them explodes, say nothing and give Falling.
//
//	not finite, or > 3 × the first   exploding
//	moved by less than a thousandth  too low
//	ends higher than it began        too high
//
// The advice is a sentence on what to do, empty for Falling.
func Diagnose(losses []float64, lr float64) (v Verdict, advice string) {
	if len(losses) == 0 {
		return Falling, ""
	}
	first, last := losses[0], losses[len(losses)-1]
	for i, l := range losses {
		if exploded(l, first) {
			return Exploding, fmt.Sprintf("the loss goes from %.4g to %.4g, %d of %d on: the learning rate %g is too high; try %.2g or less",
				first, l, i+1, len(losses), lr, lr/10)
		}
	}
	switch moved := last - first; {
	case len(losses) < 2:
	case math.Abs(moved) < hardly*math.Abs(first):
		return TooLow, fmt.Sprintf("the loss hardly moves, from %.6g to %.6g: the learning rate %g is too low, or the gradient is nought; try %.2g",
			first, last, lr, lr*10)
	case moved > 0:
		return TooHigh, fmt.Sprintf("the loss rises, from %.4g to %.4g: the learning rate %g is too high; try %.2g", first, last, lr, lr/3)
	}
	return Falling, ""
}

// exploded reports whether a loss is not finite or above Explosion times the original.
func exploded(loss, original float64) bool {
	return !finite(loss) || !finite(original) || loss > Explosion*original && original > 0
}

// smoothSteps is over how many steps the loss is averaged before the explosion rule
// looks at it: one odd batch is no explosion, in the first of them as little as later.
const smoothSteps = 20

// An explosion watches the losses of a run's steps.
type explosion struct {
	limit    float64 // of Config.Explode; 0 watches for what is not finite alone
	Original float64
	Last     [smoothSteps]float64
	Seen     int
}

// add takes the loss of a step, and reports whether the mean of the last smoothSteps is above
// limit times the original, which is the first loss, or that of guessing among so many classes
// where the run began with a net that had learnt already. Steps before the first count as 0
// there; the mean that it returns is of those that were made.
func (e *explosion) add(loss float64, classes int) (mean float64, exploded bool) {
	if e.Seen == 0 {
		e.Original = max(loss, math.Log(float64(classes)))
	}
	e.Last[e.Seen%smoothSteps] = loss
	e.Seen++
	sum := 0.0
	for _, l := range e.Last {
		sum += l
	}
	return sum / float64(min(e.Seen, smoothSteps)), e.limit > 0 && sum/smoothSteps > e.limit*e.Original
}
