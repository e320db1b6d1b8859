package vm_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"

	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/ops"
	"neocog/ops/opstest"
	"neocog/vm"
	"neocog/vm/kernel"
)

// start compiles outputs and makes a machine.
func start(t testing.TB, g *graph.Graph, s *vm.State, outputs []*graph.Value, opts ...vm.Option) *vm.Machine {
	t.Helper()
	p, err := vm.Compile(g, outputs, opts...)
	if err != nil {
		t.Fatal(err)
	}
	m, err := p.NewMachine(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

func floats(v ...float32) *tensor.Dense {
	return tensor.New(tensor.WithShape(len(v)), tensor.WithBacking(v))
}

// rows is a batch of n rows of three numbers.
func rows(n int) *tensor.Dense {
	v := make([]float32, 3*n)
	for i := range v {
		v[i] = float32(i%7) - 3
	}
	return tensor.New(tensor.WithShape(n, 3), tensor.WithBacking(v))
}

func TestFeedsAreChecked(t *testing.T) {
	g := graph.New("feeds")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 3))
	y := g.Input("y", graph.Of(graph.Int32, graph.Batch))
	unused := g.Input("unused", graph.Of(graph.Float32, 2))
	p := g.Param("p", graph.Of(graph.Float32, 3), graph.Zeros())
	out := []*graph.Value{ops.Add(x, p), y}
	m := start(t, g, vm.NewState(1), out)
	other := graph.New("other").Input("x", graph.Of(graph.Float32, 3))
	labels := tensor.New(tensor.WithShape(4), tensor.WithBacking([]int32{1, 2, 3, 4}))
	masked := rows(4)
	masked.MaskFromSlice(make([]bool, 12))
	for name, c := range map[string]struct {
		feeds vm.Feeds
		want  string
	}{
		"missing":     {vm.Feeds{x: rows(4)}, `no feed for input "y" i32[N]`},
		"dtype":       {vm.Feeds{x: labels, y: labels}, `input "x" wants f32[N,3], the feed is i32[4]`},
		"rank":        {vm.Feeds{x: floats(1, 2, 3), y: labels}, `input "x" wants f32[N,3], the feed is f32[3]`},
		"shape":       {vm.Feeds{x: tensor.New(tensor.WithShape(4, 2), tensor.Of(tensor.Float32)), y: labels}, `input "x" wants f32[N,3], the feed is f32[4,2]`},
		"batches":     {vm.Feeds{x: rows(5), y: labels}, `batch size 4`},
		"foreign":     {vm.Feeds{x: rows(4), y: labels, other: rows(1)}, `does not belong to graph "feeds"`},
		"no input":    {vm.Feeds{x: rows(4), y: labels, p: floats(1, 2, 3)}, `is no input`},
		"nil tensor":  {vm.Feeds{x: nil, y: labels}, `the tensor is nil`},
		"nil value":   {vm.Feeds{x: rows(4), y: labels, nil: labels}, `does not belong`},
		"masked":      {vm.Feeds{x: masked, y: labels}, `masked`},
		"strings":     {vm.Feeds{x: tensor.New(tensor.WithShape(1), tensor.WithBacking([]string{"a"})), y: labels}, `elements of type string`},
		"unused, bad": {vm.Feeds{x: rows(4), y: labels, unused: floats(1, 2)}, ``},
	} {
		_, err := m.Run(context.Background(), c.feeds)
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
	if _, err := m.Run(context.Background(), vm.Feeds{x: rows(4), y: labels}); err != nil {
		t.Errorf("after the refusals: %v", err)
	}
}

// A transposed tensor, a slice of one, one in column order, and Go's int are all
// read as what they show.
func TestFeedsInAnyLayout(t *testing.T) {
	whole := func() *tensor.Dense {
		v := make([]float32, 12)
		for i := range v {
			v[i] = float32(i)
		}
		return tensor.New(tensor.WithShape(4, 3), tensor.WithBacking(v))
	}
	transposed := tensor.New(tensor.WithShape(3, 4), tensor.WithBacking([]float32{0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11}))
	if err := transposed.T(); err != nil {
		t.Fatal(err)
	}
	wide := tensor.New(tensor.WithShape(4, 5), tensor.WithBacking([]float32{9, 0, 1, 2, 9, 9, 3, 4, 5, 9, 9, 6, 7, 8, 9, 9, 9, 10, 11, 9}))
	view, err := wide.Slice(nil, tensor.S(1, 4))
	if err != nil {
		t.Fatal(err)
	}
	g := graph.New("layouts")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 3))
	m := start(t, g, vm.NewState(1), []*graph.Value{ops.Neg(x), x})
	for name, feed := range map[string]*tensor.Dense{
		"rows":    whole(),
		"view":    view.(*tensor.Dense),
		"columns": tensor.New(tensor.WithShape(4, 3), tensor.AsFortran([]float32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})),
		"T":       transposed,
	} {
		out, err := m.Run(context.Background(), vm.Feeds{x: feed})
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range out[0].Float32s() {
			if name == "view" && i >= 9 {
				break // its last row is 9 9 10 11 9: other numbers
			}
			if v != -float32(i) || out[1].Float32s()[i] != float32(i) {
				t.Errorf("%s: element %d is %v", name, i, v)
			}
		}
	}
	gi := graph.New("ints")
	y := gi.Input("y", graph.Of(graph.Int64, graph.Batch))
	out, err := start(t, gi, vm.NewState(1), []*graph.Value{ops.Add(y, y)}).Run(context.Background(), vm.Feeds{y: tensor.New(tensor.WithShape(2), tensor.WithBacking([]int{3, -4}))})
	if err != nil || out[0].Int64s()[0] != 6 || out[0].Int64s()[1] != -8 {
		t.Errorf("ints: %v, %v", out, err)
	}
}

