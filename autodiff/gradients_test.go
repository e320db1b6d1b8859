package autodiff_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/ops"
	"neocog/vm"
	"neocog/vm/kernel"
)

// eval interprets values of one graph with x = 1, 2, 3.
func eval(t *testing.T, out ...*graph.Value) [][]float64 {
	t.Helper()
	g := out[0].Graph()
	feeds := vm.Feeds{}
	for _, in := range g.Inputs() {
		feeds[in] = tensor.New(tensor.WithShape(3), tensor.WithBacking([]float64{1, 2, 3}))
	}
	got, err := vm.Interpret(g, out, vm.NewState(1), feeds)
	if err != nil {
		t.Fatal(err)
	}
	var v [][]float64
	for _, d := range got {
		v = append(v, append([]float64(nil), d.Float64s()...))
	}
	return v
}

func input(g *graph.Graph, name string) *graph.Value {
	return g.Input(name, graph.Of(graph.Float64, graph.Batch))
}

func same(a, b []float64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if math.Abs(a[i]-b[i]) > 1e-12 {
			return false
		}
	}
	return true
}

func TestGradientsOfKnownFunctions(t *testing.T) {
	for name, c := range map[string]struct {
		f    func(x *graph.Value) *graph.Value
		want []float64
	}{
		"identity":  {func(x *graph.Value) *graph.Value { return ops.Sum(x) }, []float64{1, 1, 1}},
		"square":    {func(x *graph.Value) *graph.Value { return ops.Sum(ops.Mul(x, x)) }, []float64{2, 4, 6}},
		"diamond":   {func(x *graph.Value) *graph.Value { return ops.Sum(ops.Mul(ops.Add(x, x), ops.Sub(x, ops.Neg(x)))) }, []float64{8, 16, 24}},
		"mean":      {func(x *graph.Value) *graph.Value { return ops.Mean(ops.Log(x)) }, []float64{1. / 3, 1. / 6, 1. / 9}},
		"unused":    {func(x *graph.Value) *graph.Value { return x.Graph().Scalar(graph.Float64, 2) }, []float64{0, 0, 0}},
		"unflowing": {func(x *graph.Value) *graph.Value { return ops.Sum(ops.Scale(x, 0)) }, []float64{0, 0, 0}},
	} {
		g := graph.New(name)
		x := input(g, "x")
		if got := eval(t, autodiff.Gradients(c.f(x), x)[0])[0]; !same(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// Any number of losses over one graph, in any order; gradients by what lies
// between; gradients of gradients.
func TestManyLossesAndOrders(t *testing.T) {
	g := graph.New("many")
	x := input(g, "x")
	h := ops.Mul(x, x)
	cube := ops.Sum(ops.Mul(h, x))
	first := autodiff.Gradients(cube, x, h)
	square := autodiff.Gradients(ops.Sum(h), x)[0]
	again := autodiff.Gradients(cube, x)[0]
	second := autodiff.Gradients(ops.Sum(first[0]), x)[0]
	third := autodiff.Gradients(ops.Sum(second), x)[0]
	self := autodiff.Gradients(cube, cube)[0]
	out := eval(t, first[0], first[1], square, again, second, third, self)
	for i, want := range [][]float64{{3, 12, 27}, {1, 2, 3}, {2, 4, 6}, {3, 12, 27}, {6, 12, 18}, {6, 6, 6}, {1}} {
		if !same(out[i], want) {
			t.Errorf("value %d is %v, want %v", i, out[i], want)
		}
	}
}

func TestGradientNodesPointToTheirOrigin(t *testing.T) {
	g := graph.New("origin")
	x := input(g, "x")
	var y *graph.Value
	g.Scope("layer", func() { y = ops.Tanh(x) })
	d := autodiff.Gradients(ops.Sum(y), x)[0]
	if n := d.Node(); n.Origin != y.Node() || n.Scope != "layer" {
		t.Errorf("the gradient %v comes from %v in scope %q", n, n.Origin, n.Scope)
	}
	for _, n := range g.Nodes()[:3] {
		if n.Origin != nil {
			t.Errorf("the forward node %v was marked", n)
		}
	}
}

// custom is an op whose VJP is given by the test.
type custom struct{ Case string }

func (custom) Name() string                                { return "test.Custom" }
func (custom) Infer(in []graph.Type) ([]graph.Type, error) { return in[:1], nil }
func (custom) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return kernel.ByDType(in[0].DType, in[0].Shape.Size(), nil, func(c *kernel.Call, lo, hi int) {
		for i, v := range kernel.In[float64](c, 0)[lo:hi] {
			kernel.Out[float64](c, 0)[lo+i] = v * v * v
		}
	})
}
func (c custom) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	x := n.In(0)
	right := ops.Scale(ops.Mul(dy[0], ops.Mul(x, x)), 3)
	switch c.Case {
	case "sign":
		return []*graph.Value{ops.Neg(right)}
	case "factor":
		return []*graph.Value{ops.Scale(right, 1.00001)}
	case "missing":
		return []*graph.Value{nil}
	case "output":
		return []*graph.Value{ops.Mul(dy[0], n.Out(0))}
	case "dy":
		return []*graph.Value{ops.Scale(ops.Mul(x, x), 3)}
	case "second": // right in value, but not as a function of x
		return []*graph.Value{graph.Apply(frozen{}, right)}
	case "arity":
		return []*graph.Value{right, right}
	case "type":
		return []*graph.Value{ops.Sum(right)}
	case "panic":
		panic("no rule")
	}
	return []*graph.Value{right}
}

// frozen passes its input on, but no gradient.
type frozen struct{}

func (frozen) Name() string                                { return "test.Frozen" }
func (frozen) Infer(in []graph.Type) ([]graph.Type, error) { return in[:1], nil }
func (frozen) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return kernel.ByDType(in[0].DType, in[0].Shape.Size(), nil, func(c *kernel.Call, lo, hi int) {
		copy(kernel.Out[float64](c, 0)[lo:hi], kernel.In[float64](c, 0)[lo:hi])
	})
}
func (frozen) VJP(*graph.Node, []*graph.Value) []*graph.Value { return []*graph.Value{nil} }

