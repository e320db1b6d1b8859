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
		concat{},
		conv2d{},
		conv2dFilterGrad{},
		conv2dInputGrad{},
		correct{},
		div{},
		exp{},
		flatten{},
		log{},
		logSoftmax{},
		matMul{},
		reduceMax{},
		maxGrad{},
		maxPick{},
		maxPool2D{},
		maxPool2DGather{},
		maxPool2DGrad{},
		mean{},
		mul{},
		neg{},
		oneHot{},
		oneMinus{},
		pad{},
		relu{},
		reluGrad{},
		reshape{},
		scale{},
		sigmoid{},
		slice{},
		softmax{},
		crossEntropy{},
		crossEntropyGrad{},
		spreadMean{},
		sqrt{},
		sub{},
		sum{},
		tanh{},
		transpose{},
	}
}
