package models

import (
	"fmt"

	"neocog/graph"
	"neocog/models/layers"
	"neocog/ops"
)

const sourceInceptionV3 = "Szegedy et al., “Rethinking the Inception Architecture for Computer Vision”, CVPR 2016, table 1, as its authors' and torchvision's code have it"

// InceptionV3 classifies images of 299×299 pixels by inception modules whose
// large filters are factorised: 5×5 and 7×7 become stacks of 3×3, or of 1×7 and 7×1.
//
//	| layer                                    | output     | parameters | multiply-adds |
//	|------------------------------------------|------------|------------|---------------|
//	| stem: 32 3×3/2, 32 3×3, 64 3×3 pad 1     | 147×147×64 |     28,768 |   616,627,296 |
//	| max pool 3×3 stride 2                    | 73×73×64   |            |               |
//	| 80 1×1, 192 3×3                          | 71×71×192  |    143,904 |   724,152,320 |
//	| max pool 3×3 stride 2                    | 35×35×192  |            |               |
//	| 3 × module A: 1×1; 5×5; two 3×3          | 35×35×288  |    818,528 |   999,129,600 |
//	| reduction B: 3×3/2; two 3×3, the last /2; pool    | 17×17×768  |  1,153,280 |   401,937,408 |
//	| 4 × module C: 1×1; 1×7, 7×1; that twice  | 17×17×768  |  6,821,376 | 1,967,382,528 |
//	| reduction D: 3×3/2; 1×7, 7×1, 3×3/2; pool | 8×8×1280  |  1,698,304 |   291,004,416 |
//	| 2 × module E: 3×3 split into 1×3 and 3×1 | 8×8×2048   | 11,121,408 |   710,934,528 |
//	| average pool 8×8, dropout ½              | 2048       |            |               |
//	| linear                                   | 1000       |  2,049,000 |     2,048,000 |
//	|                                          |            | 23,834,568 | 5,713,216,096 |
//
// Every convolution is followed by batch norm (ε = 10⁻³) and ReLU. While it trains there is an auxiliary
// classifier on the last 17×17 map, with 3,326,696 parameters, which joins the loss through
// b.Aux.
//
// Code and published weights keep 5×5 filters in module A, where figure 5 has two of
// 3×3 in their place; and the table's five modules of 17×17 are C four times and a reduction.
// Weights start as He's.
func InceptionV3(b *layers.Builder, x *graph.Value) *graph.Value {
	half := ops.Pool{Size: square(3), Stride: square(2), Round: ops.Floor}
	n := inceptionV3{b}

	x = n.conv("conv1", x, 32, [2]int{3, 3}, 2, valid)
	x = n.conv("conv2", x, 32, [2]int{3, 3}, 1, valid)
	x = n.conv("conv3", x, 64, [2]int{3, 3}, 1, same)
	x = ops.MaxPool2D(x, half)
	x = n.conv("conv4", x, 80, [2]int{1, 1}, 1, valid)
	x = n.conv("conv5", x, 192, [2]int{3, 3}, 1, valid)
	x = ops.MaxPool2D(x, half)
	for i, pooled := range []int{32, 64, 64} {
		x = n.a(fmt.Sprint("a", i+1), x, pooled)
	}
	x = n.b("b", x, half)
	for i, width := range []int{128, 160, 160, 192} {
		x = n.c(fmt.Sprint("c", i+1), x, width)
	}
	if b.Train {
		n.classify("aux", x)
	}
	x = n.d("d", x, half)
	x = n.e("e1", x)
	x = n.e("e2", x)
	x = ops.Flatten(ops.GlobalAvgPool(x))
	return b.Linear("fc", b.Dropout("drop", x, 0.5), 1000)
}

type inceptionV3 struct{ build *layers.Builder }

// The paddings of conv.
const (
	valid = false
	same  = true
)

// conv is a convolution without bias, batch norm, ReLU.
func (n inceptionV3) conv(name string, x *graph.Value, filters int, size [2]int, stride int, padded bool) *graph.Value {
	c := ops.Conv{Stride: square(stride), Round: ops.Floor}
	if padded {
		c.Pad = [4]int{size[0] / 2, size[1] / 2, size[0] / 2, size[1] / 2}
	}
	x = n.build.ConvNoBias(name, x, filters, size, c)
	return ops.ReLU(n.build.BatchNormEps(name+"_norm", x, looseEpsilon))
}

// A filter is a layer of a tower.
type filter struct {
	filters, r, s, stride int
	padded                bool
}

