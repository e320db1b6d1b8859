package train_test

import (
	"context"
	"math"
	"testing"

	"neocog/data"
	"neocog/models"
	"neocog/train"
)

// Networks that are trained with Winograd convolution and with direct sums reach the same loss: their difference, for the same seed, is within what
// another seed makes of it. Rounding errors of 1e-6 of a step grow in hundreds of steps to differences as large as any, but to no
// loss that is worse.
//
//	go test ./train -run TestWinogradTrainsAsDirectDoes -long -v
func TestWinogradTrainsAsDirectDoes(t *testing.T) {
	digits, _ := data.DigitsSplit(2000, 1, 1)
	for _, c := range []struct {
		name, model  string
		set          func(t *testing.T) *data.Set
		steps, batch int
		lr           float64
		long         bool
	}{
		{name: "LeNet-5, few steps", model: "lenet5", set: func(*testing.T) *data.Set { return digits }, steps: 40, batch: 16, lr: 0.02},
		{name: "LeNet-5", model: "lenet5", set: func(*testing.T) *data.Set { return digits }, steps: 400, batch: 32, lr: 0.02, long: true},
		{name: "ResNet-20", model: "resnet20-cifar10", set: func(t *testing.T) *data.Set {
			set, _, err := data.Open(shared(t, "cifar-10"))
			if err != nil {
				t.Fatal(err)
			}
			return set
		}, steps: 200, batch: 8, lr: 0.02, long: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.long && !*long {
				t.Skip("it takes minutes: -long")
			}
			set := c.set(t)
			var mean [2]float64
			direct, apart := [2]float64{math.Inf(1), math.Inf(-1)}, 0.0 // the range of direct losses, and the largest difference
			const seeds = 3
			same := true
			for seed := range uint64(seeds) {
				var loss [2]float64
				for i, algo := range []string{"sums", "winograd"} {
					loss[i] = lossAfter(t, c.model, algo, set, seed+1, c.steps, c.batch, c.lr)
					mean[i] += loss[i] / seeds
				}
				direct = [2]float64{min(direct[0], loss[0]), max(direct[1], loss[0])}
				apart = max(apart, math.Abs(loss[1]-loss[0]))
				t.Logf("seed %d: loss %.4f by direct sums, %.4f with Winograd", seed+1, loss[0], loss[1])
				same = same && loss[0] == loss[1]
			}
			if same {
				t.Error("all losses are the same to the last bit: was Winograd used?")
			}
			noise := direct[1] - direct[0]
			if d := math.Abs(mean[1] - mean[0]); d > noise || apart > 2*noise {
				t.Errorf("mean losses %.4f and %.4f, up to %.4f apart; seeds differ by %.4f", mean[0], mean[1], apart, noise)
			}
			t.Logf("means %.4f and %.4f, at most %.4f apart; seeds differ by %.4f", mean[0], mean[1], apart, noise)
		})
	}
}

// lossAfter trains for so many steps and returns the mean loss of the last fifth.
func lossAfter(t *testing.T, model, algo string, set *data.Set, seed uint64, steps, batch int, lr float64) float64 {
	t.Helper()
	m, err := models.Find(model)
	if err != nil {
		t.Fatal(err)
	}
	c := train.DefaultConfig(model)
	c.Seed, c.Batch, c.Conv = seed, batch, algo
	norm, err := train.Normalize(c, set)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := train.New(m, c, norm)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	loader := data.Loader{Set: set, Batch: batch, Norm: norm, Seed: seed, Shuffle: true, DropLast: true}
	done, sum, counted := 0, 0.0, 0
	for epoch := 0; done < steps; epoch++ {
		for b := range loader.Epoch(epoch) {
			loss, _, err := tr.Step(context.Background(), lr, b)
			if err != nil {
				t.Fatal(err)
			}
			if done >= steps-steps/5 {
				sum, counted = sum+loss, counted+1
			}
			if done++; done == steps {
				break
			}
		}
		if err := loader.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return sum / float64(counted)
}
