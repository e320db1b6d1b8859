package vm_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"neocog/graph"
	"neocog/ops"
	"neocog/vm"
	"neocog/vm/kernel"
)

// What a user's op may do wrong in Plan is an error with its name and line.
func TestWrongPlansAreErrors(t *testing.T) {
	for how, want := range map[string]string{
		"error":                 "no algorithm for this",
		"panic":                 "its Plan panicked: in Plan",
		"in place over input 5": "its plan may write result 0 over input 5; it has 1 inputs and 1 results",
		"in place of result 1":  "its plan may write result 1 over input 0; it has 1 inputs and 1 results",
		"view of another type":  "its plan is a view, but [i32[4]] does not hold what [f32[4]] holds",
		"view of another size":  "its plan is a view, but [f32[7]] does not hold what [f32[4]] holds",
	} {
		t.Run(how, func(t *testing.T) {
			g := graph.New("wrong")
			x := g.Input("x", graph.Of(graph.Float32, 4))
			y := graph.Apply(wrong{how}, x)
			_, err := vm.Compile(g, []*graph.Value{y})
			_, oracle := vm.Interpret(g, []*graph.Value{y}, vm.NewState(1), vm.Feeds{x: floats(1, 2, 3, 4)})
			for _, err := range []error{err, oracle} {
				var re *vm.RunError
				if !errors.As(err, &re) || !strings.HasPrefix(err.Error(), "errors_test.go:") || !strings.HasSuffix(err.Error(), "test.Wrong: "+want) {
					t.Errorf("error %v, want errors_test.go:N: test.Wrong: %s", err, want)
				}
			}
		})
	}
}

// A plan of a symbolic graph is made when a batch size is first met; it must fail
// there, and every time.
func TestWrongPlanOfASymbolicGraph(t *testing.T) {
	g := graph.New("wrong")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch))
	m := start(t, g, vm.NewState(1), []*graph.Value{graph.Apply(wrong{"error"}, x)})
	for range 2 {
		if _, err := m.Run(context.Background(), vm.Feeds{x: floats(1)}); err == nil || !strings.HasSuffix(err.Error(), "no algorithm for this") {
			t.Errorf("error %v", err)
		}
	}
	p, err := vm.Compile(g, []*graph.Value{graph.Apply(wrong{"error"}, x)})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Dump(&strings.Builder{}, 3); err == nil {
		t.Error("Dump of what cannot be planned")
	}
	if _, err := p.ArenaBytes(3); err == nil {
		t.Error("ArenaBytes of what cannot be planned")
	}
}

func TestOpsThatCannotRun(t *testing.T) {
	g := graph.New("still")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch))
	y := graph.Apply(still{}, x)
	_, err := vm.Compile(g, []*graph.Value{y})
	if err == nil || !strings.HasSuffix(err.Error(), "test.Still: the op cannot run: it has no method Plan") {
		t.Errorf("Compile: %v", err)
	}
	if _, err := vm.Interpret(g, []*graph.Value{y}, vm.NewState(1), vm.Feeds{x: floats(1)}); err == nil || !strings.Contains(err.Error(), "no method Plan") {
		t.Errorf("Interpret: %v", err)
	}
	if _, err := vm.Compile(g, []*graph.Value{x}); err != nil {
		t.Errorf("where it is not needed: %v", err)
	}
}

func TestNilsAreErrors(t *testing.T) {
	g := graph.New("nil")
	x := g.Input("x", graph.Of(graph.Float32, 1))
	p, err := vm.Compile(g, []*graph.Value{x})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.NewMachine(nil); err == nil || err.Error() != "the state is nil" {
		t.Errorf("a machine without state: %v", err)
	}
	if _, err := vm.Interpret(g, []*graph.Value{x}, nil, vm.Feeds{x: floats(1)}); err == nil || err.Error() != "the state is nil" {
		t.Errorf("the interpreter without state: %v", err)
	}
	m, err := p.NewMachine(vm.NewState(1))
	if err != nil {
		t.Fatal(err)
	}
	var none context.Context
	if _, err := m.Run(none, vm.Feeds{x: floats(1)}); err == nil || err.Error() != "the context is nil" {
		t.Errorf("a run without context: %v", err)
	}
	if _, err := vm.Interpret(nil, nil, vm.NewState(1), nil); err == nil {
		t.Error("the interpreter of no graph")
	}
	if err := vm.NewState(1).Set("p", nil); err == nil || !strings.Contains(err.Error(), "the tensor is nil") {
		t.Errorf("Set of nil: %v", err)
	}
}

