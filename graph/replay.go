package graph

// Replay is Rebuild with the nodes in another order, in which some may occur several times: they are computed
// again, and whatever follows reads the new results. The order has no inputs, parameters, buffers and constants; of what
// it leaves out nothing else may need the results. All updates stay. It returns the new graph, the first copy of each value, and
// for each node of the new graph that computes something again the one that did so first.
func (g *Graph) Replay(order []*Node) (to *Graph, first map[*Value]*Value, again map[*Node]*Node) {
	to = New(g.name)
	first, again = make(map[*Value]*Value, g.values), make(map[*Node]*Node)
	latest := make(map[*Value]*Value, g.values)
	place := func(n *Node) {
		out := to.copy(n, latest, nil)
		for i, v := range n.out {
			if f := first[v]; f != nil {
				again[out[i].node] = f.node
			} else {
				first[v] = out[i]
			}
			latest[v] = out[i]
		}
	}
	for _, n := range g.nodes {
		if n.IsSource() {
			place(n)
		}
	}
	for _, n := range order {
		place(n)
	}
	for _, u := range g.updates {
		to.updates = append(to.updates, Update{latest[u.Param], latest[u.Next]})
	}
	return to, first, again
}
