package train_test

import (
	"context"
	"math"
	"testing"

	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/ops"
	"neocog/train"
	"neocog/vm"
)

// values runs a graph once and returns its outputs as numbers.
func values(t *testing.T, g *graph.Graph, out []*graph.Value) [][]float64 {
	t.Helper()
	p, err := vm.Compile(g, out)
	if err != nil {
		t.Fatal(err)
	}
	m, err := p.NewMachine(vm.NewState(1))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	got, err := m.Run(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var all [][]float64
	for _, d := range got {
		all = append(all, append([]float64(nil), d.Float64s()...))
	}
	return all
}

func TestClipValue(t *testing.T) {
	g := graph.New("clip")
	in := []float64{0.25, -0.25, 1e-300, -3, 7, 0, math.Inf(1), math.NaN()}
	want := []float64{0.25, -0.25, 1e-300, -0.5, 0.5, 0, 0.5, math.NaN()}
	got := values(t, g, train.ClipValue(0.5, []*graph.Value{graph.Const(g, graph.Shape{8}, in...)}))[0]
	for i := range want {
		if got[i] != want[i] && !(math.IsNaN(got[i]) && math.IsNaN(want[i])) {
			t.Errorf("%v becomes %v, want %v", in[i], got[i], want[i])
		}
	}
}

// An element far above the limit cancelled in float32: 10⁶ at 0.1 became 0.125, 10⁹ at 1 became 0, and so a gradient
// that exploded was dropped or passed.
func TestClipValueOfExplodingGradients(t *testing.T) {
	for _, c := range []struct {
		limit float64
		in    float64
	}{{0.1, 1e6}, {1, 1<<24 + 2}, {1, 3e7}, {1, 1e9}, {1, 1e38}, {5, 1e20}, {1e-3, math.MaxFloat32}} {
		g := graph.New("clip")
		d := graph.Const(g, graph.Shape{2}, float32(c.in), float32(-c.in))
		got := ops.Cast(train.ClipValue(c.limit, []*graph.Value{d})[0], graph.Float64)
		limit := float64(float32(c.limit))
		if v := values(t, g, []*graph.Value{got})[0]; v[0] != limit || v[1] != -limit {
			t.Errorf("±%g at a limit of %g becomes %v, want ±%v", c.in, c.limit, v, limit)
		}
	}
}

// The norm is that of all gradients together: √(3² + 4² + 12²) = 13.
func TestClipNorm(t *testing.T) {
	for _, c := range []struct {
		name          string
		limit, factor float64
	}{{"above", 6.5, 0.5}, {"at", 13, 1}, {"below", 20, 1}} {
		g := graph.New("clip")
		a, b := []float64{3, 4, 0}, []float64{-12}
		got := values(t, g, train.ClipNorm(c.limit, []*graph.Value{graph.Const(g, graph.Shape{3}, a...), graph.Const(g, graph.Shape{}, b...)}))
		for i, x := range append(a, b...) {
			if y := append(append([]float64(nil), got[0]...), got[1]...)[i]; y != x*c.factor {
				t.Errorf("%s: %v becomes %v, want %v", c.name, x, y, x*c.factor)
			}
		}
	}
	if got := train.ClipNorm(1, nil); len(got) != 0 {
		t.Errorf("no gradients become %v", got)
	}
}

// w counts 1, 2, 3 …; the corrected mean after t steps is Σ β^(t−i)·w_i·(1−β) / (1−βᵗ).
func TestAverageIsTheCorrectedRunningMean(t *testing.T) {
	const beta = 0.9
	g := graph.New("average")
	w := g.Param("w", graph.Of(graph.Float64), graph.Zeros())
	still := g.Param("still", graph.Of(graph.Float64), graph.Zeros())
	g.Update(w, ops.AddScalar(w, 1))
	train.Average(beta, []*graph.Value{w, still})
	p, err := vm.Compile(g, []*graph.Value{w})
	if err != nil {
		t.Fatal(err)
	}
	state := vm.NewState(1)
	m, err := p.NewMachine(state)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	get := func(name string) float64 {
		d, err := state.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		return d.Float64s()[0]
	}
	for step := 1; step <= 20; step++ {
		if _, err := m.Run(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
		sum, weight := 0.0, 0.0
		for i := 1; i <= step; i++ {
			share := math.Pow(beta, float64(step-i))
			sum, weight = sum+share*float64(i), weight+share
		}
		// Each step rounds a few times; sums of twenty lose less than 1e-14 of their size.
		if got, want := get("opt/w/average")/get("opt/average"), sum/weight; math.Abs(got-want) > 1e-13*want {
			t.Fatalf("step %d: the mean is %v, want %v", step, got, want)
		}
	}
	if v := g.Lookup("opt/still/average"); v != nil {
		t.Error("a parameter without an update has an average")
	}
}

// Three runs with parts of 2, 2 and 1 images give the gradient of all five, and the next
// three start from nothing.
func TestAccumulate(t *testing.T) {
	g := graph.New("accumulate")
	keep, share, x := g.Input("keep", graph.Of(graph.Float64)), g.Input("share", graph.Of(graph.Float64)), g.Input("x", graph.Of(graph.Float64))
	w := g.Param("w", graph.Of(graph.Float64), graph.Zeros())
	sum := train.Accumulate(keep, share, []*graph.Value{w}, []*graph.Value{x})
	p, err := vm.Compile(g, sum)
	if err != nil {
		t.Fatal(err)
	}
	m, err := p.NewMachine(vm.NewState(1))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	scalar := func(v float64) *tensor.Dense {
		return tensor.New(tensor.WithShape(), tensor.WithBacking([]float64{v}))
	}
	for round := range 2 {
		for i, want := range []float64{10 * 0.4, 10*0.4 + 20*0.4, 10*0.4 + 20*0.4 + 50*0.2} {
			feeds := vm.Feeds{keep: scalar(float64(min(i, 1))), share: scalar([]float64{0.4, 0.4, 0.2}[i]), x: scalar([]float64{10, 20, 50}[i])}
			out, err := m.Run(context.Background(), feeds)
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := vm.Scalar(out[0]); got != want {
				t.Errorf("round %d, part %d: the sum is %v, want %v", round, i, got, want)
			}
		}
	}
}

// A tensor that starts at zero is moved by LARS as by momentum.
func TestLARSMovesZeros(t *testing.T) {
	g := graph.New("zeros")
	w := g.Param("w", graph.Of(graph.Float64, 2, 2), graph.Zeros())
	next := train.LARS{}.Next(g.Scalar(graph.Float64, 0.5), w, graph.Const(g, graph.Shape{2, 2}, 1.0, 2, 0, -4))
	for i, want := range []float64{-0.5, -1, 0, 2} {
		if got := values(t, g, []*graph.Value{next})[0][i]; got != want {
			t.Errorf("element %d becomes %v, want %v", i, got, want)
		}
	}
}
