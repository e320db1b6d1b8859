package models

import (
	"neocog/graph"
	"neocog/models/layers"
	"neocog/ops"
)

const sourceCompact = "this library, after Ioffe and Szegedy, “Batch Normalization”, ICML 2015; docs/results.md has its accuracy"

// Compact is a small network for grey images of 28×28 pixels, such as MNIST's and
// Fashion-MNIST's, with logits for ten classes. Batch norm lets it learn at a high
// rate: on MNIST one epoch is enough for 99 %.
//
//	| layer                                        | output   | parameters                 | multiply-adds |
//	|----------------------------------------------|----------|----------------------------|---------------|
//	| input                                        | 28×28×1  |                            |               |
//	| conv 16 5×5, max pool 2×2, batch norm, ReLU  | 14×14×16 | 5·5·1·16 + 2·16 = 432      |       313,600 |
//	| conv 32 3×3, max pool 2×2, batch norm, ReLU  | 7×7×32   | 3·3·16·32 + 2·32 = 4,672   |       903,168 |
//	| conv 64 3×3, max pool 2×2, batch norm, ReLU  | 3×3×64   | 3·3·32·64 + 2·64 = 18,560  |       903,168 |
//	| linear, ReLU                                 | 128      | 576·128 + 128 = 73,856     |        73,728 |
//	| linear                                       | 10       | 128·10 + 10 = 1,290        |         1,280 |
//	|                                              |          | 98,810                     |     2,194,944 |
//
// Convolutions keep the size of their maps, and have no bias: batch norm has one. It
// follows the pooling, on a quarter of the numbers, and the last pool leaves out the
// seventh row and column.
func Compact(b *layers.Builder, x *graph.Value) *graph.Value {
	half := ops.Pool{Size: square(2), Round: ops.Floor}
	layer := func(name string, filters, size int) {
		x = b.ConvNoBias(name, x, filters, square(size), ops.Conv{Pad: around(size / 2)})
		x = ops.ReLU(b.BatchNorm(name+"_norm", ops.MaxPool2D(x, half)))
	}
	layer("conv1", 16, 5)
	layer("conv2", 32, 3)
	layer("conv3", 64, 3)
	x = ops.ReLU(b.Linear("fc1", ops.Flatten(x), 128))
	return b.Linear("fc2", x, 10)
}
