package opstest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"

	"gorgonia.org/tensor"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/ops"
	"neocog/vm"
	"neocog/vm/kernel"
)

// Shapes are the shapes of an op's inputs.
type Shapes [][]int

// Op is an op under test with what its inputs are.
type Op struct {
	// Op is the op. Where it is nil, Wrap must be given and apply the op last.
	Op graph.Op
	// In gives the shapes of the inputs, which are floats. Types says so in full
	// where some are not; Float64 in Types stands for float32 and float64 in turn.
	In    Shapes
	Types []graph.Type
	// Floats are drawn evenly from Low to High; both 0 means from -1 to 1.
	Low, High float64
	// Apart keeps every float at least this far from 0 and from every other
	// element of its input: for ops with kinks, such as max. The range grows as
	// far as that takes.
	Apart float64
	// Draw, if not nil, gives the elements of input i instead; nil from it leaves
	// the input as above. Integers without Draw are all 0.
	Draw func(rng *rand.Rand, i int, t graph.Type) []float64
	// Wrap, if not nil, builds the op from its inputs for the checks of graphs and
	// gradients, where it is a constructor with more than the op.
	Wrap func(in []*graph.Value) []*graph.Value
	// Tol32 is the largest |float32 − float64| allowed, relative to the largest
	// element. 0 means 1e-5.
	Tol32 float64
	// NoGradient says why the op has no gradient, NoSecond why its gradient has
	// none; "" means that it has, and it is checked.
	NoGradient, NoSecond string
	// Check configures the gradient check. Order is set by Run.
	Check autodiff.Config
	// Seed draws the inputs.
	Seed uint64
}

// TB is what Run needs of a test: *testing.T, *testing.B and *testing.F have it.
// Fatal and Fatalf must not return.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// Run checks op as the package's story says. It counts allocations, so that no
// test may run in parallel with it.
func Run(t TB, op Op) {
	t.Helper()
	if op.Types == nil {
		for _, s := range op.In {
			op.Types = append(op.Types, graph.Of(graph.Float64, s...))
		}
	}
	if op.Low == 0 && op.High == 0 {
		op.Low, op.High = -1, 1
	}
	if op.Tol32 == 0 {
		op.Tol32 = 1e-5
	}
	if op.Wrap == nil {
		op.Wrap = func(in []*graph.Value) []*graph.Value {
			types, err := op.Op.Infer(typesOf(in))
			if err != nil {
				return []*graph.Value{graph.Apply(op.Op, in...)} // records the mistake
			}
			return graph.ApplyN(len(types), op.Op, in...)
		}
	}
	if op.Op == nil {
		g, _, _ := op.build(graph.Float64)
		if err := g.Err(); err != nil {
			t.Fatal(err)
		}
		op.Op = lastOp(g)
	}
	op.comparable(t)
	op.text(t)
	wide, ok64 := op.kernel(t, graph.Float64)
	narrow, ok32 := op.kernel(t, graph.Float32)
	if !ok64 || !ok32 {
		return // a kernel which writes where it must not would damage what runs it
	}
	op.precision(t, wide, narrow)
	op.tape(t)
	op.gradient(t)
}

func (op Op) comparable(t TB) {
	t.Helper()
	if !reflect.ValueOf(op.Op).Comparable() || op.Op != op.Op {
		t.Fatalf("%T is not comparable; attributes must be values that are equal to themselves", op.Op)
	}
	if op.Op.Name() == "" || strings.ContainsAny(op.Op.Name(), " %{}=\"") {
		t.Errorf("name %q cannot stand in the text form", op.Op.Name())
	}
}

// build returns a graph of the op with inputs whose floats are d.
func (op Op) build(d graph.DType) (g *graph.Graph, in, out []*graph.Value) {
	g = graph.New("op")
	for i, typ := range op.types(d) {
		in = append(in, g.Input(fmt.Sprintf("in%d", i), typ))
	}
	return g, in, op.Wrap(in)
}

func (op Op) types(d graph.DType) []graph.Type {
	types := make([]graph.Type, len(op.Types))
	for i, typ := range op.Types {
		types[i] = typ
		if typ.DType == graph.Float64 {
			types[i].DType = d
		}
	}
	return types
}

