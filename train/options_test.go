package train_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"neocog/data"
	"neocog/graph"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops"
	"neocog/train"
)

// plain is a model in which images do not touch each other: no batch norm, no dropout.
var plain = models.Model{
	Name: "plain", Input: graph.Shape{1, 28, 28}, Classes: 10,
	Build: func(b *layers.Builder, x *graph.Value) *graph.Value {
		x = ops.MaxPool2D(ops.ReLU(b.Conv("conv", x, 4, [2]int{5, 5}, ops.Conv{Stride: [2]int{1, 1}})), ops.Pool{Size: [2]int{4, 4}})
		return b.Linear("fc", ops.Flatten(x), 10)
	},
}

// stepped returns a Trainer of plain after some steps on 30 digits.
func stepped(t *testing.T, steps int, change func(c *train.Config)) *train.Trainer {
	t.Helper()
	c := train.DefaultConfig(plain.Name)
	c.Optimizer, c.WeightDecay = "sgd", 0.01
	change(&c)
	set := data.Digits(30, 1)
	norm := data.PixelMean(set)
	tr, err := train.New(plain, c, norm)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	loader := data.Loader{Set: set, Batch: 30, Norm: norm}
	for range steps {
		for b := range loader.Epoch(0) {
			if _, _, err := tr.Step(context.Background(), 0.1, b); err != nil {
				t.Fatal(err)
			}
		}
	}
	return tr
}

func param(t *testing.T, tr *train.Trainer, name string) []float32 {
	t.Helper()
	v, err := tr.State().Get(name)
	if err != nil {
		t.Fatal(err)
	}
	return v.Float32s()
}

func TestGroupsHaveTheirOwnRateAndDecay(t *testing.T) {
	names := []string{"conv/w", "conv/b", "fc/w", "fc/b"}
	start := stepped(t, 0, func(*train.Config) {})
	usual := stepped(t, 1, func(*train.Config) {})
	bare := stepped(t, 1, func(c *train.Config) { c.WeightDecay = 0 })
	for _, optimizer := range []string{"sgd", "momentum"} { // whose first steps agree
		got := stepped(t, 1, func(c *train.Config) {
			c.Optimizer, c.Groups = optimizer, "conv/*=0; fc/b=3,0.5; *w=2,0; fc/w=9"
		})
		for _, name := range names {
			w0, w1, free, g := param(t, start, name), param(t, usual, name), param(t, bare, name), param(t, got, name)
			for i := range g {
				var want float64
				switch name {
				case "conv/w", "conv/b":
					want = float64(w0[i])
				case "fc/w": // the first pattern that matches: no decay
					want = float64(w0[i]) + 2*float64(free[i]-w0[i])
				case "fc/b":
					want = float64(w0[i]) + 3*(float64(w1[i]-w0[i])-0.1*0.5*float64(w0[i]))
				}
				// A few float32 roundings of numbers below 1.
				if math.Abs(float64(g[i])-want) > 1e-6 {
					t.Fatalf("%s: %s[%d] is %v, want %v", optimizer, name, i, g[i], want)
				}
			}
		}
	}
	frozen := stepped(t, 1, func(c *train.Config) { c.Groups = "conv/*=0" })
	for _, n := range frozen.TrainGraph().Nodes() {
		if strings.Contains(n.Op.Name(), "FilterGrad") {
			t.Errorf("the gradient of a frozen filter is computed: %v", n)
		}
	}
}

func TestDecayOfAdamWIsDecoupled(t *testing.T) {
	for _, lookahead := range []int{0, 7} {
		without := stepped(t, 1, func(c *train.Config) { c.Optimizer, c.WeightDecay, c.Lookahead = "adamw", 0, lookahead })
		with := stepped(t, 1, func(c *train.Config) { c.Optimizer, c.WeightDecay, c.Lookahead = "adamw", 0.5, lookahead })
		start := stepped(t, 0, func(*train.Config) {})
		w0, a, b := param(t, start, "fc/w"), param(t, without, "fc/w"), param(t, with, "fc/w")
		for i := range a {
			if want := float64(a[i]) - 0.1*0.5*float64(w0[i]); math.Abs(float64(b[i])-want) > 1e-6 {
				t.Fatalf("lookahead %d: fc/w[%d] is %v, want %v", lookahead, i, b[i], want)
			}
		}
		if a, b := param(t, without, "fc/b"), param(t, with, "fc/b"); !slices.Equal(a, b) {
			t.Error("a bias decays")
		}
	}
}

