package models

import (
	"fmt"

	"neocog/graph"
	"neocog/models/layers"
	"neocog/ops"
)

const sourceInceptionV3 = "Szegedy et al., “Rethinking the Inception Architecture for Computer Vision”, CVPR 2016, table 1, as its authors' and torchvision's code have it"

// InceptionV3 classifies images of 299×299 pixels by inception modules whose
// large filters are factorised: 5×5 and 7×7 become stacks of 3×3, or of 1×7 and
// 7×1.
//
//	| layer                                          | output    | parameters | multiply-adds |
//	|------------------------------------------------|-----------|------------|---------------|
//	| 32 3×3/2, 32 3×3, 64 3×3 pad 1, pool 3×3/2     | 73×73×64  |     28,768 |   616,627,296 |
//	| 80 1×1, 192 3×3, pool 3×3/2                    | 35×35×192 |    143,904 |   724,152,320 |
//	| 3 × module A: 1×1; 5×5; two 3×3                | 35×35×288 |    818,528 |   999,129,600 |
//	| reduction B: 3×3/2; two 3×3, the last /2; pool | 17×17×768 |  1,153,280 |   401,937,408 |
//	| 4 × module C: 1×1; 1×7, 7×1; that twice        | 17×17×768 |  6,821,376 | 1,967,382,528 |
//	| reduction D: 3×3/2; 1×7, 7×1, 3×3/2; pool      | 8×8×1280  |  1,698,304 |   291,004,416 |
//	| 2 × module E: 3×3 split into 1×3 and 3×1       | 8×8×2048  | 11,121,408 |   710,934,528 |
//	| average pool 8×8, dropout ½                    | 2048      |            |               |
//	| linear                                         | 1000      |  2,049,000 |     2,048,000 |
//	|                                                |           | 23,834,568 | 5,713,216,096 |
//
// Every convolution is followed by batch norm (ε = 10⁻³) and ReLU. While it
// trains there is an auxiliary classifier on the last 17×17 map, with 3,326,696
// parameters, which joins the loss through b.Aux. Code and published weights keep
// 5×5 filters in module A, where figure 5 has two of 3×3 in their place; and the
// table's five modules of 17×17 are C four times and a reduction. Weights start
// as He's.
func InceptionV3(b *layers.Builder, x *graph.Value) *graph.Value {
	n := inceptionV3{b}
	x = n.conv("conv1", x, filter{32, 3, 3, 2}, valid)
	x = n.conv("conv2", x, filter{32, 3, 3, 1}, valid)
	x = n.conv("conv3", x, filter{64, 3, 3, 1}, same)
	x = halve(x)
	x = n.conv("conv4", x, filter{80, 1, 1, 1}, valid)
	x = n.conv("conv5", x, filter{192, 3, 3, 1}, valid)
	x = halve(x)
	for i, pooled := range []int{32, 64, 64} {
		x = n.module(fmt.Sprint("a", i+1), x,
			tower{"1x1", nil, []filter{{64, 1, 1, 1}}, nil},
			tower{"5x5", nil, []filter{{48, 1, 1, 1}, {64, 5, 5, 1}}, nil},
			tower{"3x3", nil, []filter{{64, 1, 1, 1}, {96, 3, 3, 1}, {96, 3, 3, 1}}, nil},
			tower{"pool", mean, []filter{{pooled, 1, 1, 1}}, nil})
	}
	x = n.module("b", x,
		tower{"3x3", nil, []filter{{384, 3, 3, 2}}, nil},
		tower{"double3x3", nil, []filter{{64, 1, 1, 1}, {96, 3, 3, 1}, {96, 3, 3, 2}}, nil},
		tower{"pool", halve, nil, nil})
	for i, c := range []int{128, 160, 160, 192} {
		x = n.module(fmt.Sprint("c", i+1), x,
			tower{"1x1", nil, []filter{{192, 1, 1, 1}}, nil},
			tower{"7x7", nil, []filter{{c, 1, 1, 1}, {c, 1, 7, 1}, {192, 7, 1, 1}}, nil},
			tower{"double7x7", nil, []filter{{c, 1, 1, 1}, {c, 7, 1, 1}, {c, 1, 7, 1}, {c, 7, 1, 1}, {192, 1, 7, 1}}, nil},
			tower{"pool", mean, []filter{{192, 1, 1, 1}}, nil})
	}
	if b.Train {
		n.classify("aux", x)
	}
	x = n.module("d", x,
		tower{"3x3", nil, []filter{{192, 1, 1, 1}, {320, 3, 3, 2}}, nil},
		tower{"7x7", nil, []filter{{192, 1, 1, 1}, {192, 1, 7, 1}, {192, 7, 1, 1}, {192, 3, 3, 2}}, nil},
		tower{"pool", halve, nil, nil})
	for i := range 2 {
		x = n.module(fmt.Sprint("e", i+1), x,
			tower{"1x1", nil, []filter{{320, 1, 1, 1}}, nil},
			tower{"3x3", nil, []filter{{384, 1, 1, 1}}, []filter{{384, 1, 3, 1}, {384, 3, 1, 1}}},
			tower{"double3x3", nil, []filter{{448, 1, 1, 1}, {384, 3, 3, 1}}, []filter{{384, 1, 3, 1}, {384, 3, 1, 1}}},
			tower{"pool", mean, []filter{{192, 1, 1, 1}}, nil})
	}
	x = ops.Flatten(ops.GlobalAvgPool(x))
	return b.Linear("fc", b.Dropout("drop", x, 0.5), 1000)
}

