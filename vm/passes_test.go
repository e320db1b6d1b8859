package vm_test

import (
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"neocog/graph"
	"neocog/ops"
	"neocog/vm"
	"neocog/vm/kernel"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Each file in testdata/passes holds a graph before the passes, and after, and the
// tape for batch 4. The outputs are the values of the nodes in the scope "out";
// what follows "-- after --" is written by -update.
func TestPasses(t *testing.T) {
	files, err := filepath.Glob("testdata/passes/*.txtar")
	if err != nil || len(files) < 6 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			head, g, p := compiled(t, string(b))
			var after strings.Builder
			fmt.Fprintf(&after, "%s-- before --\n%v-- after --\n%v-- tape --\n", head, g, p.Graph())
			if err := p.Dump(&after, 4); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&after, "-- log --\n%s\n", strings.Join(p.Log(), "\n"))
			if *update {
				if err := os.WriteFile(file, []byte(after.String()), 0o666); err != nil {
					t.Fatal(err)
				}
				return
			}
			if after.String() != string(b) {
				t.Errorf("got\n%s\nwant\n%s", after.String(), b)
			}
		})
	}
}

// compiled returns what stands before the graph in a file, the graph before the passes, and the program.
func compiled(t *testing.T, file string) (head string, g *graph.Graph, p *vm.Program) {
	t.Helper()
	head, rest, ok := strings.Cut(file, "-- before --\n")
	before, _, _ := strings.Cut(rest, "-- after --\n")
	if !ok {
		t.Fatal("no -- before --")
	}
	g, err := graph.Parse(before, append(ops.All(), sumDiff{}, refuse{}, stretch{})...)
	if err != nil {
		t.Fatal(err)
	}
	var outs []*graph.Value
	for _, n := range g.Nodes() {
		if n.Scope == "out" {
			outs = append(outs, n.Outs()...)
		}
	}
	if p, err = vm.Compile(g, outs); err != nil {
		t.Fatal(err)
	}
	return head, g, p
}

// Each pass has a file of its name, in which it changes the graph.
func TestEveryPassHasATextForm(t *testing.T) {
	for _, name := range vm.PassNames() {
		b, err := os.ReadFile("testdata/passes/" + name + ".txtar")
		if err != nil {
			t.Error(err)
			continue
		}
		_, _, p := compiled(t, string(b))
		changed := false
		for _, pass := range p.Passes() {
			gone, made := pass.Changes()
			changed = changed || pass.Name == name && len(gone)+len(made) > 0
		}
		if !changed {
			t.Errorf("pass %s changes nothing in its file", name)
		}
	}
}

// −0 equals 0 with ==, and so do ops with such attributes; they were merged.
func TestMergingHeedsTheSignOfZero(t *testing.T) {
	g := graph.New("zero")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch))
	outs := []*graph.Value{ops.AddScalar(x, math.Copysign(0, -1)), ops.AddScalar(x, 0)}
	neg := float32(math.Copysign(0, -1))
	got := run(t, start(t, g, vm.NewState(1), outs), vm.Feeds{x: floats(neg)})
	if a, b := got[0].Float32s()[0], got[1].Float32s()[0]; !math.Signbit(float64(a)) || math.Signbit(float64(b)) {
		t.Errorf("−0 + −0 = %v, −0 + 0 = %v", a, b)
	}
}

// Folding used the reference algorithms, whose sums round differently from those
// of the tape; a pass must not change a bit.
func TestFoldingChangesNoBit(t *testing.T) {
	g := graph.New("fold")
	v := make([]float32, 100*100)
	for i := range v {
		v[i] = float32(math.Sin(float64(i)))
	}
	a, b := graph.Const(g, graph.Shape{100, 100}, v...), graph.Const(g, graph.Shape{100, 100}, v...)
	outs := []*graph.Value{ops.MatMul(a, ops.Transpose(b)), ops.Softmax(a, 1), ops.Mean(ops.Exp(b)), graph.Apply(tenth{}, a)}
	folded := run(t, start(t, g, vm.NewState(1), outs), nil)
	plain := run(t, start(t, g, vm.NewState(1), outs, vm.NoPasses()), nil)
	for i := range outs {
		if string(bits(folded[i])) != string(bits(plain[i])) {
			t.Errorf("output %d differs when it is folded", i)
		}
	}
}

// tenth divides by ten; its reference multiplies by a tenth, which rounds otherwise.
type tenth struct{}

func (tenth) Name() string                                { return "test.Tenth" }
func (tenth) Infer(in []graph.Type) ([]graph.Type, error) { return in[:1], nil }

func (tenth) Plan(env *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return kernel.One(in[0].Shape.Size(), 1, func(c *kernel.Call, lo, hi int) {
		x, y := kernel.In[float32](c, 0), kernel.Out[float32](c, 0)
		for ; lo < hi; lo++ {
			if y[lo] = x[lo] / 10; env.Reference {
				y[lo] = x[lo] * 0.1
			}
		}
	}), nil
}

func TestFoldingKeepsSizeAndFaults(t *testing.T) {
	g := graph.New("limits")
	c := graph.Const(g, graph.Shape{2}, float32(1), 5)
	big := ops.BroadcastTo(c, 1<<14, 2) // 128 KiB, to be computed by the run
	bad := graph.Apply(refuse{2}, c)
	p, err := vm.Compile(g, []*graph.Value{big, bad})
	if err != nil {
		t.Fatal(err)
	}
	if s := p.Graph().String(); !strings.Contains(s, "BroadcastTo") || !strings.Contains(s, "test.Refuse") {
		t.Errorf("folded too much:\n%s", s)
	}
	m, err := p.NewMachine(vm.NewState(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Run(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "test.Refuse: element 1 is 5, above 2") {
		t.Errorf("error %v", err)
	}
}