func TestGroupsMistakes(t *testing.T) {
	for _, c := range []struct{ groups, want string }{
		{"conv", `groups: got "conv", want PATTERN=RATE[,DECAY], as conv1/*=0.1`},
		{"=1", `groups: got "=1", want PATTERN=RATE[,DECAY], as conv1/*=0.1`},
		{"conv/*=fast", `groups: "conv/*=fast": RATE is "fast", want a number of at least 0`},
		{"conv/*=1,-1", `groups: "conv/*=1,-1": DECAY is "-1", want a number of at least 0`},
		{"conv2/*=1", `group conv2/*=1 is for no parameter; there are conv/w, conv/b, fc/w, fc/b`},
		{"*=0", `groups freeze every parameter: there is nothing to train`},
	} {
		cfg := train.DefaultConfig(plain.Name)
		cfg.Groups = c.groups
		if _, err := train.New(plain, cfg, data.Normalizer{}); err == nil || err.Error() != c.want {
			t.Errorf("%q: error %v, want %s", c.groups, err, c.want)
		}
	}
}

func TestGroupsText(t *testing.T) {
	for text, want := range map[string]string{
		"": "[]", "a=1": "[a=1]", " a/* = 0.5 , 1e-4 ;; *=2": "[a/*=0.5,0.0001 *=2]", "a=0,0": "[a=0,0]",
	} {
		groups, err := train.ParseGroups(text)
		if err != nil || fmt.Sprint(groups) != want {
			t.Errorf("%q: %v, %v, want %s", text, groups, err, want)
		}
		for _, g := range groups {
			if again, err := train.ParseGroups(g.String()); err != nil || again[0] != g {
				t.Errorf("%v reads as %v, %v", g, again, err)
			}
		}
	}
}

func TestGroupPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"fc/w", "fc/w", true}, {"fc/w", "fc/w2", false}, {"*", "a/b/c", true}, {"*/b", "block1/conv/b", true}, {"*/b", "b", false},
		{"conv*/w", "conv12/w", true}, {"conv*/w", "conv/b", false}, {"a*a", "a", false}, {"a*a", "aa", true}, {"*x*y", "1x2y3y", true}, {"*x*y", "yx", false},
	} {
		if got := (train.Group{Pattern: c.pattern}).Matches(c.name); got != c.want {
			t.Errorf("%q matches %q: %v", c.pattern, c.name, got)
		}
	}
}

// The gradient of a batch in parts of 8, 8, 8 and 6 images is that of the whole, up to
// rounding in float32: sums in another order.
func TestMicroBatchesAddUpToTheBatch(t *testing.T) {
	for _, extra := range []func(c *train.Config){
		func(*train.Config) {},
		func(c *train.Config) { c.ClipNorm = 0.1 },
		func(c *train.Config) { c.Optimizer, c.Lookahead, c.Average = "momentum", 2, 0.9 },
	} {
		whole := stepped(t, 5, extra)
		parts := stepped(t, 5, func(c *train.Config) { extra(c); c.MicroBatch = 8 })
		for _, name := range []string{"conv/w", "conv/b", "fc/w", "fc/b"} {
			a, b := param(t, whole, name), param(t, parts, name)
			for i := range a {
				if math.Abs(float64(a[i]-b[i])) > 2e-6 {
					t.Fatalf("%s[%d] is %v, in micro-batches %v", name, i, a[i], b[i])
				}
			}
		}
	}
	one := stepped(t, 2, func(c *train.Config) { c.MicroBatch = 100 })
	if got, want := fingerprint(t, one), fingerprint(t, stepped(t, 2, func(c *train.Config) { c.MicroBatch = 30 })); got != want {
		t.Error("micro-batches of the batch and more differ")
	}
}

