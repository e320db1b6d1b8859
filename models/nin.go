package models

import (
	"fmt"

	"neocog/graph"
	"neocog/models/layers"
	"neocog/ops"
)

const sourceNIN = "Lin, Chen and Yan, “Network In Network”, ICLR 2014, section 4, and the authors' configuration for CIFAR-10"

// NetworkInNetwork classifies CIFAR-10 by three small networks that slide over
// the image: a convolution followed by two of 1×1, which are a perceptron for
// each pixel. Its last ten maps are the classes, and their means the logits.
//
//	| layer                            | output    | parameters                         | multiply-adds |
//	|----------------------------------|-----------|------------------------------------|---------------|
//	| input                            | 32×32×3   |                                    |               |
//	| conv 192 5×5 pad 2, 1×1 160, 96  | 32×32×96  | 14,592 + 30,880 + 15,456 = 60,928  |    61,931,520 |
//	| max pool 3×3 stride 2            | 16×16×96  |                                    |               |
//	| dropout ½                        |           |                                    |               |
//	| conv 192 5×5 pad 2, 1×1 192, 192 | 16×16×192 | 460,992 + 2 · 37,056 = 535,104     |   136,839,168 |
//	| average pool 3×3 stride 2        | 8×8×192   |                                    |               |
//	| dropout ½                        |           |                                    |               |
//	| conv 192 3×3 pad 1, 1×1 192, 10  | 8×8×10    | 331,968 + 37,056 + 1,930 = 370,954 |    23,715,840 |
//	| global average pool              | 10        |                                    |               |
//	|                                  |           | 966,986                            |   222,486,528 |
//
// Every convolution ends with ReLU. Weights start from N(0, 0.05²).
func NetworkInNetwork(b *layers.Builder, x *graph.Value) *graph.Value {
	mlpconv := func(i int, x *graph.Value, size int, filters [3]int) *graph.Value {
		b.Default(layers.Normal(0.05), func() {
			x = ops.ReLU(b.Conv(fmt.Sprintf("conv%d", i), x, filters[0], square(size), ops.Conv{Pad: around(size / 2)}))
			x = ops.ReLU(b.Conv(fmt.Sprintf("cccp%d", 2*i-1), x, filters[1], square(1), ops.Conv{}))
			x = ops.ReLU(b.Conv(fmt.Sprintf("cccp%d", 2*i), x, filters[2], square(1), ops.Conv{}))
		})
		return x
	}
	half := ops.Pool{Size: square(3), Stride: square(2), Round: ops.Ceil}

	x = mlpconv(1, x, 5, [3]int{192, 160, 96})
	x = b.Dropout("drop1", ops.MaxPool2D(x, half), 0.5)
	x = mlpconv(2, x, 5, [3]int{192, 192, 192})
	x = b.Dropout("drop2", ops.AvgPool2D(x, half), 0.5)
	x = mlpconv(3, x, 3, [3]int{192, 192, 10})
	return ops.Flatten(ops.GlobalAvgPool(x))
}
