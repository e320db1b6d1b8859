package vm_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"gorgonia.org/tensor"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/models/layers"
	"neocog/ops"
	"neocog/ops/opstest"
	"neocog/vm"
	"neocog/vm/kernel"
)

// normals is a tensor of a normal distribution.
func normals(seed uint64, shape ...int) *tensor.Dense {
	r := rand.New(rand.NewPCG(seed, 1))
	v := make([]float32, graph.Shape(shape).Size())
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(v))
}

// Every element-wise op gives the same bits in a chain as it does alone, for tensors shorter and longer than a block.
func TestEveryElementwiseOpIsFused(t *testing.T) {
	found := 0
	for _, op := range ops.All() {
		if _, ok := op.(kernel.Elementwise); !ok {
			continue
		}
		found++
		t.Run(op.Name(), func(t *testing.T) {
			g := graph.New("chain")
			x, y := g.Input("x", graph.Of(graph.Float32, graph.Batch, 3)), g.Input("y", graph.Of(graph.Float32, graph.Batch, 3))
			in := []*graph.Value{ops.Neg(x), ops.AddScalar(y, 0.5)}
			// How many operands it wants, Infer knows.
			typ := x.Type()
			v := in
			if _, err := op.Infer([]graph.Type{typ, typ}); err != nil {
				v = in[:1]
			}
			out := ops.Scale(graph.Apply(op, v...), 3)
			if err := g.Err(); err != nil {
				t.Fatal(err)
			}
			fused := start(t, g, vm.NewState(1), []*graph.Value{out})
			plain := start(t, g, vm.NewState(1), []*graph.Value{out}, vm.NoPasses(), vm.Threads(1))
			for _, n := range []int{0, 1, 7, 682, 683, 5000} {
				feeds := vm.Feeds{x: normals(1, n, 3), y: normals(2, n, 3)}
				a, b := run(t, fused, feeds)[0].Clone().(*tensor.Dense), run(t, plain, feeds)[0]
				if !bytes.Equal(bits(a), bits(b)) {
					t.Errorf("%d rows: other bits than alone", n)
				}
			}
		})
	}
	if found < 25 {
		t.Errorf("%d ops are element-wise, want 25 or more", found)
	}
}

// Operands of every kind that fits go along: whole, one element, and stretched before, behind, on both sides; along short rows and long ones.
func TestFusedOperandsAreStretched(t *testing.T) {
	for _, shape := range []graph.Shape{{2, 3, 5, 7}, {2, 3, 13, 17}, {1, 1, 1, 1}, {5, 1, 40, 60}, {0, 3, 2, 2}, {3, 300, 1, 1}} {
		g := graph.New("stretched")
		x := g.Input("x", graph.Of(graph.Float32, append([]int{graph.Batch}, shape[1:]...)...))
		y, feeds := ops.Neg(x), vm.Feeds{x: normals(1, shape...)}
		for i, s := range []graph.Shape{{}, {1}, {1, shape[1], 1, 1}, {shape[1], 1, 1}, {shape[3]}, {shape[2], shape[3]}, {1, shape[1], shape[2], 1}, {1, 1, 1, 1}, shape[1:]} {
			v := g.Input(fmt.Sprint("v", i), graph.Of(graph.Float32, s...))
			feeds[v] = normals(uint64(i+2), s...)
			y = ops.Add(ops.Mul(y, v), v)
		}
		y = ops.ReLU(y)
		if err := g.Err(); err != nil {
			t.Fatal(err)
		}
		for threads := 1; threads <= 3; threads++ {
			m := start(t, g, vm.NewState(1), []*graph.Value{y}, vm.Threads(threads))
			plain := start(t, g, vm.NewState(1), []*graph.Value{y}, vm.NoPasses())
			if a, b := run(t, m, feeds)[0], run(t, plain, feeds)[0]; !bytes.Equal(bits(a), bits(b)) {
				t.Errorf("%v on %d threads: other bits than without passes", shape, threads)
			}
		}
	}
}