// opaque has no VJP.
type opaque struct{}

func (opaque) Name() string                                { return "test.Opaque" }
func (opaque) Infer(in []graph.Type) ([]graph.Type, error) { return in[:1], nil }

func TestMistakesAreReportedOnce(t *testing.T) {
	other := input(graph.New("other"), "y")
	for name, c := range map[string]struct {
		f    func(x *graph.Value) []*graph.Value
		want []string
	}{
		"no VJP": {func(x *graph.Value) []*graph.Value {
			return autodiff.Gradients(ops.Sum(graph.Apply(opaque{}, ops.Exp(x))), x)
		}, []string{"test.Opaque has no gradient", `Input "x"`, "Sum", "gradients_test.go:"}},
		"no scalar":   {func(x *graph.Value) []*graph.Value { return autodiff.Gradients(ops.Exp(x), x) }, []string{"f64[N]", "want a float scalar"}},
		"nil wrt":     {func(x *graph.Value) []*graph.Value { return autodiff.Gradients(ops.Sum(x), nil) }, []string{"operand 0 is nil"}},
		"other graph": {func(x *graph.Value) []*graph.Value { return autodiff.Gradients(ops.Sum(x), other) }, []string{`belongs to graph "other"`}},
		"labels": {func(x *graph.Value) []*graph.Value {
			return autodiff.Gradients(ops.Sum(x), x.Graph().Input("l", graph.Of(graph.Int32, 2)))
		}, []string{"i32[2]", "only floats"}},
		"arity": {func(x *graph.Value) []*graph.Value {
			return autodiff.Gradients(ops.Sum(graph.Apply(custom{"arity"}, x)), x)
		}, []string{"gives 2 gradients for 1 inputs"}},
		"type": {func(x *graph.Value) []*graph.Value {
			return autodiff.Gradients(ops.Sum(graph.Apply(custom{"type"}, x)), x)
		}, []string{"gives f64[] for input 0, which is f64[N]"}},
		"panic": {func(x *graph.Value) []*graph.Value {
			return autodiff.Gradients(ops.Sum(graph.Apply(custom{"panic"}, x)), x)
		}, []string{"panicked: no rule"}},
	} {
		g := graph.New("mistake")
		out := c.f(input(g, "x"))
		err := g.Err()
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		for _, part := range c.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: the error lacks %q:\n%v", name, part, err)
			}
		}
		if n := len(err.(*graph.Errors).List); n != 1 {
			t.Errorf("%s: %d reports:\n%v", name, n, err)
		}
		if len(out) != 1 || out[0].IsValid() {
			t.Errorf("%s: gives %v, want one invalid value", name, out)
		}
	}
	if out := autodiff.Gradients(nil, other); len(out) != 1 || out[0].IsValid() || out[0].Graph().Err() == nil {
		t.Error("a nil loss is not reported")
	}
}

