package train_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"neocog/data"
	"neocog/graph"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops"
	"neocog/train"
)

// brightest is a model without training: an image's logits are its own four
// pixels, so that its class is the place of the brightest.
var brightest = models.Model{
	Name: "brightest", Input: graph.Shape{1, 2, 2}, Classes: 4,
	Build: func(b *layers.Builder, x *graph.Value) *graph.Value { return ops.Flatten(x) },
}

func newBrightest(t *testing.T, norm data.Normalizer) *train.Trainer {
	t.Helper()
	tr, err := train.New(brightest, train.DefaultConfig("brightest"), norm)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	return tr
}

// Loss, accuracy and confusion of five images, by hand. The first of equal scores wins.
func TestEvaluate(t *testing.T) {
	set := &data.Set{Name: "five", C: 1, H: 2, W: 2, Classes: []string{"a", "b", "c", "d"},
		Pixels: []byte{
			9, 0, 0, 0,
			0, 9, 0, 0,
			0, 0, 0, 9,
			7, 0, 7, 0,
			0, 0, 0, 0,
		},
		Labels: []int32{0, 0, 3, 2, 0},
	}
	m, err := newBrightest(t, data.Normalizer{}).Evaluate(context.Background(), set)
	if err != nil {
		t.Fatal(err)
	}
	if want := "[[2 1 0 0] [0 0 0 0] [1 0 0 0] [0 0 0 1]]"; fmt.Sprint(m.Confusion) != want {
		t.Errorf("confusion %v, want %s", m.Confusion, want)
	}
	if m.N != 5 || m.Accuracy != 0.6 {
		t.Errorf("%d images, accuracy %v, want 5 and 3/5", m.N, m.Accuracy)
	}
	nine := math.Log(math.Exp(9) + 3)
	want := ((nine - 9) + nine + (nine - 9) + (math.Log(2*math.Exp(7)+2) - 7) + math.Log(4)) / 5
	if math.Abs(m.Loss-want) > 1e-6 { // float32 logits up to 9 have a spacing of 1e-6
		t.Errorf("loss %v, want %v", m.Loss, want)
	}
}

// The mean over all images does not depend on how they are cut into batches: 300
// images are a whole batch and a short one.
func TestEvaluateCountsEveryImageOnce(t *testing.T) {
	tr := smallTrainer(t, nil)
	set := data.Digits(300, 3)
	all, err := tr.Evaluate(context.Background(), set)
	if err != nil {
		t.Fatal(err)
	}
	loss, correct := 0.0, 0.0
	for i := range set.Len() {
		_, tail := set.Split(i)
		one, err := tr.Evaluate(context.Background(), tail.Take(1))
		if err != nil {
			t.Fatal(err)
		}
		loss += one.Loss / 300
		correct += one.Accuracy
	}
	// Each loss of about 2.3 is rounded to float32, by 1.2e-7 at most.
	if all.N != 300 || math.Abs(all.Loss-loss) > 1e-6 || all.Accuracy != correct/300 {
		t.Errorf("%d images, loss %v, accuracy %v; one by one %v, %v", all.N, all.Loss, all.Accuracy, loss, correct/300)
	}
}

// The normaliser stands before the network in Predict as in Evaluate.
func TestPredict(t *testing.T) {
	tr := newBrightest(t, data.Normalizer{Mean: []float32{100}, Scale: []float32{0.1}})
	p, err := tr.Predict(context.Background(), []byte{100, 110, 100, 100, 0, 0, 0, 200}, 2)
	if err != nil {
		t.Fatal(err)
	}
	sum := 3 + math.E
	want := []float64{1 / sum, math.E / sum, 1 / sum, 1 / sum, 0, 0, 0, 1}
	for i := range want {
		if math.Abs(float64(p[i])-want[i]) > 1e-6 {
			t.Errorf("probability %d is %v, want %v", i, p[i], want[i])
		}
	}
	if p, err := tr.Predict(context.Background(), nil, 0); err != nil || len(p) != 0 {
		t.Errorf("no images: %v, %v", p, err)
	}
	for _, c := range []struct{ bytes, n int }{{7, 2}, {8, 1}, {0, -1}} {
		if _, err := tr.Predict(context.Background(), make([]byte, c.bytes), c.n); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%d images for model \"brightest\" are %d×4 bytes (1×2×2 each), got %d", c.n, c.n, c.bytes)) {
			t.Errorf("%d bytes for %d images: error %v", c.bytes, c.n, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := tr.Predict(ctx, make([]byte, 4), 1); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that is done: %v", err)
	}
}

