package ops_test

import (
	"fmt"

	"neocog/graph"
	"neocog/ops"
)

// The lecture's sizes: ten 5×5 filters on 32×32×3 with padding 2; 3×3 on 7×7 with stride 3, which does not fit.
func ExampleConv2D() {
	g := graph.New("sizes")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 3, 32, 32))
	w := g.Param("w", graph.Of(graph.Float32, 10, 3, 5, 5), graph.Zeros())
	b := g.Param("b", graph.Of(graph.Float32, 10), graph.Zeros())
	y := ops.Conv2DBias(x, w, b, ops.Conv{Pad: [4]int{2, 2, 2, 2}})
	fmt.Println(y.Type(), w.Shape().Size()+b.Shape().Size(), "parameters")

	small := g.Input("small", graph.Of(graph.Float32, 1, 1, 7, 7))
	f := g.Param("f", graph.Of(graph.Float32, 1, 1, 3, 3), graph.Zeros())
	fmt.Println(ops.Conv2D(small, f, ops.Conv{Stride: [2]int{2, 2}}).Type())
	fmt.Println(ops.Conv2D(small, f, ops.Conv{Stride: [2]int{3, 3}, Round: ops.Floor}).Type())
	ops.Conv2D(small, f, ops.Conv{Stride: [2]int{3, 3}})
	fmt.Println(g.Err())
	// Output:
	// f32[N,10,32,32] 760 parameters
	// f32[1,1,3,3]
	// f32[1,1,2,2]
	// conv2d_example_test.go:23: Conv2D: (7 − 3 + 0)/3 + 1 = 2.33 windows along the height; what fits: padding of 2 in all, stride 2 or 4, filter 1 or 4, height 6 or 9; or Round: ops.Floor for 2, ops.Ceil for 3
	// 	x = %4 f32[1,1,7,7]  Input "small", conv2d_example_test.go:19
	// 	w = %5 f32[1,1,3,3]  Param "f", conv2d_example_test.go:20
}
