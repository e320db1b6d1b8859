package models

import (
	"fmt"

	"neocog/graph"
	"neocog/models/layers"
	"neocog/ops"
)

const sourceSqueezeNet = "Iandola et al., “SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size”, arXiv:1602.07360, 2016, table 1"

// SqueezeNet is AlexNet's accuracy with a fiftieth of its parameters: fire
// modules squeeze the channels by 1×1 filters before half of them are expanded by
// 3×3, the other half by 1×1.
//
//	| layer                      | output     | squeeze – expand | parameters | multiply-adds |
//	|----------------------------|------------|------------------|------------|---------------|
//	| input                      | 227×227×3  |                  |            |               |
//	| conv1 96 7×7 stride 2      | 111×111×96 |                  |     14,208 |   173,873,952 |
//	| max pool 3×3 stride 2      | 55×55×96   |                  |            |               |
//	| fire2                      | 55×55×128  | 16 – 64 + 64     |     11,920 |    35,622,400 |
//	| fire3                      | 55×55×128  | 16 – 64 + 64     |     12,432 |    37,171,200 |
//	| fire4                      | 55×55×256  | 32 – 128 + 128   |     45,344 |   136,294,400 |
//	| max pool 3×3 stride 2      | 27×27×256  |                  |            |               |
//	| fire5                      | 27×27×256  | 32 – 128 + 128   |     49,440 |    35,831,808 |
//	| fire6                      | 27×27×384  | 48 – 192 + 192   |    104,880 |    76,142,592 |
//	| fire7                      | 27×27×384  | 48 – 192 + 192   |    111,024 |    80,621,568 |
//	| fire8                      | 27×27×512  | 64 – 256 + 256   |    188,992 |   137,355,264 |
//	| max pool 3×3 stride 2      | 13×13×512  |                  |            |               |
//	| fire9                      | 13×13×512  | 64 – 256 + 256   |    197,184 |    33,226,752 |
//	| dropout ½, conv10 1000 1×1 | 13×13×1000 |                  |    513,000 |    86,528,000 |
//	| global average pool        | 1000       |                  |            |               |
//	|                            |            |                  |  1,248,424 |   832,667,936 |
//
// The table of the paper says 224 pixels, from which 111×111 do not follow; the
// authors' configuration takes 227. torchvision's squeezenet1_0 takes 224, with
// maps of 54, 27 and 13. Every convolution ends with ReLU.
type SqueezeNet struct {
	// V11 is the authors' version 1.1 for 224×224 pixels, as torchvision's
	// squeezenet1_1: 64 filters of 3×3 first, and the poolings after conv1,
	// fire3 and fire5. 1,235,496 parameters, 349,151,936 multiply-adds.
	V11 bool
}

// Build applies the network to x [N,3,H,W].
func (s SqueezeNet) Build(b *layers.Builder, x *graph.Value) *graph.Value {
	filters, size, before := 96, 7, map[int]bool{2: true, 5: true, 9: true} // poolings before these modules
	if s.V11 {
		filters, size, before = 64, 3, map[int]bool{2: true, 4: true, 6: true}
	}
	x = ops.ReLU(b.Conv("conv1", x, filters, square(size), ops.Conv{Stride: square(2), Round: ops.Floor}))
	for i, n := range [][2]int{{16, 64}, {16, 64}, {32, 128}, {32, 128}, {48, 192}, {48, 192}, {64, 256}, {64, 256}} {
		if before[i+2] {
			x = ops.MaxPool2D(x, ops.Pool{Size: square(3), Stride: square(2), Round: ops.Ceil})
		}
		x = fire(b, fmt.Sprint("fire", i+2), x, n[0], n[1])
	}
	x = ops.ReLU(b.Conv("conv10", b.Dropout("drop9", x, 0.5), 1000, square(1), ops.Conv{}))
	return ops.Flatten(ops.GlobalAvgPool(x))
}

// fire is figure 2: squeeze filters of 1×1, then expand of 1×1 and as many of
// 3×3.
func fire(b *layers.Builder, name string, x *graph.Value, squeeze, expand int) (y *graph.Value) {
	x.Graph().Scope(name, func() {
		x = ops.ReLU(b.Conv("squeeze1x1", x, squeeze, square(1), ops.Conv{}))
		one := ops.ReLU(b.Conv("expand1x1", x, expand, square(1), ops.Conv{}))
		three := ops.ReLU(b.Conv("expand3x3", x, expand, square(3), ops.Conv{Pad: around(1)}))
		y = ops.Concat(1, one, three)
	})
	return y
}
