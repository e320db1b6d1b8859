package view_test

import (
	"fmt"

	"neocog/graph"
	"neocog/graph/view"
	"neocog/models/layers"
	"neocog/ops"
)

func Example() {
	g := graph.New("example")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 8))
	var b layers.Builder
	ops.ReLU(b.Linear("fc", x, 4))
	v := view.New(g)
	for _, it := range v.Items {
		fmt.Printf("%s %q in %d\n", it.Kind, it.Path, it.Parent)
	}
	for _, w := range v.Wires {
		fmt.Println(v.Items[w.From].Path, "→", v.Items[w.To[0]].Path, view.TypeText(w.Value.Type()))
	}
	// Output:
	// input "x" in -1
	// forward "fc" in -1
	// param "fc/w" in 1
	// param "fc/b" in 1
	// forward "fc/MatMul" in 1
	// forward "fc/Add" in 1
	// forward "ReLU" in -1
	// x → fc/MatMul N×8
	// fc/w → fc/MatMul 4×8
	// fc/MatMul → fc/Add N×4
	// fc/b → fc/Add 4
	// fc/Add → ReLU N×4
}
