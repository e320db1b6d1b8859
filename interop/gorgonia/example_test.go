package gorgonia_test

import (
	"fmt"
	"log"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	neocog "neocog/interop/gorgonia"
)

// A program of Gorgonia's computes with Neocog: NewMachine takes the place of NewTapeMachine, and nothing else changes.
func ExampleNewMachine() {
	g := G.NewGraph()
	x := G.NewMatrix(g, tensor.Float64, G.WithShape(4, 1), G.WithName("x"))
	y := G.NewMatrix(g, tensor.Float64, G.WithShape(4, 1), G.WithName("y"))
	w := G.NewMatrix(g, tensor.Float64, G.WithShape(1, 1), G.WithName("w"), G.WithInit(G.Zeroes()))
	cost := G.Must(G.Mean(G.Must(G.Square(G.Must(G.Sub(G.Must(G.Mul(x, w)), y))))))
	if _, err := G.Grad(cost, w); err != nil {
		log.Fatal(err)
	}

	vm, err := neocog.NewMachine(cost, w) // was G.NewTapeMachine(g, G.BindDualValues(w))
	if err != nil {
		log.Fatal(err)
	}
	defer vm.Close()
	solver := G.NewVanillaSolver(G.WithLearnRate(0.05))
	for range 50 {
		G.Let(x, tensor.New(tensor.WithShape(4, 1), tensor.WithBacking([]float64{1, 2, 3, 4})))
		G.Let(y, tensor.New(tensor.WithShape(4, 1), tensor.WithBacking([]float64{3, 6, 9, 12})))
		if err := vm.RunAll(); err != nil {
			log.Fatal(err)
		}
		if err := solver.Step(G.NodesToValueGrads(G.Nodes{w})); err != nil {
			log.Fatal(err)
		}
		vm.Reset()
	}
	fmt.Printf("w = %.3f\n", w.Value().Data())
	// Output:
	// w = [3.000]
}

// A network moves house: its graph and its parameters are Neocog's from here on.
func ExampleConvert() {
	g := G.NewGraph()
	x := G.NewTensor(g, tensor.Float32, 4, G.WithShape(8, 1, 28, 28), G.WithName("x"))
	w0 := G.NewTensor(g, tensor.Float32, 4, G.WithShape(6, 1, 5, 5), G.WithName("w0"), G.WithInit(G.GlorotN(1)))
	w1 := G.NewMatrix(g, tensor.Float32, G.WithShape(6*14*14, 10), G.WithName("w1"), G.WithInit(G.GlorotN(1)))
	conv := G.Must(G.Conv2d(x, w0, tensor.Shape{5, 5}, []int{2, 2}, []int{1, 1}, []int{1, 1}))
	pool := G.Must(G.MaxPool2D(G.Must(G.Rectify(conv)), tensor.Shape{2, 2}, []int{0, 0}, []int{2, 2}))
	logits := G.Must(G.Mul(G.Must(G.Reshape(pool, tensor.Shape{8, 6 * 14 * 14})), w1))

	net, err := neocog.Convert(G.Nodes{logits}, G.Nodes{w0, w1})
	if err != nil {
		log.Fatal(err)
	}
	for _, n := range net.Graph.Nodes() {
		fmt.Println(n.Op.Name(), n.Out(0).Type())
	}
	fmt.Println("parameters:", net.State.Names())
	// Output:
	// Input f32[8,1,28,28]
	// Param f32[6,1,5,5]
	// Conv2D f32[8,6,28,28]
	// ReLU f32[8,6,28,28]
	// MaxPool2D f32[8,6,14,14]
	// Reshape f32[8,1176]
	// Param f32[1176,10]
	// MatMul f32[8,10]
	// parameters: [w0 w1]
}

// One convolution of an ExprGraph becomes fast; everything else stays Gorgonia's.
func ExampleConv2d() {
	g := G.NewGraph()
	x := G.NewTensor(g, tensor.Float32, 4, G.WithShape(1, 1, 3, 3), G.WithName("x"), G.WithInit(G.Ones()))
	w := G.NewTensor(g, tensor.Float32, 4, G.WithShape(1, 1, 3, 3), G.WithName("w"), G.WithInit(G.Ones()))
	y, err := neocog.Conv2d(x, w, tensor.Shape{3, 3}, []int{1, 1}, []int{1, 1}, []int{1, 1})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := G.Grad(G.Must(G.Sum(y)), w); err != nil {
		log.Fatal(err)
	}
	vm := G.NewTapeMachine(g, G.BindDualValues(w))
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(y.Value().Data())
	d, err := w.Grad()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(d.Data())
	// Output:
	// [4 6 4 6 9 6 4 6 4]
	// [4 6 4 6 9 6 4 6 4]
}
