package inspect_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/inspect"
	"neocog/models/layers"
	"neocog/ops"
	"neocog/vm"
)

func halves() *graph.Graph {
	g := graph.New("halves")
	ops.ReLU(ops.Scale(g.Input("x", graph.Of(graph.Float32, graph.Batch, 3)), 0.5))
	return g
}

func TestReadProfile(t *testing.T) {
	got, err := inspect.ReadProfile(strings.NewReader(`{"graph": "halves", "batch": 32, "runs": 100, "nodes": [
		{"node": 1, "op": "Scale", "nanoseconds": 81234.5, "bytes": 384, "algorithm": "simple"},
		{"node": 2, "op": "ReLU", "nanoseconds": 0, "bytes": 0}]}`), halves())
	if err != nil {
		t.Fatal(err)
	}
	want := &inspect.Profile{Graph: "halves", Batch: 32, Runs: 100, Nodes: []inspect.ProfileNode{
		{Node: 1, Op: "Scale", Nanoseconds: 81234.5, Bytes: 384, Algorithm: "simple"}, {Node: 2, Op: "ReLU"}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestReadProfileErrors(t *testing.T) {
	entry := func(text string) string {
		return fmt.Sprintf(`{"graph": "halves", "batch": 1, "runs": 1, "nodes": [%s]}`, text)
	}
	for text, want := range map[string]string{
		"":         "the profile is no JSON",
		`{"a": 1}`: `unknown field "a"`,
		entry(`{"node": 1, "op": "Scale"}`) + "garbage":                          "the profile goes on after its JSON object",
		`{"graph": "other", "batch": 1, "runs": 1}`:                              `the profile is of graph "other", not of "halves"`,
		`{"graph": "halves", "batch": 0, "runs": 1}`:                             "batch 0 and 1 runs",
		entry(`{"node": 3, "op": "ReLU"}`):                                       "entry 0 of the profile is of node 3, the graph has nodes 0 to 2",
		entry(`{"node": -1, "op": "ReLU"}`):                                      "node -1",
		entry(`{"node": 1, "op": "ReLU"}`):                                       "node 1 is ReLU, in the graph it is Scale",
		entry(`{"node": 1, "op": "Scale"}, {"node": 1, "op": "Scale"}`):          "entry 1 of the profile is of node 1, of which there is one already",
		entry(`{"node": 1, "op": "Scale", "nanoseconds": -1}`):                   "-1 ns",
		entry(`{"node": 1, "op": "Scale", "bytes": -1}`):                         "-1 bytes",
		entry(`{"node": 1, "op": "Scale", "nanoseconds": "fast"}`):               "no JSON of the form",
		entry(`{"node": 1, "op": "Scale", "nanoseconds": 1, "surprise": false}`): `unknown field "surprise"`,
	} {
		if _, err := inspect.ReadProfile(strings.NewReader(text), halves()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s gives %v, want %s", text, err, want)
		}
	}
}

// The times of predicting are not those of a step of training.
func TestReadProfileOfPredicting(t *testing.T) {
	g := halves()
	autodiff.Gradients(ops.Sum(ops.Exp(g.Lookup("x"))), g.Lookup("x"))
	for phase, ok := range map[string]bool{"": true, "forward": false, "gradient": true} {
		text := fmt.Sprintf(`{"graph": "halves", "batch": 1, "runs": 1, "nodes": [{"node": 1, "op": "Scale", "phase": %q, "nanoseconds": 1, "bytes": 0}]}`, phase)
		if _, err := inspect.ReadProfile(strings.NewReader(text), g); (err == nil) != ok || !ok && !strings.Contains(err.Error(), "measure a step of training") {
			t.Errorf("phase %q: %v", phase, err)
		}
	}
}

// What a memory budget makes the machine compute twice has one entry, which can be read back.
func TestProfileOfWhatIsComputedAgain(t *testing.T) {
	g := graph.New("again")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 64))
	a := ops.Exp(x)
	h := a
	for range 3 {
		h = ops.Softmax(ops.MatMul(h, g.Param("w"+fmt.Sprint(len(g.Params())), graph.Of(graph.Float32, 64, 64), graph.Normal(0, 0.1))), 1)
	}
	out := ops.Add(ops.MatMul(h, g.Param("v", graph.Of(graph.Float32, 64, 64), graph.Normal(0, 0.1))), a)
	const batch = 32
	whole, err := vm.Compile(g, []*graph.Value{out})
	if err != nil {
		t.Fatal(err)
	}
	all, err := whole.ArenaBytes(batch)
	if err != nil {
		t.Fatal(err)
	}
	p, err := vm.Compile(g, []*graph.Value{out}, vm.WithProfile(), vm.Threads(1), vm.WithMemoryBudget(all-batch*64*4, batch))
	if err != nil {
		t.Fatal(err)
	}
	m, err := p.NewMachine(vm.NewState(1))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if _, err := m.Run(t.Context(), vm.Feeds{x: tensor.New(tensor.WithShape(batch, 64), tensor.WithBacking(make([]float32, batch*64)))}); err != nil {
		t.Fatal(err)
	}
	measured := m.Profile(batch)
	times := 0
	for _, in := range measured.Instructions {
		if in.Node.Op.Name() == "Exp" {
			times++
		}
	}
	if times != 2 {
		t.Fatalf("Exp runs %d times, want 2: the test tests nothing", times)
	}
	got := inspect.NewProfile(g, measured)
	for _, n := range got.Nodes {
		if want := int64(2 * 2 * batch * 64 * 4); n.Op == "Exp" && n.Moved != want {
			t.Errorf("Exp moves %d bytes, want those of both times, %d", n.Moved, want)
		}
	}
	spent := 0.0
	for _, n := range got.Nodes {
		spent += n.Nanoseconds
	}
	var of int64
	for _, in := range measured.Instructions {
		of += int64(in.Time)
	}
	if math.Abs(spent-float64(of)) > 1 {
		t.Errorf("the nodes took %v ns, the instructions %d", spent, of)
	}
	// In the trace each of the two is named.
	var trace bytes.Buffer
	if err := got.Trace(&trace, measured); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(trace.String(), `"name":"Exp"`); n != 2 {
		t.Errorf("the trace has Exp %d times, want 2:\n%s", n, trace.String())
	}
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := inspect.ReadProfile(bytes.NewReader(text), g); err != nil {
		t.Error(err)
	}
}

// The costs of nodes add up to what the summary says.
func TestCostsAddUp(t *testing.T) {
	g, _ := lenet(t)
	for _, batch := range []int{1, 32} {
		costs, err := inspect.Costs(g, batch)
		if err != nil {
			t.Fatal(err)
		}
		s, err := inspect.Summarise(g, batch)
		if err != nil {
			t.Fatal(err)
		}
		macs := int64(0)
		for i, c := range costs {
			macs += c.MACs
			want := int64(0)
			if name := g.Nodes()[i].Op.Name(); name != "Flatten" && name != "Reshape" { // which are views
				for _, v := range g.Nodes()[i].Outs() {
					want += int64(v.Type().Bind(batch).Bytes())
				}
			}
			if c.Bytes != want {
				t.Errorf("%v takes %d bytes, want %d", g.Nodes()[i], c.Bytes, want)
			}
		}
		if want := s.Total.MACs + s.Total.GradientMACs; macs != want || macs == 0 {
			t.Errorf("batch %d: %d multiply-adds, want %d", batch, macs, want)
		}
	}
	if _, err := inspect.Costs(g, 0); err == nil {
		t.Error("a batch of 0 is no error")
	}
	if _, err := inspect.Costs(nil, 1); err == nil {
		t.Error("a nil graph is no error")
	}
	huge := graph.New("huge")
	x := huge.Input("x", graph.Of(graph.Float32, graph.Batch, 3, 1<<20, 1<<20))
	(&layers.Builder{}).Conv("conv", x, 8, [2]int{3, 3}, ops.Conv{Same: true})
	if _, err := inspect.Costs(huge, inspect.MaxBatch); err == nil || !strings.Contains(err.Error(), "more than can be counted") {
		t.Errorf("more than can be counted gives %v", err)
	}
}