func TestNewSaysWhatIsWrong(t *testing.T) {
	model := func(classes int, build func(b *layers.Builder, x *graph.Value) *graph.Value) models.Model {
		return models.Model{Name: "m", Input: graph.Shape{1, 2, 2}, Classes: classes, Build: build}
	}
	flat := func(_ *layers.Builder, x *graph.Value) *graph.Value { return ops.Flatten(x) }
	for _, c := range []struct {
		name  string
		model models.Model
		want  []string
	}{
		{"too few logits", model(10, flat), []string{`model "m" returns f32[N,4], want logits f32[N,10] for its 10 classes`}},
		{"nothing", model(4, func(*layers.Builder, *graph.Value) *graph.Value { return nil }), []string{`model "m" returns nothing, want logits f32[N,4]`}},
		{"no Build", model(4, nil), []string{`model "m" wants a function Build`}},
		{"a mistake in the model", model(4, func(b *layers.Builder, x *graph.Value) *graph.Value {
			return b.Linear("fc", x, 4)
		}), []string{"evaluate_test.go:", `"fc"`, "f32[N,1,2,2]"}},
		{"another name", brightest, []string{`the configuration is for model "m", got model "brightest"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := train.New(c.model, train.DefaultConfig("m"), data.Normalizer{})
			for _, w := range c.want {
				if err == nil || !strings.Contains(err.Error(), w) {
					t.Errorf("error %v, want %q", err, w)
				}
			}
		})
	}
	cfg := train.DefaultConfig("brightest")
	cfg.Epochs = 0
	if _, err := train.New(brightest, cfg, data.Normalizer{}); err == nil || err.Error() != "epochs is 0, want at least 1" {
		t.Errorf("error %v, want that epochs is 0", err)
	}
}

func TestFitSaysWhatIsWrong(t *testing.T) {
	good := data.Digits(20, 1)
	wrong := *good
	wrong.Labels = append([]int32(nil), good.Labels...)
	wrong.Labels[7] = 10
	nine := *good
	nine.Classes, nine.Labels = good.Classes[:9], make([]int32, 20)
	for _, c := range []struct {
		name      string
		set, test *data.Set
		want      string
	}{
		{"no set", nil, nil, "there is no data set"},
		{"an empty set", good.Take(0), nil, "digits holds no images"},
		{"a label out of range", &wrong, nil, "label of image 7: want 0..9, got 10"},
		{"fewer classes", &nine, nil, `model "small" wants images 1×28×28 of 10 classes, digits has images 1×28×28 of 9 classes; --classes 9 builds it for these`},
		{"test images of another size", good, noise(10), `model "small" wants images 1×28×28 of 10 classes, noise has images 3×32×32 of 10 classes; models that fit: twolayer, fullyconnected, convnetjs-cifar10`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := smallTrainer(t, nil).Fit(context.Background(), c.set, c.test, train.FitOptions{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
}

// Step trusts no batch: it is called by loops of the user's own.
func TestStepSaysWhatIsWrong(t *testing.T) {
	tr := newBrightest(t, data.Normalizer{})
	x := make([]float32, 8)
	for _, c := range []struct {
		name string
		b    data.Batch
		want string
	}{
		{"no images", data.Batch{}, "a batch has 0 images, want at least 1"},
		{"too few numbers", data.Batch{X: x[:7], Y: []int32{0, 1}, N: 2}, "a batch of 2 images wants 8 numbers and 2 labels, got 7 and 2"},
		{"too few labels", data.Batch{X: x, Y: []int32{0}, N: 2}, "a batch of 2 images wants 8 numbers and 2 labels, got 8 and 1"},
		{"a label out of range", data.Batch{X: x, Y: []int32{0, 4}, N: 2}, "label 4 at row 1: want 0 to 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, _, err := tr.Step(context.Background(), 0.1, c.b); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
	if tr.Steps() != 0 {
		t.Errorf("%d steps are counted, want none", tr.Steps())
	}
}

// Batch statistics, running means and dropout have the same bits for any number of
// threads, with every optimiser.
func TestStateOfAllKindsHasTheSameBitsForAnyThreads(t *testing.T) {
	set := data.Digits(150, 1)
	for _, o := range train.Optimizers() {
		want := ""
		for _, c := range []struct{ procs, threads int }{{1, 1}, {1, 3}, {2, 1}, {2, 2}, {2, 3}} {
			old := runtime.GOMAXPROCS(c.procs)
			tr := smallTrainer(t, func(cfg *train.Config) {
				cfg.Optimizer, cfg.LR, cfg.WeightDecay, cfg.Smoothing, cfg.Threads = o.Name(), 0.01, 1e-4, 0.1, c.threads
			})
			_, err := tr.Fit(context.Background(), set, nil, train.FitOptions{})
			runtime.GOMAXPROCS(old)
			if err != nil {
				t.Fatal(err)
			}
			got := fingerprint(t, tr)
			if want == "" {
				want = got
			}
			if got != want {
				t.Errorf("%s: GOMAXPROCS %d, %d threads: other bits than with one", o.Name(), c.procs, c.threads)
			}
		}
	}
}

// Weight decay reaches weights only: with λ·lr = 0.1 and no data to speak of they
// shrink by a tenth a step, the bias does not.
func TestWeightDecayActsOnWeightsOnly(t *testing.T) {
	tr := smallTrainer(t, func(c *train.Config) {
		c.Optimizer, c.WeightDecay, c.Batch, c.Normalize, c.Schedule = "sgd", 100, 4, train.None, "constant"
	})
	before := map[string][]float32{}
	names := []string{"fc/w", "norm/gamma"}
	for _, name := range names {
		d, err := tr.State().Get(name)
		if err != nil {
			t.Fatal(err)
		}
		before[name] = d.Float32s()
	}
	if _, _, err := tr.Step(context.Background(), 1e-3, data.Batch{X: make([]float32, 784*4), Y: []int32{0, 1, 2, 3}, N: 4}); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		d, err := tr.State().Get(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range d.Float32s() {
			old := float64(before[name][i])
			want := old
			if name == "fc/w" {
				want = 0.9 * old
			}
			// The gradient of the loss moves a value by lr times 1 or so.
			if math.Abs(float64(v)-want) > 2e-3 {
				t.Fatalf("%s[%d] goes from %v to %v, want %v", name, i, old, v, want)
			}
		}
	}
}
