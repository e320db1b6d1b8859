// Package models holds the networks of the lecture and of the papers behind it:
// one file each, which reads like the paper's table.
//
// A Model is a row of the list that All returns. Build makes the network's graph,
// for any batch size, and again for training:
//
//	m, err := models.Find("lenet5")
//	g, x, logits := m.Graph(&layers.Builder{})
//
//	| model             | input   | parameters | multiply-adds | source |
//	|-------------------|---------|------------|---------------|--------|
//	| lenet5            | 28×28×1 |     61,706 |       416,520 | LeCun et al. 1998 |
//	| lenet5-32         | 32×32×1 |     61,706 |       416,520 | the same, on the paper's 32 pixels |
//	| twolayer          | 32×32×3 |    154,160 |       154,100 | the lecture's 3072-50-10 |
//	| fullyconnected    | 32×32×3 |    318,810 |       318,200 | the lecture's FullyConnectedNet |
//	| convnetjs-cifar10 | 32×32×3 |     22,466 |     3,920,000 | Karpathy 2014 |
//
// Multiply-adds are those of convolutions and matrix products, forward, for one
// image. Models end with logits: the loss, ops.SoftmaxCrossEntropy, and the
// probabilities, ops.Softmax, are the user's.
package models