func TestAnyBatchSizeFromOneProgram(t *testing.T) {
	g := graph.New("batches")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 3))
	w := g.Param("w", graph.Of(graph.Float32, 2, 3), graph.Normal(0, 1))
	y := ops.Tanh(ops.Gemm(x, w, g.Scalar(graph.Float32, 0.5), ops.Trans{B: true}))
	out := []*graph.Value{y, ops.Mean(y), ops.Sum(y, 0)}
	s := vm.NewState(3)
	m := start(t, g, s, out)
	for _, n := range []int{4, 1, 100, 4, 7, 100, 0, 1} {
		got, err := m.Run(context.Background(), vm.Feeds{x: rows(n)})
		if err != nil {
			t.Fatalf("batch %d: %v", n, err)
		}
		want, err := vm.Interpret(g, out, s, vm.Feeds{x: rows(n)})
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			if err := opstest.Near(got[i], want[i], 1e-6); err != nil {
				t.Errorf("batch %d, output %d: %v", n, i, err)
			}
		}
	}
}

// value returns the only element of a variable.
func value(t *testing.T, s *vm.State, name string) float32 {
	t.Helper()
	v, err := s.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	return v.Float32s()[0]
}

// Updates read the values from before the run, all of them, in whatever order
// they stand; outputs show these values too.
func TestUpdatesAreSimultaneous(t *testing.T) {
	one := graph.Of(graph.Float32, 1)
	for name, c := range map[string]struct {
		build      func(g *graph.Graph, a, b *graph.Value) []*graph.Value
		a, b, outs []float32 // a, b, output after two runs from a = 2, b = 3
	}{
		"swap": {func(g *graph.Graph, a, b *graph.Value) []*graph.Value {
			g.Update(a, b)
			g.Update(b, a)
			return []*graph.Value{a}
		}, []float32{3, 2}, []float32{2, 3}, []float32{2, 3}},
		"chain": {func(g *graph.Graph, a, b *graph.Value) []*graph.Value {
			next := ops.Scale(a, 2)
			g.Update(a, next)
			g.Update(b, ops.Add(b, next))
			return []*graph.Value{next}
		}, []float32{4, 8}, []float32{7, 15}, []float32{4, 8}},
		"old value read late": {func(g *graph.Graph, a, b *graph.Value) []*graph.Value {
			next := ops.AddScalar(a, 1)
			g.Update(a, next)
			g.Update(b, ops.Mul(next, a))
			return []*graph.Value{a}
		}, []float32{3, 4}, []float32{6, 12}, []float32{2, 3}},
		"old and changed": {func(g *graph.Graph, a, b *graph.Value) []*graph.Value {
			g.Update(b, ops.Scale(b, 2))
			g.Update(a, b)
			return []*graph.Value{b}
		}, []float32{3, 6}, []float32{6, 12}, []float32{3, 6}},
		"one value for two": {func(g *graph.Graph, a, b *graph.Value) []*graph.Value {
			v := ops.Add(a, b)
			g.Update(a, v)
			g.Update(b, v)
			return []*graph.Value{v}
		}, []float32{5, 10}, []float32{5, 10}, []float32{5, 10}},
		"view of the other": {func(g *graph.Graph, a, b *graph.Value) []*graph.Value {
			g.Update(a, ops.Reshape(ops.Reshape(b, 1, 1), 1))
			g.Update(b, ops.AddScalar(b, 1))
			return []*graph.Value{b}
		}, []float32{3, 4}, []float32{4, 5}, []float32{3, 4}},
	} {
		for _, opts := range [][]vm.Option{{vm.Threads(1)}, {vm.Threads(2)}, {vm.NoPasses()}, {vm.WithWatch(vm.NaN)}} {
			g := graph.New(name)
			a, b := g.Param("a", one, graph.Constant(2)), g.Param("b", one, graph.Constant(3))
			outs := c.build(g, a, b)
			s, si := vm.NewState(1), vm.NewState(1)
			m := start(t, g, s, outs, opts...)
			for run := range 2 {
				got, err := m.Run(context.Background(), nil)
				if err != nil {
					t.Fatal(err)
				}
				want, err := vm.Interpret(g, outs, si, nil)
				if err != nil {
					t.Fatal(err)
				}
				if v := got[0].Float32s()[0]; v != c.outs[run] || want[0].Float32s()[0] != v {
					t.Errorf("%s, run %d: output %v, interpreter %v; want %v", name, run, v, want[0].Float32s()[0], c.outs[run])
				}
				for v, want := range map[string]float32{"a": c.a[run], "b": c.b[run]} {
					if got, oracle := value(t, s, v), value(t, si, v); got != want || oracle != want {
						t.Errorf("%s, run %d: %s = %v, interpreter %v; want %v", name, run, v, got, oracle, want)
					}
				}
			}
		}
	}
}