// Bad data is an error with the lowest element, whatever the number of workers,
// and the machine and its parameters are as before.
func TestFaultsOfData(t *testing.T) {
	g := graph.New("faults")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch))
	p := g.Param("p", graph.Of(graph.Float32), graph.Zeros())
	y := graph.Apply(refuse{3}, x)
	g.Update(p, ops.Add(p, ops.Sum(y)))
	for _, threads := range []int{1, 2, 3} {
		s := vm.NewState(1)
		m := start(t, g, s, []*graph.Value{y}, vm.Threads(threads))
		for range 3 {
			_, err := m.Run(context.Background(), vm.Feeds{x: floats(1, 2, 8, 3, 4, 5, 9)})
			if err == nil || !strings.HasSuffix(err.Error(), "test.Refuse: element 2 is 8, above 3") {
				t.Errorf("%d threads: %v", threads, err)
			}
			if v := value(t, s, "p"); v != 0 {
				t.Errorf("%d threads: the parameter is %v", threads, v)
			}
		}
		if _, err := m.Run(context.Background(), vm.Feeds{x: floats(1, 2)}); err != nil || value(t, s, "p") != 3 {
			t.Errorf("%d threads, good data: %v, parameter %v", threads, err, value(t, s, "p"))
		}
		if _, err := vm.Interpret(g, []*graph.Value{y}, s, vm.Feeds{x: floats(9)}); err == nil || !strings.HasSuffix(err.Error(), "element 0 is 9, above 3") || value(t, s, "p") != 3 {
			t.Errorf("the interpreter: %v, parameter %v", err, value(t, s, "p"))
		}
	}
}

// clash finds fault with element 0 and panics at element 1.
type clash struct{}

func (clash) Name() string                                { return "test.Clash" }
func (clash) Infer(in []graph.Type) ([]graph.Type, error) { return in[:1], nil }

func (clash) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return kernel.One(in[0].Shape.Size(), 1, func(c *kernel.Call, lo, hi int) {
		x := kernel.In[float32](c, 0)
		for ; lo < hi; lo++ {
			if kernel.Out[float32](c, 0)[lo] = x[lo]; x[lo] < 0 {
				c.Fault.Set(lo, "negative")
				if lo == 1 {
					panic("clash")
				}
			}
		}
	}), nil
}

// A fault that stood beside a panic was reported by the next run, which had none.
func TestFaultBesideAPanicIsForgotten(t *testing.T) {
	g := graph.New("clash")
	x := g.Input("x", graph.Of(graph.Float32, 2))
	y := graph.Apply(clash{}, x)
	for _, threads := range []int{1, 2} {
		m := start(t, g, vm.NewState(1), []*graph.Value{y}, vm.Threads(threads))
		for range 3 {
			if _, err := m.Run(context.Background(), vm.Feeds{x: floats(-1, -1)}); err == nil || !strings.Contains(err.Error(), "the kernel panicked: clash") {
				t.Errorf("%d threads: %v", threads, err)
			}
			if _, err := m.Run(context.Background(), vm.Feeds{x: floats(1, 1)}); err != nil {
				t.Errorf("%d threads, the run after: %v", threads, err)
			}
		}
	}
	if _, err := vm.Interpret(g, []*graph.Value{y}, vm.NewState(1), vm.Feeds{x: floats(-1, -1)}); err == nil || !strings.Contains(err.Error(), "the kernel panicked: clash") {
		t.Errorf("the interpreter: %v", err)
	}
}

