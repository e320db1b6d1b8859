package models

import (
	"neocog/graph"
	"neocog/models/layers"
	"neocog/ops"
)

const sourceLeNet = "LeCun, Bottou, Bengio and Haffner, “Gradient-Based Learning Applied to Document Recognition”, Proc. IEEE 86(11), 1998, section II.B"

// LeNet5 is LeNet-5 for images of 28×28 pixels, such as MNIST's, which C1 pads to
// 32×32: LeNet{Pad: 2}.
func LeNet5(b *layers.Builder, x *graph.Value) *graph.Value { return LeNet{Pad: 2}.Build(b, x) }

// LeNet is LeNet-5, [CONV-POOL-CONV-POOL-CONV-FC-FC], with logits for ten
// digits:
//
//	|       | layer                 | output   | parameters          | multiply-adds |
//	|-------|-----------------------|----------|---------------------|---------------|
//	|       | input, padded         | 32×32×1  |                     |               |
//	| C1    | conv 6 5×5            | 28×28×6  | 5·5·1·6+6 = 156     |       117,600 |
//	| S2    | max pool 2×2 stride 2 | 14×14×6  |                     |               |
//	| C3    | conv 16 5×5           | 10×10×16 | 5·5·6·16+16 = 2,416 |       240,000 |
//	| S4    | max pool 2×2 stride 2 | 5×5×16   |                     |               |
//	| C5    | conv 120 5×5          | 1×1×120  | 48,120              |        48,000 |
//	| F6    | linear                | 84       | 10,164              |        10,080 |
//	|       | linear                | 10       | 850                 |           840 |
//	|       |                       |          | 61,706              |       416,520 |
//
// It is the form that is used today: ReLU, max pooling, every filter of C3 sees
// all six maps, and the outputs are logits. The paper has sigmoids, sums with a
// learned scale and bias for pooling, a table of which maps C3 sees, and radial
// basis functions at the end; Tanh brings back what is left of the first two.
type LeNet struct {
	Pad  int  // zeros on each side of the image
	Tanh bool // tanh and average pooling in place of ReLU and max pooling
}

// Build applies the network to x [N,1,H,W] with H = W = 32 − 2·Pad.
func (l LeNet) Build(b *layers.Builder, x *graph.Value) *graph.Value {
	act, pool := ops.ReLU, ops.MaxPool2D
	if l.Tanh {
		act, pool = ops.Tanh, ops.AvgPool2D
	}
	size, half := [2]int{5, 5}, ops.Pool{Size: [2]int{2, 2}}

	x = act(b.Conv("conv1", x, 6, size, ops.Conv{Pad: [4]int{l.Pad, l.Pad, l.Pad, l.Pad}}))
	x = pool(x, half)
	x = act(b.Conv("conv2", x, 16, size, ops.Conv{}))
	x = pool(x, half)
	x = act(b.Conv("conv3", x, 120, size, ops.Conv{}))
	x = act(b.Linear("fc1", ops.Flatten(x), 84))
	return b.Linear("fc2", x, 10)
}
