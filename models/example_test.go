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
	// %0 = Input "x"                                       f32[N,1,28,28]                 model.go:46
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

// The gradient of LeNet-5 is made of nodes like any others: those which have an
// Origin. ∂%25 says from which forward node one derives.
func ExampleModel_Graph() {
	m, err := models.Find("lenet5")
	if err != nil {
		fmt.Println(err)
		return
	}
	b := &layers.Builder{Train: true}
	g, _, logits := m.Graph(b)
	labels := g.Input("labels", graph.Of(graph.Int32, graph.Batch))
	loss := b.Loss(logits, labels, ops.CrossEntropy{})
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
	// %28 %29 = SoftmaxCrossEntropy %26 %27  f32[] f32[N,10]  example_test.go:67
	// %30 = Const (1)  f32[]  ∂%28 example_test.go:68
	// %31 = SoftmaxCrossEntropyGrad %29 %27 %30  f32[N,10]  ∂%28 example_test.go:68
	// %32 = Sum{Axes:[0]} %31  f32[10]  ∂%26 "fc2" example_test.go:68
	// %33 = MatMul %31 %23  f32[N,84]  ∂%25 "fc2" example_test.go:68
	// %34 = MatMul{TransA:true} %31 %22  f32[10,84]  ∂%25 "fc2" example_test.go:68
	// %35 = ReLUGrad %22 %33  f32[N,84]  ∂%22 example_test.go:68
	// %36 = Sum{Axes:[0]} %35  f32[84]  ∂%21 "fc1" example_test.go:68
	// %37 = MatMul %35 %18  f32[N,120]  ∂%20 "fc1" example_test.go:68
	// %38 = MatMul{TransA:true} %35 %17  f32[84,120]  ∂%20 "fc1" example_test.go:68
	// %39 = Reshape{Shape:[-1 120 1 1]} %37  f32[N,120,1,1]  ∂%17 example_test.go:68
	// %40 = ReLUGrad %16 %39  f32[N,120,1,1]  ∂%16 example_test.go:68
	// %41 = Conv2DInputGrad{H:5 W:5} %13 %40  f32[N,16,5,5]  ∂%15 "conv3" example_test.go:68
	// %42 = Conv2DFilterGrad{R:5 S:5} %11 %40  f32[120,16,5,5]  ∂%15 "conv3" example_test.go:68
	// %43 = Sum{Axes:[0 2 3]} %40  f32[120]  ∂%15 "conv3" example_test.go:68
	// %44 = MaxPool2DGrad{H:10 W:10} %12 %41  f32[N,16,10,10]  ∂%11 example_test.go:68
	// %45 = ReLUGrad %10 %44  f32[N,16,10,10]  ∂%10 example_test.go:68
	// %46 = Conv2DInputGrad{H:14 W:14} %7 %45  f32[N,6,14,14]  ∂%9 "conv2" example_test.go:68
	// %47 = Conv2DFilterGrad{R:5 S:5} %5 %45  f32[16,6,5,5]  ∂%9 "conv2" example_test.go:68
	// %48 = Sum{Axes:[0 2 3]} %45  f32[16]  ∂%9 "conv2" example_test.go:68
	// %49 = MaxPool2DGrad{H:28 W:28} %6 %46  f32[N,6,28,28]  ∂%5 example_test.go:68
	// %50 = ReLUGrad %4 %49  f32[N,6,28,28]  ∂%4 example_test.go:68
	// %51 = Conv2DInputGrad{Pad:[2 2 2 2] H:28 W:28} %1 %50  f32[N,1,28,28]  ∂%3 "conv1" example_test.go:68
	// %52 = Conv2DFilterGrad{Pad:[2 2 2 2] R:5 S:5} %0 %50  f32[6,1,5,5]  ∂%3 "conv1" example_test.go:68
	// %53 = Sum{Axes:[0 2 3]} %50  f32[6]  ∂%3 "conv1" example_test.go:68
	// [%52 %53 %47 %48 %42 %43 %38 %36 %34 %32]
}
