package gorgonia_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime/debug"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	neocog "neocog/interop/gorgonia"
)

// A box says where the elements of operands come from. They are all different, and none is near a kink: 0 and ±1.
type box struct{ lo, hi float64 }

var (
	around   = box{-2, 2}
	positive = box{0.2, 2}
	unit     = box{0.05, 0.95}
)

// An expression is what Gorgonia and Neocog both compute.
type expression struct {
	name   string
	in     []tensor.Shape
	from   box // around if zero
	build  func(in G.Nodes) (*G.Node, error)
	terms  int    // of the longest sum in the op; 0 stands for the size of the largest operand, which none exceeds
	noGrad string // why there are no gradients to compare
	wrong  string // what is wrong with Gorgonia's gradients: ours are compared with differences of Gorgonia's results
}

type shapes = []tensor.Shape

func s(extents ...int) tensor.Shape { return extents }

// one and two turn constructors of Gorgonia's into those of expressions.
func one(f func(*G.Node) (*G.Node, error)) func(G.Nodes) (*G.Node, error) {
	return func(in G.Nodes) (*G.Node, error) { return f(in[0]) }
}

func two(f func(a, b *G.Node) (*G.Node, error)) func(G.Nodes) (*G.Node, error) {
	return func(in G.Nodes) (*G.Node, error) { return f(in[0], in[1]) }
}

func comparison(f func(a, b *G.Node, retSame bool) (*G.Node, error)) func(G.Nodes) (*G.Node, error) {
	return func(in G.Nodes) (*G.Node, error) { return f(in[0], in[1], true) }
}

func conv2d(pad, stride, dilation []int) func(G.Nodes) (*G.Node, error) {
	return func(in G.Nodes) (*G.Node, error) {
		return G.Conv2d(in[0], in[1], in[1].Shape()[2:], pad, stride, dilation)
	}
}

func maxPool(size tensor.Shape, pad, stride []int) func(G.Nodes) (*G.Node, error) {
	return func(in G.Nodes) (*G.Node, error) { return G.MaxPool2D(in[0], size, pad, stride) }
}