func (op Op) text(t TB) {
	t.Helper()
	g, _, _ := op.build(graph.Float64)
	if err := g.Err(); err != nil {
		t.Fatal(err)
	}
	if err := g.Check(); err != nil {
		t.Fatal(err)
	}
	text := g.String()
	back, err := graph.Parse(text, append(ops.All(), op.Op)...)
	if err != nil {
		t.Fatalf("the text form does not parse: %v\n%s", err, text)
	}
	if again := back.String(); again != text {
		t.Errorf("the text form changes when it is parsed:\n%s\nbecomes\n%s", text, again)
	}
	if last, got := lastOp(g), lastOp(back); last != got {
		t.Errorf("the op %#v becomes %#v when it is parsed", last, got)
	}
}

func lastOp(g *graph.Graph) graph.Op { return g.Nodes()[len(g.Nodes())-1].Op }

// values returns the elements of all inputs; the same for every element type,
// and exactly representable in float32.
func (op Op) values() [][]float64 {
	rng := rand.New(rand.NewPCG(op.Seed, 1))
	out := make([][]float64, len(op.Types))
	for i, typ := range op.Types {
		if op.Draw != nil {
			if out[i] = op.Draw(rng, i, typ); out[i] != nil {
				round(out[i])
				continue
			}
		}
		out[i] = make([]float64, typ.Shape.Size())
		switch {
		case !typ.DType.IsFloat():
		case op.Apart > 0:
			spread(rng, out[i], op.Low, op.High, op.Apart)
		default:
			for j := range out[i] {
				out[i][j] = op.Low + (op.High-op.Low)*rng.Float64()
			}
		}
		round(out[i])
	}
	return out
}

// round makes v exact in float32.
func round(v []float64) {
	for i, x := range v {
		v[i] = float64(float32(x))
	}
}

// spread fills v with distinct values, apart from one another and from 0, in
// random order: multiples of a pitch, moved a little.
func spread(rng *rand.Rand, v []float64, low, high, apart float64) {
	n := float64(len(v))
	pitch := max(2.5*apart, (high-low)/(n+1))
	first := low
	if low < 0 && high > 0 {
		first = -pitch * math.Floor(n/2)
	}
	for i, p := range rng.Perm(len(v)) {
		x := first + pitch*(float64(p)+0.5)
		v[i] = x + (rng.Float64()-0.5)*(pitch-2*apart)*0.5
	}
}

// A result is what a kernel wrote, by output, as raw bytes.
type result [][]byte

// kernel checks the op's plan directly and returns its results, and whether the
// plan may be run elsewhere.
func (op Op) kernel(t TB, d graph.DType) (want result, ok bool) {
	t.Helper()
	ok = true
	k, runs := op.Op.(kernel.Op)
	if !runs {
		t.Fatalf("%s has no method Plan: it cannot run", op.Op.Name())
	}
	in := op.types(d)
	out, err := k.Infer(in)
	if err != nil {
		t.Fatal(err)
	}
	for _, reference := range []bool{true, false} {
		p, err := k.Plan(&kernel.Env{Reference: reference}, in, out)
		if err != nil {
			t.Fatalf("%v: %v", d, err)
		}
		if p.View {
			if in[0].Bytes() != out[0].Bytes() {
				t.Errorf("%v: the plan is a view of %v as %v", d, in[0], out[0])
				ok = false
			}
			continue
		}
		name := fmt.Sprintf("%v %s reference=%t", d, p.Algo, reference)
		r := &bench{t: t, name: name, plan: p, in: in, out: out, values: op.values()}
		got := r.run(1, poisonOnes, -1)
		r.same("with other garbage in the results and scratch memory: something is not written, or read before", got, r.run(1, poisonSmall, -1))
		for _, parts := range []int{2, 3, 7} {
			r.same(fmt.Sprintf("divided among %d workers", parts), got, r.run(parts, poisonOnes, -1))
		}
		for i, j := range p.InPlace {
			if j > 0 && in[j-1].Bytes() == out[i].Bytes() {
				r.same(fmt.Sprintf("with result %d over input %d", i, j-1), got, r.run(1, poisonOnes, i))
			}
		}
		r.exclusive()
		r.allocations()
		want = got
		ok = ok && !r.faulty
	}
	return want, ok
}