// A gradient of norm above the limit moves the weights by lr·limit.
func TestClippedStepsHaveTheNormOfTheLimit(t *testing.T) {
	distance := func(change func(c *train.Config)) float64 {
		a, b := stepped(t, 0, change), stepped(t, 1, change)
		sum := 0.0
		for _, name := range []string{"conv/w", "conv/b", "fc/w", "fc/b"} {
			for i, v := range param(t, b, name) {
				d := float64(v - param(t, a, name)[i])
				sum += d * d
			}
		}
		return math.Sqrt(sum)
	}
	free := distance(func(c *train.Config) { c.WeightDecay = 0 })
	if free < 0.01 {
		t.Fatalf("a step of %v is too short for this test", free)
	}
	if got := distance(func(c *train.Config) { c.WeightDecay, c.ClipNorm = 0, 0.05 }); math.Abs(got-0.005) > 1e-6 {
		t.Errorf("clipped by norm the step is %v, want 0.1·0.05", got)
	}
	if got := distance(func(c *train.Config) { c.WeightDecay, c.ClipValue = 0, 1e-3 }); got >= free || got == 0 {
		t.Errorf("clipped by value the step is %v, without %v", got, free)
	}
}

// What is evaluated, predicted and saved are the means, and a Trainer opened from the
// weights has them as its parameters.
func TestAveragedWeightsAreEvaluatedAndSaved(t *testing.T) {
	ctx := context.Background()
	set := data.Digits(50, 2)
	raw := stepped(t, 10, func(*train.Config) {})
	mean := stepped(t, 10, func(c *train.Config) { c.Average = 0.9 })
	for _, name := range []string{"conv/w", "fc/b"} {
		if !slices.Equal(param(t, raw, name), param(t, mean, name)) {
			t.Errorf("averaging changes how %s is trained", name)
		}
	}
	want := make([]float64, len(param(t, raw, "fc/w")))
	for step := 1; step <= 10; step++ {
		for i, v := range param(t, stepped(t, step, func(*train.Config) {}), "fc/w") {
			want[i] += float64(v) * math.Pow(0.9, float64(10-step)) * (1 - 0.9) / (1 - math.Pow(0.9, 10))
		}
	}
	var file strings.Builder
	if err := mean.WriteWeights(&file); err != nil {
		t.Fatal(err)
	}
	back := stepped(t, 0, func(*train.Config) {})
	if err := train.LoadWeights(back, []byte(file.String())); err != nil {
		t.Fatal(err)
	}
	for i, v := range param(t, back, "fc/w") {
		if math.Abs(float64(v)-want[i]) > 1e-6 { // ten float32 roundings
			t.Fatalf("fc/w[%d] is saved as %v, the mean is %v", i, v, want[i])
		}
	}
	a, err := mean.Evaluate(ctx, set)
	if err != nil {
		t.Fatal(err)
	}
	b, err := back.Evaluate(ctx, set)
	if err != nil {
		t.Fatal(err)
	}
	c, err := raw.Evaluate(ctx, set)
	if err != nil {
		t.Fatal(err)
	}
	if a.Loss != b.Loss || a.Loss == c.Loss {
		t.Errorf("loss %v with means, %v as opened, %v without means; want the first two equal", a.Loss, b.Loss, c.Loss)
	}
}

// Everything at once gives the same bits for any number of threads, and allocates
// nothing in a step.
func TestOptionsTogether(t *testing.T) {
	all := func(threads int) func(c *train.Config) {
		return func(c *train.Config) {
			c.Threads, c.Optimizer, c.Lookahead, c.Average, c.MicroBatch = threads, "lars", 2, 0.9, 7
			c.ClipNorm, c.ClipValue, c.Groups = 1, 0.1, "fc/*=2"
		}
	}
	if a, b := fingerprint(t, stepped(t, 4, all(1))), fingerprint(t, stepped(t, 4, all(2))); a != b {
		t.Error("other bits with two threads")
	}
	tr := stepped(t, 1, all(2))
	set := data.Digits(30, 1)
	b := data.Batch{X: make([]float32, 30*set.Dim()), Y: set.Labels, N: 30}
	if n := testing.AllocsPerRun(10, func() {
		if _, _, err := tr.Step(context.Background(), 1e-3, b); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("a step allocates %v times", n)
	}
}
