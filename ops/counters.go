package ops

import "neocog/graph"

// Step returns the number of runs before this one: the buffer "step", i64[],
// which starts at 0 and is increased by one after each run that performs
// updates. It is made at its first use; its name carries no scope.
func Step(g *graph.Graph) *graph.Value {
	return counter(g, "step", graph.Of(graph.Int64), graph.Zeros(), graph.Shape{}, 1)
}

// Random returns the graph's random state: the buffer "random", i64[2], a key
// drawn from the seed of the machine's State and a counter which is increased
// by one after each run that performs updates. It is made at its first use; its
// name carries no scope.
func Random(g *graph.Graph) *graph.Value {
	return counter(g, "random", graph.Of(graph.Int64, 2), graph.Key(), graph.Shape{2}, 0, 1)
}

// counter returns the buffer of that name, which grows by step after each run.
func counter(g *graph.Graph, name string, t graph.Type, init graph.Init, shape graph.Shape, step ...int64) (v *graph.Value) {
	if v := g.Lookup(name); v != nil && v.Type().Equal(t) {
		if op, ok := v.Node().Op.(graph.ParamOp); ok && op.Buffer {
			return v
		}
	}
	g.AtRoot(func() {
		v = g.Buffer(name, t, init)
		if v.IsValid() { // else another tensor has the name, which the graph reports
			g.Update(v, Add(v, graph.Const(g, shape, step...)))
		}
	})
	return v
}
