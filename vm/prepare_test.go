package vm_test

import (
	"context"
	"math"
	"testing"

	"neocog/graph"
	"neocog/ops"
	"neocog/vm"
	"neocog/vm/kernel"
)

// scaled returns x times w, of which it prepares a copy; it counts how often in count, and fails then if fault says so.
type scaled struct {
	count *int
	fault *bool
}

func (scaled) Name() string                                { return "test.Scaled" }
func (scaled) Infer(in []graph.Type) ([]graph.Type, error) { return in[:1], nil }

func (o scaled) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return kernel.Plan{
		Prepare: kernel.Preparation{Steps: 1, Input: 1, Bytes: 4},
		Steps: []kernel.Step{
			{N: 1, Run: func(c *kernel.Call, lo, hi int) {
				*o.count++
				kernel.Prepared[float32](c, 0, 1)[0] = kernel.In[float32](c, 1)[0]
			}},
			{N: in[0].Shape.Size(), Grain: 100, Run: func(c *kernel.Call, lo, hi int) {
				if *o.fault {
					c.Fault.Set(lo, "bad data")
				}
				x, y, w := kernel.In[float32](c, 0), kernel.Out[float32](c, 0), kernel.Prepared[float32](c, 0, 1)[0]
				for ; lo < hi; lo++ {
					y[lo] = x[lo] * w
				}
			}},
		},
	}, nil
}

// scaling is a program, ready to run, that multiplies its input by the parameter w, or what of makes of it.
func scaling(t *testing.T, s *vm.State, op scaled, of func(w *graph.Value) *graph.Value) (run func(n int) (float32, error)) {
	g := graph.New("scaling")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch))
	w := g.Param("w", graph.Of(graph.Float32, 1), graph.Constant(2))
	m := start(t, g, s, []*graph.Value{graph.Apply(op, x, of(w))})
	return func(n int) (float32, error) {
		v := make([]float32, n)
		for i := range v {
			v[i] = 10
		}
		out, err := m.Run(context.Background(), vm.Feeds{x: floats(v...)})
		if err != nil {
			return 0, err
		}
		return out[0].Float32s()[n-1], nil
	}
}

func same(w *graph.Value) *graph.Value { return w }

func TestPreparedParameterIsKeptUntilItChanges(t *testing.T) {
	s, count, fault := vm.NewState(1), 0, false
	run := scaling(t, s, scaled{&count, &fault}, same)
	check := func(what string, n int, want float32, prepared int) {
		t.Helper()
		got, err := run(n)
		if err != nil || got != want || count != prepared {
			t.Errorf("%s: got %v, %v, prepared %d times, want %v and %d", what, got, err, count, want, prepared)
		}
	}
	check("first run", 3, 20, 1)
	check("second run", 3, 20, 1)
	check("another batch size, in a larger arena", 300, 20, 2)
	check("and the first again", 3, 20, 3)
	if err := s.Set("w", floats(5)); err != nil {
		t.Fatal(err)
	}
	check("after Set", 3, 50, 4)
	check("and again", 3, 50, 4)

	g := graph.New("training")
	w := g.Param("w", graph.Of(graph.Float32, 1), graph.Constant(2))
	g.Update(w, ops.Scale(w, 2))
	step := start(t, g, s, nil)
	if _, err := step.Run(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	check("after another machine has changed it", 3, 100, 5)

	fault = true
	if _, err := run(3); err == nil {
		t.Error("no error")
	}
	fault = false
	check("after a run that failed", 3, 100, 6)
}

// What depends on parameters alone is kept as they are, and what is prepared of it too.
func TestPreparedOfWhatDependsOnParametersIsKept(t *testing.T) {
	s, count, fault := vm.NewState(1), 0, false
	run := scaling(t, s, scaled{&count, &fault}, func(w *graph.Value) *graph.Value { return ops.Scale(ops.Exp(w), 2) })
	for range 3 {
		if got, err := run(3); err != nil || math.Abs(float64(got)-20*math.Exp(2)) > 1e-4 || count != 1 {
			t.Errorf("got %v, %v, prepared %d times, want %v and 1", got, err, count, 20*math.Exp(2))
		}
	}
	if err := s.Set("w", floats(0)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got, err := run(3); err != nil || got != 20 || count != 2 {
			t.Errorf("after Set: got %v, %v, prepared %d times, want 20 and 2", got, err, count)
		}
	}
}

func TestPreparedIsMadeInEachRunOfWhatDependsOnAnInput(t *testing.T) {
	count, fault := 0, false
	g := graph.New("two inputs")
	x, w := g.Input("x", graph.Of(graph.Float32, 2)), g.Input("w", graph.Of(graph.Float32, 1))
	m := start(t, g, vm.NewState(1), []*graph.Value{graph.Apply(scaled{&count, &fault}, x, ops.Scale(w, 2))})
	for i := range 3 {
		out, err := m.Run(context.Background(), vm.Feeds{x: floats(10, 10), w: floats(float32(i))})
		if err != nil {
			t.Fatal(err)
		}
		if got := out[0].Float32s()[0]; got != float32(20*i) || count != i+1 {
			t.Errorf("got %v, prepared %d times, want %v and %d", got, count, 20*i, i+1)
		}
	}
}

func TestPreparedConstantIsKept(t *testing.T) {
	count, fault := 0, false
	run := scaling(t, vm.NewState(1), scaled{&count, &fault}, func(w *graph.Value) *graph.Value {
		return w.Graph().Scalar(graph.Float32, 3)
	})
	for range 3 {
		if got, err := run(3); err != nil || got != 30 || count != 1 {
			t.Errorf("got %v, %v, prepared %d times, want 30 and 1", got, err, count)
		}
	}
}

// A program which changes the parameter itself prepares it in each run.
func TestPreparedParameterOfItsOwnUpdate(t *testing.T) {
	s, count, fault := vm.NewState(1), 0, false
	g := graph.New("training")
	x := g.Input("x", graph.Of(graph.Float32, 2))
	w := g.Param("w", graph.Of(graph.Float32, 1), graph.Constant(2))
	y := graph.Apply(scaled{&count, &fault}, x, w)
	g.Update(w, ops.Scale(w, 2))
	m := start(t, g, s, []*graph.Value{y})
	for i, want := range []float32{2, 4, 8} {
		out, err := m.Run(context.Background(), vm.Feeds{x: floats(1, 1)})
		if err != nil {
			t.Fatal(err)
		}
		if got := out[0].Float32s()[1]; got != want || count != i+1 {
			t.Errorf("run %d: got %v, prepared %d times, want %v", i, got, count, want)
		}
	}
}
