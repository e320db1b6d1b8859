package autodiff_test

import (
	"math"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/ops"
	"neocog/vm"
)

// network is a small one with a convolution, pooling, batch norm and a loss: its inputs,
// three parameters, their values and directions.
type network struct {
	g       *graph.Graph
	loss    *graph.Value
	logits  *graph.Value
	params  []*graph.Value
	along   []*graph.Value
	feeds   vm.Feeds
	contain [][]float64 // of params
}

func newNetwork() *network {
	n := &network{g: graph.New("network"), feeds: vm.Feeds{}}
	feed := func(name string, phase float64, shape ...int) (*graph.Value, []float64) {
		v := make([]float64, graph.Shape(shape).Size())
		for i := range v {
			v[i] = math.Sin(phase + 1.7*float64(i)*float64(i+1))
		}
		in := n.g.Input(name, graph.Of(graph.Float64, shape...))
		n.feeds[in] = tensor.New(tensor.WithShape(shape...), tensor.WithBacking(v))
		return in, v
	}
	x, _ := feed("x", 0, 2, 1, 6, 6)
	for i, shape := range [][]int{{2, 1, 3, 3}, {2}, {3, 8}} {
		p, v := feed([]string{"w", "b", "out"}[i], float64(i), shape...)
		d, _ := feed([]string{"dw", "db", "dout"}[i], float64(10+i), shape...)
		n.params, n.contain, n.along = append(n.params, p), append(n.contain, v), append(n.along, d)
	}
	h := ops.Tanh(ops.AvgPool2D(ops.Conv2DBias(x, n.params[0], n.params[1], ops.Conv{}), ops.Pool{Size: [2]int{2, 2}}))
	n.logits = ops.Linear(ops.Flatten(h), n.params[2], ops.Zeros(n.g, graph.Of(graph.Float64, 3)))
	labels := graph.Const(n.g, graph.Shape{2}, int32(2), int32(0))
	n.loss = ops.SoftmaxCrossEntropy(n.logits, labels, ops.CrossEntropy{})
	return n
}

// run computes values of the network with the parameters moved by h along their directions.
func (n *network) run(t *testing.T, h float64, out ...*graph.Value) [][]float64 {
	t.Helper()
	feeds := vm.Feeds{}
	for v, d := range n.feeds {
		feeds[v] = d
	}
	for i, p := range n.params {
		v := append([]float64(nil), n.contain[i]...)
		for k, d := range n.feeds[n.along[i]].Float64s() {
			v[k] += h * d
		}
		feeds[p] = tensor.New(tensor.WithShape(p.Shape()...), tensor.WithBacking(v))
	}
	got, err := vm.Interpret(n.g, out, vm.NewState(1), feeds)
	if err != nil {
		t.Fatal(err)
	}
	var all [][]float64
	for _, d := range got {
		all = append(all, append([]float64(nil), d.Float64s()...))
	}
	return all
}

// slope is the derivative of values of the network along the directions, by central differences
// and one step of Richardson extrapolation, as in Check.
func (n *network) slope(t *testing.T, out ...*graph.Value) [][]float64 {
	const h = 1e-3
	a, b, c, d := n.run(t, h, out...), n.run(t, -h, out...), n.run(t, h/2, out...), n.run(t, -h/2, out...)
	for i := range a {
		for k := range a[i] {
			a[i][k] = (4*(c[i][k]-d[i][k])/h - (a[i][k]-b[i][k])/(2*h)) / 3
		}
	}
	return a
}

func near(t *testing.T, what string, got, want [][]float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d results, want %d", what, len(got), len(want))
	}
	for i := range want {
		if len(got[i]) != len(want[i]) {
			t.Fatalf("%s, result %d: %d elements, want %d", what, i, len(got[i]), len(want[i]))
		}
		for k := range want[i] {
			if diff := math.Abs(got[i][k] - want[i][k]); !(diff <= 1e-8+1e-6*math.Abs(want[i][k])) {
				t.Errorf("%s, result %d, element %d: %.12g, want %.12g", what, i, k, got[i][k], want[i][k])
			}
		}
	}
}

