package onnx_test

import (
	"context"
	"fmt"
	"log"

	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/onnx"
	"neocog/ops"
	"neocog/vm"
)

// A graph goes out as an ONNX file and comes in again.
func Example() {
	g := graph.New("line")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 3))
	var y *graph.Value
	g.Scope("fc", func() {
		w := g.Param("w", graph.Of(graph.Float32, 2, 3), graph.Constant(0.5))
		b := g.Param("b", graph.Of(graph.Float32, 2), graph.Constant(-1))
		y = ops.ReLU(ops.Linear(x, w, b))
	})
	file, err := onnx.Export(g, []*graph.Value{y}, []string{"y"}, vm.NewState(0))
	if err != nil {
		log.Fatal(err)
	}

	model, err := onnx.Decode(file)
	if err != nil {
		log.Fatal(err)
	}
	net, err := model.Import(onnx.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(net.Graph)
	out, err := net.Run(context.Background(), map[string]*tensor.Dense{
		"x": tensor.New(tensor.WithShape(1, 3), tensor.WithBacking([]float32{1, 2, 3})),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(out[0].Float32s())
	// Output:
	// graph "line"
	// %0 = Input "x"                  f32[N,3]
	// %1 = Param "fc/w" constant(0)   f32[2,3]
	// %2 = MatMul{TransB:true} %0 %1  f32[N,2]  "fc"
	// %3 = Param "fc/b" constant(0)   f32[2]
	// %4 = Add %2 %3                  f32[N,2]  "fc"
	// %5 = ReLU %4                    f32[N,2]  "fc"
	// [2 2]
}
