package vm_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/ops"
	"neocog/vm"
)

var inf = math.Inf(1)

// wide is a tensor of float64 with rows of n.
func wide(n int, v ...float64) *tensor.Dense {
	return tensor.New(tensor.WithShape(len(v)/n, n), tensor.WithBacking(v))
}

// As(Float64) computes in float64 what the graph says in float32: the sum of 1 and
// 2⁻³⁰ is seen there and lost here. Updates are left out.
func TestInterpretInFloat64(t *testing.T) {
	g := graph.New("precise")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch))
	p := g.Param("p", graph.Of(graph.Float32), graph.Constant(1))
	y := ops.Add(ops.Scale(x, math.Ldexp(1, -30)), p)
	g.Update(p, ops.Scale(p, 2))
	s := vm.NewState(1)
	feeds := vm.Feeds{x: floats(1, 4)}
	got, err := vm.Interpret(g, []*graph.Value{y, p}, s, feeds, vm.As(graph.Float64))
	if err != nil {
		t.Fatal(err)
	}
	if want := []float64{1 + math.Ldexp(1, -30), 1 + math.Ldexp(1, -28)}; !slices.Equal(got[0].Float64s(), want) || got[1].Float64s()[0] != 1 {
		t.Errorf("in float64: %v, want %v", got[0].Float64s(), want)
	}
	if v := value(t, s, "p"); v != 1 {
		t.Errorf("the parameter has become %v", v)
	}
	if got, err = vm.Interpret(g, []*graph.Value{y}, s, feeds); err != nil || !slices.Equal(got[0].Float32s(), []float32{1, 1}) {
		t.Errorf("in float32: %v, %v", got, err)
	}
	if v := value(t, s, "p"); v != 2 {
		t.Errorf("the parameter is %v after a run with updates, want 2", v)
	}
	if _, err := vm.Interpret(g, []*graph.Value{y}, s, feeds, vm.NoUpdates()); err != nil || value(t, s, "p") != 2 {
		t.Errorf("NoUpdates: %v, parameter %v", err, value(t, s, "p"))
	}
}

// A float64 graph can be computed in float32, too.
func TestInterpretInFloat32(t *testing.T) {
	g := graph.New("coarse")
	x := g.Input("x", graph.Of(graph.Float64, graph.Batch, 1))
	c := graph.Const(g, graph.Shape{1}, 1.0)
	got, err := vm.Interpret(g, []*graph.Value{ops.Add(x, c)}, vm.NewState(1), vm.Feeds{x: wide(1, math.Ldexp(1, -30))}, vm.As(graph.Float32))
	if err != nil || !slices.Equal(got[0].Float32s(), []float32{1}) {
		t.Errorf("got %v, %v", got, err)
	}
}

// What the interpreter returns is the caller's own.
func TestInterpretGivesNothingAway(t *testing.T) {
	g := graph.New("own")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch))
	p := g.Param("p", graph.Of(graph.Float32, 2), graph.Constant(1))
	s := vm.NewState(1)
	feed := floats(5, 6)
	got, err := vm.Interpret(g, []*graph.Value{x, p, p, ops.Reshape(x, graph.Batch, 1)}, s, vm.Feeds{x: feed})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range got {
		v.Float32s()[0] = 99
	}
	if feed.Float32s()[0] != 5 || value(t, s, "p") != 1 {
		t.Errorf("feed %v, parameter %v", feed, value(t, s, "p"))
	}
}

