package vm

import (
	"neocog/graph"
	"neocog/vm/kernel"
)

// tiled is an op whose result goes through element-wise ops tile by tile and is then gone: the gradient of a dense layer's weights,
// and the step of the optimiser. The gradient, as large as the weights, need not be written and read again.
//
//	operands   those of the op, then those of the others but the op's result
//	results    those of the others
type tiled struct {
	Op   string // the attributes of the op
	Then string // the names of the others
	op   kernel.Tiler
	own  int // operands of the op
	body *fusedBody
}

// Name returns that of the op.
func (t tiled) Name() string { return t.op.Name() }

func (t tiled) Infer(in []graph.Type) ([]graph.Type, error) {
	out, err := t.op.Infer(in[:t.own])
	if err != nil {
		return nil, err
	}
	return fused{body: t.body}.Infer(append(out, in[t.own:]...))
}

func (t tiled) Plan(env *kernel.Env, in, out []graph.Type) (kernel.Plan, error) {
	operands := []kernel.Operand{{From: -1, Type: out[0]}}
	for i, typ := range in[t.own:] {
		operands = append(operands, kernel.Operand{From: t.own + i, Type: typ})
	}
	loop, err := t.body.Loop(env, out[0], operands)
	if err != nil {
		return kernel.Plan{}, err
	}
	plan, err := t.op.PlanTiles(env, in[:t.own], out[:1], loop.RunTile)
	plan.Local = loop.Local(plan.Local)
	plan.InPlace = nil
	for _, v := range t.body.over {
		if v <= 0 { // none, or what the op computes
			plan.InPlace = append(plan.InPlace, 0)
		} else {
			plan.InPlace = append(plan.InPlace, t.own+v)
		}
	}
	return plan, err
}

// fuseSteps finds ops whose result only one element-wise node reads, which computes the new value of a parameter.
func fuseSteps(g *graph.Graph, roots []*graph.Value) []graph.Group {
	f := newFusing(g, roots)
	var groups []graph.Group
	for _, n := range g.Nodes() {
		body := bodyOf(n)
		if body == nil || !f.changes(n) {
			continue
		}
		for _, v := range n.Ins() {
			p := v.Node()
			if op, ok := p.Op.(kernel.Tiler); ok && f.produces(p, n) != nil {
				g, body := behind(p, n, body)
				g.At = n
				g.Op = tiled{graph.Attributes(op), body.names(), op, len(p.Ins()), body}
				groups = append(groups, g)
				break
			}
		}
	}
	return groups
}

// changes reports whether a result of n becomes a parameter.
func (f *fusing) changes(n *graph.Node) bool {
	for _, v := range n.Outs() {
		if len(f.becomes[v]) > 0 {
			return true
		}
	}
	return false
}
