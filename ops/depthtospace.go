package ops

import (
	"fmt"

	"neocog/graph"
)

// DepthOrder says which channels become a block of pixels. C channels are C/b² times b·b.
type DepthOrder uint8

// The orders of DepthToSpace and SpaceToDepth.
const (
	DCR DepthOrder = iota // [b, b, C/b²]: depth, column, row; those of a block lie C/b² apart, as in TensorFlow
	CRD                   // [C/b², b, b]: column, row, depth; those of a block are neighbours, as in PyTorch's PixelShuffle
)

// DepthToSpace moves channels into blocks of block×block pixels, b below.
//
//	x   any [N, C, H, W], b² dividing C
//	y   [N, C/b², H·b, W·b]
//	dx  = SpaceToDepth(dy)
//
//	y[n, c, h·b + i, w·b + j] = x[n, (i·b + j)·C/b² + c, h, w]   DCR
//	                          = x[n, c·b² + i·b + j, h, w]       CRD
//
// Only N may be symbolic. It is a Transpose between two Reshapes. Shi et al., “Real-Time
// Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
// Convolutional Neural Network”, CVPR 2016. ONNX DepthToSpace.
func DepthToSpace(x *graph.Value, block int, order DepthOrder) *graph.Value {
	if y, ok := fitBlocks("DepthToSpace", x, block, order); !ok {
		return y
	}
	s := x.Shape()
	if s[1]%(block*block) != 0 {
		return mistake(x, "DepthToSpace", fmt.Errorf("x %v has %d channels, which blocks of %d×%d pixels do not divide", x.Type(), s[1], block, block))
	}
	c := s[1] / (block * block)
	var y *graph.Value
	if order == DCR {
		y = Transpose(Reshape(x, s[0], block, block, c, s[2], s[3]), 0, 3, 4, 1, 5, 2)
	} else {
		y = Transpose(Reshape(x, s[0], c, block, block, s[2], s[3]), 0, 1, 4, 2, 5, 3)
	}
	return Reshape(y, s[0], c, s[2]*block, s[3]*block)
}

// SpaceToDepth moves blocks of block×block pixels into channels, b below: the inverse of
// DepthToSpace in the same order.
//
//	x   any [N, C, H, W], b dividing H and W
//	y   [N, C·b², H/b, W/b]
//	dx  = DepthToSpace(dy)
//
// ONNX SpaceToDepth is that of DCR; CRD is PyTorch's PixelUnshuffle.
func SpaceToDepth(x *graph.Value, block int, order DepthOrder) *graph.Value {
	if y, ok := fitBlocks("SpaceToDepth", x, block, order); !ok {
		return y
	}
	s := x.Shape()
	if s[2]%block != 0 || s[3]%block != 0 {
		return mistake(x, "SpaceToDepth", fmt.Errorf("x %v has %d×%d pixels, which blocks of %d×%d do not divide", x.Type(), s[2], s[3], block, block))
	}
	h, w := s[2]/block, s[3]/block
	y := Reshape(x, s[0], s[1], h, block, w, block)
	if order == DCR {
		y = Transpose(y, 0, 3, 5, 1, 2, 4)
	} else {
		y = Transpose(y, 0, 1, 3, 5, 2, 4)
	}
	return Reshape(y, s[0], s[1]*block*block, h, w)
}

// fitBlocks reports whether x are images that blocks may be made of; if not, y is invalid and the
// graph knows why.
func fitBlocks(op string, x *graph.Value, block int, order DepthOrder) (y *graph.Value, ok bool) {
	if !x.IsValid() {
		return Reshape(x), false
	}
	if err := rank("x", x.Type(), 4, "NCHW"); err != nil {
		return mistake(x, op, err), false
	}
	switch {
	case !x.Shape()[1:].IsStatic():
		return mistake(x, op, onlyBatch(x)), false
	case block < 1 || block > 1<<15:
		return mistake(x, op, fmt.Errorf("blocks are %d×%d pixels, want 1×1 to %d×%[3]d", block, block, 1<<15)), false
	case order > CRD:
		return mistake(x, op, fmt.Errorf("there is no DepthOrder(%d), want ops.DCR or ops.CRD", order)), false
	}
	return nil, true
}
