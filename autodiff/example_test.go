package autodiff_test

import (
	"fmt"

	"gorgonia.org/tensor"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/ops"
	"neocog/vm"
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

// The Hessian of a loss times a vector, without the Hessian.
func ExampleHVP() {
	g := graph.New("quadratic")
	x := g.Input("x", graph.Of(graph.Float64, 2))
	v := g.Input("v", graph.Of(graph.Float64, 2))
	a := graph.Const(g, graph.Shape{2, 2}, 2.0, 1, 1, 3)
	loss := ops.Scale(ops.Sum(ops.Mul(x, ops.MatMul(a, x))), 0.5) // ½ xᵀ·A·x
	hv := autodiff.HVP(loss, []*graph.Value{x}, []*graph.Value{v})
	fmt.Println(compute(hv[0], vm.Feeds{x: vector(5, 7), v: vector(1, -1)}))
	// Output:
	// [1 -2]
}

// The slope of a function along a direction.
func ExampleJVP() {
	g := graph.New("slope")
	x := g.Input("x", graph.Of(graph.Float64, 2))
	v := g.Input("v", graph.Of(graph.Float64, 2))
	length, sum := ops.NormL2(x), ops.Sum(x)
	jv := autodiff.JVP([]*graph.Value{length, sum}, []*graph.Value{x}, []*graph.Value{v})
	feeds := vm.Feeds{x: vector(3, 4), v: vector(1, 0)}
	fmt.Println(compute(jv[0], feeds), compute(jv[1], feeds))
	// Output:
	// [0.6] [1]
}

// One class's logit by the pixels: what the class looks at.
func ExampleJacobianRow() {
	g := graph.New("classifier")
	x := g.Input("x", graph.Of(graph.Float64, 2))
	w := graph.Const(g, graph.Shape{3, 2}, 1.0, 2, 3, 4, 5, 6)
	logits := ops.MatMul(w, ops.Square(x))
	row := autodiff.JacobianRow(logits, []int{1}, x)
	fmt.Println(compute(row[0], vm.Feeds{x: vector(1, 10)}))
	fmt.Println(autodiff.Jacobian(logits, x)[0].Type())
	// Output:
	// [6 80]
	// f64[3,2]
}

func vector(v ...float64) *tensor.Dense {
	return tensor.New(tensor.WithShape(len(v)), tensor.WithBacking(v))
}

func compute(v *graph.Value, feeds vm.Feeds) []float64 {
	out, err := vm.Interpret(v.Graph(), []*graph.Value{v}, vm.NewState(0), feeds)
	if err != nil {
		panic(err)
	}
	return out[0].Float64s()
}
