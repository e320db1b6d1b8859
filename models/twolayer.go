package models

import (
	"neocog/graph"
	"neocog/models/layers"
	"neocog/ops"
)

// TwoLayer is the net of the lecture's chapter on “babysitting” the training:
// 3072-50-10 on CIFAR-10, with logits.
//
//	| layer        | output | parameters           | multiply-adds |
//	|--------------|--------|----------------------|---------------|
//	| input        | 3072   |                      |               |
//	| linear, ReLU | 50     | 3072·50+50 = 153,650 |       153,600 |
//	| linear       | 10     | 50·10+10 = 510       |           500 |
//	|              |        | 154,160              |       154,100 |
//
// As in the lecture, weights start from 10⁻⁴·N(0,1) unless b.Weights says
// otherwise: then all ten classes are as good as equally likely at first, and
// the loss is ln 10 = 2.3026 (figure S1).
func TwoLayer(b *layers.Builder, x *graph.Value) (logits *graph.Value) {
	b.Default(layers.Normal(1e-4), func() {
		x = ops.ReLU(b.Linear("fc1", ops.Flatten(x), 50))
		logits = b.Linear("fc2", x, 10)
	})
	return logits
}