func TestPanicOfAKernelKeepsItsStack(t *testing.T) {
	g := graph.New("stack")
	x := g.Input("x", graph.Of(graph.Float32, 2))
	m := start(t, g, vm.NewState(1), []*graph.Value{graph.Apply(clash{}, x)})
	_, err := m.Run(context.Background(), vm.Feeds{x: floats(-1, -1)})
	if full := fmt.Sprintf("%+v", err); !strings.HasPrefix(full, err.Error()) || !strings.Contains(full, "clash.Plan.func1") {
		t.Errorf("%%+v does not show the kernel:\n%s", full)
	}
	if plain := fmt.Sprintf("%v", err); strings.Contains(plain, "clash.Plan") {
		t.Errorf("%%v has a stack:\n%s", plain)
	}
}

func TestErrorInAGradientNamesTheForwardNode(t *testing.T) {
	g := graph.New("gradient")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch))
	y := ops.ReLU(x)
	var dx *graph.Value
	g.Deriving(y.Node(), func() { dx = graph.Apply(refuse{3}, y) })
	m := start(t, g, vm.NewState(1), []*graph.Value{dx})
	_, err := m.Run(context.Background(), vm.Feeds{x: floats(7)})
	if err == nil || !strings.Contains(err.Error(), "\n\tin the gradient of ReLU, errors_test.go:") {
		t.Errorf("error %v", err)
	}
}

// NaN in a result of an op that is not the first to show it elsewhere: the first
// node in the order of the tape is named, with its element.
func TestWatchInTwoDimensions(t *testing.T) {
	g := graph.New("watch")
	x := g.Input("x", graph.Of(graph.Float64, graph.Batch, 2))
	y := ops.Log(x)
	z := ops.Sum(ops.Exp(y))
	m := start(t, g, vm.NewState(1), []*graph.Value{z}, vm.WithWatch(vm.NaN|vm.Inf), vm.Threads(2))
	feed := func(v ...float64) vm.Feeds { return vm.Feeds{x: wide(2, v...)} }
	for want, feeds := range map[string]vm.Feeds{
		"Log: element [1 0] of the result f64[2,2] is NaN":  feed(1, 2, -3, 4),
		"Log: element [0 1] of the result f64[2,2] is -Inf": feed(1, 0, -3, 4),
		"Log: element [1 1] of the result f64[2,2] is +Inf": feed(1, 1, 1, inf),
		"Log: element [0 0] of the result f64[1,2] is -Inf": feed(0, 1),
		"Log: element [2 1] of the result f64[3,2] is NaN":  feed(1, 1, 1, 1, 1, -1),
		"": feed(1, 2),
	} {
		_, err := m.Run(context.Background(), feeds)
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasSuffix(err.Error(), want)) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// Runs with and without updates, the interpreter, Get, Set and new machines, all
// on one state at a time: for the race detector, and for the sum.
func TestStateIsShared(t *testing.T) {
	g := graph.New("shared")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch))
	p := g.Param("p", graph.Of(graph.Float32, 1), graph.Zeros())
	y := ops.Add(x, p)
	g.Update(p, ops.AddScalar(p, 1))
	train, err := vm.Compile(g, []*graph.Value{y}, vm.Threads(2))
	if err != nil {
		t.Fatal(err)
	}
	eval, err := vm.Compile(g, []*graph.Value{y}, vm.Threads(1), vm.NoUpdates())
	if err != nil {
		t.Fatal(err)
	}
	s := vm.NewState(1)
	const workers, runs = 4, 25
	var all sync.WaitGroup
	each := func(f func() error) {
		for range workers {
			all.Go(func() {
				for range runs {
					if err := f(); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	runOn := func(p *vm.Program) func() error {
		return func() error {
			m, err := p.NewMachine(s)
			if err != nil {
				return err
			}
			defer m.Close()
			out, err := m.Run(context.Background(), vm.Feeds{x: floats(0, 0)})
			if err == nil && out[0].Float32s()[0] != out[0].Float32s()[1] {
				err = fmt.Errorf("a run saw a parameter change: %v", out[0])
			}
			return err
		}
	}
	each(runOn(train))
	each(runOn(eval))
	each(func() error {
		_, err := vm.Interpret(g, []*graph.Value{y}, s, vm.Feeds{x: floats(0)})
		return err
	})
	each(func() error { s.Names(); return s.Set("other", floats(1)) })
	each(func() error { _, err := s.Get("other"); s.Get("p"); _ = err; return nil })
	all.Wait()
	if v := value(t, s, "p"); v != 2*workers*runs {
		t.Errorf("after %d runs with updates p is %v", 2*workers*runs, v)
	}
}

// Machines that are dropped without Close end their workers.
func TestDroppedMachinesLeaveNoGoroutines(t *testing.T) {
	g := graph.New("drop")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch))
	p, err := vm.Compile(g, []*graph.Value{graph.Apply(scan{}, x)}, vm.Threads(3))
	if err != nil {
		t.Fatal(err)
	}
	s := vm.NewState(1)
	before := runtime.NumGoroutine()
	var machines []*vm.Machine // or a collection on the way ends some
	for range 50 {
		m, err := p.NewMachine(s)
		if err != nil {
			t.Fatal(err)
		}
		run(t, m, vm.Feeds{x: floats(1, 2, 3)})
		machines = append(machines, m)
	}
	if n := runtime.NumGoroutine(); n < before+50 {
		t.Fatalf("%d goroutines with 50 machines, %d before: the test would see nothing", n, before)
	}
	runtime.KeepAlive(machines)
	// Cleanups run some time after a collection: wait for them, up to a limit.
	for range 200 {
		runtime.GC()
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines are left, %d before", runtime.NumGoroutine(), before)
}

func TestClosedMachineRunsAgain(t *testing.T) {
	g := graph.New("closed")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch))
	m := start(t, g, vm.NewState(1), []*graph.Value{graph.Apply(scan{}, x)}, vm.Threads(3))
	for range 3 {
		if got := run(t, m, vm.Feeds{x: floats(1, 2, 3)})[0].Float32s(); got[2] != 6 {
			t.Errorf("got %v", got)
		}
		m.Close()
		m.Close()
	}
}

// calling copies its input and calls a function.
type calling struct{ f *func() }

func (calling) Name() string                                { return "test.Calling" }
func (calling) Infer(in []graph.Type) ([]graph.Type, error) { return in[:1], nil }

func (o calling) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return kernel.One(1, 1, func(c *kernel.Call, lo, hi int) {
		copy(kernel.Out[float32](c, 0), kernel.In[float32](c, 0))
		(*o.f)()
	}), nil
}