// The product of the Hessian with a vector is the slope of the gradients along it.
func TestHVPIsTheSlopeOfTheGradients(t *testing.T) {
	n := newNetwork()
	near(t, "HVP", n.run(t, 0, autodiff.HVP(n.loss, n.params, n.along)...), n.slope(t, autodiff.Gradients(n.loss, n.params...)...))
}

// It is also the Jacobian-vector product of the gradients: forward over reverse.
func TestHVPIsTheJVPOfTheGradients(t *testing.T) {
	n := newNetwork()
	forward := autodiff.JVP(autodiff.Gradients(n.loss, n.params...), n.params, n.along)
	near(t, "JVP of the gradients", n.run(t, 0, forward...), n.run(t, 0, autodiff.HVP(n.loss, n.params, n.along)...))
}

func TestJVPIsTheSlope(t *testing.T) {
	n := newNetwork()
	y := []*graph.Value{n.logits, n.loss}
	near(t, "JVP", n.run(t, 0, autodiff.JVP(y, n.params, n.along)...), n.slope(t, y...))
}

// Each element of J·v is a row of J times v, and each column of the rows is that of the whole.
func TestJacobianRowsTimesAVectorAreTheJVP(t *testing.T) {
	n := newNetwork()
	jv := n.run(t, 0, autodiff.JVP([]*graph.Value{n.logits}, n.params, n.along)...)[0]
	whole := autodiff.Jacobian(n.logits, n.params...)
	if s := whole[0].Shape().String(); s != "[2,3,2,1,3,3]" {
		t.Errorf("the Jacobian of [2,3] by [2,1,3,3] is %s", s)
	}
	all := n.run(t, 0, whole...)
	for i := range jv {
		row := n.run(t, 0, autodiff.JacobianRow(n.logits, []int{i / 3, i % 3}, n.params...)...)
		sum := 0.0
		for k, d := range n.along {
			size := len(row[k])
			near(t, "a row of the Jacobian", [][]float64{all[k][i*size : (i+1)*size]}, row[k:k+1])
			for j, v := range n.feeds[d].Float64s() {
				sum += row[k][j] * v
			}
		}
		near(t, "row times vector", [][]float64{{sum}}, [][]float64{{jv[i]}})
	}
}

// Of several values, one of which stands on the way to the other; the vectors count as
// constants, and the product is differentiated by them.
func TestVJPOfSeveralValues(t *testing.T) {
	g := graph.New("several")
	x := input(g, "x") // 1, 2, 3
	h := ops.Mul(x, x)
	cube := ops.Mul(h, x)
	dy := []*graph.Value{ops.Scale(x, 10), ops.Exp(x)}
	got := autodiff.VJP([]*graph.Value{cube, h}, dy, x, h, dy[0])
	by := autodiff.VJP(got[:1], []*graph.Value{ops.OnesLike(x)}, dy...)
	out := eval(t, got[0], got[1], got[2], by[0], by[1])
	e := math.Exp
	for i, want := range [][]float64{
		{30 + 2*e(1), 240 + 4*e(2), 810 + 6*e(3)}, // 10x·3x² + eˣ·2x
		{10 + e(1), 40 + e(2), 90 + e(3)},         // 10x·x + eˣ
		{0, 0, 0},
		{3, 12, 27},
		{2, 4, 6},
	} {
		near(t, "VJP", out[i:i+1], [][]float64{want})
	}
}

