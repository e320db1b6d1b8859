package vm

import (
	"slices"

	"neocog/graph"
	"neocog/vm/kernel"
)

// mostFused is how many ops are fused at most.
const mostFused = 24

// fuseElementwise finds trees of element-wise ops: a node goes with its readers where
// these are all in one group, so that no path leads out of a group and back.
func fuseElementwise(g *graph.Graph, roots []*graph.Value) []graph.Group {
	f := newFusing(g, roots)
	nodes := g.Nodes()
	group := make([]*[]*graph.Node, len(nodes))
	var all []*[]*graph.Node
	for i := len(nodes) - 1; i >= 0; i-- {
		n := nodes[i]
		if !fusible(n) {
			continue
		}
		to := f.only(n, group)
		if to != nil && len(*to) < mostFused && (*to)[0].Out(0).Type().Equal(n.Out(0).Type()) {
			*to = append(*to, n)
			group[i] = to
			continue
		}
		group[i] = &[]*graph.Node{n}
		all = append(all, group[i])
	}
	var out []graph.Group
	for _, members := range all {
		if len(*members) > 1 {
			slices.Reverse(*members)
			out = append(out, f.elementwise(*members))
		}
	}
	return out
}

// fusible reports whether n is an element-wise op whose operands fit its result.
func fusible(n *graph.Node) bool {
	if _, ok := n.Op.(kernel.Elementwise); !ok {
		return false
	}
	t := n.Out(0).Type()
	if !t.DType.IsFloat() {
		return false
	}
	for _, v := range n.Ins() {
		if v.DType() != t.DType || !kernel.Fits(v.Shape(), t.Shape) {
			return false
		}
	}
	return true
}

// fusing is what the fusing passes ask of a graph.
type fusing struct {
	readers [][]*graph.Node // by value ID
	kept    []bool          // by value ID: outputs, and what parameters become
	becomes map[*graph.Value][]*graph.Value
}

func newFusing(g *graph.Graph, roots []*graph.Value) *fusing {
	f := &fusing{readers: make([][]*graph.Node, g.NumValues()), kept: make([]bool, g.NumValues()), becomes: map[*graph.Value][]*graph.Value{}}
	for _, n := range g.Nodes() {
		for _, v := range n.Ins() {
			f.readers[v.ID()] = append(f.readers[v.ID()], n)
		}
	}
	for _, v := range roots {
		f.kept[v.ID()] = true
	}
	for _, u := range g.Updates() {
		f.kept[u.Next.ID()] = true
		f.becomes[u.Next] = append(f.becomes[u.Next], u.Param)
	}
	return f
}

// only returns the group in which all readers of n are, nil if there is none.
func (f *fusing) only(n *graph.Node, group []*[]*graph.Node) *[]*graph.Node {
	var to *[]*graph.Node
	for _, r := range f.readers[n.Out(0).ID()] {
		switch in := group[r.Index()]; {
		case in == nil || to != nil && to != in:
			return nil
		default:
			to = in
		}
	}
	return to
}

// elementwise returns the group of these nodes.
func (f *fusing) elementwise(nodes []*graph.Node) graph.Group {
	body := &fusedBody{}
	end := nodes[len(nodes)-1]
	group := graph.Group{Nodes: nodes, At: end, As: end}
	index := map[*graph.Value]int{} // operands, counted first
	inside := map[*graph.Node]bool{}
	for _, n := range nodes {
		inside[n] = true
	}
	for _, n := range nodes {
		for _, v := range n.Ins() {
			if _, seen := index[v]; !seen && !inside[v.Node()] {
				index[v] = len(group.Ins)
				group.Ins = append(group.Ins, v)
			}
		}
	}
	body.operands = len(group.Ins)
	for i, n := range nodes {
		s := kernel.PointwiseStep{Op: n.Op.(kernel.Elementwise)}
		for _, v := range n.Ins() {
			s.In = append(s.In, index[v])
		}
		index[n.Out(0)] = body.operands + i
		body.Steps = append(body.Steps, s)
		if f.kept[n.Out(0).ID()] || i == len(nodes)-1 {
			body.Outs = append(body.Outs, index[n.Out(0)])
			group.Outs = append(group.Outs, n.Out(0))
		}
	}
	body.over = f.over(body, group)
	group.Op = newFused(body)
	return group
}

// over chooses for each result the operand that it may overwrite: the parameter that becomes it, else any.
func (f *fusing) over(body *fusedBody, group graph.Group) []int {
	over := make([]int, len(group.Outs))
	taken := make([]bool, len(group.Ins))
	whole := group.Outs[0].Shape()
	may := func(o, v int) bool {
		return !taken[v] && group.Ins[v].Shape().Equal(whole) && body.overwrites(o, v)
	}
	for o, out := range group.Outs {
		over[o] = slices.IndexFunc(group.Ins, func(v *graph.Value) bool { return slices.Contains(f.becomes[out], v) })
		if v := over[o]; v >= 0 && may(o, v) {
			taken[v] = true
		} else {
			over[o] = -1
		}
	}
	for o := range group.Outs {
		for v := range group.Ins {
			if over[o] < 0 && may(o, v) {
				over[o], taken[v] = v, true
			}
		}
	}
	return over
}
