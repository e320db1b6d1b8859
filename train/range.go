package train

import (
	"context"
	"math"

	"github.com/pkg/errors"

	"neocog/data"
)

// A RangePoint is one step of FindRate.
type RangePoint struct {
	LR     float64 `json:"lr"`
	Loss   float64 `json:"loss"`   // of the batch, before the step
	Smooth float64 `json:"smooth"` // exponential mean with β = 0.9, corrected for its beginning
}

// FindRate makes the learning rate range test: it trains t for so many steps on batches of
// set, while the rate rises from low to high in equal ratios, and ends early when the
// smoothed loss is above Explosion times the first. Too few steps, at least 10, and rates that are
// not 0 < low < high are errors. t should be new; afterwards its weights are of no use.
// L. N. Smith, “Cyclical Learning Rates for Training Neural Networks”, 2017, section 3.3.
//
// The suggestion is the rate at which the smoothed loss falls most steeply by log rate, before its
// minimum; 0 if it never falls.
func (t *Trainer) FindRate(ctx context.Context, set *data.Set, low, high float64, steps int) (points []RangePoint, suggestion float64, err error) {
	if !(low > 0 && low < high) || math.IsInf(high, 0) || steps < 10 {
		return nil, 0, errors.Errorf("a range test wants 0 < low < high and at least 10 steps, got %g, %g and %d", low, high, steps)
	}
	augment, err := data.ParseAugment(t.cfg.Augment)
	if err != nil {
		return nil, 0, err
	}
	if err := t.check(set, augment); err != nil {
		return nil, 0, err
	}
	loader := data.Loader{Set: set, Batch: min(t.cfg.Batch, set.Len()), Norm: t.norm, Seed: t.cfg.Seed, Shuffle: true, DropLast: true,
		Augment: augment, Workers: t.cfg.Workers}
	const beta = 0.9
	mean := 0.0
	for epoch := 0; len(points) < steps; epoch++ {
		for b := range loader.Epoch(epoch) {
			i := len(points)
			if i == steps {
				break
			}
			lr := low * math.Pow(high/low, float64(i)/float64(steps-1))
			loss, _, err := t.Step(ctx, lr, b)
			if err != nil {
				return nil, 0, err
			}
			mean = beta*mean + (1-beta)*loss
			smooth := mean / (1 - math.Pow(beta, float64(i+1)))
			if i > 0 && exploded(smooth, points[0].Smooth) {
				return points, steepest(points), nil
			}
			if !finite(loss) {
				return nil, 0, &Diverged{Epoch: 1, Step: i + 1, LR: lr, Loss: loss}
			}
			points = append(points, RangePoint{lr, loss, smooth})
		}
		if err := loader.Err(); err != nil {
			return nil, 0, err
		}
	}
	return points, steepest(points), nil
}

// steepest returns the rate in the middle of the stretch, a tenth of the points long, over
// which the smoothed loss falls most, up to its minimum.
func steepest(points []RangePoint) float64 {
	lowest := 0
	for i, p := range points {
		if p.Smooth < points[lowest].Smooth {
			lowest = i
		}
	}
	span := max(1, len(points)/10)
	best, lr := 0.0, 0.0
	for i := 0; i+span <= lowest; i++ {
		if fall := points[i].Smooth - points[i+span].Smooth; fall > best {
			best, lr = fall, points[i+span/2].LR
		}
	}
	return lr
}
