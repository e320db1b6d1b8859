package models_test

import (
	"fmt"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops"
)

// LeNet-5, one node a line: results, op with attributes, inputs, types, scope,
// and the line of lenet5.go that made it. N is the batch, of any size.
func Example() {
	m, err := models.Find("lenet5")
	if err != nil {
		fmt.Println(err)
		return
	}
	g, _, _ := m.Graph(&layers.Builder{})
	if err := g.Err(); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(g)
	// Output:
	// graph "lenet5"
	// %0 = Input "x"                                       f32[N,1,28,28]                 model.go:73
	// %1 = Param "conv1/w" normal(0,0.282842712474619)     f32[6,1,5,5]                   "conv1" lenet5.go:47
	// %2 = Param "conv1/b" constant(0)                     f32[6]                         "conv1" lenet5.go:47
	// %3 = Conv2D{Pad:[2 2 2 2]} %0 %1 %2                  f32[N,6,28,28]                 "conv1" lenet5.go:47
	// %4 = ReLU %3                                         f32[N,6,28,28]                 lenet5.go:47
	// %5 %6 = MaxPool2D{Size:[2 2]} %4                     f32[N,6,14,14] i32[N,6,14,14]  lenet5.go:48
	// %7 = Param "conv2/w" normal(0,0.11547005383792516)   f32[16,6,5,5]                  "conv2" lenet5.go:49
	// %8 = Param "conv2/b" constant(0)                     f32[16]                        "conv2" lenet5.go:49
	// %9 = Conv2D %5 %7 %8                                 f32[N,16,10,10]                "conv2" lenet5.go:49
	// %10 = ReLU %9                                        f32[N,16,10,10]                lenet5.go:49
	// %11 %12 = MaxPool2D{Size:[2 2]} %10                  f32[N,16,5,5] i32[N,16,5,5]    lenet5.go:50
	// %13 = Param "conv3/w" normal(0,0.07071067811865475)  f32[120,16,5,5]                "conv3" lenet5.go:51
	// %14 = Param "conv3/b" constant(0)                    f32[120]                       "conv3" lenet5.go:51
	// %15 = Conv2D %11 %13 %14                             f32[N,120,1,1]                 "conv3" lenet5.go:51
	// %16 = ReLU %15                                       f32[N,120,1,1]                 lenet5.go:51
	// %17 = Flatten %16                                    f32[N,120]                     lenet5.go:52
	// %18 = Param "fc1/w" normal(0,0.12909944487358055)    f32[84,120]                    "fc1" lenet5.go:52
	// %19 = Param "fc1/b" constant(0)                      f32[84]                        "fc1" lenet5.go:52
	// %20 = MatMul{TransB:true} %17 %18                    f32[N,84]                      "fc1" lenet5.go:52
	// %21 = Add %20 %19                                    f32[N,84]                      "fc1" lenet5.go:52
	// %22 = ReLU %21                                       f32[N,84]                      lenet5.go:52
	// %23 = Param "fc2/w" normal(0,0.1543033499620919)     f32[10,84]                     "fc2" lenet5.go:53
	// %24 = Param "fc2/b" constant(0)                      f32[10]                        "fc2" lenet5.go:53
	// %25 = MatMul{TransB:true} %22 %23                    f32[N,10]                      "fc2" lenet5.go:53
	// %26 = Add %25 %24                                    f32[N,10]                      "fc2" lenet5.go:53
}

// The gradient of the two-layer net is made of nodes like any others: those
// which have an Origin. ∂%10 says from which forward node one derives.
func ExampleModel_Graph() {
	m, err := models.Find("twolayer")
	if err != nil {
		fmt.Println(err)
		return
	}
	g, _, logits := m.Graph(&layers.Builder{Train: true})
	labels := g.Input("labels", graph.Of(graph.Int32, graph.Batch))
	loss := ops.SoftmaxCrossEntropy(logits, labels, ops.CrossEntropy{})
	gradients := autodiff.Gradients(loss, g.Params()...)
	if err := g.Err(); err != nil {
		fmt.Println(err)
		return
	}
	for _, n := range g.Nodes() {
		if n.Op == loss.Node().Op || n.Origin != nil {
			fmt.Println(n)
		}
	}
	fmt.Println(gradients)
	// Output:
	// %12 %13 = SoftmaxCrossEntropy %10 %11  f32[] f32[N,10]  example_test.go:66
	// %14 = Const (1)  f32[]  ∂%12 example_test.go:67
	// %15 = SoftmaxCrossEntropyGrad %13 %11 %14  f32[N,10]  ∂%12 example_test.go:67
	// %16 = Sum{Axes:[0]} %15  f32[10]  ∂%10 "fc2" example_test.go:67
	// %17 = MatMul %15 %7  f32[N,50]  ∂%9 "fc2" example_test.go:67
	// %18 = MatMul{TransA:true} %15 %6  f32[10,50]  ∂%9 "fc2" example_test.go:67
	// %19 = ReLUGrad %6 %17  f32[N,50]  ∂%6 example_test.go:67
	// %20 = Sum{Axes:[0]} %19  f32[50]  ∂%5 "fc1" example_test.go:67
	// %21 = MatMul %19 %2  f32[N,3072]  ∂%4 "fc1" example_test.go:67
	// %22 = MatMul{TransA:true} %19 %1  f32[50,3072]  ∂%4 "fc1" example_test.go:67
	// [%22 %20 %18 %16]
}