// hook is an op that calls a function while it runs.
type hook struct{ Number int }

var hooks [3]func(x []float32)

func (hook) Name() string                                { return "test.Hook" }
func (hook) Infer(in []graph.Type) ([]graph.Type, error) { return in[:1], nil }
func (h hook) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	p := kernel.One(1, 1, func(c *kernel.Call, lo, hi int) {
		copy(kernel.Out[float32](c, 0), kernel.In[float32](c, 0))
		hooks[h.Number](kernel.Out[float32](c, 0))
	})
	p.Algo = "hooked"
	return p, nil
}

// counting returns a graph with a parameter that grows by one in each run which
// gets to its end, and a hook before that.
func counting(number int) (*graph.Graph, *graph.Value) {
	g := graph.New("count")
	p := g.Param("p", graph.Of(graph.Float32, 3), graph.Zeros())
	h := graph.Apply(hook{number}, p)
	for range 5 {
		h = ops.Tanh(h)
	}
	g.Update(p, ops.AddScalar(ops.Add(p, ops.Scale(h, 0)), 1))
	return g, h
}

func TestCancelledRunChangesNothing(t *testing.T) {
	g, h := counting(0)
	for _, threads := range []int{1, 2} {
		s := vm.NewState(1)
		m := start(t, g, s, []*graph.Value{h}, vm.Threads(threads))
		ctx, cancel := context.WithCancel(context.Background())
		hooks[0] = func([]float32) { cancel() }
		_, err := m.Run(ctx, nil)
		if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "stopped after instruction") {
			t.Errorf("cancelled during the run: %v", err)
		}
		if _, err := m.Run(ctx, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled before the run: %v", err)
		}
		if v := value(t, s, "p"); v != 0 {
			t.Errorf("the parameter is %v after cancelled runs, want 0", v)
		}
		hooks[0] = func([]float32) {}
		if _, err := m.Run(context.Background(), nil); err != nil || value(t, s, "p") != 1 {
			t.Errorf("the run after: %v, parameter %v; want 1", err, value(t, s, "p"))
		}
	}
}

