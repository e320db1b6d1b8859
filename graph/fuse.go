package graph

// A Group is some nodes to be replaced by one. Their values
// are read by nodes of the group alone, unless they are among Outs.
type Group struct {
	Nodes []*Node
	At    *Node // the one of them where the new node stands: behind all Ins, before all who read Outs
	As    *Node // the one of them whose scope, place and origin it has
	Op    Op
	Ins   []*Value // operands of Op, of nodes outside of the group
	Outs  []*Value // what the results of Op stand for
}

// Fuse is Rebuild without edit, with one node in the place of each group. Values of
// a group that are not among its Outs have no image.
func (g *Graph) Fuse(roots []*Value, updates bool, groups []Group) (*Graph, map[*Value]*Value) {
	in := make([]*Group, len(g.nodes))
	for i := range groups {
		for _, n := range groups[i].Nodes {
			in[n.index] = &groups[i]
		}
	}
	return g.rebuild(roots, updates, func(to *Graph, n *Node, images map[*Value]*Value) {
		group := in[n.index]
		switch {
		case group == nil:
			for i, v := range to.copy(n, images, nil) {
				images[n.out[i]] = v
			}
		case n == group.At:
			ins := make([]*Value, len(group.Ins))
			for i, v := range group.Ins {
				ins[i] = images[v]
			}
			types := make([]Type, len(group.Outs))
			for i, v := range group.Outs {
				types[i] = v.typ
			}
			f := to.append(group.Op, ins, types, group.As.Pos)
			f.Scope, f.Origin = group.As.Scope, originOf(group.As, images)
			for i, v := range group.Outs {
				images[v] = f.out[i]
			}
		}
	})
}
