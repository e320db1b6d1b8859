package models

import (
	"neocog/graph"
	"neocog/models/layers"
	"neocog/ops"
)

const sourceGoogLeNet = "Szegedy et al., “Going Deeper with Convolutions”, CVPR 2015, table 1"

// GoogLeNet is nine inception modules on 224×224 pixels: each looks at its input
// through filters of three sizes and a pooling, and lays the results one behind
// the other.
//
//	| layer                         | output     | 1×1 | 3×3       | 5×5      | pool | parameters | multiply-adds |
//	|-------------------------------|------------|-----|-----------|----------|------|------------|---------------|
//	| conv1 64 7×7 stride 2         | 112×112×64 |     |           |          |      |      9,472 |   118,013,952 |
//	| max pool 3×3 stride 2         | 56×56×64   |     |           |          |      |            |               |
//	| conv2 64 1×1, 192 3×3         | 56×56×192  |     |           |          |      |    114,944 |   359,661,568 |
//	| max pool 3×3 stride 2         | 28×28×192  |     |           |          |      |            |               |
//	| inception 3a                  | 28×28×256  |  64 | 96 → 128  | 16 → 32  |   32 |    163,696 |   128,049,152 |
//	| inception 3b                  | 28×28×480  | 128 | 128 → 192 | 32 → 96  |   64 |    388,736 |   304,267,264 |
//	| max pool 3×3 stride 2         | 14×14×480  |     |           |          |      |            |               |
//	| inception 4a                  | 14×14×512  | 192 | 96 → 208  | 16 → 48  |   64 |    376,176 |    73,608,192 |
//	| inception 4b                  | 14×14×512  | 160 | 112 → 224 | 24 → 64  |   64 |    449,160 |    87,908,352 |
//	| inception 4c                  | 14×14×512  | 128 | 128 → 256 | 24 → 64  |   64 |    510,104 |    99,850,240 |
//	| inception 4d                  | 14×14×528  | 112 | 144 → 288 | 32 → 64  |   64 |    605,376 |   118,515,712 |
//	| inception 4e                  | 14×14×832  | 256 | 160 → 320 | 32 → 128 |  128 |    868,352 |   169,996,288 |
//	| max pool 3×3 stride 2         | 7×7×832    |     |           |          |      |            |               |
//	| inception 5a                  | 7×7×832    | 256 | 160 → 320 | 32 → 128 |  128 |  1,043,456 |    51,079,168 |
//	| inception 5b                  | 7×7×1024   | 384 | 192 → 384 | 48 → 128 |  128 |  1,444,080 |    70,697,984 |
//	| average pool 7×7, dropout 0.4 | 1024       |     |           |          |      |            |               |
//	| linear                        | 1000       |     |           |          |      |  1,025,000 |     1,024,000 |
//	|                               |            |     |           |          |      |  6,998,552 | 1,582,671,872 |
//
// Every convolution ends with ReLU. Poolings keep what their last windows see of
// the map: 112, 56, 28, 14 and 7 take it. While it trains there are two auxiliary
// classifiers on 4a and 4d, which add 6,379,728 parameters and join the loss
// through b.Aux (section 5). The paper does not say how weights start; they start
// as Xavier's.
type GoogLeNet struct {
	// Torchvision makes torchvision's googlenet: batch norm after every
	// convolution in place of biases and of the stem's normalisation, and 3×3
	// where the table has 5×5. It has 6,624,904 parameters, 13,004,888 with the
	// auxiliary classifiers.
	Torchvision bool
}

// An inceptionRow is a row of the table: filters of 1×1, of 3×3 after a
// reduction, of 5×5 after a reduction, of 1×1 after a pooling.
type inceptionRow struct {
	name                                       string
	one, reduce3, three, reduce5, five, pooled int
}

