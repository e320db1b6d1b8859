package graph

import "fmt"

// Check verifies the graph's invariants: every input of a node comes before
// it, every type is what inference gives anew, numbers and names are
// consistent, updates keep types. A graph built through this package always
// passes; Check is for those who write passes, and for tests.
func (g *Graph) Check() error {
	if err := g.Err(); err != nil {
		return err
	}
	id := 0
	for i, n := range g.nodes {
		if n.graph != g || n.index != i {
			return fmt.Errorf("node %d of graph %q is out of place: %v", i, g.name, n)
		}
		in := make([]Type, len(n.in))
		for j, v := range n.in {
			if !v.IsValid() || v.Graph() != g || v.node.index >= i || v.node.out[v.index] != v {
				return fmt.Errorf("%v: input %d does not come before the node", n, j)
			}
			in[j] = v.typ
		}
		for _, v := range n.out {
			if v.id != id || v.node != n {
				return fmt.Errorf("%v: value %d has number %d", n, id, v.id)
			}
			id++
		}
		if n.Origin != nil && n.Origin.graph != g {
			return fmt.Errorf("%v: it derives from a node of graph %q", n, n.Origin.graph.name)
		}
		if n.IsSource() {
			if err := n.checkSource(); err != nil {
				return fmt.Errorf("%v: %w", n, err)
			}
			continue
		}
		out, err := infer(n.Op, in)
		if err != nil {
			return fmt.Errorf("%v: %w", n, err)
		}
		if len(out) != len(n.out) {
			return fmt.Errorf("%v: inference gives %d results", n, len(out))
		}
		for j := range out {
			if !out[j].Equal(n.out[j].typ) {
				return fmt.Errorf("%v: inference gives %v for result %d", n, out[j], j)
			}
		}
	}
	if id != g.values {
		return fmt.Errorf("graph %q counts %d values and has %d", g.name, g.values, id)
	}
	for name, v := range g.byName {
		if v.Graph() != g || v.node.label() != name {
			return fmt.Errorf("name %q stands for %v", name, v.node)
		}
	}
	for _, list := range [...][]*Value{g.inputs, g.params} {
		for _, v := range list {
			if g.byName[v.node.label()] != v {
				return fmt.Errorf("%v is listed and has no name", v.node)
			}
		}
	}
	updated := map[*Value]bool{}
	for _, u := range g.updates {
		if _, ok := u.Param.node.Op.(ParamOp); !ok || updated[u.Param] {
			return fmt.Errorf("update %v = %v is of no parameter, or a second one", u.Param, u.Next)
		}
		updated[u.Param] = true
		if u.Param.Graph() != g || u.Next.Graph() != g || !u.Param.typ.Equal(u.Next.typ) {
			return fmt.Errorf("update %v = %v does not keep the type", u.Param, u.Next)
		}
	}
	return nil
}

// checkSource checks what inference does not: the declared type of a source.
func (n *Node) checkSource() error {
	if len(n.in) != 0 || len(n.out) != 1 {
		return fmt.Errorf("a source has one result and no input")
	}
	t := n.out[0].typ
	if err := t.check(); err != nil {
		return err
	}
	switch op := n.Op.(type) {
	case ParamOp:
		return op.Init.check(t)
	case ConstOp:
		if t.Bytes() != len(op.Data) {
			return fmt.Errorf("type %v wants %d bytes, the constant has %d", t, t.Bytes(), len(op.Data))
		}
	}
	return nil
}
