package models

import (
	"neocog/graph"
	"neocog/models/layers"
	"neocog/ops"
)

const sourceConvNetJS = "Karpathy, ConvNetJS CIFAR-10 demo, cs.stanford.edu/people/karpathy/convnetjs/demo/cifar10.html, 2014"

// ConvNetJS is the network which learns CIFAR-10 in the browser, in the
// lecture's demonstration, with logits for ten classes:
//
//	| layer                   | output   | parameters            | multiply-adds |
//	|-------------------------|----------|-----------------------|---------------|
//	| input                   | 32×32×3  |                       |               |
//	| conv 16 5×5 pad 2, ReLU | 32×32×16 | 5·5·3·16+16 = 1,216   |     1,228,800 |
//	| max pool 2×2 stride 2   | 16×16×16 |                       |               |
//	| conv 20 5×5 pad 2, ReLU | 16×16×20 | 5·5·16·20+20 = 8,020  |     2,048,000 |
//	| max pool 2×2 stride 2   | 8×8×20   |                       |               |
//	| conv 20 5×5 pad 2, ReLU | 8×8×20   | 5·5·20·20+20 = 10,020 |       640,000 |
//	| max pool 2×2 stride 2   | 4×4×20   |                       |               |
//	| linear                  | 10       | 320·10+10 = 3,210     |         3,200 |
//	|                         |          | 22,466                |     3,920,000 |
func ConvNetJS(b *layers.Builder, x *graph.Value) *graph.Value {
	size, same, half := [2]int{5, 5}, ops.Conv{Pad: [4]int{2, 2, 2, 2}}, ops.Pool{Size: [2]int{2, 2}}

	x = ops.ReLU(b.Conv("conv1", x, 16, size, same))
	x = ops.MaxPool2D(x, half)
	x = ops.ReLU(b.Conv("conv2", x, 20, size, same))
	x = ops.MaxPool2D(x, half)
	x = ops.ReLU(b.Conv("conv3", x, 20, size, same))
	x = ops.MaxPool2D(x, half)
	return b.Linear("fc", ops.Flatten(x), 10)
}
