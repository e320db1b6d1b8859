package tune_test

import (
	"bytes"
	"context"
	"fmt"

	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/ops"
	"neocog/tune"
	"neocog/vm"
)

// Measure once, keep the table, and compile by it from then on.
func Example() {
	g := graph.New("edges")
	x := g.Input("x", graph.Of(graph.Float32, 1, 16, 20, 20))
	w := g.Param("w", graph.Of(graph.Float32, 16, 16, 3, 3), graph.Constant(0.1))
	y := ops.Conv2D(x, w, ops.Conv{})

	p, err := vm.Compile(g, []*graph.Value{y}, vm.Threads(1))
	if err != nil {
		panic(err)
	}
	m, err := p.NewMachine(vm.NewState(1))
	if err != nil {
		panic(err)
	}
	defer m.Close()
	feeds := vm.Feeds{x: tensor.New(tensor.WithShape(1, 16, 20, 20), tensor.Of(tensor.Float32))}
	table, err := tune.Measure(context.Background(), m, feeds, 1)
	if err != nil {
		panic(err)
	}

	var file bytes.Buffer // os.Create("times.json")
	if err := table.Write(&file); err != nil {
		panic(err)
	}
	table, err = tune.Read(&file)
	if err != nil {
		panic(err)
	}
	if _, err = vm.Compile(g, []*graph.Value{y}, vm.WithTimes(table)); err != nil {
		panic(err)
	}
	fmt.Println(table.Len(), "convolution measured")
	// Output: 1 convolution measured
}
