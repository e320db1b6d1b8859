package train_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"neocog/data"
	"neocog/train"
)

// Restarts falls to zero at the end of each cycle and begins again; cycles are whole
// epochs, as equal as they can be.
func TestRestarts(t *testing.T) {
	s := train.Restarts{Cycles: 3}
	for _, c := range []struct{ epoch, epochs, want float64 }{
		{0, 9, 1}, {1.5, 9, 0.5}, {3, 9, 1}, {4.5, 9, 0.5}, {6, 9, 1}, {9, 9, 0},
		{2, 10, (1 + math.Cos(math.Pi*2/3)) / 2}, {3, 10, 1}, {6, 10, 1}, {8, 10, 0.5}, // of 3, 3 and 4 epochs
	} {
		if got := s.Rate(c.epoch, c.epochs); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("epoch %v of %v: %v, want %v", c.epoch, c.epochs, got, c.want)
		}
	}
}

// A run with restarts keeps a snapshot for each cycle; the last is the run itself. The
// ensemble's probabilities are the means of its members'.
func TestSnapshots(t *testing.T) {
	tr := lenet(t, func(c *train.Config) { c.Epochs, c.Schedule = 4, "warmup:0.5+restarts:2" })
	set, test := data.Digits(300, 1), data.Digits(100, 2)
	run, err := train.Create(t.TempDir(), "snapshots")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tr.Fit(context.Background(), set, nil, train.FitOptions{Run: run}); err != nil {
		t.Fatal(err)
	}
	e, err := train.OpenSnapshots(run.Dir)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if len(e) != 2 || e[0].Epoch() != 2 || e[1].Epoch() != 4 || fingerprint(t, e[0]) == fingerprint(t, e[1]) {
		t.Fatalf("%d snapshots, want two different ones, of epochs 2 and 4", len(e))
	}
	var members [][]float32
	for _, m := range e {
		p, err := m.Predict(context.Background(), test.Pixels, test.Len())
		if err != nil {
			t.Fatal(err)
		}
		members = append(members, p)
	}
	last, err := tr.Predict(context.Background(), test.Pixels, test.Len())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(members[1], last) {
		t.Error("the last snapshot is not the run's last weights")
	}
	mean, err := e.Predict(context.Background(), test.Pixels, test.Len())
	if err != nil {
		t.Fatal(err)
	}
	right, loss := 0, 0.0
	for i, y := range test.Labels {
		best := 0
		loss -= math.Log(float64(mean[i*10+int(y)])) / 100
		for k := range 10 {
			j := i*10 + k
			if want := members[0][j]/2 + members[1][j]/2; mean[j] != want {
				t.Fatalf("image %d, class %d: %v, want the mean %v", i, k, mean[j], want)
			}
			if mean[j] > mean[i*10+best] {
				best = k
			}
		}
		if best == int(y) {
			right++
		}
	}
	m, err := e.Evaluate(context.Background(), test)
	if err != nil {
		t.Fatal(err)
	}
	// The loss is the mean over the labels' probabilities, added up in another order at most.
	if want := float64(right) / 100; m.Accuracy != want || m.N != 100 || math.Abs(m.Loss-loss) > 1e-12*loss {
		t.Errorf("%+v, want an accuracy of %v and a loss of %v on 100", m, want, loss)
	}
}

// Networks that are sure of something else give a label a mean probability that is 0 in float32: no infinite loss.
func TestMeansThatUnderflowAreNoInfiniteLoss(t *testing.T) {
	set := data.Digits(20, 1)
	c := train.DefaultConfig(plain.Name)
	tr, err := train.New(plain, c, data.PixelMean(set))
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	bias := make([]float32, 10)
	bias[3] = 1e4
	if err := tr.State().Set("fc/b", tensor.New(tensor.WithShape(10), tensor.WithBacking(bias))); err != nil {
		t.Fatal(err)
	}
	alone, err := tr.Evaluate(t.Context(), set)
	if err != nil {
		t.Fatal(err)
	}
	both, err := train.Ensemble{tr, tr}.Evaluate(t.Context(), set)
	if err != nil {
		t.Fatal(err)
	}
	views, err := data.ParseViews("mirror")
	if err != nil {
		t.Fatal(err)
	}
	tr.SetViews(views)
	seen, err := tr.Evaluate(t.Context(), set)
	if err != nil {
		t.Fatal(err)
	}
	most := 150 * math.Ln2 // of a label whose probability is below the least float32, 2⁻¹⁴⁹
	if alone.Loss < 1000 || both.Loss < 50 || both.Loss > most || seen.Loss < 50 || seen.Loss > most {
		t.Errorf("losses: alone %v, of an ensemble %v, of views %v, want these two at most %v", alone.Loss, both.Loss, seen.Loss, most)
	}
}

func TestEnsembleMistakes(t *testing.T) {
	ten := lenet(t, nil)
	two, err := train.OpenBase(trained(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, want string
		run        func() error
	}{
		{"none", "at least one network", func() error {
			_, err := train.Ensemble{}.Evaluate(context.Background(), data.Digits(1, 1))
			return err
		}},
		{"no images", "there is no data set", func() error {
			_, err := train.Ensemble{ten}.Evaluate(context.Background(), nil)
			return err
		}},
		{"classes", "want the same classes; lenet5 has 10", func() error {
			_, err := train.Ensemble{ten, transferred(t, two, nil)}.Predict(context.Background(), nil, 0)
			return err
		}},
		{"no snapshots", `has no snapshots; the schedule restarts:CYCLES leaves them, this run's was "one-cycle:0.2"`, func() error {
			_, err := train.OpenSnapshots(trained(t))
			return err
		}},
		{"cycles", "restarts:9 wants at least one epoch for each cycle, got 2 epochs", func() error {
			tr := lenet(t, func(c *train.Config) { c.Schedule = "restarts:9" })
			_, err := tr.Fit(context.Background(), data.Digits(10, 1), nil, train.FitOptions{})
			return err
		}},
	} {
		if err := c.run(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