// Where the gradient of a product goes through the optimiser tile by tile, parameters get the same bits: for
// products of one tile and several, whole rows and parts, few terms and many, stacks, both floats, and any number of threads.
func TestSteppedWeightsHaveTheSameBits(t *testing.T) {
	for _, d := range []graph.DType{graph.Float32, graph.Float64} {
		for _, s := range []struct {
			w     graph.Shape
			batch int
		}{
			{graph.Shape{5, 3}, 2}, {graph.Shape{1, 1}, 1}, {graph.Shape{40, 2050}, 3}, {graph.Shape{300, 257}, 5}, {graph.Shape{3, 70001}, 2},
			{graph.Shape{150, 600}, 70}, {graph.Shape{2, 3, 50, 40}, 4}, {graph.Shape{7, 5}, 0},
		} {
			g := graph.New("stepped")
			stack, rows, cols := s.w[:len(s.w)-2], s.w[len(s.w)-2], s.w[len(s.w)-1]
			x := g.Input("x", graph.Of(d, append(stack.Clone(), s.batch, cols)...))
			dy := g.Input("dy", graph.Of(d, append(stack.Clone(), s.batch, rows)...))
			w := g.Param("w", graph.Of(d, s.w...), graph.Normal(0, 1))
			v := g.Buffer("v", graph.Of(d, s.w...), graph.Normal(0, 1))
			gradient := autodiff.Gradients(ops.Sum(ops.Mul(ops.MatMul(dy, w), x)), w)[0]
			next := ops.Add(ops.Scale(v, 0.9), ops.Add(gradient, ops.Scale(w, 0.01)))
			g.Update(v, next)
			g.Update(w, ops.Sub(w, ops.Scale(next, 0.1)))
			if err := g.Err(); err != nil {
				t.Fatal(err)
			}
			feeds := vm.Feeds{x: normals(1, x.Shape()...), dy: normals(2, dy.Shape()...)}
			if d == graph.Float64 {
				for v, f := range feeds {
					feeds[v] = opstest.Dense(v.Type(), widened(f))
				}
			}
			values := func(opts ...vm.Option) []byte {
				state := vm.NewState(1)
				m := start(t, g, state, nil, opts...)
				for range 2 {
					run(t, m, feeds)
				}
				var all []byte
				for _, name := range state.Names() {
					got, err := state.Get(name)
					if err != nil {
						t.Fatal(err)
					}
					all = append(all, bits(got)...)
				}
				return all
			}
			p, err := vm.Compile(g, nil)
			if err != nil {
				t.Fatal(err)
			}
			if log := strings.Join(p.Log(), "\n"); !strings.Contains(p.Graph().String(), "Then:") {
				t.Fatalf("%v: nothing goes tile by tile:\n%v\n%s", s.w, p.Graph(), log)
			}
			want := values(vm.NoPasses(), vm.Threads(1))
			for threads := 1; threads <= 3; threads++ {
				if !bytes.Equal(values(vm.Threads(threads)), want) {
					t.Errorf("%v%v, batch %d, on %d threads: other bits than without passes", d, s.w, s.batch, threads)
				}
			}
		}
	}
}

func widened(f *tensor.Dense) []float64 {
	var v []float64
	for _, x := range f.Float32s() {
		v = append(v, float64(x))
	}
	return v
}

// inference is a network of convolutions, batch normalisation, residuals and ReLU, at the end of which not everything is folded.
func inference(g *graph.Graph) (x, y *graph.Value) {
	b := &layers.Builder{}
	same := ops.Conv{Pad: [4]int{1, 1, 1, 1}}
	x = g.Input("x", graph.Of(graph.Float32, graph.Batch, 3, 14, 14))
	h := ops.ReLU(b.BatchNorm("n1", b.Conv("c1", x, 16, [2]int{3, 3}, same)))
	r := b.BatchNorm("n2", b.ConvNoBias("c2", h, 24, [2]int{3, 3}, ops.Conv{Pad: [4]int{1, 1, 1, 1}, Stride: [2]int{2, 2}, Round: ops.Floor}))
	s := b.BatchNorm("n3", b.ConvNoBias("c3", h, 24, [2]int{1, 1}, ops.Conv{Stride: [2]int{2, 2}, Round: ops.Floor}))
	h = ops.ReLU(ops.Add(r, s))
	h = ops.ReLU(ops.Add(h, b.BatchNorm("n4", b.ConvNoBias("c4", h, 24, [2]int{1, 1}, ops.Conv{}))))
	h = ops.Sigmoid(b.Conv("c5", h, 8, [2]int{3, 3}, same))
	return x, b.Linear("fc", ops.Flatten(ops.GlobalAvgPool(h)), 10)
}

