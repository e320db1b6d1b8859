package ops_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/ops"
	"neocog/ops/opstest"
	"neocog/vm"
)

func batchNorm(eps float64) func(values) values {
	return func(in values) values {
		y, mean, variance := ops.BatchNorm(in[0], in[1], in[2], eps)
		return values{y, mean, variance}
	}
}

// positive draws input i from 0.5 to 1.5: a variance.
func positive(i int) func(*rand.Rand, int, graph.Type) []float64 {
	return func(rng *rand.Rand, j int, t graph.Type) []float64 {
		if j != i {
			return nil
		}
		v := make([]float64, t.Shape.Size())
		for k := range v {
			v[k] = 0.5 + rng.Float64()
		}
		return v
	}
}

func TestNormalisationsConform(t *testing.T) {
	for name, op := range map[string]opstest.Op{
		"BatchNorm/images": {In: shapes{{3, 2, 2, 3}, {2}, {2}}, Wrap: batchNorm(1e-3)},
		"BatchNorm/rows":   {In: shapes{{5, 3}, {3}, {3}}, Wrap: batchNorm(1e-2)},
		"BatchNorm/empty":  {In: shapes{{0, 2, 3}, {2}, {2}}, Wrap: batchNorm(1e-2)},
		"BatchNormGrad": {In: shapes{{3, 2, 4}, {2}, {2}, {2}, {3, 2, 4}}, Draw: positive(2), Wrap: func(in values) values {
			return ops.BatchNormGradOp(in, 1e-3)
		}},
		"Dropout": {Types: []graph.Type{graph.Of(graph.Float64, 7, 9), graph.Of(graph.Int64, 2)},
			Wrap: one(func(in values) *graph.Value { return ops.Dropout(in[0], 0.3, in[1]) })},
		"Cast/float": {In: shapes{{3, 4}}, Tol32: 1e-6, Wrap: one(func(in values) *graph.Value { return ops.Cast(ops.Cast(in[0], graph.Int32), graph.Float64) }), NoGradient: "integers"},
	} {
		t.Run(name, func(t *testing.T) { opstest.Run(t, op) })
	}
}

// run1 runs a graph of one output once.
func run1(t *testing.T, g *graph.Graph, s *vm.State, feeds vm.Feeds, out ...*graph.Value) []*tensor.Dense {
	t.Helper()
	p, err := vm.Compile(g, out)
	if err != nil {
		t.Fatal(err)
	}
	m, err := p.NewMachine(s)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	got, err := m.Run(context.Background(), feeds)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestBatchNormOfKnownNumbers(t *testing.T) {
	g := graph.New("norm")
	x := g.Input("x", graph.Of(graph.Float64, graph.Batch, 1))
	c := graph.Of(graph.Float64, 1)
	gamma, beta := g.Param("gamma", c, graph.Constant(2)), g.Param("beta", c, graph.Constant(1))
	mean, variance := g.Buffer("mean", c, graph.Zeros()), g.Buffer("var", c, graph.Constant(1))
	y, bm, bv := ops.BatchNorm(x, gamma, beta, 1e-12)
	nm, nv := ops.RunningStats(x, bm, bv, mean, variance, 0.1)
	g.Update(mean, nm)
	g.Update(variance, nv)
	s := vm.NewState(1)
	// 1 2 3 6: mean 3, squares 4 1 0 9, population variance 3.5, unbiased 14/3.
	out := run1(t, g, s, vm.Feeds{x: tensor.New(tensor.WithShape(4, 1), tensor.WithBacking([]float64{1, 2, 3, 6}))}, y, bm, bv)
	for i, v := range []float64{-2, -1, 0, 3} {
		if want := 1 + 2*v/math.Sqrt(3.5); math.Abs(out[0].Float64s()[i]-want) > 1e-11 {
			t.Errorf("y[%d] = %v, want %v", i, out[0].Float64s()[i], want)
		}
	}
	if m, v := out[1].Float64s()[0], out[2].Float64s()[0]; m != 3 || v != 3.5 {
		t.Errorf("mean %v, variance %v; want 3, 3.5", m, v)
	}
	for name, want := range map[string]float64{"mean": 0.3, "var": 0.9 + 0.1*14/3} {
		got, err := s.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		if v := got.Float64s()[0]; math.Abs(v-want) > 1e-14 {
			t.Errorf("running %s = %v, want %v", name, v, want)
		}
	}
}

func TestDropoutDropsInProportionAndAnewInEachRun(t *testing.T) {
	g := graph.New("drop")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch))
	y, z := ops.Dropout(x, 0.25, ops.Random(g)), ops.Dropout(x, 0.25, ops.Random(g))
	const n = 100_000
	ones := make([]float32, n)
	for i := range ones {
		ones[i] = 1
	}
	feeds := vm.Feeds{x: tensor.New(tensor.WithShape(n), tensor.WithBacking(ones))}
	masks := func(s *vm.State) (a, b []float32) {
		out := run1(t, g, s, feeds, y, z)
		return append([]float32(nil), out[0].Float32s()...), append([]float32(nil), out[1].Float32s()...)
	}
	s := vm.NewState(7)
	first, other := masks(s)
	second, _ := masks(s)
	again, _ := masks(vm.NewState(7))
	seeded, _ := masks(vm.NewState(8))
	kept := 0
	for _, v := range first {
		switch v {
		case 0:
		case float32(1 / 0.75):
			kept++
		default:
			t.Fatalf("an element is %v, want 0 or 4/3", v)
		}
	}
	// The standard deviation of the share is √(¼·¾/n) = 0.00137.
	if share := float64(kept) / n; math.Abs(share-0.75) > 5*0.00137 {
		t.Errorf("%v of the elements are kept, want 0.75 ± 0.007", share)
	}
	differ := func(a, b []float32) (d int) {
		for i := range a {
			if a[i] != b[i] {
				d++
			}
		}
		return d
	}
	if d := differ(first, again); d != 0 {
		t.Errorf("the same seed and step give %d other elements", d)
	}
	// Independent masks differ in 2·¼·¾ = 37.5 % of the elements.
	for what, b := range map[string][]float32{"the next run": second, "another seed": seeded, "another node": other} {
		if d := float64(differ(first, b)) / n; math.Abs(d-0.375) > 0.01 {
			t.Errorf("%s differs in %v of the elements, want 0.375", what, d)
		}
	}
}