// tower is layers on top of one another, called name1, name2, ….
func (n inceptionV3) tower(name string, x *graph.Value, fs ...filter) *graph.Value {
	for i, f := range fs {
		x = n.conv(fmt.Sprint(name, i+1), x, f.filters, [2]int{f.r, f.s}, f.stride, f.padded)
	}
	return x
}

// pooled is 1×1 filters after a pooling that keeps the size; zeros beyond the edge count.
func (n inceptionV3) pooled(x *graph.Value, filters int) *graph.Value {
	mean := ops.AvgPool2D(x, ops.Pool{Size: square(3), Stride: square(1), Pad: around(1), CountPad: true})
	return n.tower("pool", mean, filter{filters, 1, 1, 1, same})
}

// module lays the results of towers one behind the other.
func module(name string, x *graph.Value, towers func() []*graph.Value) (y *graph.Value) {
	x.Graph().Scope(name, func() { y = ops.Concat(1, towers()...) })
	return y
}

func (n inceptionV3) a(name string, x *graph.Value, pooled int) *graph.Value {
	return module(name, x, func() []*graph.Value {
		return []*graph.Value{
			n.tower("1x1_", x, filter{64, 1, 1, 1, same}),
			n.tower("5x5_", x, filter{48, 1, 1, 1, same}, filter{64, 5, 5, 1, same}),
			n.tower("3x3_", x, filter{64, 1, 1, 1, same}, filter{96, 3, 3, 1, same}, filter{96, 3, 3, 1, same}),
			n.pooled(x, pooled),
		}
	})
}

func (n inceptionV3) b(name string, x *graph.Value, half ops.Pool) *graph.Value {
	return module(name, x, func() []*graph.Value {
		return []*graph.Value{
			n.tower("3x3_", x, filter{384, 3, 3, 2, valid}),
			n.tower("double3x3_", x, filter{64, 1, 1, 1, same}, filter{96, 3, 3, 1, same}, filter{96, 3, 3, 2, valid}),
			ops.MaxPool2D(x, half),
		}
	})
}

func (n inceptionV3) c(name string, x *graph.Value, width int) *graph.Value {
	return module(name, x, func() []*graph.Value {
		return []*graph.Value{
			n.tower("1x1_", x, filter{192, 1, 1, 1, same}),
			n.tower("7x7_", x, filter{width, 1, 1, 1, same}, filter{width, 1, 7, 1, same}, filter{192, 7, 1, 1, same}),
			n.tower("double7x7_", x, filter{width, 1, 1, 1, same}, filter{width, 7, 1, 1, same}, filter{width, 1, 7, 1, same},
				filter{width, 7, 1, 1, same}, filter{192, 1, 7, 1, same}),
			n.pooled(x, 192),
		}
	})
}

func (n inceptionV3) d(name string, x *graph.Value, half ops.Pool) *graph.Value {
	return module(name, x, func() []*graph.Value {
		return []*graph.Value{
			n.tower("3x3_", x, filter{192, 1, 1, 1, same}, filter{320, 3, 3, 2, valid}),
			n.tower("7x7_", x, filter{192, 1, 1, 1, same}, filter{192, 1, 7, 1, same}, filter{192, 7, 1, 1, same}, filter{192, 3, 3, 2, valid}),
			ops.MaxPool2D(x, half),
		}
	})
}

func (n inceptionV3) e(name string, x *graph.Value) *graph.Value {
	return module(name, x, func() []*graph.Value {
		one := n.tower("3x3_", x, filter{384, 1, 1, 1, same})
		two := n.tower("double3x3_", x, filter{448, 1, 1, 1, same}, filter{384, 3, 3, 1, same})
		return []*graph.Value{
			n.tower("1x1_", x, filter{320, 1, 1, 1, same}),
			n.tower("3x3_wide", one, filter{384, 1, 3, 1, same}), n.tower("3x3_tall", one, filter{384, 3, 1, 1, same}),
			n.tower("double3x3_wide", two, filter{384, 1, 3, 1, same}), n.tower("double3x3_tall", two, filter{384, 3, 1, 1, same}),
			n.pooled(x, 192),
		}
	})
}

// classify makes the auxiliary classifier.
func (n inceptionV3) classify(name string, x *graph.Value) {
	x.Graph().Scope(name, func() {
		x = ops.AvgPool2D(x, ops.Pool{Size: square(5), Stride: square(3), Round: ops.Floor})
		x = n.tower("conv", x, filter{128, 1, 1, 1, valid}, filter{768, 5, 5, 1, valid})
		n.build.Aux = append(n.build.Aux, n.build.Linear("fc", ops.Flatten(ops.GlobalAvgPool(x)), 1000))
	})
}
