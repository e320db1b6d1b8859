package inspect

import (
	"fmt"
	"math"

	"neocog/graph"
	"neocog/vm/kernel"
)

// need returns for each node whether outputs or updates need it; without
// outputs all are needed.
func need(g *graph.Graph, outputs []*graph.Value) ([]bool, error) {
	needed := make([]bool, len(g.Nodes()))
	for i, v := range outputs {
		if !v.IsValid() || v.Graph() != g {
			return nil, fmt.Errorf("output %d, %v, is no value of graph %q", i, v, g.Name())
		}
		needed[v.Node().Index()] = true
	}
	for _, u := range g.Updates() {
		needed[u.Param.Node().Index()], needed[u.Next.Node().Index()] = true, true
	}
	for i := len(needed) - 1; i >= 0; i-- {
		needed[i] = needed[i] || len(outputs) == 0
		for _, v := range g.Nodes()[i].Ins() {
			needed[v.Node().Index()] = needed[v.Node().Index()] || needed[i]
		}
	}
	return needed, nil
}

// planOf asks the op of n for its plan by the reference algorithm, whose FLOPs
// are those of the definition.
func planOf(n *graph.Node, batch int) (p kernel.Plan, err error) {
	op, ok := n.Op.(kernel.Op)
	if !ok {
		return p, fmt.Errorf("%v: the op cannot run: it has no method Plan", n)
	}
	defer func() {
		if r := recover(); r != nil { // the op may be a user's
			err = fmt.Errorf("%v: its Plan panicked: %v", n, r)
		}
	}()
	bind := func(vs []*graph.Value) []graph.Type {
		types := make([]graph.Type, len(vs))
		for i, v := range vs {
			types[i] = v.Type().Bind(batch)
		}
		return types
	}
	if p, err = op.Plan(&kernel.Env{Reference: true}, bind(n.Ins()), bind(n.Outs())); err != nil {
		return p, fmt.Errorf("%v: %w", n, err)
	}
	return p, nil
}

// reuse returns the input in whose memory the first result of n may lie, or nil.
// Inputs and parameters of the graph are not overwritten.
func reuse(n *graph.Node, p kernel.Plan) *graph.Value {
	switch {
	case p.View:
		return n.In(0)
	case len(p.InPlace) == 0 || p.InPlace[0] == 0 || n.In(p.InPlace[0]-1).Node().IsSource():
		return nil
	}
	return n.In(p.InPlace[0] - 1)
}

// memory says who reads what last, views of a value counting as the value.
type memory struct {
	base []int  // by value: the value which it is a view of, itself if none
	last []int  // by value: the last node which reads it
	grad []bool // by value: a node that stands for a gradient reads it
}

func newMemory(g *graph.Graph, needed []bool, plans []kernel.Plan, outputs []*graph.Value) memory {
	m := memory{make([]int, g.NumValues()), make([]int, g.NumValues()), make([]bool, g.NumValues())}
	for i, n := range g.Nodes() {
		for _, v := range n.Outs() {
			m.base[v.ID()] = v.ID()
		}
		if !needed[i] {
			continue
		}
		for _, v := range n.Ins() {
			m.last[m.base[v.ID()]] = i
			m.grad[v.ID()] = m.grad[v.ID()] || n.Origin != nil
		}
		if plans[i].View {
			m.base[n.Out(0).ID()] = m.base[n.In(0).ID()]
		}
	}
	for _, v := range outputs {
		m.last[m.base[v.ID()]] = math.MaxInt
	}
	return m
}

// derives reports whether the gradient reads v.
func (m memory) derives(v *graph.Value) bool { return m.grad[v.ID()] }

// shared reports whether the first result of n lies in memory of an input.
func (m memory) shared(n *graph.Node, p kernel.Plan) bool {
	from := reuse(n, p)
	if from == nil || p.View {
		return p.View
	}
	base, readers := m.base[from.ID()], 0
	for _, v := range n.Ins() {
		if m.base[v.ID()] == base {
			readers++
		}
	}
	return readers == 1 && m.last[base] == n.Index()
}
