package graph

// Rebuild copies into a new graph what roots and updates need, in order, and
// returns it with the map from old values to new ones. All inputs, parameters
// and buffers that are reached keep their names. It is what passes are made of:
// edit, if not nil, is called for every node but inputs, parameters and buffers,
// with the new graph and the copies of the node's inputs, and may return values
// to stand for the node's results instead of a copy; they must have the same
// types. nil means a copy. Nodes which edit makes carry the scope, the place and
// the origin of the node that they stand for. Without updates only what the
// roots need is copied. The roots must be valid values of g.
func (g *Graph) Rebuild(roots []*Value, updates bool, edit func(to *Graph, n *Node, in []*Value) []*Value) (*Graph, map[*Value]*Value) {
	return g.rebuild(roots, updates, func(to *Graph, n *Node, images map[*Value]*Value) {
		for i, v := range to.copy(n, images, edit) {
			images[n.out[i]] = v
		}
	})
}

// rebuild calls place for every node that is needed, in order, which puts the images of its values
// into the map.
func (g *Graph) rebuild(roots []*Value, updates bool, place func(to *Graph, n *Node, images map[*Value]*Value)) (*Graph, map[*Value]*Value) {
	needed := make([]bool, len(g.nodes))
	mark := func(v *Value) { needed[v.node.index] = true }
	for _, v := range roots {
		mark(v)
	}
	if updates {
		for _, u := range g.updates {
			mark(u.Param)
			mark(u.Next)
		}
	}
	for i := len(g.nodes) - 1; i >= 0; i-- {
		if needed[i] {
			for _, v := range g.nodes[i].in {
				mark(v)
			}
		}
	}
	to := New(g.name)
	images := make(map[*Value]*Value, g.values)
	for i, n := range g.nodes {
		if needed[i] {
			place(to, n, images)
		}
	}
	if updates {
		for _, u := range g.updates {
			to.updates = append(to.updates, Update{images[u.Param], images[u.Next]})
		}
	}
	return to, images
}

// copy appends a copy of n to g, or what edit puts in its place.
func (g *Graph) copy(n *Node, images map[*Value]*Value, edit func(*Graph, *Node, []*Value) []*Value) []*Value {
	in := make([]*Value, len(n.in))
	for i, v := range n.in {
		in[i] = images[v]
	}
	origin := originOf(n, images)
	if edit != nil && n.label() == "" {
		before := len(g.nodes)
		if out := edit(g, n, in); out != nil {
			for _, made := range g.nodes[before:] {
				made.Scope, made.Pos, made.Origin = n.Scope, n.Pos, origin
			}
			return out
		}
	}
	types := make([]Type, len(n.out))
	for i, v := range n.out {
		types[i] = v.typ
	}
	c := g.append(n.Op, in, types, n.Pos)
	c.Scope, c.Origin = n.Scope, origin
	switch n.Op.(type) {
	case InputOp:
		g.inputs = append(g.inputs, c.out[0])
	case ParamOp:
		g.params = append(g.params, c.out[0])
	}
	if name := n.label(); name != "" {
		g.byName[name] = c.out[0]
	}
	return c.out
}

// originOf returns the image of n's origin, nil if there is none.
func originOf(n *Node, images map[*Value]*Value) *Node {
	if n.Origin != nil && len(n.Origin.out) > 0 {
		if o := images[n.Origin.out[0]]; o != nil {
			return o.node
		}
	}
	return nil
}

// label returns the name of an input, parameter or buffer, "" for other nodes.
func (n *Node) label() string {
	switch op := n.Op.(type) {
	case InputOp:
		return op.Label
	case ParamOp:
		return op.Label
	}
	return ""
}
