package autodiff_test

import (
	"fmt"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/ops"
	"neocog/vm/kernel"
)

// product is the matrix product of [n,n] matrices, with a VJP that is wrong in
// the way its attribute says: with square matrices no shape gives it away.
type product struct{ Case string }

func (product) Name() string                                { return "test.Product" }
func (product) Infer(in []graph.Type) ([]graph.Type, error) { return in[:1], nil }

func (product) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	n := in[0].Shape[0]
	return kernel.One(n, 1, func(c *kernel.Call, lo, hi int) {
		a, b, y := kernel.In[float64](c, 0), kernel.In[float64](c, 1), kernel.Out[float64](c, 0)
		for i := lo; i < hi; i++ {
			for j := range n {
				y[i*n+j] = 0
				for k := range n {
					y[i*n+j] += a[i*n+k] * b[k*n+j]
				}
			}
		}
	}), nil
}

func (p product) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	a, b := n.In(0), n.In(1)
	mul := func(x, y *graph.Value) *graph.Value { return graph.Apply(p, x, y) }
	da, db := mul(dy[0], ops.Transpose(b)), mul(ops.Transpose(a), dy[0])
	switch p.Case {
	case "transposed":
		da = ops.Transpose(da)
	case "not transposed":
		db = mul(a, dy[0])
	case "wrong order":
		da = mul(ops.Transpose(b), dy[0])
	case "wrong input":
		da, db = db, da
	case "missing term":
		da = ops.Mul(da, graph.Const(a.Graph(), graph.Shape{3, 3}, 1, 1, 1, 1, 1, 1, 1, 1, 0.0))
	case "missing input":
		db = nil
	case "half":
		db = ops.Scale(db, 0.5)
	case "constant added":
		da = ops.AddScalar(da, 1e-4)
	}
	return []*graph.Value{da, db}
}

func matrix(v ...float64) *tensor.Dense {
	return tensor.New(tensor.WithShape(3, 3), tensor.WithBacking(v))
}

func matrices() []*tensor.Dense {
	return []*tensor.Dense{
		matrix(0.3, -1.1, 0.7, 2.2, 0.1, -0.4, -0.9, 1.3, 0.8),
		matrix(1.7, 0.2, -0.6, -1.4, 0.9, 0.5, 0.3, -2.1, 1.2),
	}
}

func weighted(y *graph.Value) *graph.Value {
	return ops.Sum(ops.Mul(ops.Square(y), graph.Const(y.Graph(), graph.Shape{3, 3}, 1, -2, 3, 0.5, 1.5, -1, 2, 0.25, -0.75)))
}

func TestCheckCatchesWrongMatrixGradients(t *testing.T) {
	for c, wrong := range map[string]bool{
		"": false, "transposed": true, "not transposed": true, "wrong order": true, "wrong input": true,
		"missing term": true, "missing input": true, "half": true, "constant added": true,
	} {
		for _, most := range []int{0, 4} { // every element, and random directions
			f := func(in []*graph.Value) *graph.Value { return weighted(graph.Apply(product{c}, in[0], in[1])) }
			rep, err := autodiff.Check(f, matrices(), autodiff.Config{MaxElements: most, Directions: 3})
			if err != nil {
				t.Fatalf("%q: %v", c, err)
			}
			if got := rep.Err() != nil; got != wrong {
				t.Errorf("planted %q: caught %t, worst ratio %g", c, got, rep.Worst)
			}
			if want := map[int]int{0: 18, 4: 6}[most]; rep.Checked != want {
				t.Errorf("planted %q: %d derivatives, want %d", c, rep.Checked, want)
			}
			if !wrong && !(rep.Worst > 0 && rep.Worst < 0.1) {
				t.Errorf("the right gradient passes with the ratio %g; the tolerance is far from the rounding, so a tenth is ample", rep.Worst)
			}
		}
	}
}

// A mistake in the gradient of the gradient alone: the first order is right.
func TestCheckOfSecondOrder(t *testing.T) {
	f := func(in []*graph.Value) *graph.Value { return weighted(graph.Apply(product{""}, in[0], in[1])) }
	rep, err := autodiff.Check(f, matrices(), autodiff.Config{Order: 2})
	if err != nil || rep.Err() != nil || rep.Checked != 36 {
		t.Errorf("right: %v, %+v", err, rep)
	}
	at := []*tensor.Dense{tensor.New(tensor.WithShape(2), tensor.WithBacking([]float64{0.5, -1.2}))}
	cubed := func(in []*graph.Value) *graph.Value { return ops.Sum(graph.Apply(custom{"second"}, in[0])) }
	if rep, err = autodiff.Check(cubed, at, autodiff.Config{}); err != nil || rep.Err() != nil {
		t.Errorf("first order: %v, %v", err, rep.Err())
	}
	if rep, err = autodiff.Check(cubed, at, autodiff.Config{Order: 2}); err != nil || rep.Err() == nil {
		t.Fatalf("second order: %v, %v", err, rep.Err())
	}
	for _, m := range rep.Mismatches {
		if m.Order != 2 || m.Input != 0 || len(m.Index) != 1 {
			t.Errorf("mismatch %v", m)
		}
	}
}