// precision compares float32 with float64.
func (op Op) precision(t TB, wide, narrow result) {
	t.Helper()
	out64, err := op.Op.Infer(op.types(graph.Float64))
	if err != nil {
		t.Fatal(err)
	}
	out32, err := op.Op.Infer(op.types(graph.Float32))
	if err != nil {
		t.Fatal(err)
	}
	if wide == nil || narrow == nil {
		return // a view
	}
	for i := range out64 {
		x, y := floats(wide[i], out64[i].DType), floats(narrow[i], out32[i].DType)
		if x == nil || y == nil {
			continue
		}
		largest := 0.0
		for _, v := range x {
			if !math.IsInf(v, 0) && v == v {
				largest = max(largest, math.Abs(v))
			}
		}
		for j := range x {
			if x[j] == y[j] || x[j] != x[j] && y[j] != y[j] {
				continue
			}
			if diff := math.Abs(x[j] - y[j]); !(diff <= op.Tol32*largest) {
				t.Errorf("result %d, element %d: float32 gives %g, float64 %g; the largest element is %g", i, j, y[j], x[j], largest)
				break
			}
		}
	}
}

// tape compares the tape with the interpreter.
func (op Op) tape(t TB) {
	t.Helper()
	for _, d := range []graph.DType{graph.Float64, graph.Float32} {
		g, in, out := op.build(d)
		feeds := vm.Feeds{}
		for i, v := range op.values() {
			feeds[in[i]] = Dense(op.types(d)[i], v)
		}
		want, err := vm.Interpret(g, out, vm.NewState(op.Seed), feeds)
		if err != nil {
			t.Fatal(err)
		}
		for _, threads := range []int{1, 2, 3} {
			got, err := run(g, out, feeds, vm.Threads(threads))
			if err != nil {
				t.Fatal(err)
			}
			tol := op.Tol32
			if d == graph.Float64 {
				tol = 1e-12
			}
			for i := range out {
				if err := Near(got[i], want[i], tol); err != nil {
					t.Errorf("%v, %d threads, result %d: tape against interpreter: %v", d, threads, i, err)
				}
			}
		}
	}
}

// gradient checks the op's VJP, and the VJP of that.
func (op Op) gradient(t TB) {
	t.Helper()
	if _, ok := op.Op.(graph.Differentiable); !ok && op.NoGradient == "" {
		t.Errorf("%s has no VJP; if that is meant, say why in NoGradient", op.Op.Name())
		return
	}
	if op.NoGradient != "" {
		return
	}
	c := op.Check
	if c.Order = 2; op.NoSecond != "" {
		c.Order = 1
	}
	var at []*tensor.Dense
	for i, v := range op.values() {
		at = append(at, Dense(op.Types[i], v))
	}
	rep, err := autodiff.Check(op.scalar, at, c)
	if err != nil {
		t.Errorf("%s: %v", op.Op.Name(), err)
		return
	}
	if err := rep.Err(); err != nil {
		t.Errorf("%s: %v", op.Op.Name(), err)
	}
	if rep.Checked == 0 {
		empty := true
		for _, typ := range op.Types {
			empty = empty && (typ.Shape.Size() == 0 || !typ.DType.IsFloat())
		}
		if !empty {
			t.Errorf("%s: no derivative was checked", op.Op.Name())
		}
	}
}

// scalar is a random linear combination of all float results.
func (op Op) scalar(in []*graph.Value) *graph.Value {
	rng := rand.New(rand.NewPCG(op.Seed, 3))
	var sum *graph.Value
	for _, v := range op.Wrap(in) {
		if !v.IsValid() || !v.DType().IsFloat() {
			continue
		}
		w := make([]float64, v.Shape().Size())
		for i := range w {
			w[i] = rng.NormFloat64()
		}
		term := ops.Sum(ops.Mul(graph.Const(v.Graph(), v.Shape(), w...), v))
		if sum == nil {
			sum = term
		} else {
			sum = ops.Add(sum, term)
		}
	}
	return sum
}

func typesOf(vs []*graph.Value) []graph.Type {
	types := make([]graph.Type, len(vs))
	for i, v := range vs {
		types[i] = v.Type()
	}
	return types
}