// The starting values depend on the seed and the name: not on the program.
func TestStateStartsFromSeedAndName(t *testing.T) {
	start := func(seed uint64, names ...string) map[string][]float32 {
		g := graph.New("start")
		for _, n := range names {
			g.Update(g.Param(n, graph.Of(graph.Float32, 3), graph.Normal(0, 1)), g.Lookup(n))
		}
		s := vm.NewState(seed)
		p, err := vm.Compile(g, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.NewMachine(s); err != nil {
			t.Fatal(err)
		}
		if s.Seed() != seed || !slices.Equal(s.Names(), slices.Sorted(slices.Values(names))) {
			t.Errorf("seed %d, names %v; want %d, %v", s.Seed(), s.Names(), seed, names)
		}
		out := map[string][]float32{}
		for _, n := range names {
			v, err := s.Get(n)
			if err != nil {
				t.Fatal(err)
			}
			out[n] = v.Float32s()
		}
		return out
	}
	a, b, c := start(1, "w", "v"), start(1, "u", "v", "w"), start(2, "w")
	if !slices.Equal(a["w"], b["w"]) || !slices.Equal(a["v"], b["v"]) {
		t.Errorf("%v, with another parameter %v", a, b)
	}
	if slices.Equal(a["w"], c["w"]) || slices.Equal(a["w"], a["v"]) {
		t.Errorf("values do not depend on seed and name: %v, %v", a, c)
	}
}

// Initial values of every element type, and Set in any layout.
func TestStateOfAllTypes(t *testing.T) {
	g := graph.New("types")
	var outs []*graph.Value
	for _, d := range []graph.DType{graph.Float32, graph.Float64, graph.Int32, graph.Int64, graph.Bool} {
		outs = append(outs, g.Buffer(d.String(), graph.Of(d, 2), graph.Constant(1)))
	}
	key := g.Buffer("key", graph.Of(graph.Int64, 2), graph.Key())
	outs = append(outs, key)
	s := vm.NewState(1)
	m := start(t, g, s, outs)
	out := run(t, m, nil)
	if out[0].Float32s()[1] != 1 || out[1].Float64s()[1] != 1 || out[2].Int32s()[1] != 1 || out[3].Int64s()[1] != 1 || !out[4].Bools()[1] || out[5].Int64s()[0] <= 0 || out[5].Int64s()[1] != 0 {
		t.Errorf("initial values %v", out)
	}
	matrix := tensor.New(tensor.WithShape(2, 2), tensor.WithBacking([]float64{1, 2, 3, 4}))
	column, err := matrix.Slice(nil, tensor.S(1))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Set("f64", column.(*tensor.Dense)); err != nil {
		t.Fatal(err)
	}
	if err := s.Set("i64", tensor.New(tensor.WithShape(2), tensor.WithBacking([]int{5, 6}))); err != nil {
		t.Fatal(err)
	}
	if out = run(t, m, nil); !slices.Equal(out[1].Float64s(), []float64{2, 4}) || !slices.Equal(out[3].Int64s(), []int64{5, 6}) {
		t.Errorf("after Set: %v", out)
	}
	if err := s.Set("f32", wide(2, 1, 2)); err == nil || !strings.Contains(err.Error(), `value "f32" is f32[2], cannot become f64[1,2]`) {
		t.Errorf("Set of another type: %v", err)
	}
}

// The arena of a chain is two results large at most: they take turns.
func TestArenaIsUsedAgain(t *testing.T) {
	g := graph.New("chain")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 256))
	y := x
	for range 20 {
		y = graph.Apply(scan{}, y) // cannot run in place
	}
	p, err := vm.Compile(g, []*graph.Value{y}, vm.Threads(2))
	if err != nil {
		t.Fatal(err)
	}
	const local = 64 // of each worker, rounded up
	for _, batch := range []int{1, 10, 1000} {
		n, err := p.ArenaBytes(batch)
		if err != nil {
			t.Fatal(err)
		}
		result := batch * 256 * 4
		if n < 2*result || n > 2*result+64+2*local {
			t.Errorf("batch %d takes %d bytes, want two results of %d, scratch of 64 and 2 workers' %d", batch, n, result, local)
		}
	}
	m, err := p.NewMachine(vm.NewState(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Run(context.Background(), vm.Feeds{x: tensor.New(tensor.WithShape(2, 256), tensor.Of(tensor.Float32))}); err != nil {
		t.Error(err)
	}
}