// A filter is a layer: so many filters of r×s, at every stride-th place.
type filter struct{ filters, r, s, stride int }

// A tower is a pooling, if any, and layers on top of it. If it ends in a split,
// its results are those of each layer there.
type tower struct {
	name   string
	pool   func(x *graph.Value) *graph.Value
	layers []filter
	split  []filter
}

// halve is the pooling that reduces the image, mean that which keeps its size;
// zeros beyond the edge count in the latter.
func halve(x *graph.Value) *graph.Value {
	return ops.MaxPool2D(x, ops.Pool{Size: square(3), Stride: square(2), Round: ops.Floor})
}

func mean(x *graph.Value) *graph.Value {
	return ops.AvgPool2D(x, ops.Pool{Size: square(3), Stride: square(1), Pad: around(1), CountPad: true})
}

type inceptionV3 struct{ *layers.Builder }

const valid, same = false, true // the paddings of conv: none, and so that stride 1 keeps the size

// conv is a convolution without bias, batch norm, ReLU.
func (n inceptionV3) conv(name string, x *graph.Value, f filter, padded bool) *graph.Value {
	c := ops.Conv{Stride: square(f.stride), Round: ops.Floor}
	if padded {
		c.Pad = [4]int{f.r / 2, f.s / 2, f.r / 2, f.s / 2}
	}
	x = n.ConvNoBias(name, x, f.filters, [2]int{f.r, f.s}, c)
	return ops.ReLU(n.BatchNormEps(name+"_norm", x, looseEpsilon))
}

// module lays the results of towers one behind the other. Layers that reduce the
// image are not padded.
func (n inceptionV3) module(name string, x *graph.Value, towers ...tower) (y *graph.Value) {
	x.Graph().Scope(name, func() {
		var results []*graph.Value
		for _, t := range towers {
			top := x
			if t.pool != nil {
				top = t.pool(x)
			}
			for i, f := range t.layers {
				top = n.conv(fmt.Sprintf("%s_%d", t.name, i+1), top, f, f.stride == 1)
			}
			if t.split == nil {
				results = append(results, top)
			}
			for _, f := range t.split {
				results = append(results, n.conv(fmt.Sprintf("%s_%dx%d", t.name, f.r, f.s), top, f, same))
			}
		}
		y = ops.Concat(1, results...)
	})
	return y
}

// classify makes the auxiliary classifier.
func (n inceptionV3) classify(name string, x *graph.Value) {
	x.Graph().Scope(name, func() {
		x = ops.AvgPool2D(x, ops.Pool{Size: square(5), Stride: square(3), Round: ops.Floor})
		x = n.conv("conv1", x, filter{128, 1, 1, 1}, valid)
		x = n.conv("conv2", x, filter{768, 5, 5, 1}, valid)
		n.Aux = append(n.Aux, n.Linear("fc", ops.Flatten(ops.GlobalAvgPool(x)), 1000))
	})
}