var inceptionRows = []inceptionRow{
	{"3a", 64, 96, 128, 16, 32, 32},
	{"3b", 128, 128, 192, 32, 96, 64},
	{"4a", 192, 96, 208, 16, 48, 64},
	{"4b", 160, 112, 224, 24, 64, 64},
	{"4c", 128, 128, 256, 24, 64, 64},
	{"4d", 112, 144, 288, 32, 64, 64},
	{"4e", 256, 160, 320, 32, 128, 128},
	{"5a", 256, 160, 320, 32, 128, 128},
	{"5b", 384, 192, 384, 48, 128, 128},
}

// Build applies the network to x [N,3,H,W].
func (n GoogLeNet) Build(b *layers.Builder, x *graph.Value) (logits *graph.Value) {
	half := ops.Pool{Size: square(3), Stride: square(2), Round: ops.Ceil}
	norm := func(x *graph.Value) *graph.Value {
		if n.Torchvision {
			return x
		}
		return ops.LRN(x, ops.LocalResponse{Size: 5, Alpha: 1e-4 / 5, Beta: 0.75, K: 1}) // Caffe's constants; the paper names none
	}
	b.Default(layers.Xavier, func() {
		x = n.conv(b, "conv1", x, 64, 7, 2)
		x = norm(ops.MaxPool2D(x, half))
		x = n.conv(b, "conv2_reduce", x, 64, 1, 1)
		x = norm(n.conv(b, "conv2", x, 192, 3, 1))
		for _, row := range inceptionRows {
			switch row.name {
			case "3a", "4a", "5a":
				x = ops.MaxPool2D(x, half)
			}
			x = n.inception(b, row, x)
			if b.Train && (row.name == "4a" || row.name == "4d") {
				n.classify(b, "aux_"+row.name, x)
			}
		}
		x = ops.Flatten(ops.GlobalAvgPool(x))
		logits = b.Linear("fc", b.Dropout("drop", x, 0.4), 1000)
	})
	return logits
}

// conv is a convolution with “same” padding, and ReLU.
func (n GoogLeNet) conv(b *layers.Builder, name string, x *graph.Value, filters, size, stride int) *graph.Value {
	if n.Torchvision {
		return ops.ReLU(convNorm(b, name, x, filters, size, stride, looseEpsilon))
	}
	return ops.ReLU(b.Conv(name, x, filters, square(size), ops.Conv{Stride: square(stride), Pad: around(size / 2), Round: ops.Floor}))
}

// inception is figure 2(b).
func (n GoogLeNet) inception(b *layers.Builder, row inceptionRow, x *graph.Value) (y *graph.Value) {
	five := 5
	if n.Torchvision {
		five = 3
	}
	x.Graph().Scope("inception_"+row.name, func() {
		y = ops.Concat(1,
			n.conv(b, "1x1", x, row.one, 1, 1),
			n.conv(b, "3x3", n.conv(b, "3x3_reduce", x, row.reduce3, 1, 1), row.three, 3, 1),
			n.conv(b, "5x5", n.conv(b, "5x5_reduce", x, row.reduce5, 1, 1), row.five, five, 1),
			n.conv(b, "pool", ops.MaxPool2D(x, ops.Pool{Size: square(3), Stride: square(1), Pad: around(1)}), row.pooled, 1, 1))
	})
	return y
}

// classify makes an auxiliary classifier: 5×5 average pooling, a 1×1 convolution,
// two linear layers.
func (n GoogLeNet) classify(b *layers.Builder, name string, x *graph.Value) {
	x.Graph().Scope(name, func() {
		x = ops.AvgPool2D(x, ops.Pool{Size: square(5), Stride: square(3), Round: ops.Floor})
		x = ops.Flatten(n.conv(b, "conv", x, 128, 1, 1))
		x = b.Dropout("drop", ops.ReLU(b.Linear("fc1", x, 1024)), 0.7)
		b.Aux = append(b.Aux, b.Linear("fc2", x, 1000))
	})
}