// expressions has every op that can be converted; TestOracle sees that none is missing.
var expressions = []expression{
	{name: "Conv2d", in: shapes{s(2, 3, 7, 6), s(4, 3, 3, 3)}, build: conv2d([]int{1, 1}, []int{1, 1}, []int{1, 1})},
	{name: "Conv2d without padding", in: shapes{s(1, 2, 5, 5), s(3, 2, 2, 2)}, build: conv2d(nil, []int{1, 1}, nil)},
	{name: "Conv2d stride 2", in: shapes{s(2, 3, 8, 7), s(2, 3, 3, 3)}, build: conv2d([]int{1, 1}, []int{2, 2}, []int{1, 1})},
	{name: "Conv2d 1x1", in: shapes{s(2, 3, 4, 5), s(4, 3, 1, 1)}, build: conv2d([]int{0, 0}, []int{1, 1}, []int{1, 1})},
	{name: "Conv2d dilation 2", in: shapes{s(1, 2, 9, 9), s(3, 2, 3, 3)}, build: conv2d([]int{0, 0}, []int{1, 1}, []int{2, 2})},
	{name: "Conv1d", in: shapes{s(2, 3, 1, 9), s(4, 3, 1, 3)}, build: func(in G.Nodes) (*G.Node, error) { return G.Conv1d(in[0], in[1], 3, 1, 1, 1) }},

	{name: "MaxPool2D", in: shapes{s(2, 3, 6, 8)}, build: maxPool(s(2, 2), []int{0, 0}, []int{2, 2})},
	{name: "MaxPool2D overlapping", in: shapes{s(2, 2, 7, 9)}, build: maxPool(s(3, 3), []int{1, 1}, []int{2, 2})},
	{name: "MaxPool2D four paddings", in: shapes{s(1, 2, 5, 6)}, build: maxPool(s(3, 3), []int{0, 1, 1, 0}, []int{1, 1})},
	{name: "MaxPool1D", in: shapes{s(2, 2, 1, 8)}, build: func(in G.Nodes) (*G.Node, error) { return G.MaxPool1D(in[0], 2, 0, 2) }},
	{name: "GlobalAveragePool2D", in: shapes{s(2, 3, 4, 5)}, build: one(G.GlobalAveragePool2D), noGrad: "Gorgonia has none, and Grad panics"},
	{name: "Upsample2D", in: shapes{s(1, 2, 3, 4)}, build: func(in G.Nodes) (*G.Node, error) { return G.Upsample2D(in[0], 2) }},

	{name: "Rectify", in: shapes{s(3, 5)}, build: one(G.Rectify)},
	{name: "LeakyRelu", in: shapes{s(3, 5)}, build: func(in G.Nodes) (*G.Node, error) { return G.LeakyRelu(in[0], 0.1) }},
	{name: "Abs", in: shapes{s(3, 5)}, build: one(G.Abs)},
	{name: "Sign", in: shapes{s(3, 5)}, build: one(G.Sign), noGrad: "there is none"},
	{name: "Ceil", in: shapes{s(3, 5)}, build: one(G.Ceil), noGrad: "there is none"},
	{name: "Floor", in: shapes{s(3, 5)}, build: one(G.Floor), noGrad: "there is none"},
	{name: "Neg", in: shapes{s(3, 5)}, build: one(G.Neg)},
	{name: "Exp", in: shapes{s(3, 5)}, build: one(G.Exp)},
	{name: "Expm1", in: shapes{s(3, 5)}, build: one(G.Expm1)},
	{name: "Log", in: shapes{s(3, 5)}, from: positive, build: one(G.Log)},
	{name: "Log2", in: shapes{s(3, 5)}, from: positive, build: one(G.Log2), wrong: "ln 2/x where 1/(x·ln 2) is right"},
	{name: "Log1p", in: shapes{s(3, 5)}, from: positive, build: one(G.Log1p)},
	{name: "Square", in: shapes{s(3, 5)}, build: one(G.Square)},
	{name: "Cube", in: shapes{s(3, 5)}, build: one(G.Cube)},
	{name: "Sqrt", in: shapes{s(3, 5)}, from: positive, build: one(G.Sqrt)},
	{name: "Inverse", in: shapes{s(3, 5)}, from: positive, build: one(G.Inverse)},
	{name: "InverseSqrt", in: shapes{s(3, 5)}, from: positive, build: one(G.InverseSqrt), wrong: "a power is missing"},
	{name: "Tanh", in: shapes{s(3, 5)}, build: one(G.Tanh)},
	{name: "Sigmoid", in: shapes{s(3, 5)}, build: one(G.Sigmoid)},
	{name: "Softplus", in: shapes{s(3, 5)}, build: one(G.Softplus)},
	{name: "Mish", in: shapes{s(3, 5)}, build: one(G.Mish)},

	{name: "Add", in: shapes{s(3, 5), s(3, 5)}, build: two(G.Add)},
	{name: "Sub", in: shapes{s(3, 5), s(3, 5)}, build: two(G.Sub)},
	{name: "HadamardProd", in: shapes{s(3, 5), s(3, 5)}, build: two(G.HadamardProd)},
	{name: "HadamardProd with itself", in: shapes{s(3, 5)}, build: func(in G.Nodes) (*G.Node, error) { return G.HadamardProd(in[0], in[0]) }},
	{name: "HadamardDiv", in: shapes{s(3, 5), s(3, 5)}, from: positive, build: two(G.HadamardDiv)},
	{name: "Div by a number", in: shapes{s(3, 5), s()}, from: positive, build: two(G.Div)},
	{name: "Mul with a number", in: shapes{s(3, 5), s()}, build: two(G.Mul)},
	{name: "Pow", in: shapes{s(3, 5), s(3, 5)}, from: positive, build: two(G.Pow)},
	{name: "Lt", in: shapes{s(3, 5), s(3, 5)}, build: comparison(G.Lt), noGrad: "there is none"},
	{name: "Gt", in: shapes{s(3, 5), s(3, 5)}, build: comparison(G.Gt), noGrad: "there is none"},
	{name: "Lte", in: shapes{s(3, 5), s(3, 5)}, build: comparison(G.Lte), noGrad: "there is none"},
	{name: "Gte", in: shapes{s(3, 5), s(3, 5)}, build: comparison(G.Gte), noGrad: "there is none"},
	{name: "Eq", in: shapes{s(3, 5), s(3, 5)}, build: comparison(G.Eq), noGrad: "there is none"},
	{name: "Ne", in: shapes{s(3, 5), s(3, 5)}, build: comparison(G.Ne), noGrad: "there is none"},
	{name: "MinBetween", in: shapes{s(3, 5), s(3, 5)}, build: two(G.MinBetween)},
	{name: "MaxBetween", in: shapes{s(3, 5), s(3, 5)}, build: two(G.MaxBetween)},
	{name: "BroadcastAdd", in: shapes{s(3, 5), s(1, 5)}, build: func(in G.Nodes) (*G.Node, error) { return G.BroadcastAdd(in[0], in[1], nil, []byte{0}) }},
	{name: "BroadcastAdd of a vector", in: shapes{s(3, 5), s(5)}, build: func(in G.Nodes) (*G.Node, error) { return G.BroadcastAdd(in[0], in[1], nil, []byte{0}) }},
	{name: "BroadcastHadamardProd", in: shapes{s(3, 1), s(3, 5)}, build: func(in G.Nodes) (*G.Node, error) {
		return G.BroadcastHadamardProd(in[0], in[1], []byte{1}, nil)
	}},
	{name: "BroadcastAdd of channels", in: shapes{s(2, 3, 4, 5), s(1, 3, 1, 1)}, build: func(in G.Nodes) (*G.Node, error) {
		return G.BroadcastAdd(in[0], in[1], nil, []byte{0, 2, 3})
	}},

	{name: "Mul of matrices", in: shapes{s(3, 5), s(5, 4)}, build: two(G.Mul)},
	{name: "Mul of matrix and vector", in: shapes{s(3, 5), s(5)}, build: two(G.Mul)},
	{name: "Mul of vectors", in: shapes{s(5), s(5)}, build: two(G.Mul)},
	{name: "OuterProd", in: shapes{s(3), s(5)}, build: two(G.OuterProd), noGrad: "Gorgonia gives each operand a gradient of the shape of the other one"},
	{name: "BatchedMatMul", in: shapes{s(2, 3, 5), s(2, 5, 4)}, build: func(in G.Nodes) (*G.Node, error) { return G.BatchedMatMul(in[0], in[1]) }},
	{name: "BatchedMatMul transposed", in: shapes{s(2, 3, 5), s(2, 4, 5)}, build: func(in G.Nodes) (*G.Node, error) {
		return G.BatchedMatMul(in[0], in[1], false, true)
	}},
	{name: "Tensordot", in: shapes{s(3, 4, 2), s(4, 3, 5)}, build: func(in G.Nodes) (*G.Node, error) {
		return G.Tensordot([]int{0, 1}, []int{1, 0}, in[0], in[1])
	}},

	{name: "Sum", in: shapes{s(3, 5)}, build: func(in G.Nodes) (*G.Node, error) { return G.Sum(in[0]) }},
	{name: "Sum along 0", in: shapes{s(3, 5)}, build: func(in G.Nodes) (*G.Node, error) { return G.Sum(in[0], 0) }},
	{name: "Sum along 1 and 2", in: shapes{s(2, 3, 4)}, build: func(in G.Nodes) (*G.Node, error) { return G.Sum(in[0], 1, 2) }},
	{name: "Mean", in: shapes{s(3, 5)}, build: func(in G.Nodes) (*G.Node, error) { return G.Mean(in[0]) }},
	{name: "Mean along 1", in: shapes{s(3, 5)}, build: func(in G.Nodes) (*G.Node, error) { return G.Mean(in[0], 1) }},
	{name: "Max", in: shapes{s(3, 5)}, build: func(in G.Nodes) (*G.Node, error) { return G.Max(in[0]) }},
	{name: "Max along 1", in: shapes{s(3, 5)}, build: func(in G.Nodes) (*G.Node, error) { return G.Max(in[0], 1) }},
	{name: "Norm", in: shapes{s(3, 5)}, build: func(in G.Nodes) (*G.Node, error) { return G.Norm(in[0], 1, 2) }},
	{name: "SoftMax", in: shapes{s(3, 5)}, build: func(in G.Nodes) (*G.Node, error) { return G.SoftMax(in[0]) }},
	{name: "SoftMax along 0", in: shapes{s(3, 5)}, build: func(in G.Nodes) (*G.Node, error) { return G.SoftMax(in[0], 0) }},
	{name: "LogSoftMax", in: shapes{s(3, 5)}, build: func(in G.Nodes) (*G.Node, error) { return G.LogSoftMax(in[0]) }},
	{name: "BinaryXent", in: shapes{s(3, 5), s(3, 5)}, from: unit, build: two(G.BinaryXent)},

	{name: "Reshape", in: shapes{s(2, 3, 4)}, build: func(in G.Nodes) (*G.Node, error) { return G.Reshape(in[0], s(6, 4)) }},
	{name: "Transpose", in: shapes{s(2, 3, 4)}, build: func(in G.Nodes) (*G.Node, error) { return G.Transpose(in[0], 2, 0, 1) }},
	{name: "Concat", in: shapes{s(2, 3), s(2, 4)}, build: func(in G.Nodes) (*G.Node, error) { return G.Concat(1, in[0], in[1]) }},
	{name: "Slice", in: shapes{s(4, 5)}, build: func(in G.Nodes) (*G.Node, error) { return G.Slice(in[0], G.S(1, 3), nil) }},
	{name: "Slice of one row", in: shapes{s(4, 5)}, build: func(in G.Nodes) (*G.Node, error) { return G.Slice(in[0], G.S(2), G.S(1, 4)) }},
	{name: "ByIndices", in: shapes{s(4, 5)}, build: func(in G.Nodes) (*G.Node, error) {
		rows := G.NewConstant(tensor.New(tensor.WithShape(3), tensor.WithBacking([]int{2, 0, 2})))
		return G.ByIndices(in[0], rows, 0)
	}},
	{name: "ConvType", in: shapes{s(3, 5)}, noGrad: "integers have none", build: func(in G.Nodes) (*G.Node, error) {
		return G.ConvType(in[0], in[0].Dtype(), tensor.Int)
	}},

	{name: "BatchNorm", in: shapes{s(4, 3, 2, 2), s(4, 3, 2, 2), s(4, 3, 2, 2)}, build: func(in G.Nodes) (*G.Node, error) {
		y, _, _, _, err := G.BatchNorm(in[0], in[1], in[2], 0.1, 1e-5)
		return y, err
	}},
	{name: "GroupNorm", in: shapes{s(2, 4, 3, 3), s(2, 4, 3, 3), s(2, 4, 3, 3)}, build: func(in G.Nodes) (*G.Node, error) {
		return G.GroupNorm(in[0], in[1], in[2], 2, 4, 1e-5)
	}},
	{name: "Dropout of nothing", in: shapes{s(3, 5)}, build: func(in G.Nodes) (*G.Node, error) { return G.Dropout(in[0], 0) }, wrong: "0"},
}

