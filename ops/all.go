package ops

import "neocog/graph"

// All returns one value of each op type in this package, in the order of their
// names, gradient ops among them: the vocabulary for graph.Parse.
func All() []graph.Op {
	return []graph.Op{
		add{},
		broadcastTo{},
		div{},
		flatten{},
		mean{},
		mul{},
		neg{},
		relu{},
		reluGrad{},
		reshape{},
		spreadMean{},
		sub{},
		sum{},
	}
}
