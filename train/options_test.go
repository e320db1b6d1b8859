package train_test

import (
	"context"
	"errors"
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

// A tired context ends after it was asked once.
type tired struct {
	context.Context
	asked int
}

func (c *tired) Err() error {
	if c.asked++; c.asked > 1 {
		return context.Canceled
	}
	return nil
}

// An interrupt between the parts of a step once left the statistics of batch normalisation between two steps.
func TestInterruptedMicroBatchesAreAWholeStep(t *testing.T) {
	m := plain
	m.Build = func(b *layers.Builder, x *graph.Value) *graph.Value { return plain.Build(b, b.BatchNorm("norm", x)) }
	step := func(ctx context.Context) (string, error) {
		c := train.DefaultConfig(m.Name)
		c.MicroBatch = 8
		set := data.Digits(30, 1)
		tr, err := train.New(m, c, data.PixelMean(set))
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		loader := data.Loader{Set: set, Batch: 30, Norm: data.PixelMean(set)}
		for b := range loader.Epoch(0) {
			_, _, err = tr.Step(ctx, 0.1, b)
		}
		return fingerprint(t, tr), err
	}
	whole, err := step(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := step(&tired{Context: context.Background()}); err == nil && got != whole || err != nil {
		t.Errorf("%v; the state is that of a whole step: %t", err, got == whole)
	}
	none := &tired{Context: context.Background(), asked: 1}
	if got, err := step(none); !errors.Is(err, context.Canceled) || got == whole {
		t.Errorf("an ended context gives %v", err)
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

// A network that always says (1, 0, …, 0)·log makes the loss of mixed labels plain: here
// against steps on the two labels apart. The loss is linear in the label.
func TestMixedLabelsShareTheLoss(t *testing.T) {
	mixed := func(c *train.Config) { c.Augment = "mixup:1" }
	set := data.Digits(20, 3)
	x := make([]float32, 20*set.Dim())
	for i, v := range set.Pixels {
		x[i] = float32(v) / 255
	}
	other, share := make([]int32, 20), make([]float32, 20)
	for i := range other {
		other[i], share[i] = (set.Labels[i]+3)%10, 0.75
	}
	loss := func(change func(*train.Config), b data.Batch) float64 {
		b.X, b.N = x, 20
		l, _, err := stepped(t, 0, change).Step(context.Background(), 0.1, b)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	first, second := loss(func(*train.Config) {}, data.Batch{Y: set.Labels}), loss(func(*train.Config) {}, data.Batch{Y: other})
	got := loss(mixed, data.Batch{Y: set.Labels, Other: other, Share: share})
	if want := 0.75*first + 0.25*second; math.Abs(got-want) > 1e-5 || math.Abs(first-second) < 1e-3 {
		t.Errorf("loss %v, want %v of %v and %v", got, want, first, second)
	}
	if got := loss(mixed, data.Batch{Y: set.Labels}); math.Abs(got-first) > 1e-5 {
		t.Errorf("loss without another label %v, want %v", got, first)
	}
	b := data.Batch{X: x, N: 20, Y: set.Labels, Other: other, Share: share}
	if _, _, err := stepped(t, 0, func(*train.Config) {}).Step(context.Background(), 0.1, b); err == nil || !strings.Contains(err.Error(), "mixed images") {
		t.Errorf("mixed images where none are expected: error %v", err)
	}
}

func TestViewsAreAveraged(t *testing.T) {
	ctx := context.Background()
	set := data.Digits(30, 4)
	tr := stepped(t, 5, func(*train.Config) {})
	mirrored := make([]byte, len(set.Pixels))
	for p := range mirrored {
		mirrored[p] = set.Pixels[p/28*28+27-p%28]
	}
	a, err := tr.Predict(ctx, set.Pixels, 30)
	if err != nil {
		t.Fatal(err)
	}
	b, err := tr.Predict(ctx, mirrored, 30)
	if err != nil {
		t.Fatal(err)
	}
	tr.SetViews(data.Mirror())
	got, err := tr.Predict(ctx, set.Pixels, 30)
	if err != nil {
		t.Fatal(err)
	}
	loss, correct := 0.0, 0
	for i, y := range set.Labels {
		best := 0
		for k := range 10 {
			p := i*10 + k
			if want := (a[p] + b[p]) / 2; math.Abs(float64(got[p]-want)) > 1e-7 {
				t.Fatalf("image %d, class %d: %v, want the mean of %v and %v", i, k, got[p], a[p], b[p])
			}
			if got[p] > got[i*10+best] {
				best = k
			}
		}
		loss -= math.Log(float64(got[i*10+int(y)])) / 30
		if best == int(y) {
			correct++
		}
	}
	m, err := tr.Evaluate(ctx, set)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(m.Loss-loss) > 1e-6 || m.Accuracy != float64(correct)/30 {
		t.Errorf("loss %v, accuracy %v, want %v and %d of 30", m.Loss, m.Accuracy, loss, correct)
	}
	tr.SetViews(data.TenCrops(20, 28))
	if _, err := tr.Evaluate(ctx, set); err == nil || !strings.Contains(err.Error(), "has images 1×20×20 of 10 classes, after augmentation") {
		t.Errorf("views of another size: error %v", err)
	}
}

// A run with everything that augmentation has ends in the same bits for any number of
// workers and threads.
func TestAugmentedRunsHaveTheSameBitsForAnyWorkers(t *testing.T) {
	set := data.Digits(90, 1)
	run := func(workers, threads int) string {
		c := train.DefaultConfig(plain.Name)
		c.Epochs, c.Batch, c.Workers, c.Threads = 2, 32, workers, threads
		c.Augment = "border:edge+crop:2+rotate:10+elastic:10,3+contrast:0.2+cutout:4+mixup"
		tr, err := train.New(plain, c, data.PixelMean(set))
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		if _, err := tr.Fit(context.Background(), set, set, train.FitOptions{}); err != nil {
			t.Fatal(err)
		}
		return fingerprint(t, tr)
	}
	want := run(0, 1)
	for _, c := range [][2]int{{1, 1}, {2, 2}, {5, 1}} {
		if run(c[0], c[1]) != want {
			t.Errorf("%d workers, %d threads: other bits", c[0], c[1])
		}
	}
}

// Weights that are set are those that are evaluated and saved, also where means of others were kept.
func TestSetWeightsBeginsAveragesAnew(t *testing.T) {
	other := stepped(t, 3, func(*train.Config) {})
	f, err := other.Weights()
	if err != nil {
		t.Fatal(err)
	}
	mean := stepped(t, 10, func(c *train.Config) { c.Average = 0.9 })
	if err := mean.SetWeights(f); err != nil {
		t.Fatal(err)
	}
	got, err := mean.Weights()
	if err != nil {
		t.Fatal(err)
	}
	for name, d := range f.Tensors {
		if !slices.Equal(got.Tensors[name].Float32s(), d.Float32s()) {
			t.Errorf("%s is not what was set", name)
		}
	}
	delete(f.Tensors, "fc/b")
	if err := mean.SetWeights(f); err == nil || err.Error() != `they do not fit model "plain": it has no "fc/b", f32[10]` {
		t.Errorf("error %v", err)
	}
}
