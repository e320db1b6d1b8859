package models

import (
	"fmt"

	"neocog/graph"
	"neocog/models/layers"
	"neocog/ops"
)

// FullyConnected is the lecture's FullyConnectedNet with any number of hidden
// layers:
//
//	{affine – [batch norm] – ReLU – [dropout]} × (L−1) – affine – softmax
//
// A net D-H₁-…-Classes has Σ (in+1)·out parameters, and 2·Hᵢ more for each batch
// norm, and Σ in·out multiply-adds. The one of All, 3072-100-100-10 with batch
// norm:
//
//	| layer                         | output | parameters               | multiply-adds |
//	|-------------------------------|--------|--------------------------|---------------|
//	| input                         | 3072   |                          |               |
//	| linear, norm, ReLU, dropout ½ | 100    | 3073·100+2·100 = 307,500 |       307,200 |
//	| linear, norm, ReLU, dropout ½ | 100    | 101·100+2·100 = 10,300   |        10,000 |
//	| linear                        | 10     | 101·10 = 1,010           |         1,000 |
//	|                               |        | 318,810                  |       318,200 |
//
// A bias which batch norm takes away again is kept, as in the lecture's affine
// layer.
type FullyConnected struct {
	Hidden    []int   // widths of the hidden layers
	BatchNorm bool    // normalise before each ReLU
	Dropout   float64 // chance to drop a hidden unit, 0 for none
	Classes   int
}

// Build applies the network to x [N,…].
func (f FullyConnected) Build(b *layers.Builder, x *graph.Value) *graph.Value {
	x = ops.Flatten(x)
	for i, width := range f.Hidden {
		x = b.Linear(fmt.Sprintf("fc%d", i+1), x, width)
		if f.BatchNorm {
			x = b.BatchNorm(fmt.Sprintf("norm%d", i+1), x)
		}
		x = ops.ReLU(x)
		if f.Dropout > 0 {
			x = b.Dropout(fmt.Sprintf("drop%d", i+1), x, f.Dropout)
		}
	}
	return b.Linear(fmt.Sprintf("fc%d", len(f.Hidden)+1), x, f.Classes)
}
