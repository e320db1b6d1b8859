package ops

import "neocog/graph"

// All returns one value of each op type in this package, in the order of their
// names, gradient ops among them: the vocabulary for graph.Parse.
func All() []graph.Op {
	return []graph.Op{
		add{},
		addScalar{},
		broadcastTo{},
		div{},
		exp{},
		flatten{},
		log{},
		matMul{},
		mean{},
		mul{},
		neg{},
		oneMinus{},
		relu{},
		reluGrad{},
		reshape{},
		scale{},
		sigmoid{},
		spreadMean{},
		sqrt{},
		sub{},
		sum{},
		tanh{},
	}
}