func TestDropoutRefusesProbabilities(t *testing.T) {
	for _, p := range []float64{-0.1, 1, 1.5, math.NaN()} {
		g := graph.New("drop")
		ops.Dropout(g.Input("x", graph.Of(graph.Float32, 3)), p, ops.Random(g))
		if g.Err() == nil {
			t.Errorf("p = %v is accepted", p)
		}
	}
	g := graph.New("drop")
	if x := g.Input("x", graph.Of(graph.Float32, 3)); ops.Dropout(x, 0, ops.Random(g)) != x {
		t.Error("p = 0 is not x itself")
	}
}

func TestStepCountsRunsWhateverTheScope(t *testing.T) {
	g := graph.New("count")
	var step *graph.Value
	g.Scope("inner", func() { step = ops.Step(g) })
	if ops.Step(g) != step {
		t.Error("a second Step is another buffer")
	}
	s := vm.NewState(1)
	for want := range int64(3) {
		if got := run1(t, g, s, vm.Feeds{}, step)[0].Int64s()[0]; got != want {
			t.Errorf("step %d, want %d", got, want)
		}
	}
	if s.Names()[0] != "step" {
		t.Errorf("the buffer is called %q, want step", s.Names()[0])
	}
}

func TestL2IsHalfLambdaSumOfSquares(t *testing.T) {
	g := graph.New("l2")
	a := graph.Const(g, graph.Shape{2}, 1.0, 2)
	b := graph.Const(g, graph.Shape{1, 1}, 3.0)
	if got := run1(t, g, vm.NewState(1), vm.Feeds{}, ops.L2(0.5, a, b))[0].Float64s()[0]; got != 0.5*0.5*14 {
		t.Errorf("got %v, want 3.5", got)
	}
	if bad := ops.L2(1); bad.Graph().Err() == nil {
		t.Error("L2 of nothing is accepted")
	}
}

func TestCastConverts(t *testing.T) {
	g := graph.New("cast")
	x := graph.Const(g, graph.Shape{3}, float32(-1.5), 0, 2.75)
	out := run1(t, g, vm.NewState(1), vm.Feeds{}, ops.Cast(x, graph.Int64), ops.Cast(x, graph.Float64))
	for i, want := range []int64{-1, 0, 2} {
		if got := out[0].Int64s()[i]; got != want {
			t.Errorf("element %d becomes %d, want %d", i, got, want)
		}
	}
	if out[1].Float64s()[2] != 2.75 {
		t.Errorf("float64 of 2.75 is %v", out[1].Float64s()[2])
	}
	if ops.Cast(x, graph.Float32) != x {
		t.Error("Cast to its own type is not x itself")
	}
}
