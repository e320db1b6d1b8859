package graph_test

import (
	"fmt"
	"strings"

	"neocog/graph"
	"neocog/ops"
)

// A graph is printed one node a line. Each line ends with the place in the
// user's program, which is cut off here.
func Example() {
	g := graph.New("classifier")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 4))
	g.Scope("hidden", func() {
		w := g.Param("w", graph.Of(graph.Float32, 3, 4), graph.Normal(0, 0.1))
		b := g.Param("b", graph.Of(graph.Float32, 3), graph.Zeros())
		x = ops.ReLU(ops.Linear(x, w, b))
	})
	ops.Softmax(x, 1)
	if err := g.Err(); err != nil {
		fmt.Println(err)
	}
	fmt.Print(withoutPlaces(g.String()))
	// Output:
	// graph "classifier"
	// %0 = Input "x"                       f32[N,4]
	// %1 = Param "hidden/w" normal(0,0.1)  f32[3,4]  "hidden"
	// %2 = Param "hidden/b" constant(0)    f32[3]    "hidden"
	// %3 = MatMul{TransB:true} %0 %1       f32[N,3]  "hidden"
	// %4 = Add %3 %2                       f32[N,3]  "hidden"
	// %5 = ReLU %4                         f32[N,3]  "hidden"
	// %6 = Softmax{Axis:1} %5              f32[N,3]
}

// One mistake is one report, with the line which made it and both operands;
// what follows from it is silent.
func ExampleGraph_Err() {
	g := graph.New("faulty")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 784))
	w := g.Param("w", graph.Of(graph.Float32, 748, 10), graph.Zeros())
	y := ops.Softmax(ops.ReLU(ops.MatMul(x, w)), 1)
	fmt.Println(y)
	fmt.Println(withoutPlaces(g.Err().Error()))
	// Output:
	// %invalid
	// MatMul: a is [N,784], b is [748,10]: 784 columns of a meet 748 rows of b, want as many
	// 	a = %0 f32[N,784]  Input "x"
	// 	b = %1 f32[748,10]  Param "w"
}

func ExampleParse() {
	g, err := graph.Parse(`
		graph "square"
		%0 = Input "x"  f32[N]
		%1 = Mul %0 %0  f32[N]
	`, ops.All()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(g)
	// Output:
	// graph "square"
	// %0 = Input "x"  f32[N]
	// %1 = Mul %0 %0  f32[N]
}

// withoutPlaces cuts the places off the lines of a text, so that the examples
// do not change with every edit of this file.
func withoutPlaces(text string) string {
	out := strings.Split(text, "\n")
	for i, l := range out {
		if at := strings.Index(l, "example_test.go:"); at >= 0 {
			if rest := strings.TrimLeft(strings.TrimPrefix(l[at:], "example_test.go:"), "0123456789: "); rest != "" {
				out[i] = rest
				continue
			}
			out[i] = strings.TrimRight(l[:at], ", ")
		}
	}
	return strings.Join(out, "\n")
}
