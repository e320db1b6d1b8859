package models

import (
	"fmt"

	"neocog/graph"
	"neocog/models/layers"
	"neocog/ops"
)

const sourceAlphaGo = "Silver et al., “Mastering the game of Go with deep neural networks and tree search”, Nature 529, 2016, Methods"

// AlphaGo is the policy network: from 48 planes that describe a position of Go to
// a logit for each of the 19×19 points where a stone may be played.
//
//	| layer                                  | output    | parameters, k = 192 | multiply-adds |
//	|----------------------------------------|-----------|---------------------|---------------|
//	| input                                  | 19×19×48  |                     |               |
//	| conv1 k 5×5, padded to 23×23           | 19×19×192 | 230,592             |    83,174,400 |
//	| conv2 … conv12: k 3×3, padded to 21×21 | 19×19×192 | 11 · 331,968        | 1,317,482,496 |
//	| conv13 1 1×1                           | 19×19×1   | 192                 |        69,312 |
//	| a bias for each position               | 361       | 361                 |               |
//	|                                        |           | 3,882,793           | 1,400,726,208 |
//
//	| k   | parameters | multiply-adds |
//	|-----|------------|---------------|
//	| 128 |  1,777,641 |   641,043,584 |
//	| 192 |  3,882,793 | 1,400,726,208 |
//	| 256 |  6,798,953 | 2,453,182,720 |
//	| 384 | 15,064,297 | 5,436,417,408 |
//
// Every layer but the last ends with ReLU. The paper does not say how weights
// start; they start as He's.
type AlphaGo struct {
	Filters int // k: 192 in the match version; also 128, 256 and 384
}

// Build applies the network to x [N,48,H,W] and returns logits [N,H·W].
func (a AlphaGo) Build(b *layers.Builder, x *graph.Value) *graph.Value {
	x = ops.ReLU(b.Conv("conv1", x, a.Filters, square(5), ops.Conv{Pad: around(2)}))
	for i := 2; i <= 12; i++ {
		x = ops.ReLU(b.Conv(fmt.Sprint("conv", i), x, a.Filters, square(3), ops.Conv{Pad: around(1)}))
	}
	x = b.ConvNoBias("conv13", x, 1, square(1), ops.Conv{})
	return b.PositionBias("position", ops.Flatten(x))
}
