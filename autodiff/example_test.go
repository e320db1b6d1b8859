package autodiff_test

import (
	"fmt"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/ops"
)

// A gradient is more graph: here that of Σ tanh(w·x) by w.
func ExampleGradients() {
	g := graph.New("example")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 4))
	w := g.Param("w", graph.Of(graph.Float32, 4, 2), graph.Normal(0, 0.1))
	loss := ops.Sum(ops.Tanh(ops.MatMul(x, w)))
	dw := autodiff.Gradients(loss, w)[0]
	fmt.Println(dw.Type())
	for _, n := range g.Nodes() {
		fmt.Print(n.Out(0), " ", n.Op.Name())
		if n.Origin != nil {
			fmt.Print(" from ", n.Origin.Op.Name())
		}
		fmt.Println()
	}
	// Output:
	// f32[4,2]
	// %0 Input
	// %1 Param
	// %2 MatMul
	// %3 Tanh
	// %4 Sum
	// %5 Const from Sum
	// %6 Reshape from Sum
	// %7 BroadcastTo from Sum
	// %8 Mul from Tanh
	// %9 OneMinus from Tanh
	// %10 Mul from Tanh
	// %11 MatMul from MatMul
	// %12 MatMul from MatMul
}