// The check passes what is right and catches what is wrong, in first order and
// in second.
func TestCheckHasTeeth(t *testing.T) {
	at := []*tensor.Dense{tensor.New(tensor.WithShape(4), tensor.WithBacking([]float64{0.5, -1.2, 2, 0.1}))}
	for c, wrong := range map[string]bool{"": false, "sign": true, "factor": true, "missing": true, "output": true, "dy": true, "second": true} {
		f := func(in []*graph.Value) *graph.Value {
			return ops.Sum(ops.Scale(graph.Apply(custom{c}, in[0]), 0.7))
		}
		rep, err := autodiff.Check(f, at, autodiff.Config{Order: 2})
		if err != nil {
			t.Fatalf("%q: %v", c, err)
		}
		if got := rep.Err() != nil; got != wrong {
			t.Errorf("planted %q: caught %t, worst ratio %g; %v", c, got, rep.Worst, rep.Err())
		}
		if rep.Checked != 8 {
			t.Errorf("%q: %d derivatives were compared, want 4 of each order", c, rep.Checked)
		}
	}
}

func TestCheckLargeInputsByDirections(t *testing.T) {
	v := make([]float64, 3000)
	for i := range v {
		v[i] = math.Sin(float64(i))
	}
	at := []*tensor.Dense{tensor.New(tensor.WithShape(3000), tensor.WithBacking(v))}
	for c, wrong := range map[string]bool{"": false, "factor": true} {
		rep, err := autodiff.Check(func(in []*graph.Value) *graph.Value { return ops.Mean(graph.Apply(custom{c}, in[0])) }, at, autodiff.Config{Directions: 5})
		if err != nil {
			t.Fatal(err)
		}
		if rep.Checked != 5 || (rep.Err() != nil) != wrong {
			t.Errorf("planted %q: %d directions, %v", c, rep.Checked, rep.Err())
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	f32 := tensor.New(tensor.WithShape(2), tensor.Of(tensor.Float32))
	f64 := tensor.New(tensor.WithShape(2), tensor.Of(tensor.Float64))
	sum := func(in []*graph.Value) *graph.Value { return ops.Sum(in[0]) }
	for want, err := range map[string]error{
		"float32":  second(autodiff.Check(sum, []*tensor.Dense{f32}, autodiff.Config{})),
		"nil":      second(autodiff.Check(sum, []*tensor.Dense{nil}, autodiff.Config{})),
		"scalar":   second(autodiff.Check(func(in []*graph.Value) *graph.Value { return in[0] }, []*tensor.Dense{f64}, autodiff.Config{})),
		"operands": second(autodiff.Check(func(in []*graph.Value) *graph.Value { return ops.Sum(graph.Apply(two{}, in[0])) }, []*tensor.Dense{f64}, autodiff.Config{})),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one about %s", err, want)
		}
	}
}

func second(_ *autodiff.Report, err error) error { return err }

type two struct{}

func (two) Name() string { return "test.Two" }
func (two) Infer(in []graph.Type) ([]graph.Type, error) {
	return nil, fmt.Errorf("got %d operands, want 2", len(in))
}
