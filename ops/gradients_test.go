package ops_test

import (
	"fmt"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/ops"
	"neocog/vm"
)

// A straight-through estimator: rounding, which has no slope, is differentiated as if it were
// not there.
func ExampleWithGradient() {
	g := graph.New("quantised")
	x := g.Input("x", graph.Of(graph.Float32, 3))
	rounded := ops.WithGradient("straight through", values{x}, values{ops.Round(x)},
		func(_, dy values) values { return dy })[0]
	dx := autodiff.Gradients(ops.Sum(ops.Square(rounded)), x)[0] // 2·rounded
	out, err := vm.Interpret(g, values{rounded, dx}, vm.NewState(0),
		vm.Feeds{x: tensor.New(tensor.WithShape(3), tensor.WithBacking([]float32{0.4, 1.6, -2.7}))})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(out[0].Float32s(), out[1].Float32s())
	// Output:
	// [0 2 -3] [0 4 -6]
}

// A target that is computed, but not learned.
func ExampleStopGradient() {
	g := graph.New("teacher")
	x := g.Input("x", graph.Of(graph.Float32, 2))
	target := ops.StopGradient(ops.Square(x))
	dx := autodiff.Gradients(ops.Sum(ops.Mul(x, target)), x)[0] // x², without the 2x² of the target
	out, err := vm.Interpret(g, values{dx}, vm.NewState(0), vm.Feeds{x: tensor.New(tensor.WithShape(2), tensor.WithBacking([]float32{3, 5}))})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(out[0].Float32s())
	// Output:
	// [9 25]
}

// interpretAndRun computes out with x = 1, 2, 3 by the interpreter and on the tape, which must agree.
func interpretAndRun(t *testing.T, x *graph.Value, out ...*graph.Value) [][]float64 {
	t.Helper()
	feeds := vm.Feeds{x: tensor.New(tensor.WithShape(3), tensor.WithBacking([]float64{1, 2, 3}))}
	want, err := vm.Interpret(x.Graph(), out, vm.NewState(0), feeds)
	if err != nil {
		t.Fatal(err)
	}
	p, err := vm.Compile(x.Graph(), out)
	if err != nil {
		t.Fatal(err)
	}
	m, err := p.NewMachine(vm.NewState(0))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	got, err := m.Run(t.Context(), feeds)
	if err != nil {
		t.Fatal(err)
	}
	var all [][]float64
	for i := range want {
		if fmt.Sprint(got[i].Data()) != fmt.Sprint(want[i].Data()) {
			t.Errorf("result %d is %v on the tape, %v by the interpreter", i, got[i].Data(), want[i].Data())
		}
		all = append(all, append([]float64(nil), want[i].Float64s()...))
	}
	return all
}

// Two results with one rule: its second derivative is that of the rule, not that of the parts;
// what stands between in and out gets nothing; the results are the parts themselves.
func TestWithGradientOfTwoResults(t *testing.T) {
	g := graph.New("two")
	x := g.Input("x", graph.Of(graph.Float64, 3))
	h := ops.Square(x)
	calls := 0
	y := ops.WithGradient("pair", values{x}, values{ops.Exp(h), ops.Neg(h)}, func(y, dy values) values {
		calls++
		if len(y) != 2 || len(dy) != 2 {
			t.Errorf("the rule got %d results and %d gradients, want 2 and 2", len(y), len(dy))
		}
		return values{ops.Add(ops.Mul(dy[0], ops.Mul(x, y[1])), ops.Scale(dy[1], 7))}
	})
	d := autodiff.Gradients(ops.Sum(ops.Scale(y[0], 3)), x, h)
	both := autodiff.Gradients(ops.Sum(ops.Add(y[0], y[1])), x)[0]
	second := autodiff.Gradients(ops.Sum(d[0]), x)[0] // of 3·x·y₁, where the rule says ∂y₁ = 7: 3·y₁ + 21·x
	out := interpretAndRun(t, x, y[1], d[0], d[1], both, second)
	for i, want := range [][]float64{{-1, -4, -9}, {-3, -24, -81}, {0, 0, 0}, {-1 + 7, -8 + 7, -27 + 7}, {-3 + 21, -12 + 42, -27 + 63}} {
		if fmt.Sprint(out[i]) != fmt.Sprint(want) {
			t.Errorf("value %d is %v, want %v", i, out[i], want)
		}
	}
	if calls != 3 {
		t.Errorf("the rule was asked %d times, want once for each differentiation: 3", calls)
	}
}

