package inspect_test

import (
	"fmt"

	"neocog/graph"
	"neocog/inspect"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops"
)

// The lecture's table of LeNet-5, for one image.
func Example() {
	m, err := models.Find("lenet5-32")
	if err != nil {
		fmt.Println(err)
		return
	}
	g, _, _ := m.Graph(&layers.Builder{})
	s, err := inspect.Summarise(g, 1)
	fmt.Print(s)
	fmt.Println(err)
	// Output:
	// lenet5-32, batch 1
	// layer  ops                  output                     parameters  multiply-adds  activation bytes  field  stride
	// x      Input                [32x32x1]                                                        4,096    1x1     1x1
	// conv1  Conv2D ReLU          [28x28x6]           (5*5*1)*6+6 = 156        117,600            18,816    5x5     1x1
	//        MaxPool2D            [14x14x6]                                                        4,704    6x6     2x2
	// conv2  Conv2D ReLU          [10x10x16]      (5*5*6)*16+16 = 2,416        240,000             6,400  14x14     2x2
	//        MaxPool2D            [5x5x16]                                                         1,600  16x16     4x4
	// conv3  Conv2D ReLU Flatten  [1x1x120]   (5*5*16)*120+120 = 48,120         48,000               480  32x32     4x4
	// fc1    MatMul Add ReLU      [84]               120*84+84 = 10,164         10,080               336  32x32
	// fc2    MatMul Add           [10]                   84*10+10 = 850            840                40  32x32
	// total                                                      61,706        416,520            36,472
	// <nil>
}

func ExampleGraphJSON() {
	g := graph.New("half")
	ops.Scale(g.Input("x", graph.Of(graph.Float32, graph.Batch, 3)), 0.5)
	text, err := inspect.GraphJSON(g)
	fmt.Printf("%s%v\n", text, err)
	// Output:
	// {"name":"half","nodes":[
	// {"id":0,"op":"Input","attributes":{"name":"x"},"inputs":[],"outputs":[{"id":0,"dtype":"f32","shape":[-1,3]}],"position":"example_test.go:41"},
	// {"id":1,"op":"Scale","attributes":{"S":0.5},"inputs":[0],"outputs":[{"id":1,"dtype":"f32","shape":[-1,3]}],"position":"example_test.go:41"}
	// ],
	// "inputs":[0],
	// "params":[],
	// "buffers":[],
	// "updates":[]}
	// <nil>
}
