package vm_test

import (
	"testing"

	"neocog/graph"
	"neocog/ops"
	"neocog/vm"
)

// Algorithms names those of the graph that the user built, whatever the passes made of it: two equal convolutions have
// the one that is computed, and one that nobody needs has none.
func TestAlgorithms(t *testing.T) {
	g := graph.New("g")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 3, 16, 16))
	w := g.Param("w", graph.Of(graph.Float32, 8, 3, 3, 3), graph.Normal(0, 0.1))
	a, b := ops.Conv2D(x, w, ops.Conv{}), ops.Conv2D(x, w, ops.Conv{})
	idle := ops.Conv2D(x, w, ops.Conv{Pad: [4]int{1, 1, 1, 1}})
	chosen := ops.Conv2D(x, w, ops.Conv{Algo: "direct"})
	p, err := vm.Compile(g, []*graph.Value{ops.Add(a, b), chosen})
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Algorithms(2)
	if err != nil {
		t.Fatal(err)
	}
	if got[a.Node()] == "" || got[a.Node()] != got[b.Node()] || got[chosen.Node()] != "direct" || got[idle.Node()] != "" || got[x.Node()] != "" {
		t.Errorf("algorithms %v", got)
	}
	for n := range got {
		if n.Graph() != g {
			t.Errorf("%v is no node of the user's graph", n)
		}
	}
	if _, err := p.Algorithms(-3); err == nil {
		t.Error("a batch of -3 is no error")
	}
}