func TestReportNamesInputAndElement(t *testing.T) {
	f := func(in []*graph.Value) *graph.Value {
		return weighted(graph.Apply(product{"missing term"}, in[0], in[1]))
	}
	rep, err := autodiff.Check(f, matrices(), autodiff.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if s := rep.Err().Error(); len(rep.Mismatches) != 1 || !strings.HasPrefix(s, "1 of 18 derivatives are wrong\n\tderivative of order 1 by input 0, element [2 2]: got -0, finite difference ") {
		t.Errorf("the report says\n%s", s)
	}
	rep, err = autodiff.Check(f, matrices(), autodiff.Config{MaxElements: 1, Directions: 2})
	if err != nil || !strings.Contains(rep.Err().Error(), "by input 0, random direction 0: got ") {
		t.Errorf("%v, %v", err, rep.Err())
	}
}

// The elements of a transposed tensor were varied in the order of its memory, and
// compared with a gradient in the order of its rows.
func TestCheckOfATransposedInput(t *testing.T) {
	at := matrices()
	for _, m := range at {
		if err := m.T(); err != nil {
			t.Fatal(err)
		}
	}
	f := func(in []*graph.Value) *graph.Value { return weighted(graph.Apply(product{""}, in[0], in[1])) }
	rep, err := autodiff.Check(f, at, autodiff.Config{Order: 2})
	if err != nil || rep.Err() != nil {
		t.Errorf("%v, %v", err, rep.Err())
	}
}

// Integers are passed on as they are, and have no gradient.
func TestCheckWithLabels(t *testing.T) {
	labels := tensor.New(tensor.WithShape(3), tensor.WithBacking([]int32{2, 0, 1}))
	f := func(in []*graph.Value) *graph.Value {
		return ops.SoftmaxCrossEntropy(in[1], in[0], ops.CrossEntropy{Smoothing: 0.1})
	}
	rep, err := autodiff.Check(f, []*tensor.Dense{labels, matrices()[0]}, autodiff.Config{Order: 2})
	if err != nil || rep.Err() != nil || rep.Checked != 18 {
		t.Errorf("%v, %v, %d derivatives", err, rep.Err(), rep.Checked)
	}
	if rep, err = autodiff.Check(f, []*tensor.Dense{labels}, autodiff.Config{}); err == nil {
		t.Errorf("a check of nothing passes: %+v", rep)
	} else if want := "no input is float64, so that there is nothing to check"; err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// Where the function has no derivative, or is not finite, the check must not pass.
func TestCheckOfNaN(t *testing.T) {
	at := []*tensor.Dense{tensor.New(tensor.WithShape(1), tensor.WithBacking([]float64{-1}))}
	rep, err := autodiff.Check(func(in []*graph.Value) *graph.Value { return ops.Sum(ops.Log(in[0])) }, at, autodiff.Config{})
	if err != nil || rep.Err() == nil {
		t.Errorf("the logarithm of −1 passes: %v, %+v", err, rep)
	}
}

func ExampleCheck() {
	at := []*tensor.Dense{tensor.New(tensor.WithShape(3), tensor.WithBacking([]float64{0.5, -1, 2}))}
	f := func(in []*graph.Value) *graph.Value { return ops.Sum(ops.Tanh(ops.Square(in[0]))) }
	rep, err := autodiff.Check(f, at, autodiff.Config{Order: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(rep.Checked, rep.Err())
	// Output: 6 <nil>
}

// tangled answers with a value of another graph.
type tangled struct{}

func (tangled) Name() string                                { return "test.Tangled" }
func (tangled) Infer(in []graph.Type) ([]graph.Type, error) { return in[:1], nil }

func (tangled) VJP(n *graph.Node, _ []*graph.Value) []*graph.Value {
	return []*graph.Value{graph.New("elsewhere").Input("d", n.In(0).Type())}
}

func TestGradientOfAnotherGraph(t *testing.T) {
	g := graph.New("here")
	x := input(g, "x")
	autodiff.Gradients(ops.Sum(graph.Apply(tangled{}, x)), x)
	if err := g.Err(); err == nil || !strings.Contains(err.Error(), `the VJP of test.Tangled gives a value of graph "elsewhere" for input 0`) {
		t.Errorf("error %v", err)
	}
}