// Gorgonia and Neocog, two programs with nothing in common, compute the same, forward and backward. In the gradient of
// Σ c⊙y, with c different everywhere, no element can stand for another.
//
// Tolerances: a sum of n terms differs from any other order of summation by at most 2n·ε relative to the sum of the
// terms' magnitudes; the 16 is for elementary functions, of which no expression here nests more than four, of 2 ulp each.
// Central differences of step 1e-5 are exact to 1e-9 for these functions, in float64.
func TestOracle(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range expressions {
		for _, dt := range []tensor.Dtype{tensor.Float64, tensor.Float32} {
			t.Run(fmt.Sprintf("%s/%v", e.name, dt), func(t *testing.T) {
				defer func() {
					if p := recover(); p != nil {
						t.Fatalf("panic: %v\n%s", p, debug.Stack())
					}
				}()
				theirs := newProgram(t, e, dt, e.noGrad == "" && e.wrong == "")
				want := theirs.run(t, tape(t, theirs))
				tolerance := e.tolerance(dt)
				if e.wrong != "" {
					theirs = newProgram(t, e, tensor.Float64, false)
					want = append(want, theirs.differences(t, tape(t, theirs))...)
					tolerance = max(tolerance, 1e-8)
				}
				mine := newProgram(t, e, dt, e.noGrad == "")
				vm, err := neocog.NewMachine(mine.cost, mine.learnables...)
				if err != nil {
					t.Fatal(err)
				}
				got := mine.run(t, vm)
				if len(want) != len(got) {
					t.Fatalf("got %d results, want %d", len(got), len(want))
				}
				for i, w := range want {
					compare(t, w.name, got[i].value, w.value, tolerance)
				}
				for _, k := range mine.kinds {
					seen[k] = true
				}
			})
		}
	}
	for _, rule := range neocog.Rules() {
		if !seen[rule] && rule != "avgPoolOp" { // which is refused, see TestUnsupported
			t.Errorf("no expression has a %s", rule)
		}
	}
}