func TestPanickingKernelIsAnError(t *testing.T) {
	g, h := counting(1)
	for _, threads := range []int{1, 2} {
		s := vm.NewState(1)
		m := start(t, g, s, []*graph.Value{h}, vm.Threads(threads))
		hooks[1] = func(x []float32) { x[len(x)] = 0 }
		_, err := m.Run(context.Background(), nil)
		var re *vm.RunError
		if !errors.As(err, &re) || re.Algo != "hooked" {
			t.Fatalf("error %v, want a RunError of the hook", err)
		}
		for _, part := range []string{"run_test.go:", "test.Hook", "(hooked)", "panicked", "index out of range"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("the error lacks %q: %v", part, err)
			}
		}
		if value(t, s, "p") != 0 {
			t.Error("the parameter changed")
		}
		hooks[1] = func([]float32) {}
		if _, err := m.Run(context.Background(), nil); err != nil {
			t.Errorf("the machine is of no use after a panic: %v", err)
		}
	}
}

func TestWatchNamesTheFirstBadNode(t *testing.T) {
	g, h := counting(2)
	for what, bad := range map[vm.Watch]float32{vm.NaN: float32(math.NaN()), vm.Inf: float32(math.Inf(-1))} {
		s := vm.NewState(1)
		m := start(t, g, s, []*graph.Value{h}, vm.WithWatch(what), vm.Threads(2))
		hooks[2] = func(x []float32) { x[2] = bad }
		_, err := m.Run(context.Background(), nil)
		if err == nil || !strings.Contains(err.Error(), "test.Hook") || !strings.Contains(err.Error(), "element [2]") {
			t.Errorf("error %v, want one that names the hook and element 2", err)
		}
		if value(t, s, "p") != 0 {
			t.Error("the parameter changed")
		}
	}
	m := start(t, g, vm.NewState(1), []*graph.Value{h})
	if _, err := m.Run(context.Background(), nil); err != nil {
		t.Errorf("without a watch: %v", err)
	}
}

func TestLabelOutOfRangeIsAnError(t *testing.T) {
	g := graph.New("labels")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 3))
	y := g.Input("y", graph.Of(graph.Int32, graph.Batch))
	loss := ops.SoftmaxCrossEntropy(x, y, ops.CrossEntropy{})
	for _, threads := range []int{1, 2} {
		m := start(t, g, vm.NewState(1), []*graph.Value{loss}, vm.Threads(threads))
		_, err := m.Run(context.Background(), vm.Feeds{x: rows(3), y: tensor.New(tensor.WithShape(3), tensor.WithBacking([]int32{0, 3, -1}))})
		if err == nil || !strings.Contains(err.Error(), "label 3") || !strings.Contains(err.Error(), "row 1") {
			t.Errorf("error %v, want label 3 of row 1", err)
		}
	}
}

func TestRunDoesNotAllocate(t *testing.T) {
	g := graph.New("alloc")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 3))
	y := g.Input("y", graph.Of(graph.Int32, graph.Batch))
	w := g.Param("w", graph.Of(graph.Float32, 3, 3), graph.Normal(0, 1))
	loss := ops.SoftmaxCrossEntropy(ops.ReLU(ops.MatMul(x, w)), y, ops.CrossEntropy{})
	g.Update(w, ops.Scale(w, 0.5))
	labels := tensor.New(tensor.WithShape(64), tensor.WithBacking(make([]int32, 64)))
	feeds := vm.Feeds{x: rows(64), y: labels}
	for _, threads := range []int{1, 2} {
		m := start(t, g, vm.NewState(1), []*graph.Value{loss}, vm.Threads(threads))
		if n := testing.AllocsPerRun(50, func() {
			if _, err := m.Run(context.Background(), feeds); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%d threads: a run allocates %v times", threads, n)
		}
	}
}