// What is folded into filters and kept follows the parameters, and differs by rounding alone.
func TestFoldedNetworkFollowsItsParameters(t *testing.T) {
	g := graph.New("inference")
	x, y := inference(g)
	if err := g.Err(); err != nil {
		t.Fatal(err)
	}
	s := vm.NewState(1)
	m := start(t, g, s, []*graph.Value{y})
	plain := start(t, g, s, []*graph.Value{y}, vm.NoPasses())
	program, err := vm.Compile(g, []*graph.Value{y})
	if err != nil {
		t.Fatal(err)
	}
	var dump strings.Builder
	if err := program.Dump(&dump, 2); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(dump.String(), "Then:"); n != 4 {
		t.Errorf("%d convolutions do what follows, want 4:\n%s", n, &dump)
	}
	for line := range strings.Lines(dump.String()) {
		if strings.Contains(line, "Fused") && strings.Contains(line, "f32[N") {
			t.Errorf("what follows a convolution is not done by it: %s", line)
		}
	}
	for round := range 4 {
		if round > 0 { // other statistics, and another filter
			for _, name := range []string{"n1/mean", "n3/var", "c4/w", "c1/b"} {
				old, err := s.Get(name)
				if err != nil {
					t.Fatal(err)
				}
				v := normals(uint64(round), old.Shape()...)
				for i, e := range v.Float32s() {
					v.Float32s()[i] = float32(math.Abs(float64(e))) + 0.1
				}
				if err := s.Set(name, v); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, n := range []int{2, 1, 2} {
			feeds := vm.Feeds{x: normals(uint64(n), n, 3, 14, 14)}
			got, want := run(t, m, feeds)[0].Float32s(), run(t, plain, feeds)[0].Float32s()
			diff, norm := 0.0, 0.0
			for i, w := range want {
				diff += math.Pow(float64(got[i]-w), 2)
				norm += math.Pow(float64(w), 2)
			}
			if rel := math.Sqrt(diff / norm); !(rel <= 1e-6) {
				t.Errorf("round %d, batch %d: relative L2 error %.2g against the plain program", round, n, rel)
			}
		}
	}
}

// A profile says which instruction computes what; times add up; it costs nothing where it is not asked for.
func TestProfile(t *testing.T) {
	g := graph.New("inference")
	x, y := inference(g)
	p, err := vm.Compile(g, []*graph.Value{y}, vm.WithProfile(), vm.Threads(2))
	if err != nil {
		t.Fatal(err)
	}
	m, err := p.NewMachine(vm.NewState(1))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if m.Profile(2) != nil {
		t.Error("there is a profile before the first run")
	}
	feeds := vm.Feeds{x: normals(1, 2, 3, 14, 14)}
	for range 3 {
		run(t, m, feeds)
	}
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := m.Run(canceled, feeds); err == nil {
		t.Error("no error")
	}
	f := m.Profile(2)
	if f == nil || f.Runs != 3 || f.Workers != 2 || f.Batch != 2 || f.Arena == 0 {
		t.Fatalf("the profile is %+v", f)
	}
	sum, seen := time.Duration(0), map[*graph.Node]bool{}
	for _, i := range f.Instructions {
		sum += i.Time
		for _, n := range i.Of {
			if seen[n] {
				t.Errorf("%v is computed twice", n)
			}
			seen[n] = true
		}
		if i.Node.Op.Name() == "Conv2D" && (i.FLOPs == 0 || i.Moved == 0 || i.Memory == 0 || i.Algo == "" || len(i.Spans) == 0) {
			t.Errorf("of %v it says %+v", i.Node, i)
		}
	}
	if sum != f.Total {
		t.Errorf("the times add up to %v, want %v", sum, f.Total)
	}
	for _, n := range g.Nodes() {
		if view := n.Op.Name() == "Reshape" || n.Op.Name() == "Flatten"; !n.IsSource() && !view && !seen[n] {
			t.Errorf("no instruction computes %v", n)
		}
	}
	m.ResetProfile()
	if m.Profile(2) != nil || start(t, g, vm.NewState(1), []*graph.Value{y}).Profile(2) != nil {
		t.Error("there is a profile of nothing")
	}
}
