package models

import (
	"fmt"

	"neocog/graph"
	"neocog/models/layers"
	"neocog/ops"
)

const sourceResNet = "He, Zhang, Ren and Sun, “Deep Residual Learning for Image Recognition”, CVPR 2016, table 1"

// ResNet is a column of the paper's table: four stages of residual blocks on
// 224×224 pixels, y = ReLU(F(x) + x).
//
//	| layer                         | output  | blocks of 18, 34          | blocks of 50, 101, 152                   |
//	|-------------------------------|---------|---------------------------|------------------------------------------|
//	| conv1 64 7×7 stride 2         | 112×112 |                           |                                          |
//	| max pool 3×3 stride 2, conv2_ | 56×56   | 2, 3 × [3×3 64, 3×3 64]   | 3, 3, 3 × [1×1 64, 3×3 64, 1×1 256]      |
//	| conv3_                        | 28×28   | 2, 4 × [3×3 128, 3×3 128] | 4, 4, 8 × [1×1 128, 3×3 128, 1×1 512]    |
//	| conv4_                        | 14×14   | 2, 6 × [3×3 256, 3×3 256] | 6, 23, 36 × [1×1 256, 3×3 256, 1×1 1024] |
//	| conv5_                        | 7×7     | 2, 3 × [3×3 512, 3×3 512] | 3, 3, 3 × [1×1 512, 3×3 512, 1×1 2048]   |
//	| average pool, linear          | 1000    |                           |                                          |
//
//	| layers | parameters |  multiply-adds |
//	|--------|------------|----------------|
//	| 18     | 11,689,512 |  1,814,073,344 |
//	| 34     | 21,797,672 |  3,663,761,408 |
//	| 50     | 25,557,032 |  4,089,184,256 |
//	| 101    | 44,549,160 |  7,801,405,440 |
//	| 152    | 60,192,808 | 11,513,626,624 |
//
// Batch norm follows every convolution, before ReLU; there is no dropout. Where a
// stage halves the image, a 1×1 convolution with batch norm stands in for the
// identity (option B). In a bottleneck the stride is at its 3×3, as in
// torchvision; the paper has it at the first 1×1, with as many parameters, and
// 3.8 · 10⁹ multiply-adds for 50 layers. Weights start as He's.
type ResNet struct {
	Blocks     [4]int // in each stage
	Bottleneck bool   // blocks of three layers in place of two
}

// Build applies the network to x [N,3,H,W].
func (r ResNet) Build(b *layers.Builder, x *graph.Value) *graph.Value {
	x = ops.ReLU(convNorm(b, "conv1", x, 64, 7, 2, usualEpsilon))
	x = ops.MaxPool2D(x, ops.Pool{Size: square(3), Stride: square(2), Pad: around(1), Round: ops.Floor})
	for stage, blocks := range r.Blocks {
		for i := range blocks {
			stride := 1
			if stage > 0 && i == 0 {
				stride = 2
			}
			x = r.block(b, fmt.Sprintf("conv%d_%d", stage+2, i+1), x, 64<<stage, stride)
		}
	}
	return b.Linear("fc", ops.Flatten(ops.GlobalAvgPool(x)), 1000)
}

// block is figure 5: two layers of 3×3, or a bottleneck.
func (r ResNet) block(b *layers.Builder, name string, x *graph.Value, filters, stride int) (y *graph.Value) {
	x.Graph().Scope(name, func() {
		out := filters
		if r.Bottleneck {
			out = 4 * filters
			y = ops.ReLU(convNorm(b, "conv1", x, filters, 1, 1, usualEpsilon))
			y = ops.ReLU(convNorm(b, "conv2", y, filters, 3, stride, usualEpsilon))
			y = convNorm(b, "conv3", y, out, 1, 1, usualEpsilon)
		} else {
			y = ops.ReLU(convNorm(b, "conv1", x, filters, 3, stride, usualEpsilon))
			y = convNorm(b, "conv2", y, filters, 3, 1, usualEpsilon)
		}
		if x.IsValid() && (stride > 1 || x.Shape()[1] != out) {
			x = convNorm(b, "shortcut", x, out, 1, stride, usualEpsilon)
		}
		y = ops.ReLU(ops.Add(y, x))
	})
	return y
}

// CIFARResNet is the residual network for the 32×32 pixels of CIFAR-10, 6n + 2
// layers deep (section 4.2).
//
//	| layer                | output   | filters          |
//	|----------------------|----------|------------------|
//	| conv1                | 32×32×16 | 16 3×3           |
//	| conv2_1 … conv2_n    | 32×32×16 | [3×3 16, 3×3 16] |
//	| conv3_1 … conv3_n    | 16×16×32 | [3×3 32, 3×3 32] |
//	| conv4_1 … conv4_n    | 8×8×64   | [3×3 64, 3×3 64] |
//	| average pool, linear | 10       |                  |
//
//	| layers        |         20 |         32 |         44 |          56 |         110 |
//	|---------------|------------|------------|------------|-------------|-------------|
//	| parameters    |    269,722 |    464,154 |    658,586 |     853,018 |   1,727,962 |
//	| multiply-adds | 40,551,040 | 68,862,592 | 97,174,144 | 125,485,696 | 252,887,680 |
//
// Where a stage halves the image, the identity takes every second pixel and adds
// channels of zeros (option A): shortcuts have no parameters. Weights start as
// He's.
type CIFARResNet struct {
	N int // blocks in each of the three stages
}

// Build applies the network to x [N,3,32,32].
func (r CIFARResNet) Build(b *layers.Builder, x *graph.Value) *graph.Value {
	x = ops.ReLU(convNorm(b, "conv1", x, 16, 3, 1, usualEpsilon))
	for stage := range 3 {
		for i := range r.N {
			stride := 1
			if stage > 0 && i == 0 {
				stride = 2
			}
			x = r.block(b, fmt.Sprintf("conv%d_%d", stage+2, i+1), x, 16<<stage, stride)
		}
	}
	return b.Linear("fc", ops.Flatten(ops.GlobalAvgPool(x)), 10)
}

func (r CIFARResNet) block(b *layers.Builder, name string, x *graph.Value, filters, stride int) (y *graph.Value) {
	x.Graph().Scope(name, func() {
		y = ops.ReLU(convNorm(b, "conv1", x, filters, 3, stride, usualEpsilon))
		y = convNorm(b, "conv2", y, filters, 3, 1, usualEpsilon)
		if x.IsValid() && stride > 1 {
			x = ops.SliceStep(ops.SliceStep(x, 2, 0, x.Shape()[2], stride), 3, 0, x.Shape()[3], stride)
			x = ops.Pad(x, []int{0, 0, 0, 0}, []int{0, filters - x.Shape()[1], 0, 0}, 0)
		}
		y = ops.ReLU(ops.Add(y, x))
	})
	return y
}
