package ops

import "neocog/graph"

// All returns one value of each op type in this package, in the order of their
// names, gradient ops among them: the vocabulary for graph.Parse.
func All() []graph.Op {
	return []graph.Op{
		add{},
		addScalar{},
		avgPool2D{},
		avgPool2DGrad{},
		broadcastTo{},
		conv2d{},
		conv2dFilterGrad{},
		conv2dInputGrad{},
		div{},
		exp{},
		flatten{},
		log{},
		logSoftmax{},
		matMul{},
		maxPool2D{},
		maxPool2DGather{},
		maxPool2DGrad{},
		mean{},
		mul{},
		neg{},
		oneMinus{},
		relu{},
		reluGrad{},
		reshape{},
		scale{},
		sigmoid{},
		softmax{},
		crossEntropy{},
		crossEntropyGrad{},
		spreadMean{},
		sqrt{},
		sub{},
		sum{},
		tanh{},
	}
}
