package train_test

import (
	"context"
	"math"
	"testing"

	"neocog/data"
	"neocog/graph"
	"neocog/train"
)

// fitPlain trains a Trainer of plain on 50 digits, by SGD, and returns it with its records.
func fitPlain(t *testing.T, change func(c *train.Config)) (*train.Trainer, []train.Record) {
	t.Helper()
	tr := stepped(t, 0, func(c *train.Config) {
		c.Batch, c.Epochs, c.Schedule, c.WeightDecay = 32, 1, "constant", 0
		change(c)
	})
	res, err := tr.Fit(context.Background(), data.Digits(50, 1), nil, train.FitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return tr, res.Epochs
}

// A batch of 18 images at the end counts as 18 images, not as a batch of 32: at a rate so low that nothing moves, the
// loss of an epoch is that of the set.
func TestLossOfAnEpochWeighsTheLastBatchByItsImages(t *testing.T) {
	tr, records := fitPlain(t, func(c *train.Config) { c.LR = 1e-30 })
	m, err := tr.Evaluate(context.Background(), data.Digits(50, 1))
	if err != nil {
		t.Fatal(err)
	}
	// Both are sums in float64 of losses in float32, which the batch sizes may round otherwise: a few parts in 2²⁴.
	if got := records[0].Loss; math.Abs(got-m.Loss) > 1e-6*m.Loss {
		t.Errorf("the epoch's loss is %v, that of the set %v", got, m.Loss)
	}
}

// With SGD and one step, ‖w' − w‖/‖w‖ is lr·‖g‖/‖w‖: over all parameters together, and with the roots.
func TestUpdateRatio(t *testing.T) {
	const lr = 0.01
	values := func(tr *train.Trainer) (all []float64) {
		for _, p := range tr.TrainGraph().Params() {
			v, err := tr.State().Get(p.Node().Op.(graph.ParamOp).Label)
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range v.Float32s() {
				all = append(all, float64(x))
			}
		}
		return all
	}
	before := values(stepped(t, 0, func(c *train.Config) {}))
	tr, records := fitPlain(t, func(c *train.Config) { c.LR, c.Batch = lr, 50 })
	step, length := 0.0, 0.0
	for i, w := range values(tr) {
		step, length = math.Hypot(step, w-before[i]), math.Hypot(length, before[i])
	}
	want := step / length
	if got := records[0].UpdateRatio; math.Abs(got-want) > 1e-12*want || want < 1e-4 || want > 1e-1 {
		t.Errorf("the ratio is %v, want %v", got, want)
	}
	// Ten times the rate is ten times the step, as far as float32 tells: a weight of 0.2 has ulps of 1.5e-8, beside
	// steps of 1e-4.
	_, records = fitPlain(t, func(c *train.Config) { c.LR, c.Batch = 10*lr, 50 })
	if got := records[0].UpdateRatio / want; math.Abs(got-10) > 0.01 {
		t.Errorf("ten times the rate gives %v times the ratio", got)
	}
}

// A schedule is asked for the middle of each step, so that neither of its ends is a wasted step: the one step of a
// cosine has half the rate.
func TestRateIsThatOfTheMiddleOfAStep(t *testing.T) {
	_, records := fitPlain(t, func(c *train.Config) { c.LR, c.Batch, c.Schedule = 0.1, 50, "cosine" })
	if got := records[0].LR; math.Abs(got-0.05) > 1e-15 {
		t.Errorf("the rate is %v, want 0.05", got)
	}
}
