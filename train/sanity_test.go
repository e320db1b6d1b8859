package train_test

import (
	"context"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"neocog/data"
	"neocog/graph"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops"
	"neocog/train"
)

// statuses are the outcomes of the checks by name.
func statuses(t *testing.T, r *train.SanityReport) map[string]train.Status {
	t.Helper()
	by := map[string]train.Status{}
	for _, c := range r.Checks {
		by[c.Name] = c.Status
		if (c.Advice == "") != (c.Status == train.OK) {
			t.Errorf("%s: %s with the advice %q", c.Name, c.Status, c.Advice)
		}
	}
	return by
}

func sanity(t *testing.T, m models.Model, set *data.Set, change func(c *train.Config)) *train.SanityReport {
	t.Helper()
	c := train.DefaultConfig(m.Name)
	c.Optimizer, c.LR, c.Normalize = "sgd", 1e-3, train.MeanOnly
	if change != nil {
		change(&c)
	}
	r, err := train.Sanity(context.Background(), m, c, set)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The lecture's net at the lecture's rate passes, and the same seed gives the same report.
func TestSanityOfTheLecturesNet(t *testing.T) {
	m, err := models.Find("twolayer")
	if err != nil {
		t.Fatal(err)
	}
	set := noise(200)
	r := sanity(t, m, set, func(c *train.Config) { c.LR = 5e-3 })
	if by := statuses(t, r); !r.OK() || by["initial loss"] != train.OK || by["gradient"] != train.OK || by["few images"] != train.OK {
		t.Errorf("checks %+v", r.Checks)
	}
	if len(r.Layers) != 3 || r.Layers[1].Zeros < 0.3 || r.Layers[1].Zeros > 0.7 {
		t.Errorf("layers %+v, want two products and a ReLU that is half zero", r.Layers)
	}
	if again := sanity(t, m, set, func(c *train.Config) { c.LR = 5e-3 }); !reflect.DeepEqual(r, again) {
		t.Errorf("the same seed gives\n%+v and\n%+v", r, again)
	}
}

// Too low and too high a rate fail, and say so.
func TestSanityOfRates(t *testing.T) {
	m, err := models.Find("twolayer")
	if err != nil {
		t.Fatal(err)
	}
	for lr, want := range map[float64]string{1e-6: "is too low", 1e6: "is too high"} {
		r := sanity(t, m, noise(200), func(c *train.Config) { c.LR = lr })
		if r.OK() {
			t.Errorf("the checks pass at %g: %+v", lr, r.Checks)
		}
		for _, c := range r.Checks {
			if c.Name == "update ratio" && c.Status != train.Warn {
				t.Errorf("at %g: the ratio %s is %s", lr, c.Got, c.Status)
			}
			if c.Name == "learning rate" && (c.Status != train.Fail || !strings.Contains(c.Advice, want)) {
				t.Errorf("at %g: %s, %q; want it to say %q", lr, c.Status, c.Advice, want)
			}
		}
	}
}

// ReLUs behind a bias far below 0 are dead, and what comes after them is the same for all images.
func TestSanitySeesDeadReLUs(t *testing.T) {
	dead := models.Model{Name: "dead", Input: graph.Shape{3, 32, 32}, Classes: 10,
		Build: func(b *layers.Builder, x *graph.Value) *graph.Value {
			b.Biases = -1e6
			x = ops.ReLU(b.Linear("fc1", ops.Flatten(x), 8))
			b.Biases = 0
			return b.Linear("fc2", x, 10)
		}}
	r := sanity(t, dead, noise(40), nil)
	if by := statuses(t, r); by["dead ReLUs"] != train.Fail || by["activations"] != train.Fail || by["few images"] != train.Fail {
		t.Errorf("checks %+v", r.Checks)
	}
}

// onNoise is a model of noise with 10 classes.
func onNoise(name string, build func(b *layers.Builder, x *graph.Value) *graph.Value) models.Model {
	return models.Model{Name: name, Input: graph.Shape{3, 32, 32}, Classes: 10, Build: build}
}

// A unit of a convolution is a channel: one of four is dead, all pixels of the others are not.
func TestSanityCountsDeadReLUsByChannel(t *testing.T) {
	m := onNoise("channel", func(b *layers.Builder, x *graph.Value) *graph.Value {
		x = b.Conv("conv", x, 4, [2]int{4, 4}, ops.Conv{Stride: [2]int{4, 4}})
		dead := graph.Const(x.Graph(), graph.Shape{1, 4, 1, 1}, 0.0, 0, -1e6, 0)
		x = ops.ReLU(ops.Add(x, ops.Cast(dead, x.DType())))
		return b.Linear("fc", ops.Flatten(x), 10)
	})
	r := sanity(t, m, noise(40), nil)
	for _, l := range r.Layers {
		if strings.HasSuffix(l.Node, "ReLU") && l.Dead != 0.25 {
			t.Errorf("%s: the dead part is %v, want 0.25", l.Node, l.Dead)
		}
	}
	if by := statuses(t, r); by["dead ReLUs"] != train.OK {
		t.Errorf("checks %+v", r.Checks)
	}
}

// A derivative that lacks a factor fails: of x² as x times a copy of x that has none.
func TestSanitySeesAWrongGradient(t *testing.T) {
	m := onNoise("half", func(b *layers.Builder, x *graph.Value) *graph.Value {
		x = b.Linear("fc1", ops.Flatten(x), 8)
		return b.Linear("fc2", ops.Mul(x, ops.StopGradient(x)), 10)
	})
	r := sanity(t, m, noise(40), nil)
	if by := statuses(t, r); by["gradient"] != train.Fail || r.OK() {
		t.Errorf("checks %+v", r.Checks)
	}
}

// First weights that prefer a class are warned of, and fail where the loss is above three times ln C. A logit of c for one
// of ten classes, the others 0, gives a loss of about ln(9 + e^c) − c/10.
func TestSanityOfTheInitialLoss(t *testing.T) {
	for _, c := range []struct {
		logit float64
		want  train.Status
	}{{0, train.OK}, {2, train.OK}, {5, train.Warn}, {55, train.Fail}} {
		m := onNoise("prefers", func(b *layers.Builder, x *graph.Value) *graph.Value {
			b.Weights = layers.Normal(1e-6)
			x = b.Linear("fc", ops.Flatten(x), 10)
			prefers := graph.Const(x.Graph(), graph.Shape{1, 10}, 0, 0, 0, c.logit, 0, 0, 0, 0, 0, 0)
			return ops.Add(x, ops.Cast(prefers, x.DType()))
		})
		r := sanity(t, m, noise(100), nil)
		if by := statuses(t, r); by["initial loss"] != c.want || by["regularisation"] != train.OK {
			t.Errorf("a logit of %v: %+v, want %s", c.logit, r.Checks[:2], c.want)
		}
	}
}

// L2 of weights that are all zero does not raise the loss.
func TestSanityOfRegularisation(t *testing.T) {
	m := onNoise("zeros", func(b *layers.Builder, x *graph.Value) *graph.Value {
		b.Weights = layers.Constant(0)
		return b.Linear("fc", ops.Flatten(x), 10)
	})
	if by := statuses(t, sanity(t, m, noise(40), nil)); by["regularisation"] != train.Fail {
		t.Errorf("the check says %s", by["regularisation"])
	}
}

// Dropout hides most units from each step, so that steps do not get all of 20 images right; the network does.
func TestSanityOfFewImagesWithDropout(t *testing.T) {
	m := onNoise("drops", func(b *layers.Builder, x *graph.Value) *graph.Value {
		b.Weights = layers.Normal(1e-4)
		x = ops.ReLU(b.Linear("fc1", ops.Flatten(x), 50))
		return b.Linear("fc2", b.Dropout("drop", x, 0.8), 10)
	})
	r := sanity(t, m, noise(40), func(c *train.Config) { c.Optimizer, c.LR = "adam", 1e-4 })
	if by := statuses(t, r); by["few images"] != train.OK {
		t.Errorf("checks %+v", r.Checks)
	}
}

func TestSanityWantsImages(t *testing.T) {
	m, err := models.Find("twolayer")
	if err != nil {
		t.Fatal(err)
	}
	_, err = train.Sanity(context.Background(), m, train.DefaultConfig("twolayer"), noise(19))
	if want := "the checks want 20 images, noise has 19"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := train.Sanity(ctx, m, train.DefaultConfig("twolayer"), noise(20)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that the context is done", err)
	}
}

// The rate that the test finds learns; the test ends when the loss explodes.
func TestFindRate(t *testing.T) {
	tr := smallTrainer(t, func(c *train.Config) { c.Optimizer = "sgd" })
	set := data.Digits(500, 1)
	points, lr, err := tr.FindRate(context.Background(), set, 1e-5, 1e4, 90)
	if err != nil {
		t.Fatal(err)
	}
	if len(points) == 90 {
		t.Errorf("the test went up to a rate of 1e4, where the loss is %v", points[89].Loss)
	}
	for i, p := range points {
		if want := 1e-5 * math.Pow(1e9, float64(i)/89); math.Abs(p.LR-want) > 1e-9*want {
			t.Errorf("rate %d is %g, want %g", i, p.LR, want)
		}
	}
	if lr < 1e-4 || lr > 10 {
		t.Fatalf("the suggestion is %g", lr)
	}
	tr = smallTrainer(t, func(c *train.Config) { c.Optimizer, c.LR, c.Schedule = "sgd", lr, "constant" })
	res, err := tr.Fit(context.Background(), set, nil, train.FitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if v, advice := train.Diagnose(losses(res), lr); v != train.Falling {
		t.Errorf("at the suggestion %g: %s, %s", lr, v, advice)
	}
	for _, bad := range [][3]float64{{0, 1, 10}, {1, 1, 10}, {1, 2, 9}} {
		if _, _, err := tr.FindRate(context.Background(), set, bad[0], bad[1], int(bad[2])); err == nil {
			t.Errorf("a range test of %v is no error", bad)
		}
	}
}