// What does not depend on the variables has the product 0, of the right type.
func TestProductsOfConstants(t *testing.T) {
	g := graph.New("constants")
	x, other := input(g, "x"), input(g, "y")
	y := ops.Exp(other)
	jv := autodiff.JVP([]*graph.Value{y}, []*graph.Value{x}, []*graph.Value{other})
	hv := autodiff.HVP(ops.Sum(ops.Scale(x, 3)), []*graph.Value{x, other}, []*graph.Value{other, x})
	near(t, "products", eval(t, jv[0], hv[0], hv[1]), [][]float64{{0, 0, 0}, {0, 0, 0}, {0, 0, 0}})
}

func TestMistakesOfProducts(t *testing.T) {
	other := input(graph.New("other"), "o")
	for name, c := range map[string]struct {
		f    func(x, y *graph.Value) []*graph.Value
		n    int
		want string
	}{
		"numbers": {func(x, y *graph.Value) []*graph.Value { return autodiff.VJP(values{x, y}, values{x}, x) }, 1, "VJP: there are 2 of y and 1 of dy, want one for each"},
		"types": {func(x, y *graph.Value) []*graph.Value { return autodiff.VJP(values{x}, values{ops.Sum(x)}, x, y) }, 2,
			"VJP: y 0 is f64[N], dy 0 is f64[], want the same type"},
		"none":      {func(x, y *graph.Value) []*graph.Value { return autodiff.JVP(values{x}, nil, nil) }, 1, "JVP: there is no wrt, want at least one"},
		"nil":       {func(x, y *graph.Value) []*graph.Value { return autodiff.HVP(ops.Sum(x), values{x}, values{nil}) }, 1, "HVP: v 0 is nil"},
		"elsewhere": {func(x, y *graph.Value) []*graph.Value { return autodiff.JVP(values{x}, values{other}, values{other}) }, 1, `belongs to graph "other"`},
		"integers": {func(x, y *graph.Value) []*graph.Value {
			return autodiff.JacobianRow(ops.Cast(x, graph.Int32), []int{0}, x)
		}, 1, "only floats have gradients"},
		"symbolic":  {func(x, y *graph.Value) []*graph.Value { return autodiff.JacobianRow(x, []int{0}, x) }, 1, "without the symbolic N"},
		"rank":      {func(x, y *graph.Value) []*graph.Value { return autodiff.JacobianRow(ops.Sum(x), []int{0}, x) }, 1, "the index [0] has 1 numbers, want 0"},
		"range":     {func(x, y *graph.Value) []*graph.Value { return autodiff.JacobianRow(two3(x), []int{1, 3}, x) }, 1, "the index [1 3] is 3 along axis 1, want 0 to 2"},
		"whole":     {func(x, y *graph.Value) []*graph.Value { return autodiff.Jacobian(x, x) }, 1, "Jacobian: %0 is f64[N], want a shape without the symbolic N"},
		"no scalar": {func(x, y *graph.Value) []*graph.Value { return autodiff.HVP(x, values{x}, values{y}) }, 1, "Gradients: the loss %0 is f64[N], want a float scalar"},
		"no VJP": {func(x, y *graph.Value) []*graph.Value {
			return autodiff.VJP(values{graph.Apply(opaque{}, x)}, values{y}, x)
		}, 1, "VJP: test.Opaque has no gradient"},
		"all is nil": {func(x, y *graph.Value) []*graph.Value { return autodiff.VJP(values{nil}, values{nil}, nil) }, 1, "nil"},
	} {
		g := graph.New("mistake")
		out := c.f(input(g, "x"), input(g, "y"))
		if len(out) != c.n {
			t.Fatalf("%s: %d results, want %d", name, len(out), c.n)
		}
		for _, v := range out {
			if v.IsValid() {
				t.Errorf("%s: gives %v, want an invalid value", name, v)
			}
		}
		if err := out[0].Graph().Err(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the error is %v, want one with %q", name, err, c.want)
		}
	}
}

func two3(x *graph.Value) *graph.Value {
	return ops.Mul(ops.Sum(x), ops.Ones(x.Graph(), graph.Of(graph.Float64, 2, 3)))
}

type values = []*graph.Value
