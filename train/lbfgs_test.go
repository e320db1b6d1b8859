package train_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"neocog/data"
	"neocog/graph"
	"neocog/models/layers"
	"neocog/ops"
	"neocog/train"
	"neocog/vm"
)

// Rosenbrock's banana, (1−a)² + 100·(b−a²)², from where everybody starts, (−1.2, 1): the
// minimum is 0 at (1, 1).
func TestLBFGSFindsTheMinimum(t *testing.T) {
	g := graph.New("rosenbrock")
	typ := graph.Of(graph.Float64)
	a, b := g.Param("a", typ, graph.Constant(-1.2)), g.Param("b", typ, graph.Constant(1))
	loss := ops.Add(ops.Square(ops.OneMinus(a)), ops.Scale(ops.Square(ops.Sub(b, ops.Square(a))), 100))
	state := vm.NewState(1)
	steps := 0
	m, err := train.LBFGS{Tolerance: 1e-9, Observe: func(step int, _ float64) error { steps = step; return nil }}.
		Minimize(context.Background(), loss, state, []vm.Feeds{{}})
	if err != nil {
		t.Fatal(err)
	}
	if !m.Converged || m.Gradient > 1e-9 || m.Steps > 60 || steps != m.Steps {
		t.Errorf("%+v, %d steps observed; want convergence within 60", m, steps)
	}
	for _, name := range []string{"a", "b"} {
		v, err := state.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		if x, _ := vm.Scalar(v); math.Abs(x-1) > 1e-9 {
			t.Errorf("%s is %v, want 1", name, x)
		}
	}
}

// softmaxRegression returns softmax regression of the digits with L2, and the digits to feed in
// parts of so many.
func softmaxRegression(t *testing.T, d graph.DType, n, each int) (*graph.Value, []vm.Feeds) {
	t.Helper()
	set := data.Digits(n, 1)
	g := graph.New("logistic")
	x, y := g.Input("x", graph.Of(d, graph.Batch, set.Dim())), g.Input("labels", graph.Of(graph.Int32, graph.Batch))
	b := &layers.Builder{DType: d}
	loss := b.Loss(b.Linear("fc", x, 10), y, ops.CrossEntropy{})
	loss = ops.Add(loss, ops.Scale(ops.L2(2, b.Decay...), 1e-3))
	var parts []vm.Feeds
	for from := 0; from < n; from += each {
		to := min(n, from+each)
		var pixels any
		if d == graph.Float64 {
			pixels = convert[float64](set.Pixels[from*set.Dim() : to*set.Dim()])
		} else {
			pixels = convert[float32](set.Pixels[from*set.Dim() : to*set.Dim()])
		}
		parts = append(parts, vm.Feeds{
			x: tensor.New(tensor.WithShape(to-from, set.Dim()), tensor.WithBacking(pixels)),
			y: tensor.New(tensor.WithShape(to-from), tensor.WithBacking(set.Labels[from:to])),
		})
	}
	return loss, parts
}

func convert[T float32 | float64](pixels []byte) []T {
	x := make([]T, len(pixels))
	for i, p := range pixels {
		x[i] = T(p) / 255
	}
	return x
}

// A convex problem has one minimum, whatever the parts, and the same bits for any number
// of threads. Parts of unequal sizes count by their sizes.
func TestLBFGSIsDeterministic(t *testing.T) {
	minimum := func(threads, each int) (train.Minimum, []float64) {
		loss, parts := softmaxRegression(t, graph.Float64, 300, each)
		state := vm.NewState(1)
		m, err := train.LBFGS{Tolerance: 1e-7, Iterations: 500}.Minimize(context.Background(), loss, state, parts, vm.Threads(threads))
		if err != nil {
			t.Fatal(err)
		}
		if !m.Converged {
			t.Errorf("%d threads, parts of %d: %+v has not converged", threads, each, m)
		}
		w, err := state.Get("fc/w")
		if err != nil {
			t.Fatal(err)
		}
		return m, w.Float64s()
	}
	m, w := minimum(1, 300)
	for _, threads := range []int{2, 3} {
		if other, v := minimum(threads, 300); other != m || !slices.Equal(v, w) {
			t.Errorf("%d threads: %+v, with one %+v, or other weights", threads, other, m)
		}
	}
	// The loss is strongly convex with a modulus of 2·10⁻³, that of the L2 term, and so within
	// √7840·10⁻⁷/2·10⁻³ ≈ 4·10⁻³ of the minimum in w, and 10⁻⁸ in the loss, by its gradient.
	if other, _ := minimum(2, 130); math.Abs(other.Loss-m.Loss) > 1e-8 {
		t.Errorf("loss %v in three parts, %v in one", other.Loss, m.Loss)
	}
}

