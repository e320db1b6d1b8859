package vm

import (
	"slices"

	"neocog/graph"
	"neocog/vm/kernel"
)

// produced is an op whose result 0 goes through element-wise ops while it is in the
// cache: a convolution, what is added to it, and ReLU.
//
//	operands   those of the op, then those of the others but the op's result
//	results    as the op's, result 0 as the others leave it
type produced struct {
	Op   string // the attributes of the op
	Then string // the names of the others
	op   kernel.Producer
	own  int // operands of the op
	body *fusedBody
}

// Name returns that of the op, which takes most of the time.
func (p produced) Name() string { return p.op.Name() }

func (p produced) Infer(in []graph.Type) ([]graph.Type, error) {
	out, err := p.op.Infer(in[:p.own])
	if err != nil {
		return nil, err
	}
	last, err := fused{body: p.body}.Infer(append([]graph.Type{out[0]}, in[p.own:]...))
	if err != nil {
		return nil, err
	}
	out[0] = last[0]
	return out, nil
}

func (p produced) Plan(env *kernel.Env, in, out []graph.Type) (kernel.Plan, error) {
	operands := []kernel.Operand{{From: -1, Type: out[0]}}
	for i, t := range in[p.own:] {
		operands = append(operands, kernel.Operand{From: p.own + i, Type: t})
	}
	loop, err := p.body.Loop(env, out[0], operands)
	if err != nil {
		return kernel.Plan{}, err
	}
	plan, err := p.op.PlanThen(env, in[:p.own], out, loop.Run)
	plan.Local = loop.Local(plan.Local)
	plan.InPlace = nil // the others' operands are read when the result is there already
	return plan, err
}

// fuseProducers finds ops whose result only one element-wise node reads, or one group of them.
func fuseProducers(g *graph.Graph, roots []*graph.Value) []graph.Group {
	f := newFusing(g, roots)
	var groups []graph.Group
	taken := make([]bool, len(g.Nodes()))
	for _, n := range g.Nodes() {
		body := bodyOf(n)
		if body == nil || len(body.Outs) != 1 {
			continue
		}
		// The last one: what else the node reads is there before.
		var producer *graph.Node
		for _, v := range n.Ins() {
			p := v.Node()
			if _, ok := p.Op.(kernel.Producer); ok && !taken[p.Index()] && f.produces(p, n) != nil && (producer == nil || p.Index() > producer.Index()) {
				producer = p
			}
		}
		if producer != nil {
			taken[producer.Index()] = true
			groups = append(groups, group(producer, n, f.produces(producer, n), body))
		}
	}
	return groups
}

// produces returns where one node can do what p and n do, if n alone reads result 0 of p: in the place of n if nobody reads another result
// of p before, or in that of p if all that n reads is there; else nil.
func (f *fusing) produces(p, n *graph.Node) *graph.Node {
	if f.kept[p.Out(0).ID()] || !p.Out(0).Type().Equal(n.Out(0).Type()) {
		return nil
	}
	at := n
	for i, v := range p.Outs() {
		for _, r := range f.readers[v.ID()] {
			if i == 0 && r != n {
				return nil
			}
			if r.Index() < n.Index() {
				at = p
			}
		}
	}
	for _, v := range n.Ins() {
		if at == p && v.Node().Index() > p.Index() {
			return nil
		}
	}
	return at
}

// bodyOf returns the program of a node of fused or single element-wise ops, nil for others.
func bodyOf(n *graph.Node) *fusedBody {
	if f, ok := n.Op.(fused); ok {
		return f.body
	}
	if !fusible(n) {
		return nil
	}
	b := &fusedBody{operands: len(n.Ins())}
	s := kernel.PointwiseStep{Op: n.Op.(kernel.Elementwise)}
	for i := range n.Ins() {
		s.In = append(s.In, i)
	}
	b.Steps, b.Outs = []kernel.PointwiseStep{s}, []int{b.operands}
	return b
}

// group puts n, whose program is body, behind p.
func group(p, n, at *graph.Node, body *fusedBody) graph.Group {
	g, body := behind(p, n, body)
	g.At = at
	g.Op = produced{graph.Attributes(p.Op), body.names(), p.Op.(kernel.Producer), len(p.Ins()), body}
	g.Outs = append([]*graph.Value{n.Out(0)}, p.Outs()[1:]...)
	return g
}

// behind returns the group of p and n, whose program is body, without an op, and with n's results. The program is a new one, of which the value that p
// computes is operand 0; the operands of n follow those of p.
func behind(p, n *graph.Node, body *fusedBody) (graph.Group, *fusedBody) {
	b := &fusedBody{operands: 1}
	g := graph.Group{Nodes: []*graph.Node{p, n}, As: p, Ins: slices.Clone(p.Ins()), Outs: n.Outs()}
	moved := make([]int, 0, len(n.Ins())+len(body.Steps))
	for _, v := range n.Ins() {
		if v == p.Out(0) {
			moved = append(moved, 0)
			continue
		}
		moved = append(moved, b.operands)
		b.operands++
		g.Ins = append(g.Ins, v)
	}
	for i, s := range body.Steps {
		in := make([]int, len(s.In))
		for j, v := range s.In {
			in[j] = moved[v]
		}
		b.Steps = append(b.Steps, kernel.PointwiseStep{Op: s.Op, In: in})
		moved = append(moved, b.operands+i)
	}
	for _, v := range body.Outs {
		b.Outs = append(b.Outs, moved[v])
	}
	for _, v := range body.over {
		if v >= 0 {
			v = moved[v]
		}
		b.over = append(b.over, v)
	}
	return g, b
}
