package models

import (
	"fmt"

	"neocog/graph"
	"neocog/models/layers"
	"neocog/ops"
)

const sourceVGG = "Simonyan and Zisserman, “Very Deep Convolutional Networks for Large-Scale Image Recognition”, ICLR 2015, table 1"

// VGG is a column of the paper's table: five blocks of small convolutions on
// 224×224 pixels, with 64, 128, 256, 512 and 512 filters, and a pooling that
// halves after each.
//
//	| net   | layers with weights | blocks: sizes of their filters          |  parameters |  multiply-adds |
//	|-------|---------------------|-----------------------------------------|-------------|----------------|
//	| A     |                  11 | 3 – 3 – 3 3 – 3 3 – 3 3                 | 132,863,336 |  7,609,090,048 |
//	| A-LRN |                  11 | A, normalised after the first           | 132,863,336 |  7,609,090,048 |
//	| B     |                  13 | 3 3 – 3 3 – 3 3 – 3 3 – 3 3             | 133,047,848 | 11,308,466,176 |
//	| C     |                  16 | 3 3 – 3 3 – 3 3 1 – 3 3 1 – 3 3 1       | 133,638,952 | 11,770,888,192 |
//	| D     |                  16 | 3 3 – 3 3 – 3 3 3 – 3 3 3 – 3 3 3       | 138,357,544 | 15,470,264,320 |
//	| E     |                  19 | 3 3 – 3 3 – 3 3 3 3 – 3 3 3 3 – 3 3 3 3 | 143,667,240 | 19,632,062,464 |
//
// The classifier is 4096-4096-1000, with dropout ½ after both hidden layers:
// 123,642,856 of the parameters. Every layer but the last ends with ReLU. Weights
// start as Xavier's, with which, the paper notes, the deep nets need not be grown
// from A.
type VGG struct {
	Blocks [5][]int // height and width of the filters of each layer, block by block
	LRN    bool     // normalise after the first layer, with AlexNet's constants
}

// Build applies the network to x [N,3,H,W], H and W being multiples of 32.
func (v VGG) Build(b *layers.Builder, x *graph.Value) (logits *graph.Value) {
	b.Default(layers.Xavier, func() {
		for i, filters := range []int{64, 128, 256, 512, 512} {
			for j, size := range v.Blocks[i] {
				x = ops.ReLU(b.Conv(fmt.Sprintf("conv%d_%d", i+1, j+1), x, filters, square(size), ops.Conv{Same: true}))
				if v.LRN && i+j == 0 {
					x = ops.LRN(x, response)
				}
			}
			x.Graph().Scope(fmt.Sprintf("pool%d", i+1), func() { x = ops.MaxPool2D(x, ops.Pool{Size: square(2)}) })
		}
		x = ops.Flatten(x)
		x = b.Dropout("drop6", ops.ReLU(b.Linear("fc6", x, 4096)), 0.5)
		x = b.Dropout("drop7", ops.ReLU(b.Linear("fc7", x, 4096)), 0.5)
		logits = b.Linear("fc8", x, 1000)
	})
	return logits
}
