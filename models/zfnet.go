package models

import (
	"neocog/graph"
	"neocog/models/layers"
	"neocog/ops"
)

const sourceZFNet = "Zeiler and Fergus, “Visualizing and Understanding Convolutional Networks”, ECCV 2014, figure 3 and section 4.2"

// ZFNet is AlexNet with a first layer that looks closer, 7×7 at every second
// pixel, in place of 11×11 at every fourth, for 224×224 pixels.
//
//	| layer                            | output     | figure 3       | wide, as the lecture has it |
//	|----------------------------------|------------|----------------|-----------------------------|
//	| input                            | 224×224×3  |                |                             |
//	| conv1 96 7×7 stride 2 pad 1      | 110×110×96 | 14,208         | 14,208                      |
//	| max pool 3×3 stride 2, normalise | 55×55×96   |                |                             |
//	| conv2 256 5×5 stride 2           | 26×26×256  | 614,656        | 614,656                     |
//	| max pool 3×3 stride 2, normalise | 13×13×256  |                |                             |
//	| conv3 3×3 pad 1                  | 13×13      | 384: 885,120   | 512: 1,180,160              |
//	| conv4 3×3 pad 1                  | 13×13      | 384: 1,327,488 | 1024: 4,719,616             |
//	| conv5 3×3 pad 1                  | 13×13      | 256: 884,992   | 512: 4,719,104              |
//	| max pool 3×3 stride 2            | 6×6        |                |                             |
//	| linear                           | 4096       | 37,752,832     | 75,501,568                  |
//	| dropout ½, linear                | 4096       | 16,781,312     | 16,781,312                  |
//	| dropout ½, linear                | 1000       | 4,097,000      | 4,097,000                   |
//	| parameters                       |            | 62,357,608     | 107,627,624                 |
//	| multiply-adds                    |            | 1,168,032,896  | 2,476,704,896               |
//
// Every layer but the last ends with ReLU. Poolings whose windows reach beyond
// the map keep what they see, as 110 → 55 takes. The paper renormalises filters
// whose root mean square exceeds 0.1 while it trains; that is left out here.
// Weights start from N(0, 0.01²); dropout stands after both hidden layers.
type ZFNet struct {
	// Filters of conv3, conv4 and conv5: 384, 384, 256 in figure 3; 512, 1024,
	// 512 in the wider form of section 4.2, which the lecture takes for ZFNet.
	Filters [3]int
}

// Build applies the network to x [N,3,H,W].
func (z ZFNet) Build(b *layers.Builder, x *graph.Value) (logits *graph.Value) {
	pool := overlapping
	pool.Round = ops.Ceil
	same := ops.Conv{Pad: around(1)}

	b.Default(layers.Normal(0.01), func() {
		x = ops.ReLU(b.Conv("conv1", x, 96, square(7), ops.Conv{Stride: square(2), Pad: around(1), Round: ops.Floor}))
		x = ops.LRN(ops.MaxPool2D(x, pool), response)
		x = ops.ReLU(b.Conv("conv2", x, 256, square(5), ops.Conv{Stride: square(2), Round: ops.Floor}))
		x = ops.LRN(ops.MaxPool2D(x, pool), response)
		x = ops.ReLU(b.Conv("conv3", x, z.Filters[0], square(3), same))
		x = ops.ReLU(b.Conv("conv4", x, z.Filters[1], square(3), same))
		x = ops.ReLU(b.Conv("conv5", x, z.Filters[2], square(3), same))
		x = ops.Flatten(ops.MaxPool2D(x, pool))
		x = b.Dropout("drop6", ops.ReLU(b.Linear("fc6", x, 4096)), 0.5)
		x = b.Dropout("drop7", ops.ReLU(b.Linear("fc7", x, 4096)), 0.5)
		logits = b.Linear("fc8", x, 1000)
	})
	return logits
}