// Any number of machines may share a program and a state.
func TestMachinesSideBySide(t *testing.T) {
	g := graph.New("shared")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 3))
	w := g.Param("w", graph.Of(graph.Float32, 3, 8), graph.Normal(0, 1))
	out := []*graph.Value{ops.Softmax(ops.MatMul(x, w), 1)}
	p, err := vm.Compile(g, out, vm.Threads(2))
	if err != nil {
		t.Fatal(err)
	}
	s := vm.NewState(4)
	var done sync.WaitGroup
	for worker := range 16 {
		done.Go(func() {
			m, err := p.NewMachine(s)
			if err != nil {
				t.Error(err)
				return
			}
			defer m.Close()
			for run := range 20 {
				n := 1 + (worker+run)%5
				got, err := m.Run(context.Background(), vm.Feeds{x: rows(n)})
				if err != nil {
					t.Error(err)
					return
				}
				want, err := vm.Interpret(g, out, s, vm.Feeds{x: rows(n)})
				if err == nil {
					err = opstest.Near(got[0], want[0], 1e-6)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	done.Wait()
}

func TestMachineIsForOneGoroutine(t *testing.T) {
	g, h := counting(0)
	m := start(t, g, vm.NewState(1), []*graph.Value{h}, vm.Threads(1))
	var second error
	hooks[0] = func([]float32) { _, second = m.Run(context.Background(), nil) }
	if _, err := m.Run(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	if second == nil || !strings.Contains(second.Error(), "running already") {
		t.Errorf("a second Run at the same time: %v", second)
	}
}

func TestStateKeepsTypes(t *testing.T) {
	s := vm.NewState(1)
	if err := s.Set("w", floats(1, 2)); err != nil {
		t.Fatal(err)
	}
	if err := s.Set("w", floats(1, 2, 3)); err == nil || !strings.Contains(err.Error(), "f32[2], cannot become f32[3]") {
		t.Errorf("another shape: %v", err)
	}
	if _, err := s.Get("v"); err == nil {
		t.Error("a value that does not exist is got")
	}
	g := graph.New("state")
	w := g.Param("w", graph.Of(graph.Float32, 4), graph.Zeros())
	p, err := vm.Compile(g, []*graph.Value{w})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.NewMachine(s); err == nil || !strings.Contains(err.Error(), `"w" is f32[4] in the graph, f32[2] in the state`) {
		t.Errorf("a state of another model: %v", err)
	}
	got, err := s.Get("w")
	if err != nil {
		t.Fatal(err)
	}
	got.Float32s()[0] = 99
	if value(t, s, "w") != 1 {
		t.Error("Get gives the state's own memory away")
	}
}

func TestCompileReturnsTheUsersMistakes(t *testing.T) {
	g := graph.New("faulty")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 3))
	bad := ops.MatMul(x, g.Param("w", graph.Of(graph.Float32, 4, 2), graph.Zeros()))
	for name, c := range map[string]struct {
		g    *graph.Graph
		outs []*graph.Value
		want string
	}{
		"faulty op":   {g, []*graph.Value{ops.ReLU(bad)}, "MatMul"},
		"nil graph":   {nil, nil, "nil"},
		"nil output":  {graph.New("a"), []*graph.Value{nil}, "output 0 is nil"},
		"other graph": {graph.New("a"), []*graph.Value{graph.New("b").Input("x", graph.Of(graph.Float32))}, `graph "b"`},
		"nil operand": {graph.New("a"), []*graph.Value{ops.ReLU(nil)}, "nil"},
	} {
		_, err := vm.Compile(c.g, c.outs)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

func TestCloseWaitsForRun(t *testing.T) {
	g, h := counting(0)
	m := start(t, g, vm.NewState(1), []*graph.Value{h}, vm.Threads(2))
	closed := make(chan bool)
	hooks[0] = func([]float32) {
		go func() { m.Close(); closed <- true }()
	}
	if _, err := m.Run(context.Background(), nil); err != nil {
		t.Error(err)
	}
	<-closed
}

func TestSizesThatNoMemoryHoldsAreErrors(t *testing.T) {
	g := graph.New("huge")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch))
	y := ops.BroadcastTo(x, 1<<20, 1<<20, graph.Batch)
	m := start(t, g, vm.NewState(1), []*graph.Value{y})
	if _, err := m.Run(context.Background(), vm.Feeds{x: floats(1, 2)}); err == nil || !strings.Contains(err.Error(), "bytes") {
		t.Errorf("a result of 2⁴³ bytes: %v", err)
	}
	g = graph.New("huge parameter")
	p, err := vm.Compile(g, []*graph.Value{ops.Sum(g.Param("p", graph.Of(graph.Float32, 1<<30, 1<<21), graph.Zeros()))})
	if err != nil {
		return // refused when it was planned
	}
	if _, err := p.NewMachine(vm.NewState(1)); err == nil {
		t.Error("a parameter of 2⁵³ bytes is made")
	}
}