// In float32 a search ends where rounding hides progress, which is no error.
func TestLBFGSInFloat32(t *testing.T) {
	loss, parts := softmaxRegression(t, graph.Float32, 200, 200)
	m, err := train.LBFGS{Tolerance: 1e-12}.Minimize(context.Background(), loss, vm.NewState(1), parts)
	if err != nil {
		t.Fatal(err)
	}
	if m.Gradient > 1e-3 || m.Loss > 0.5 {
		t.Errorf("%+v, want a gradient below 1e-3", m)
	}
}

func TestLBFGSMistakes(t *testing.T) {
	loss, parts := softmaxRegression(t, graph.Float64, 20, 20)
	x := loss.Graph().Inputs()[0]
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	full := errors.New("the disk is full")
	for _, c := range []struct {
		name, want string
		run        func() error
	}{
		{"no parts", "at least one part", func() error {
			_, err := train.LBFGS{}.Minimize(context.Background(), loss, vm.NewState(1), nil)
			return err
		}},
		{"a memory below 0, which ended the program", "iterations, memory and tolerance of at least 0, got 0, -1 and 0", func() error {
			_, err := train.LBFGS{Memory: -1}.Minimize(context.Background(), loss, vm.NewState(1), parts)
			return err
		}},
		{"a tolerance that is no number", "at least 0, got 0, 0 and NaN", func() error {
			_, err := train.LBFGS{Tolerance: math.NaN()}.Minimize(context.Background(), loss, vm.NewState(1), parts)
			return err
		}},
		{"no scalar", "wants a loss that is a scalar", func() error {
			_, err := train.LBFGS{}.Minimize(context.Background(), x, vm.NewState(1), parts)
			return err
		}},
		{"cancelled", context.Canceled.Error(), func() error {
			_, err := train.LBFGS{}.Minimize(cancelled, loss, vm.NewState(1), parts)
			return err
		}},
		{"a feed is missing", "labels", func() error {
			_, err := train.LBFGS{}.Minimize(context.Background(), loss, vm.NewState(1), []vm.Feeds{{x: parts[0][x]}})
			return err
		}},
		{"the observer fails", full.Error(), func() error {
			_, err := train.LBFGS{Observe: func(int, float64) error { return full }}.Minimize(context.Background(), loss, vm.NewState(1), parts)
			if !errors.Is(err, full) {
				t.Errorf("%v is not the observer's error", err)
			}
			return err
		}},
	} {
		if err := c.run(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// An interrupted search leaves the best that it has found.
func TestLBFGSKeepsTheBestWhenItIsInterrupted(t *testing.T) {
	loss, parts := softmaxRegression(t, graph.Float64, 100, 100)
	ctx, cancel := context.WithCancel(context.Background())
	state := vm.NewState(1)
	reached := 0.0
	_, err := train.LBFGS{Observe: func(step int, l float64) error {
		reached = l
		if step == 3 {
			cancel()
		}
		return nil
	}}.Minimize(ctx, loss, state, parts)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("the error is %v", err)
	}
	p, err := vm.Compile(loss.Graph(), []*graph.Value{loss})
	if err != nil {
		t.Fatal(err)
	}
	m, err := p.NewMachine(state)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	out, err := m.Run(context.Background(), parts[0])
	if err != nil {
		t.Fatal(err)
	}
	if l, _ := vm.Scalar(out[0]); math.Abs(l-reached) > 1e-12 {
		t.Errorf("the loss is %v, that of step 3 was %v", l, reached)
	}
}
