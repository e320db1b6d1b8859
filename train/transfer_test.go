package train_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
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

// parity is a task of its own on the digits: is the number even or odd?
func parity(n int, seed uint64) *data.Set {
	s := *data.Digits(n, seed)
	s.Name, s.Classes, s.Labels = "parity", []string{"even", "odd"}, slices.Clone(s.Labels)
	for i := range s.Labels {
		s.Labels[i] %= 2
	}
	return &s
}

// trained returns the folder of Compact, trained on some digits.
func trained(t *testing.T) string {
	t.Helper()
	m, err := models.Find("compact")
	if err != nil {
		t.Fatal(err)
	}
	cfg := train.DefaultConfig(m.Name)
	cfg.Epochs = 2
	set := data.Digits(1000, 1)
	tr, err := train.New(m, cfg, data.ChannelMeanStd(set))
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	run, err := train.Create(t.TempDir(), "base")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tr.Fit(context.Background(), set, nil, train.FitOptions{Run: run}); err != nil {
		t.Fatal(err)
	}
	return run.Dir
}

// imported returns the network of the folder as one that came from elsewhere: a graph
// and weights.
func imported(t *testing.T, dir string) *train.Base {
	t.Helper()
	tr, err := train.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	_, _, logits := tr.Model().Graph(&layers.Builder{})
	base, err := train.NewBase("stranger", logits, tr.State(), tr.Normalizer())
	if err != nil {
		t.Fatal(err)
	}
	return base
}

