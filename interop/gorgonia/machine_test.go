package gorgonia_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	neocog "neocog/interop/gorgonia"
)

// line is y = Σ (x·w − t)², ready for a machine.
type line struct {
	x, t, w, cost *G.Node
}

func newLine(t *testing.T) line {
	t.Helper()
	g := G.NewGraph()
	rng := rand.New(rand.NewPCG(3, 4))
	l := line{
		x: G.NewMatrix(g, tensor.Float64, G.WithShape(6, 3), G.WithName("x")),
		t: G.NewMatrix(g, tensor.Float64, G.WithShape(6, 1), G.WithName("t")),
		w: leaf(g, "w", values(rng, around, s(3, 1), tensor.Float64)),
	}
	l.cost = G.Must(G.Sum(G.Must(G.Square(G.Must(G.Sub(G.Must(G.Mul(l.x, l.w)), l.t))))))
	if _, err := G.Grad(l.cost, l.w); err != nil {
		t.Fatal(err)
	}
	return l
}

// feed gives x and t values.
func (l line) feed(t *testing.T, rng *rand.Rand) {
	t.Helper()
	for _, n := range []*G.Node{l.x, l.t} {
		if err := G.Let(n, values(rng, around, n.Shape(), tensor.Float64)); err != nil {
			t.Fatal(err)
		}
	}
}

// Solvers change weights in place, and Let gives other values: every run sees both. All solvers of Gorgonia's that take
// gradients from nodes learn the same with both machines.
func TestSolvers(t *testing.T) {
	for name, solver := range map[string]func() G.Solver{
		"vanilla":  func() G.Solver { return G.NewVanillaSolver(G.WithLearnRate(0.01)) },
		"momentum": func() G.Solver { return G.NewMomentum(G.WithLearnRate(0.01)) },
		"adam":     func() G.Solver { return G.NewAdamSolver(G.WithLearnRate(0.01)) },
		"adagrad":  func() G.Solver { return G.NewAdaGradSolver(G.WithLearnRate(0.01)) },
		"rmsprop":  func() G.Solver { return G.NewRMSPropSolver(G.WithLearnRate(0.01)) },
		"clipping": func() G.Solver { return G.NewVanillaSolver(G.WithLearnRate(0.01), G.WithClip(0.5)) },
		"L2":       func() G.Solver { return G.NewVanillaSolver(G.WithLearnRate(0.01), G.WithL2Reg(0.1)) },
	} {
		t.Run(name, func(t *testing.T) {
			learn := func(l line, vm G.VM) G.Value {
				rng := rand.New(rand.NewPCG(5, 6))
				solver := solver()
				for range 10 {
					l.feed(t, rng)
					if err := vm.RunAll(); err != nil {
						t.Fatal(err)
					}
					if err := solver.Step(G.NodesToValueGrads(G.Nodes{l.w})); err != nil {
						t.Fatal(err)
					}
					vm.Reset()
				}
				return l.w.Value()
			}
			theirs, mine := newLine(t), newLine(t)
			vm := G.NewTapeMachine(theirs.cost.Graph(), G.BindDualValues(theirs.w))
			defer vm.Close()
			want := learn(theirs, vm)
			m, err := neocog.NewMachine(mine.cost, mine.w)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			// Ten steps of sums of 6 terms, each of 3; Adam and its kin divide by roots, which halves relative errors.
			compare(t, "w", learn(mine, m), want, 10*64*0x1p-52)
		})
	}
}

// A machine that takes over from a tape machine puts gradients where that one has told solvers to look.
func TestAfterTapeMachine(t *testing.T) {
	l := newLine(t)
	l.feed(t, rand.New(rand.NewPCG(5, 6)))
	vm := G.NewTapeMachine(l.cost.Graph(), G.BindDualValues(l.w))
	defer vm.Close()
	gradient := func(vm G.VM) G.Value {
		if err := vm.RunAll(); err != nil {
			t.Fatal(err)
		}
		d, err := l.w.Grad()
		if err != nil {
			t.Fatal(err)
		}
		d, err = G.CloneValue(d)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	want := gradient(vm)
	m, err := neocog.NewMachine(l.cost, l.w)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	l.feed(t, rand.New(rand.NewPCG(7, 8)))
	gradient(m)
	l.feed(t, rand.New(rand.NewPCG(5, 6)))
	compare(t, "gradient", gradient(m), want, 64*0x1p-52)
}

// Read gives intermediate results and gradients, and the output is its node's value.
func TestRead(t *testing.T) {
	l := newLine(t)
	l.feed(t, rand.New(rand.NewPCG(5, 6)))
	product := G.Must(G.Mul(l.x, l.w))
	var p, d G.Value
	G.Read(product, &p)
	G.Read(l.w.Deriv(), &d)
	m, err := neocog.NewMachine(l.cost, l.w)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.RunAll(); err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for i, v := range floats(t, p) {
		sum += math.Pow(v-l.t.Value().Data().([]float64)[i], 2)
	}
	if cost := l.cost.Value().Data().(float64); math.Abs(cost-sum) > 64*0x1p-52*sum {
		t.Errorf("the cost is %v, by what was read %v", cost, sum)
	}
	want, err := l.w.Grad()
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "what was read of the gradient", d, want, 0)
}