// tolerance is relative to the largest element.
func (e expression) tolerance(dt tensor.Dtype) float64 {
	eps := 0x1p-52
	if dt == tensor.Float32 {
		eps = 0x1p-23
	}
	terms := e.terms
	for _, shape := range e.in {
		if e.terms == 0 {
			terms = max(terms, shape.TotalSize())
		}
	}
	return float64(2*terms+16) * eps
}

// A program is an expression in a graph of Gorgonia's, with Σ c⊙y.
type program struct {
	in         G.Nodes
	kinds      []string // of the ops of y
	read       G.Value  // y
	cost       *G.Node
	learnables G.Nodes // the operands, if gradients are asked for
}

func newProgram(t *testing.T, e expression, dt tensor.Dtype, gradients bool) *program {
	t.Helper()
	g := G.NewGraph()
	rng := rand.New(rand.NewPCG(1, 2))
	p := &program{}
	for i, shape := range e.in {
		p.in = append(p.in, leaf(g, string(rune('a'+i)), values(rng, e.from, shape, dt)))
	}
	y, err := e.build(p.in)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range g.AllNodes() {
		if n.Op() != nil {
			p.kinds = append(p.kinds, reflect.Indirect(reflect.ValueOf(n.Op())).Type().Name())
		}
	}
	G.Read(y, &p.read)
	if e.noGrad != "" {
		p.cost = y
		return p
	}
	p.cost = G.Must(G.HadamardProd(leaf(g, "c", values(rng, positive, y.Shape(), dt)), y))
	if !y.IsScalar() {
		p.cost = G.Must(G.Sum(p.cost))
	}
	if gradients {
		p.learnables = p.in
		if _, err := G.Grad(p.cost, p.learnables...); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func tape(t *testing.T, p *program) G.VM {
	vm := G.NewTapeMachine(p.cost.Graph(), G.BindDualValues(p.learnables...))
	t.Cleanup(func() { vm.Close() })
	return vm
}

// A result is y or the gradient of an operand.
type result struct {
	name  string
	value G.Value
}

func (p *program) run(t *testing.T, vm G.VM) []result {
	t.Helper()
	if err := vm.RunAll(); err != nil {
		t.Fatal(err)
	}
	out := []result{{"y", p.read}}
	for _, n := range p.learnables {
		d, err := n.Grad()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, result{"gradient of " + n.Name(), d})
	}
	return out
}

// differences returns the gradients as quotients of differences.
func (p *program) differences(t *testing.T, vm G.VM) []result {
	t.Helper()
	const step = 1e-5
	var cost G.Value
	costAt := func(x *float64, v float64) float64 {
		*x = v
		if err := vm.RunAll(); err != nil {
			t.Fatal(err)
		}
		cost = p.cost.Value()
		vm.Reset()
		return cost.Data().(float64)
	}
	var out []result
	for _, n := range p.in {
		d := tensor.New(tensor.Of(tensor.Float64), tensor.WithShape(n.Shape()...))
		x := n.Value().Data().([]float64)
		for i, v := range x {
			d.Float64s()[i] = (costAt(&x[i], v+step) - costAt(&x[i], v-step)) / (2 * step)
			x[i] = v
		}
		out = append(out, result{"gradient of " + n.Name(), d})
	}
	return out
}

// leaf returns a variable with this value.
func leaf(g *G.ExprGraph, name string, v *tensor.Dense) *G.Node {
	if v.IsScalar() {
		return G.NewScalar(g, v.Dtype(), G.WithName(name), G.WithValue(v.ScalarValue()))
	}
	return G.NewTensor(g, v.Dtype(), v.Dims(), G.WithShape(v.Shape()...), G.WithName(name), G.WithValue(v))
}

// values returns a tensor with elements evenly distributed in the box but for a hundredth around 0 and ±1.
func values(rng *rand.Rand, from box, shape tensor.Shape, dt tensor.Dtype) *tensor.Dense {
	if from == (box{}) {
		from = around
	}
	wide := make([]float64, shape.TotalSize())
	narrow := make([]float32, len(wide))
	for i := range wide {
		for {
			wide[i] = from.lo + (from.hi-from.lo)*rng.Float64()
			if a := math.Abs(wide[i]); a > 0.01 && math.Abs(a-1) > 0.01 {
				break
			}
		}
		narrow[i] = float32(wide[i])
	}
	switch {
	case shape.IsScalar() && dt == tensor.Float64:
		return tensor.New(tensor.FromScalar(wide[0]))
	case shape.IsScalar():
		return tensor.New(tensor.FromScalar(narrow[0]))
	case dt == tensor.Float64:
		return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(wide))
	}
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(narrow))
}