func transferred(t *testing.T, base *train.Base, change func(c *train.Config)) *train.Trainer {
	t.Helper()
	cfg := train.DefaultConfig("")
	cfg.Classes, cfg.Groups, cfg.Threads = 2, "head/*=1; *=0", 2
	if change != nil {
		change(&cfg)
	}
	tr, err := base.From(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	return tr
}

// A classifier of the features of a network of digits tells even from odd; one of the
// features of a network that was never trained does much worse. A graph with weights is as
// good a start as a run, to the last bit. What comes out is a run: it opens, and
// evaluates to the same.
func TestTransferToALinearClassifier(t *testing.T) {
	dir := trained(t)
	run, err := train.OpenBase(dir)
	if err != nil {
		t.Fatal(err)
	}
	set, test := parity(1000, 5), parity(500, 6)
	var prints []train.Metrics
	for _, classifier := range []string{train.Logistic, train.SVM} {
		for _, base := range []*train.Base{run, imported(t, dir)} {
			tr := transferred(t, base, nil)
			min, err := tr.FitHead(context.Background(), set, classifier, 1e-3)
			if err != nil {
				t.Fatal(err)
			}
			m, err := tr.Evaluate(context.Background(), test)
			if err != nil {
				t.Fatal(err)
			}
			if m.Accuracy < 0.93 || min.Accuracy < m.Accuracy || !min.Converged {
				t.Errorf("%s on %s: accuracy %v, want at least 0.93; %+v", classifier, base.Model.Name, m.Accuracy, min)
			}
			prints = append(prints, m)

			folder, err := train.Create(t.TempDir(), "head")
			if err != nil {
				t.Fatal(err)
			}
			if err := folder.Keep(tr, set.Classes, train.Record{Epoch: 1, TestAccuracy: m.Accuracy}); err != nil {
				t.Fatal(err)
			}
			back, err := train.Open(folder.Dir)
			if err != nil {
				t.Fatal(err)
			}
			defer back.Close()
			if again, err := back.Evaluate(context.Background(), test); err != nil || again.Loss != m.Loss || again.Accuracy != m.Accuracy {
				t.Errorf("%s: the run evaluates to %v, %v (%v); it was %v, %v", classifier, again.Loss, again.Accuracy, err, m.Loss, m.Accuracy)
			}
			// And it is itself something to start from, below its head.
			next, err := train.OpenBase(folder.Dir)
			if err != nil {
				t.Fatal(err)
			}
			more := transferred(t, next, func(c *train.Config) { c.Classes = 10 })
			if _, err := more.FitHead(context.Background(), data.Digits(300, 7), train.Logistic, 1e-3); err != nil {
				t.Error(err)
			}
		}
	}
	for i := range prints {
		if i%2 == 1 && (prints[i].Loss != prints[i-1].Loss || prints[i].Accuracy != prints[i-1].Accuracy) {
			t.Errorf("of a graph: loss %v, of a run %v", prints[i].Loss, prints[i-1].Loss)
		}
	}
}

// A feature that is the same for all images, but not 0, had a deviation of rounding alone, and so weights of 10¹³, which
// float32 does not survive: FitHead reported 0.95 and the network got 0.59. What FitHead reports is what Evaluate finds, also
// where the means of features are far from 0.
func TestFitHeadWithAConstantFeature(t *testing.T) {
	const n = 1000
	flat := models.Model{Name: "flat", Input: graph.Shape{1, 4, 4}, Classes: 2,
		Build: func(b *layers.Builder, x *graph.Value) *graph.Value { return b.Linear(models.Head, ops.Flatten(x), 2) }}
	set := &data.Set{Name: "table", C: 1, H: 4, W: 4, Classes: []string{"dark", "light"}}
	rng := rand.New(rand.NewPCG(4, 2))
	for range n {
		sum := 40 * rng.NormFloat64()
		for j := range 16 {
			v := byte(77)
			if j != 5 {
				v = byte(150 + rng.IntN(100))
				sum += float64(j%3-1) * (float64(v) - 199.5)
			}
			set.Pixels = append(set.Pixels, v)
		}
		label := int32(0)
		if sum > 0 {
			label = 1
		}
		set.Labels = append(set.Labels, label)
	}
	for _, classifier := range []string{train.Logistic, train.SVM} {
		tr, err := train.New(flat, train.DefaultConfig(flat.Name), data.Normalizer{})
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		fit, err := tr.FitHead(context.Background(), set, classifier, 1e-4)
		if err != nil {
			t.Fatal(err)
		}
		m, err := tr.Evaluate(context.Background(), set)
		if err != nil {
			t.Fatal(err)
		}
		// The weights are rounded to float32, which may tip one image.
		if fit.Accuracy < 0.8 || math.Abs(fit.Accuracy-m.Accuracy) > 1.5/n {
			t.Errorf("%s: FitHead reports an accuracy of %v, Evaluate %v", classifier, fit.Accuracy, m.Accuracy)
		}
		w, err := tr.State().Get(models.Head + "/w")
		if err != nil {
			t.Fatal(err)
		}
		if v := w.Float32s(); v[5] != 0 || v[16+5] != 0 {
			t.Errorf("%s: the weights of the constant feature are %v and %v", classifier, v[5], v[16+5])
		}
	}
}

// Only what groups name changes, and it changes for the better.
func TestTransferFineTunes(t *testing.T) {
	dir := trained(t)
	base, err := train.OpenBase(dir)
	if err != nil {
		t.Fatal(err)
	}
	set, test := parity(600, 5), parity(500, 6)
	for name, lr := range map[string]float64{"run": 0.02, "graph": 0.006} {
		base := base
		if name == "graph" {
			base = imported(t, dir)
		}
		tr := transferred(t, base, func(c *train.Config) {
			c.Groups, c.LR, c.Epochs, c.Head = "head/*=1; conv3*=0.5; *=0", lr, 6, "conv3_norm"
		})
		if _, err := tr.FitHead(context.Background(), set, train.Logistic, 1e-2); err != nil {
			t.Fatal(err)
		}
		before, err := tr.Evaluate(context.Background(), test)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tr.Fit(context.Background(), set, nil, train.FitOptions{}); err != nil {
			t.Fatal(err)
		}
		after, err := tr.Evaluate(context.Background(), test)
		if err != nil {
			t.Fatal(err)
		}
		if after.Accuracy < before.Accuracy+0.01 {
			t.Errorf("%s: accuracy %v, after fine-tuning %v", name, before.Accuracy, after.Accuracy)
		}
		for _, p := range tr.Graph().Params() {
			label := p.Node().String()
			for _, w := range []struct {
				name  string
				moves bool
			}{{"conv1/w", false}, {"conv2/w", false}, {"conv2_norm/gamma", false}, {"conv3/w", true}, {"conv3_norm/gamma", true}} {
				if !strings.Contains(label, `"`+w.name+`"`) {
					continue
				}
				was, _ := base.State.Get(w.name)
				is, err := tr.State().Get(w.name)
				if err != nil {
					t.Fatal(err)
				}
				if moved := !slices.Equal(was.Float32s(), is.Float32s()); moved != w.moves {
					t.Errorf("%s: %s changed: %v, want %v", name, w.name, moved, w.moves)
				}
			}
		}
	}
}

// A classifier that was fitted is worth something: fine-tuning that explodes at once used to remove the folder it was in, and
// one that made the network worse kept the epoch after as the best.
func TestFineTuningKeepsTheClassifierThatItBeginsWith(t *testing.T) {
	base, err := train.OpenBase(trained(t))
	if err != nil {
		t.Fatal(err)
	}
	set, test := parity(300, 5), parity(200, 6)
	ctx := context.Background()
	for name, lr := range map[string]float64{"diverges": 1e20, "gets worse": 0.5} {
		tr := transferred(t, base, func(c *train.Config) { c.Groups, c.LR, c.Epochs, c.Schedule, c.Explode = "*=1", lr, 2, "constant", 0 })
		if _, err := tr.FitHead(ctx, set, train.Logistic, 1e-2); err != nil {
			t.Fatal(err)
		}
		head, err := tr.Evaluate(ctx, test)
		if err != nil {
			t.Fatal(err)
		}
		run, err := train.Create(t.TempDir(), "run")
		if err != nil {
			t.Fatal(err)
		}
		start := &train.Record{Loss: 0.1, Accuracy: 1, TestLoss: head.Loss, TestAccuracy: head.Accuracy}
		res, err := tr.Fit(ctx, set, test, train.FitOptions{Run: run, Start: start})
		diverged := (*train.Diverged)(nil)
		open := map[string]func(string) (*train.Trainer, error){"best": train.OpenBest}
		if name == "diverges" {
			if !errors.As(err, &diverged) || len(res.Epochs) > 0 {
				t.Fatalf("lr %g: %v after %d epochs, want that it diverges in the first", lr, err, len(res.Epochs))
			}
			open["last"] = train.Open
		} else if err != nil || res.Best() != 0 || res.Accuracy >= head.Accuracy {
			t.Fatalf("lr %g: %v, best epoch %d, accuracy %v; want a worse one than %v", lr, err, res.Best(), res.Accuracy, head.Accuracy)
		}
		for what, open := range open {
			back, err := open(run.Dir)
			if err != nil {
				t.Fatalf("%s: %s: %v", name, what, err)
			}
			defer back.Close()
			if m, err := back.Evaluate(ctx, test); err != nil || m.Accuracy != head.Accuracy || m.Loss != head.Loss {
				t.Errorf("%s: %s has %v, %v (%v), the classifier %v, %v", name, what, m.Accuracy, m.Loss, err, head.Accuracy, head.Loss)
			}
		}
		if diverged != nil {
			continue
		}
		// A run that goes on knows it too.
		more, run, err := train.Resume(run.Dir, func(c *train.Config) { c.Epochs = 3 })
		if err != nil {
			t.Fatal(err)
		}
		defer more.Close()
		if res, err := more.Fit(ctx, set, test, train.FitOptions{Run: run}); err != nil || res.Start == nil || res.Start.TestAccuracy != head.Accuracy {
			t.Errorf("resumed: %v, start %+v, want accuracy %v", err, res.Start, head.Accuracy)
		}
	}
}

// The features of the last layer, put through its weights, are the network's answer.
func TestFeaturesAreWhatTheLastLayerGets(t *testing.T) {
	tr, err := train.Open(trained(t))
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	set := data.Digits(300, 3)
	f, err := tr.Features(context.Background(), set, "")
	if err != nil {
		t.Fatal(err)
	}
	if f.Dim != 128 || len(f.X) != 300*128 {
		t.Fatalf("%d features of %d images, want 128 of 300", f.Dim, len(f.X)/f.Dim)
	}
	w, _ := tr.State().Get("fc2/w")
	b, _ := tr.State().Get("fc2/b")
	probs, err := tr.Predict(context.Background(), set.Pixels, set.Len())
	if err != nil {
		t.Fatal(err)
	}
	for i := range set.Len() {
		var e [10]float64
		sum := 0.0
		for k := range e {
			v := float64(b.Float32s()[k])
			for j := range f.Dim {
				v += float64(w.Float32s()[k*f.Dim+j]) * float64(f.X[i*f.Dim+j])
			}
			e[k] = math.Exp(v)
			sum += e[k]
		}
		for k := range e {
			// 128 products in float32, of sums up to about 10: within 10⁻⁵.
			if got := float64(probs[i*10+k]); math.Abs(got-e[k]/sum) > 1e-5 {
				t.Fatalf("image %d, class %d: %v, the features give %v", i, k, got, e[k]/sum)
			}
		}
	}
	if maps, err := tr.Features(context.Background(), set, "conv2"); err != nil || maps.Dim != 32 {
		t.Errorf("conv2 gives %+v, %v; want the means of 32 maps", maps, err)
	}
}

func TestTransferMistakes(t *testing.T) {
	base, err := train.OpenBase(trained(t))
	if err != nil {
		t.Fatal(err)
	}
	tr := transferred(t, base, nil)
	set := parity(20, 1)
	for _, c := range []struct {
		name, want string
		run        func() error
	}{
		{"an unknown node", `unknown node "conv4", did you mean conv`, func() error {
			_, err := base.From(train.Config{Classes: 2, Head: "conv4"})
			return err
		}},
		{"no classes", "a head for 0 classes", func() error { _, err := base.From(train.Config{}); return err }},
		{"a classifier", `classifier "tree", want logistic or svm`, func() error {
			_, err := tr.FitHead(context.Background(), set, "tree", 0)
			return err
		}},
		{"λ", "λ is -1", func() error { _, err := tr.FitHead(context.Background(), set, train.SVM, -1); return err }},
		{"labels", "want 0 to 1", func() error {
			_, err := tr.FitHead(context.Background(), data.Digits(20, 1), train.SVM, 0)
			return err
		}},
		{"colour", "wants images 1×28×28, noise has images 3×32×32", func() error {
			_, err := tr.Features(context.Background(), noise(10), "")
			return err
		}},
		{"no logits", "want logits", func() error {
			m, _ := models.Find("compact")
			g, x, _ := m.Graph(&layers.Builder{})
			_ = g
			_, err := train.NewBase("maps", ops.ReLU(x), base.State, base.Norm)
			return err
		}},
		{"names", "has 2 classes, got 1 names", func() error {
			run, err := train.Create(t.TempDir(), "x")
			if err != nil {
				t.Fatal(err)
			}
			return run.Keep(tr, []string{"a"}, train.Record{})
		}},
	} {
		if err := c.run(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
