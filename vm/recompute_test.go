package vm_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/models/layers"
	"neocog/ops"
	"neocog/vm"
)

// deep is a step of training of a network with blocks of convolution, batch normalisation, ReLU and dropout, with residuals and pooling.
func deep(blocks int) (g *graph.Graph, x, labels, loss *graph.Value) {
	g = graph.New("deep")
	b := &layers.Builder{Train: true}
	same := ops.Conv{Pad: [4]int{1, 1, 1, 1}}
	x = g.Input("x", graph.Of(graph.Float32, graph.Batch, 3, 12, 12))
	labels = g.Input("labels", graph.Of(graph.Int32, graph.Batch))
	h := b.Conv("in", x, 16, [2]int{3, 3}, same)
	for i := range blocks {
		s := string(rune('a' + i))
		y := ops.ReLU(b.BatchNorm("n"+s, b.Conv("c"+s, h, 16, [2]int{3, 3}, same)))
		if i%2 == 1 {
			y = ops.Add(y, h)
		}
		if i == 2 {
			y = b.Dropout("d"+s, y, 0.25)
		}
		h = y
	}
	h = ops.MaxPool2D(h, ops.Pool{Size: [2]int{2, 2}, Stride: [2]int{2, 2}})
	loss = b.Loss(b.Linear("out", ops.Flatten(h), 5), labels, ops.CrossEntropy{})
	for i, d := range autodiff.Gradients(loss, g.Params()...) {
		p := g.Params()[i]
		g.Update(p, ops.Sub(p, ops.Scale(d, 0.01)))
	}
	return g, x, labels, loss
}

func arena(t *testing.T, g *graph.Graph, out []*graph.Value, batch int, opts ...vm.Option) int {
	t.Helper()
	p, err := vm.Compile(g, out, opts...)
	if err != nil {
		t.Fatal(err)
	}
	n, err := p.ArenaBytes(batch)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// classes is a label for each of n images.
func classes(n, of int) *tensor.Dense {
	v := make([]int32, n)
	for i := range v {
		v[i] = int32(i * 7 % of)
	}
	return tensor.New(tensor.WithShape(n), tensor.WithBacking(v))
}

// Within half of the memory a network learns the same, to the last bit of every parameter.
func TestMemoryBudgetChangesNoBit(t *testing.T) {
	const batch = 8
	g, x, labels, loss := deep(10)
	out := []*graph.Value{loss}
	all := arena(t, g, out, batch, vm.Threads(1))
	feeds := vm.Feeds{x: normals(1, batch, 3, 12, 12), labels: classes(batch, 5)}
	want := vm.NewState(1)
	m := start(t, g, want, out, vm.Threads(1))
	for range 5 {
		run(t, m, feeds)
	}
	for _, percent := range []int{95, 80, 65, 50} {
		budget := all * percent / 100
		opts := []vm.Option{vm.Threads(1), vm.WithMemoryBudget(budget, batch)}
		if n := arena(t, g, out, batch, opts...); n > budget {
			t.Errorf("a budget of %d %%, %d bytes: the arena has %d", percent, budget, n)
		}
		got := vm.NewState(1)
		m := start(t, g, got, out, opts...)
		for range 5 {
			run(t, m, feeds)
		}
		for _, name := range want.Names() {
			a, errA := want.Get(name)
			b, errB := got.Get(name)
			if errA != nil || errB != nil || a.Dtype() != b.Dtype() {
				t.Fatal(errA, errB)
			}
			if a.Dtype().String() == "float32" && !bytes.Equal(bits(a), bits(b)) {
				t.Errorf("a budget of %d %%: %s has other bits", percent, name)
			}
		}
	}
}

// What is within the budget is not touched, and the log says what was done to the rest.
func TestMemoryBudgetIsInTheLog(t *testing.T) {
	const batch = 8
	g, _, _, loss := deep(8)
	out := []*graph.Value{loss}
	all := arena(t, g, out, batch)
	plain, err := vm.Compile(g, out)
	if err != nil {
		t.Fatal(err)
	}
	wide, err := vm.Compile(g, out, vm.WithMemoryBudget(all, batch))
	if err != nil {
		t.Fatal(err)
	}
	if wide.Graph().String() != plain.Graph().String() {
		t.Error("a budget that is kept anyway changes the program")
	}
	tight, err := vm.Compile(g, out, vm.WithMemoryBudget(all*7/10, batch))
	if err != nil {
		t.Fatal(err)
	}
	log := strings.Join(tight.Log(), "\n")
	if !strings.Contains(log, "again") || len(tight.Graph().Nodes()) <= len(plain.Graph().Nodes()) {
		t.Errorf("%d nodes, %d without a budget, and the log\n%s", len(tight.Graph().Nodes()), len(plain.Graph().Nodes()), log)
	}
}

func TestMemoryBudgetThatCannotBeKept(t *testing.T) {
	g, _, _, loss := deep(4)
	_, err := vm.Compile(g, []*graph.Value{loss}, vm.WithMemoryBudget(20000, 16))
	var no *vm.BudgetError
	if !errors.As(err, &no) || no.Budget != 20000 || no.Batch != 16 || no.Least <= 20000 || no.All <= no.Least {
		t.Fatalf("%v", err)
	}
	for _, part := range []string{"20000 bytes", "batch 16"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %s", err, part)
		}
	}
	if n := arena(t, g, []*graph.Value{loss}, 16, vm.WithMemoryBudget(no.Least, 16)); n > no.Least {
		t.Errorf("the least that it names, %d bytes, is not enough: %d", no.Least, n)
	}
}

// A profile counts what is computed again for the node of the user.
func TestProfileOfWhatIsComputedAgain(t *testing.T) {
	const batch = 8
	g, x, labels, loss := deep(8)
	out := []*graph.Value{loss}
	budget := arena(t, g, out, batch) * 7 / 10
	m := start(t, g, vm.NewState(1), out, vm.WithProfile(), vm.WithMemoryBudget(budget, batch))
	run(t, m, vm.Feeds{x: normals(1, batch, 3, 12, 12), labels: classes(batch, 5)})
	times := map[*graph.Node]int{}
	for _, i := range m.Profile(batch).Instructions {
		if len(i.Of) == 0 {
			t.Errorf("%v is computed for nobody", i.Node)
		}
		for _, n := range i.Of {
			times[n]++
		}
	}
	again := 0
	for _, n := range times {
		if n > 1 {
			again++
		}
	}
	if again == 0 {
		t.Error("nothing is computed again")
	}
}