// compare allows a difference relative to the largest element.
func compare(t *testing.T, name string, got, want G.Value, tolerance float64) {
	t.Helper()
	a, b := floats(t, got), floats(t, want)
	if !got.Shape().Eq(want.Shape()) || len(a) != len(b) {
		t.Fatalf("%s: got shape %v, want %v", name, got.Shape(), want.Shape())
	}
	largest := 0.0
	for _, v := range b {
		largest = max(largest, math.Abs(v))
	}
	for i := range a {
		if d := math.Abs(a[i] - b[i]); !(d <= tolerance*largest) {
			t.Fatalf("%s[%d]: got %v, want %v, a difference of %.2g, more than %.2g of the largest, %v", name, i, a[i], b[i], d, tolerance, largest)
		}
	}
}

// floats returns the elements of v.
func floats(t *testing.T, v G.Value) []float64 {
	t.Helper()
	if v == nil {
		t.Fatal("there is no value")
	}
	switch d := v.Data().(type) {
	case float64:
		return []float64{d}
	case float32:
		return []float64{float64(d)}
	case []float64:
		return d
	case []int:
		wide := make([]float64, len(d))
		for i, v := range d {
			wide[i] = float64(v)
		}
		return wide
	case []float32:
		wide := make([]float64, len(d))
		for i, v := range d {
			wide[i] = float64(v)
		}
		return wide
	default:
		t.Fatalf("elements are %T", d)
		return nil
	}
}
