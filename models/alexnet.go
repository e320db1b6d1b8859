package models

import (
	"neocog/graph"
	"neocog/models/layers"
	"neocog/ops"
)

const (
	sourceAlexNet = "Krizhevsky, Sutskever and Hinton, “ImageNet Classification with Deep Convolutional Neural Networks”, NIPS 2012, section 3.5"
	sourceOWT     = "Krizhevsky, “One weird trick for parallelizing convolutional neural networks”, arXiv:1404.5997, 2014, footnote 1"
)

// AlexNet classifies images of 227×227 pixels; the paper says 224, which its
// 55×55 contradict.
//
//	| layer                            | output    | parameters, one tower | two groups | multiply-adds |
//	|----------------------------------|-----------|-----------------------|------------|---------------|
//	| input                            | 227×227×3 |                       |            |               |
//	| conv1 96 11×11 stride 4          | 55×55×96  |                34,944 |            |   105,415,200 |
//	| max pool 3×3 stride 2, normalise | 27×27×96  |                       |            |               |
//	| conv2 256 5×5 pad 2              | 27×27×256 |               614,656 |    307,456 |   447,897,600 |
//	| max pool 3×3 stride 2, normalise | 13×13×256 |                       |            |               |
//	| conv3 384 3×3 pad 1              | 13×13×384 |               885,120 |            |   149,520,384 |
//	| conv4 384 3×3 pad 1              | 13×13×384 |             1,327,488 |    663,936 |   224,280,576 |
//	| conv5 256 3×3 pad 1              | 13×13×256 |               884,992 |    442,624 |   149,520,384 |
//	| max pool 3×3 stride 2            | 6×6×256   |                       |            |               |
//	| dropout ½, linear                | 4096      |            37,752,832 |            |    37,748,736 |
//	| dropout ½, linear                | 4096      |            16,781,312 |            |    16,777,216 |
//	| linear                           | 1000      |             4,097,000 |            |     4,096,000 |
//	|                                  |           |            62,378,344 | 60,965,224 | 1,135,256,096 |
//
// Every layer but the last ends with ReLU. With two groups, multiply-adds are
// 724,406,816. Weights start from N(0, 0.01²), the biases of conv2, conv4, conv5
// and the hidden linear layers at 1 (section 5).
type AlexNet struct {
	// Paper makes the network of the paper: conv2, conv4 and conv5 in two groups
	// of channels, one for each of its two processors, and normalisation before
	// pooling. Without it all channels meet in one tower, and what is normalised
	// has been pooled: the form of the lecture, and of CaffeNet.
	Paper bool
}

// response is the normalisation of section 3.3.
var response = ops.LocalResponse{Size: 5, Alpha: 1e-4, Beta: 0.75, K: 2}

// overlapping is the pooling of section 3.4.
var overlapping = ops.Pool{Size: [2]int{3, 3}, Stride: [2]int{2, 2}}

// Build applies the network to x [N,3,H,W].
func (a AlexNet) Build(b *layers.Builder, x *graph.Value) (logits *graph.Value) {
	groups := 1
	reduce := func(x *graph.Value) *graph.Value { return ops.LRN(ops.MaxPool2D(x, overlapping), response) }
	if a.Paper {
		groups = 2
		reduce = func(x *graph.Value) *graph.Value { return ops.MaxPool2D(ops.LRN(x, response), overlapping) }
	}
	b.Default(layers.Normal(0.01), func() {
		defer func(biases float64) { b.Biases = biases }(b.Biases)

		b.Biases = 0
		x = reduce(ops.ReLU(b.Conv("conv1", x, 96, square(11), ops.Conv{Stride: square(4)})))
		b.Biases = 1
		x = reduce(ops.ReLU(b.Conv("conv2", x, 256, square(5), ops.Conv{Pad: around(2), Groups: groups})))
		b.Biases = 0
		x = ops.ReLU(b.Conv("conv3", x, 384, square(3), ops.Conv{Pad: around(1)}))
		b.Biases = 1
		x = ops.ReLU(b.Conv("conv4", x, 384, square(3), ops.Conv{Pad: around(1), Groups: groups}))
		x = ops.ReLU(b.Conv("conv5", x, 256, square(3), ops.Conv{Pad: around(1), Groups: groups}))
		x = ops.Flatten(ops.MaxPool2D(x, overlapping))
		x = ops.ReLU(b.Linear("fc6", b.Dropout("drop6", x, 0.5), 4096))
		x = ops.ReLU(b.Linear("fc7", b.Dropout("drop7", x, 0.5), 4096))
		b.Biases = 0
		logits = b.Linear("fc8", x, 1000)
	})
	return logits
}

// OneWeirdTrick is AlexNet in one tower without normalisation, with fewer
// filters, for 224×224 pixels: the network of torchvision's alexnet and of most
// benchmarks.
//
//	| layer                         | output    | parameters | multiply-adds |
//	|-------------------------------|-----------|------------|---------------|
//	| input                         | 224×224×3 |            |               |
//	| conv1 64 11×11 stride 4 pad 2 | 55×55×64  |     23,296 |    70,276,800 |
//	| max pool 3×3 stride 2         | 27×27×64  |            |               |
//	| conv2 192 5×5 pad 2           | 27×27×192 |    307,392 |   223,948,800 |
//	| max pool 3×3 stride 2         | 13×13×192 |            |               |
//	| conv3 384 3×3 pad 1           | 13×13×384 |    663,936 |   112,140,288 |
//	| conv4 256 3×3 pad 1           | 13×13×256 |    884,992 |   149,520,384 |
//	| conv5 256 3×3 pad 1           | 13×13×256 |    590,080 |    99,680,256 |
//	| max pool 3×3 stride 2         | 6×6×256   |            |               |
//	| dropout ½, linear             | 4096      | 37,752,832 |    37,748,736 |
//	| dropout ½, linear             | 4096      | 16,781,312 |    16,777,216 |
//	| linear                        | 1000      |  4,097,000 |     4,096,000 |
//	|                               |           | 61,100,840 |   714,188,480 |
//
// The paper names 64, 192, 384, 384 and 256 filters; torchvision's fourth layer has
// 256, which is followed here.
func OneWeirdTrick(b *layers.Builder, x *graph.Value) *graph.Value {
	x = ops.ReLU(b.Conv("conv1", x, 64, square(11), ops.Conv{Stride: square(4), Pad: around(2), Round: ops.Floor}))
	x = ops.MaxPool2D(x, overlapping)
	x = ops.ReLU(b.Conv("conv2", x, 192, square(5), ops.Conv{Pad: around(2)}))
	x = ops.MaxPool2D(x, overlapping)
	x = ops.ReLU(b.Conv("conv3", x, 384, square(3), ops.Conv{Pad: around(1)}))
	x = ops.ReLU(b.Conv("conv4", x, 256, square(3), ops.Conv{Pad: around(1)}))
	x = ops.ReLU(b.Conv("conv5", x, 256, square(3), ops.Conv{Pad: around(1)}))
	x = ops.Flatten(ops.MaxPool2D(x, overlapping))
	x = ops.ReLU(b.Linear("fc6", b.Dropout("drop6", x, 0.5), 4096))
	x = ops.ReLU(b.Linear("fc7", b.Dropout("drop7", x, 0.5), 4096))
	return b.Linear("fc8", x, 1000)
}