// Once parameters change a run goes through to its end: half an update would be
// worse than a late one.
func TestCancelledWhileParametersChange(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	g := graph.New("late")
	a, b := g.Param("a", graph.Of(graph.Float32), graph.Zeros()), g.Param("b", graph.Of(graph.Float32), graph.Zeros())
	next := ops.AddScalar(a, 1)
	g.Update(a, next)
	f := func() { cancel() }
	g.Update(b, ops.AddScalar(graph.Apply(calling{&f}, next), 1))
	s := vm.NewState(1)
	m := start(t, g, s, []*graph.Value{b}, vm.Threads(2))
	if _, err := m.Run(ctx, nil); err != nil {
		t.Errorf("cancelled after the first change: %v", err)
	}
	if value(t, s, "a") != 1 || value(t, s, "b") != 2 {
		t.Errorf("a = %v, b = %v; want 1 and 2", value(t, s, "a"), value(t, s, "b"))
	}
	if _, err := m.Run(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("the run after: %v", err)
	}
}

// With a watch no parameter changes before the last new value has been looked at.
func TestWatchLooksBeforeAnythingChanges(t *testing.T) {
	g := graph.New("late")
	a, b := g.Param("a", graph.Of(graph.Float32), graph.Zeros()), g.Param("b", graph.Of(graph.Float32), graph.Constant(-1))
	g.Update(a, ops.AddScalar(a, 1))
	g.Update(b, ops.Log(b))
	for _, threads := range []int{1, 2} {
		s := vm.NewState(1)
		m := start(t, g, s, nil, vm.Threads(threads), vm.WithWatch(vm.NaN))
		_, err := m.Run(context.Background(), nil)
		if err == nil || !strings.HasSuffix(err.Error(), "Log: element [] of the result f32[] is NaN") {
			t.Errorf("error %v", err)
		}
		if value(t, s, "a") != 0 || value(t, s, "b") != -1 {
			t.Errorf("a = %v, b = %v; want 0 and -1", value(t, s, "a"), value(t, s, "b"))
		}
	}
}
