package train_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"neocog/data"
	"neocog/graph"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops"
	"neocog/train"
	"neocog/vm"
)

// The lecture's sanity checks of training, S1 to S5, on its two-layer net
// 3072-50-10; docs/lecture.md lists them. The lecture's setting: CIFAR-10, grey
// levels 0 … 255 less the mean image, weights 10⁻⁴·N(0,1), plain SGD.

// shared returns a folder of the data sets beside the project, and skips the
// test where it is not there.
func shared(t *testing.T, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		path := filepath.Join(dir, "..", "shared", "data", name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Skipf("../shared/data/%s is not here; the test on noise beside this one always runs", name)
	return ""
}

// noise is a set of images of random grey levels with random labels.
func noise(n int) *data.Set {
	rng := rand.New(rand.NewPCG(20, 17))
	s := &data.Set{Name: "noise", C: 3, H: 32, W: 32}
	for i := range 10 {
		s.Classes = append(s.Classes, string(rune('a'+i)))
	}
	for i := range n {
		s.Labels = append(s.Labels, int32(i%10))
		for range s.Dim() {
			s.Pixels = append(s.Pixels, byte(rng.IntN(256)))
		}
	}
	return s
}

func twoLayer(t *testing.T, set *data.Set, lr float64, batch, epochs int) (*train.Trainer, *train.Result, error) {
	t.Helper()
	m, err := models.Find("twolayer")
	if err != nil {
		t.Fatal(err)
	}
	c := train.DefaultConfig("twolayer")
	c.Optimizer, c.LR, c.Schedule, c.Batch, c.Epochs, c.Normalize = "sgd", lr, "constant", batch, epochs, train.MeanOnly
	c.Explode = 0 // the lecture's runs go on to the end
	norm, err := train.Normalize(c, set)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := train.New(m, c, norm)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	res, err := tr.Fit(context.Background(), set, nil, train.FitOptions{})
	return tr, res, err
}

// initialLoss is the loss of the untrained net on 100 images, with L2
// regularisation of strength lambda.
func initialLoss(t *testing.T, lambda float64, seed uint64) float64 {
	t.Helper()
	set := noise(100)
	m, err := models.Find("twolayer")
	if err != nil {
		t.Fatal(err)
	}
	b := &layers.Builder{}
	g, x, logits := m.Graph(b)
	y := g.Input("y", graph.Of(graph.Int32, graph.Batch))
	loss := ops.SoftmaxCrossEntropy(logits, y, ops.CrossEntropy{})
	if lambda > 0 {
		loss = ops.Add(loss, ops.L2(lambda, b.Decay...))
	}
	images := make([]float32, len(set.Pixels))
	norm := data.Normalizer{Mean: data.PixelMean(set).Mean}
	for i, dim := 0, set.Dim(); i < set.Len(); i++ {
		if err := norm.Apply(images[i*dim:(i+1)*dim], set.Image(i)); err != nil {
			t.Fatal(err)
		}
	}
	out, err := vm.Interpret(g, []*graph.Value{loss}, vm.NewState(seed), vm.Feeds{
		x: tensor.New(tensor.WithShape(100, 3, 32, 32), tensor.WithBacking(images)),
		y: tensor.New(tensor.WithShape(100), tensor.WithBacking(set.Labels)),
	})
	if err != nil {
		t.Fatal(err)
	}
	v, err := vm.Scalar(out[0])
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Ten classes, equally likely: ln 10 = 2.302585; the lecture's run has 2.302603
func TestS1InitialLoss(t *testing.T) {
	for seed := range uint64(3) {
		if loss := initialLoss(t, 0, seed); math.Abs(loss-math.Ln10) > 5e-5 {
			t.Errorf("seed %d: the initial loss is %.6f, want ln 10 = %.6f to four digits", seed, loss, math.Ln10)
		}
	}
}

// ln 10 + ½·10³·Σw² with Σw² = 154,100·10⁻⁸ ± √(2·154,100)·10⁻⁸: 3.0731 ± 0.0028; the
// lecture's run has 3.0686.
func TestS2RegularisationRaisesTheLoss(t *testing.T) {
	weights := float64(3072*50 + 50*10)
	want, sd := math.Ln10+500*weights*1e-8, 500*math.Sqrt(2*weights)*1e-8
	for seed := range uint64(3) {
		if loss := initialLoss(t, 1e3, seed); math.Abs(loss-want) > 4*sd {
			t.Errorf("seed %d: the loss is %.4f, want %.4f ± %.4f", seed, loss, want, 4*sd)
		}
	}
	if math.Abs(3.06859716482-want) > 4*sd {
		t.Errorf("the lecture's own figure is not within the bounds %.4f ± %.4f", want, 4*sd)
	}
}

// 20 images, batches of all 20, learning rate 10⁻³, 200 epochs; the lecture's run
// ends at loss 0.002597, accuracy 1.00.
func TestS3TwentyImagesAreOverfitted(t *testing.T) {
	overfit := func(t *testing.T, set *data.Set) {
		tr, res, err := twoLayer(t, set, 1e-3, 20, 200)
		if err != nil {
			t.Fatal(err)
		}
		if first := res.Epochs[0].Loss; math.Abs(first-math.Ln10) > 2e-3 {
			t.Errorf("the first loss is %v, want about ln 10", first)
		}
		m, err := tr.Evaluate(context.Background(), set)
		if err != nil {
			t.Fatal(err)
		}
		if m.Loss > 0.003 || m.Accuracy != 1 {
			t.Errorf("after 200 epochs: loss %.6f, accuracy %.2f; want at most 0.003, 1.00", m.Loss, m.Accuracy)
		}
		t.Logf("loss %.6f, accuracy %.2f", m.Loss, m.Accuracy)
	}
	t.Run("noise", func(t *testing.T) { overfit(t, noise(20)) })
	t.Run("cifar-10", func(t *testing.T) {
		set, _, err := data.Open(shared(t, "cifar-10"))
		if err != nil {
			t.Fatal(err)
		}
		overfit(t, set.Take(20))
	})
}

// The lecture's run goes from 2.302576 to 2.302420 in 10 epochs, while accuracy
// rises to 0.19: the rate is too low.
func TestS4TooLowARate(t *testing.T) {
	_, res, err := twoLayer(t, noise(200), 1e-6, 50, 10)
	if err != nil {
		t.Fatal(err)
	}
	first, last := res.Epochs[0], res.Epochs[9]
	if moved := first.Loss - last.Loss; moved < 1e-6 || moved > 2e-3 {
		t.Errorf("the loss goes from %.6f to %.6f; want hardly a move, downwards", first.Loss, last.Loss)
	}
	if v, advice := train.Diagnose(losses(res), 1e-6); v != train.TooLow || !strings.HasSuffix(advice, "is too low, or the gradient is nought; try 1e-05") {
		t.Errorf("the diagnosis is %q: %s", v, advice)
	}
}

// losses are the training losses of a run by epochs.
func losses(r *train.Result) []float64 {
	var l []float64
	for _, rec := range r.Epochs {
		l = append(l, rec.Loss)
	}
	return l
}

// Not a number from the first epoch: the rate is too high, and the error says so.
func TestS5TooHighARate(t *testing.T) {
	_, res, err := twoLayer(t, noise(200), 1e6, 20, 10)
	var d *train.Diverged
	if !errors.As(err, &d) {
		t.Fatalf("error %v, want Diverged", err)
	}
	if d.Epoch != 1 || len(res.Epochs) != 0 || !math.IsNaN(d.Loss) && !math.IsInf(d.Loss, 0) {
		t.Errorf("epoch %d, loss %v, %d epochs done; want not a number in the first", d.Epoch, d.Loss, len(res.Epochs))
	}
	if want := "may be too high; try 1e+05 or less"; err.Error()[len(err.Error())-len(want):] != want {
		t.Errorf("the error does not end with %q: %v", want, err)
	}
}

// The lecture's run has a cost of inf from epoch 5, at a rate of 3·10⁻³ with L2 of 10⁻⁶: still too
// high; the useful range is 10⁻³ … 10⁻⁵. Noise takes a higher rate than pictures do, as nothing in
// it pulls all images one way.
func TestS6StillTooHighARate(t *testing.T) {
	judge := func(t *testing.T, set *data.Set, high, useful float64) {
		_, res, err := twoLayer(t, set, high, 50, 10)
		var d *train.Diverged
		course := append([]float64{math.Ln10}, losses(res)...)
		if errors.As(err, &d) {
			course = append(course, d.Loss)
		}
		if v, advice := train.Diagnose(course, high); v != train.Exploding && v != train.TooHigh || !strings.Contains(advice, "is too high; try") {
			t.Errorf("losses %v, error %v: the diagnosis is %q: %s", course, err, v, advice)
		}
		t.Logf("at %g: losses %.4g, error %v", high, course, err)
		if _, res, err = twoLayer(t, set, useful, 50, 10); err != nil {
			t.Fatal(err)
		}
		if v, advice := train.Diagnose(losses(res), useful); v != train.Falling {
			t.Errorf("at %g the diagnosis is %q: %s", useful, v, advice)
		}
	}
	t.Run("noise", func(t *testing.T) { judge(t, noise(200), 2e-2, 3e-3) })
	t.Run("cifar-10", func(t *testing.T) {
		set, _, err := data.Open(shared(t, "cifar-10"))
		if err != nil {
			t.Fatal(err)
		}
		judge(t, set.Take(1000), 3e-3, 1e-4)
	})
}

// The lecture stops a run of a search when its cost is above three times the original.
func TestS7ExplosionStopsTheRun(t *testing.T) {
	m, err := models.Find("twolayer")
	if err != nil {
		t.Fatal(err)
	}
	c := train.DefaultConfig("twolayer")
	if c.Explode != 3 {
		t.Fatalf("by default a run may grow to %v times its cost, want 3", c.Explode)
	}
	c.Optimizer, c.LR, c.Schedule, c.Batch, c.Epochs, c.Normalize = "sgd", 0.02, "constant", 20, 10, train.MeanOnly
	set := noise(200)
	norm, err := train.Normalize(c, set)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := train.New(m, c, norm)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	_, err = tr.Fit(context.Background(), set, nil, train.FitOptions{})
	var d *train.Diverged
	if !errors.As(err, &d) || d.Original == 0 || !(d.Loss > 3*d.Original) || d.Epoch > 2 {
		t.Fatalf("error %v, want an explosion seen in the first epochs", err)
	}
	if want := fmt.Sprintf("the cost explodes, from 2.303 to %.4g, at learning rate 0.02, which may be too high; try 0.002 or less", d.Loss); !strings.HasSuffix(err.Error(), want) {
		t.Errorf("error %q, want it to end with %q", err, want)
	}
}

func TestDiagnose(t *testing.T) {
	for _, c := range []struct {
		name   string
		losses []float64
		want   train.Verdict
	}{
		{"the lecture's S4", []float64{2.302576, 2.302420}, train.TooLow},
		{"not a number", []float64{2.3, math.NaN()}, train.Exploding},
		{"exactly three times", []float64{1, 3}, train.TooHigh},
		{"more than three times", []float64{1, 3.001, 0.5}, train.Exploding},
		{"rises", []float64{2.3, 2.5}, train.TooHigh},
		{"falls", []float64{2.3, 2.0}, train.Falling},
		{"one loss", []float64{2.3}, train.Falling},
		{"none", nil, train.Falling},
	} {
		v, advice := train.Diagnose(c.losses, 0.1)
		if v != c.want || (advice == "") != (v == train.Falling) {
			t.Errorf("%s: %q, %q; want %q", c.name, v, advice, c.want)
		}
	}
}