// Dropout zeroes about p of the elements and stretches the others; in evaluation it does nothing.
func TestDropout(t *testing.T) {
	g := G.NewGraph()
	x := leaf(g, "x", tensor.New(tensor.WithShape(100, 100), tensor.WithBacking(tensor.Range(tensor.Float64, 1, 10001))))
	y := G.Must(G.Dropout(x, 0.2))
	run := func() []float64 {
		m, err := neocog.NewMachine(y)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if err := m.RunAll(); err != nil {
			t.Fatal(err)
		}
		return floats(t, y.Value())
	}
	zeros := 0
	for i, v := range run() {
		if want := float64(i+1) / 0.8; v == 0 {
			zeros++
		} else if math.Abs(v-want) > 2*0x1p-52*want {
			t.Fatalf("element %d is %v, want 0 or %v", i, v, want)
		}
	}
	if zeros < 1800 || zeros > 2200 { // 5 standard deviations, of 40
		t.Errorf("%d of 10,000 are zero, want about 2,000", zeros)
	}
	if err := neocog.EvalMode(g); err != nil {
		t.Fatal(err)
	}
	for i, v := range run() {
		if v != float64(i+1) {
			t.Fatalf("in evaluation element %d is %v, want %d", i, v, i+1)
		}
	}
}

// Running statistics of batch normalisation move as Gorgonia moves them, and belong to the op: they are what evaluation normalises by.
func TestBatchNormStatistics(t *testing.T) {
	build := func(t *testing.T) (x, y *G.Node, op *G.BatchNormOp) {
		g := G.NewGraph()
		x = G.NewTensor(g, tensor.Float64, 4, G.WithShape(4, 3, 2, 2), G.WithName("x"))
		ones := tensor.Ones(tensor.Float64, 4, 3, 2, 2)
		y, _, _, op, err := G.BatchNorm(x, leaf(g, "scale", ones), leaf(g, "shift", ones.Clone().(*tensor.Dense)), 0.3, 1e-5)
		if err != nil {
			t.Fatal(err)
		}
		return x, y, op
	}
	run := func(t *testing.T, x *G.Node, vm G.VM) {
		rng := rand.New(rand.NewPCG(9, 10))
		for range 3 {
			if err := G.Let(x, values(rng, positive, x.Shape(), tensor.Float64)); err != nil {
				t.Fatal(err)
			}
			if err := vm.RunAll(); err != nil {
				t.Fatal(err)
			}
			vm.Reset()
		}
	}
	x, y, theirs := build(t)
	vm := G.NewTapeMachine(y.Graph())
	defer vm.Close()
	run(t, x, vm)

	x, y, mine := build(t)
	m, err := neocog.NewMachine(y)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	run(t, x, m)
	wantMean, wantVariance := theirs.Stats()
	mean, variance := mine.Stats()
	compare(t, "mean", mean, wantMean, 128*0x1p-52)
	compare(t, "variance", variance, wantVariance, 128*0x1p-52)

	if err := neocog.EvalMode(y.Graph()); err != nil {
		t.Fatal(err)
	}
	e, err := neocog.NewMachine(y)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if err := e.RunAll(); err != nil {
		t.Fatal(err)
	}
	in, out := floats(t, x.Value()), floats(t, y.Value())
	for i := range in {
		c := i / 4 % 3
		want := (in[i]-floats(t, mean)[c])/math.Sqrt(floats(t, variance)[c]+1e-5) + 1
		if math.Abs(out[i]-want) > 64*0x1p-52*8 {
			t.Errorf("element %d is %v in evaluation, want %v", i, out[i], want)
		}
	}
	if again, _ := mine.Stats(); again != mean {
		t.Error("evaluation has changed the statistics")
	}
}

func TestMachineErrors(t *testing.T) {
	l := newLine(t)
	other := G.NewVector(l.cost.Graph(), tensor.Float64, G.WithShape(3), G.WithName("stranger"))
	for _, c := range []struct {
		out        *G.Node
		learnables []*G.Node
		want       string
	}{
		{nil, nil, "nil node"},
		{l.cost, []*G.Node{nil}, "nil node"},
		{l.cost, []*G.Node{other}, `the learnable "stranger" has no gradient; call gorgonia.Grad(cost, learnables...) before NewMachine`},
		{G.Must(G.Mul(l.x, l.w)), []*G.Node{l.w}, "scalar"},
	} {
		if _, err := neocog.NewMachine(c.out, c.learnables...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want an error with %q", err, c.want)
		}
	}
	m, err := neocog.NewMachine(l.cost, l.w)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.RunAll(); err == nil || !strings.Contains(err.Error(), `node "x", (6, 3), has no value; give it one by gorgonia.Let`) {
		t.Errorf("a run without values gives %v", err)
	}
}

// After the first run nothing is allocated but what Gorgonia's scalars and the feeds take.
func TestMachineAllocates(t *testing.T) {
	l := newLine(t)
	l.feed(t, rand.New(rand.NewPCG(5, 6)))
	m, err := neocog.NewMachine(l.cost, l.w)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if n := testing.AllocsPerRun(100, func() {
		if err := m.RunAll(); err != nil {
			t.Fatal(err)
		}
	}); n > 20 {
		t.Errorf("%v allocations a run, want at most 20", n)
	}
}
