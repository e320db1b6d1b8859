package vm_test

import (
	"context"
	"fmt"
	"os"

	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/ops"
	"neocog/vm"
)

// A graph is compiled once and runs at any batch size. The update is part of it.
func Example() {
	g := graph.New("sums")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 3))
	seen := g.Buffer("seen", graph.Of(graph.Float32, 3), graph.Zeros())
	y := ops.ReLU(x)
	g.Update(seen, ops.Add(seen, ops.Sum(y, 0)))

	p, err := vm.Compile(g, []*graph.Value{y})
	if err != nil {
		fmt.Println(err)
		return
	}
	state := vm.NewState(1)
	m, err := p.NewMachine(state)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Close()
	for _, batch := range []*tensor.Dense{
		tensor.New(tensor.WithShape(1, 3), tensor.WithBacking([]float32{1, -2, 3})),
		tensor.New(tensor.WithShape(2, 3), tensor.WithBacking([]float32{1, 1, 1, -1, -1, 5})),
	} {
		out, err := m.Run(context.Background(), vm.Feeds{x: batch})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(out[0].Float32s())
	}
	sums, err := state.Get("seen")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sums.Float32s())
	// Output:
	// [1 0 3]
	// [1 1 1 0 0 5]
	// [2 1 9]
}

// The tape of a small layer and its update: results lie over what they came from
// (@0), views cost nothing, and the new value is written over the old one.
func ExampleProgram_Dump() {
	g, err := graph.Parse(`
		graph "layer"
		%0 = Input "x"                 f32[N,2,2]
		%1 = Param "w" normal(0,0.1)   f32[4,3]
		%2 = Flatten %0                f32[N,4]
		%3 = MatMul %2 %1              f32[N,3]
		%4 = ReLU %3                   f32[N,3]
		%5 = Scale{S:0.5} %1           f32[4,3]
		update %1 = %5
	`, ops.All()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := vm.Compile(g, []*graph.Value{g.Nodes()[4].Out(0)})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := p.Dump(os.Stdout, 8); err != nil {
		fmt.Println(err)
	}
	// Output:
	// tape "layer" batch 8: 3 instructions, arena 128 bytes
	//    0  @0                       %3 = MatMul %2 %1  f32[N,3]
	//    1  @0                       %4 = ReLU %3  f32[N,3]
	// commit: from here on parameters change
	//    2  param %1                 %5 = Scale{S:0.5} %1  f32[4,3]
}
