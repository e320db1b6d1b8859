package onnx

import (
	"slices"

	"neocog/graph"
	"neocog/vm"
)

// inOrder copies what roots need from g into a new graph in the order that
// network describes, and returns the copies.
func inOrder(g *graph.Graph, roots []*graph.Value) map[*graph.Value]*graph.Value {
	needed := make([]bool, len(g.Nodes()))
	for _, v := range roots {
		needed[v.Node().Index()] = true
	}
	for _, n := range slices.Backward(g.Nodes()) {
		if needed[n.Index()] {
			for _, v := range n.Ins() {
				needed[v.Node().Index()] = true
			}
		}
	}
	to := graph.New(g.Name())
	images := map[*graph.Value]*graph.Value{}
	source := func(v *graph.Value) {
		if images[v] != nil {
			return
		}
		switch op := v.Node().Op.(type) {
		case graph.InputOp:
			images[v] = to.Input(op.Label, v.Type())
		case graph.ParamOp:
			if op.Buffer {
				images[v] = to.Buffer(op.Label, v.Type(), op.Init)
			} else {
				images[v] = to.Param(op.Label, v.Type(), op.Init)
			}
		case graph.ConstOp:
			images[v] = to.ConstOf(v.Type(), op.Data)
		}
	}
	for _, v := range g.Inputs() {
		source(v)
	}
	for _, n := range g.Nodes() {
		if n.IsSource() || !needed[n.Index()] {
			continue
		}
		in := make([]*graph.Value, len(n.Ins()))
		for i, v := range n.Ins() {
			source(v)
			in[i] = images[v]
		}
		out := computed(to, n, in)
		if out == nil {
			out = graph.ApplyN(len(n.Outs()), n.Op, in...)
			out[0].Node().Scope = n.Scope
		}
		for i, v := range n.Outs() {
			images[v] = out[i]
		}
	}
	for _, v := range roots {
		source(v)
	}
	for _, n := range to.Nodes() {
		n.Pos = graph.Pos{}
	}
	return images
}

// computed returns the results of n as constants if its operands, copied as in, are
// constants and all of that is small, else nil. Rules may leave such nodes; in a
// file that is read they would have been computed.
func computed(to *graph.Graph, n *graph.Node, in []*graph.Value) []*graph.Value {
	alone := graph.New("")
	var operands, out []*graph.Value
	for _, v := range in {
		k, ok := literal(v)
		if !ok || v.Shape().Size() > maxFolded {
			return nil
		}
		operands = append(operands, alone.ConstOf(k.typ, k.data))
	}
	for _, v := range n.Outs() {
		if !v.Shape().IsStatic() || v.Shape().Size() > maxFolded {
			return nil
		}
	}
	got, err := vm.Interpret(alone, graph.ApplyN(len(n.Outs()), n.Op, operands...), vm.NewState(0), nil)
	if err != nil {
		return nil // such as an index out of range: it is reported when the graph runs
	}
	for i, t := range got {
		k, err := constantOf(t)
		if err != nil {
			return nil
		}
		out = append(out, to.ConstOf(n.Out(i).Type(), k.data))
	}
	return out
}
