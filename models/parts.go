package models

import (
	"neocog/graph"
	"neocog/models/layers"
	"neocog/ops"
)

// What the tables of several papers have in common.

// square returns a window or stride of n by n.
func square(n int) [2]int { return [2]int{n, n} }

// around returns a padding of n on all sides.
func around(n int) [4]int { return [4]int{n, n, n, n} }

// What batch norm adds to variances: as most networks have it, and as those do
// whose weights come from TensorFlow.
const (
	usualEpsilon = 1e-5
	looseEpsilon = 1e-3
)

// convNorm is size×size filters without bias, padded so that with stride 1 the
// image keeps its size, and batch norm.
func convNorm(b *layers.Builder, name string, x *graph.Value, filters, size, stride int, eps float64) *graph.Value {
	x = b.ConvNoBias(name, x, filters, square(size), ops.Conv{Stride: square(stride), Pad: around(size / 2), Round: ops.Floor})
	return b.BatchNormEps(name+"_norm", x, eps)
}
