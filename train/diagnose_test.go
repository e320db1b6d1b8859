package train_test

import (
	"slices"
	"testing"

	"neocog/train"
)

// One batch far off ended a run in its second step, where the mean was of two losses.
func TestOneOddBatchIsNoExplosion(t *testing.T) {
	steady := func(n int, l float64) []float64 { return slices.Repeat([]float64{l}, n) }
	for _, c := range []struct {
		name   string
		losses []float64
		step   int // at which the run ends; the original loss is 2, the limit three times that
	}{
		{"the second of all", append([]float64{2, 80}, steady(40, 2)...), 0},
		{"a late one", slices.Concat(steady(50, 2), []float64{80}, steady(50, 2)), 0},
		{"several in a row", append([]float64{2}, steady(40, 20)...), 7}, // 2 + 6·20 = 122 > 20·6
		{"far away at once", []float64{2, 1e9}, 2},
		{"three times and no more", append([]float64{2}, steady(100, 6)...), 0},
		{"a little more", append([]float64{2}, steady(100, 6.01)...), 21},
	} {
		if got := train.Explodes(3, 7, c.losses); got != c.step { // ln 7 < 2
			t.Errorf("%s: ends at step %d, want %d", c.name, got, c.step)
		}
		if got := train.Explodes(0, 7, c.losses); got != 0 {
			t.Errorf("%s: ends at step %d without a limit", c.name, got)
		}
	}
	// A net that had learnt already is measured by guessing among ten.
	if got := train.Explodes(3, 10, append([]float64{0.01}, steady(100, 2)...)); got != 0 {
		t.Errorf("a fall back to guessing ends at step %d", got)
	}
}

// The suggestion lies where the loss falls most steeply, and before its minimum.
func TestSteepestIsBeforeTheMinimum(t *testing.T) {
	var points []train.RangePoint
	for i, l := range []float64{9, 9, 8, 5, 4, 3, 2, 9, 8, 7, 3.5, 3.5} {
		points = append(points, train.RangePoint{LR: float64(i), Smooth: l})
	}
	if got := train.Steepest(points); got != 2 {
		t.Errorf("the suggestion is point %v, want 2, between 8 and 5", got)
	}
	if got := train.Steepest(points[:2]); got != 0 {
		t.Errorf("of a loss that never falls the suggestion is %v, want 0", got)
	}
}