// A rule that ignores an input says so by nil, and may give what it likes to the others.
func TestWithGradientNilIsZero(t *testing.T) {
	g := graph.New("nil")
	x := g.Input("x", graph.Of(graph.Float64, 3))
	a, b := ops.Exp(x), ops.Tanh(x)
	y := ops.WithGradient("half", values{a, b}, values{ops.Mul(a, b)}, func(_, dy values) values { return values{nil, ops.Scale(dy[0], 0.5)} })
	d := autodiff.Gradients(ops.Sum(y[0]), a, b)
	if out := interpretAndRun(t, x, d...); fmt.Sprint(out) != "[[0 0 0] [0.5 0.5 0.5]]" {
		t.Errorf("the gradients are %v", out)
	}
}

func TestMistakesOfWithGradient(t *testing.T) {
	pass := func(_, dy values) values { return dy }
	for name, c := range map[string]struct {
		f    func(x *graph.Value) *graph.Value
		want string
	}{
		"nil rule": {func(x *graph.Value) *graph.Value { return ops.WithGradient("r", values{x}, values{x, x}, nil)[1] },
			`WithGradient: the gradient "r" is nil, want a function`},
		"no values": {func(x *graph.Value) *graph.Value { return ops.WithGradient("r", values{x}, nil, pass)[0] },
			"there are no values that the gradient were of"},
		"integers": {func(x *graph.Value) *graph.Value {
			return ops.WithGradient("r", values{ops.Cast(x, graph.Int32)}, values{x}, pass)[0]
		}, "operand 1 is i32[3]; only floats have gradients"},
		"too many": {func(x *graph.Value) *graph.Value {
			y := ops.WithGradient("r", values{x}, values{x}, func(_, dy values) values { return values{dy[0], dy[0]} })[0]
			return autodiff.Gradients(ops.Sum(y), x)[0]
		}, `the gradient "r" gives 2 values, want one for each of the 1 inputs`},
		"another type": {func(x *graph.Value) *graph.Value {
			y := ops.WithGradient("r", values{x}, values{ops.Sum(x)}, pass)[0]
			return autodiff.Gradients(y, x)[0]
		}, "the VJP of WithGradient gives f64[] for input 1, which is f64[3]"},
		"panic": {func(x *graph.Value) *graph.Value {
			y := ops.WithGradient("r", values{x}, values{ops.Sum(x)}, func(_, _ values) values { panic("no idea") })[0]
			return autodiff.Gradients(y, x)[0]
		}, "the VJP of WithGradient panicked: no idea"},
	} {
		g := graph.New(name)
		v := c.f(g.Input("x", graph.Of(graph.Float64, 3)))
		if v.IsValid() {
			t.Errorf("%s: gives %v, want an invalid value", name, v)
		}
		if err := g.Err(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the error is %v, want one with %q", name, err, c.want)
		}
	}
}

// A graph that was parsed runs, and says what it lacks when it is differentiated.
func TestWithGradientParsedHasNoRule(t *testing.T) {
	g := graph.New("parsed")
	x := g.Input("x", graph.Of(graph.Float64, 3))
	ops.WithGradient("straight through", values{x}, values{ops.Round(x)}, func(_, dy values) values { return dy })
	text := g.String()
	back, err := graph.Parse(text, ops.All()...)
	if err != nil {
		t.Fatal(err)
	}
	if again := back.String(); again != text {
		t.Errorf("the text\n%s\nbecomes\n%s", text, again)
	}
	x = back.Lookup("x")
	nodes := back.Nodes()
	y := nodes[len(nodes)-1].Out(0)
	if out := interpretAndRun(t, x, y); fmt.Sprint(out) != "[[1 2 3]]" {
		t.Errorf("it gives %v", out)
	}
	if d := autodiff.Gradients(ops.Sum(y), x)[0]; d.IsValid() || !strings.Contains(fmt.Sprint(back.Err()), `the gradient "straight through" is a function of the program`) {
		t.Errorf("its gradient is %v, the error %v", d, back.Err())
	}
}

// Two rules with one label are two ops: merging them would give one the gradient of the other.
func TestWithGradientsOfOneLabelStayApart(t *testing.T) {
	g := graph.New("apart")
	x := g.Input("x", graph.Of(graph.Float64, 3))
	by := func(c float64) *graph.Value {
		return ops.WithGradient("r", values{x}, values{x}, func(_, dy values) values { return values{ops.Scale(dy[0], c)} })[0]
	}
	a, b := by(2), by(5)
	if a.Node().Op == b.Node().Op {
		t.Error("the ops are equal")
	}
	d := autodiff.Gradients(ops.Sum(ops.Add(a, b)), x)[0]
	if out := interpretAndRun(t, x, d); fmt.Sprint(out) != "[[7 7 7]]" {
		t.Errorf("the gradient is %v, want 7", out)
	}
}
