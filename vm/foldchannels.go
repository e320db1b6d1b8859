package vm

import (
	"neocog/graph"
	"neocog/vm/kernel"
)

// foldChannels offers products and sums with what depends on parameters alone, which do not change in a run, to the op that
// computes the other operand, if nobody else reads that and the op's own operands, but the first, are such too. Since they are
// computed once, see frozenBy, what follows the op costs nothing any more; results are rounded otherwise.
func foldChannels(g *graph.Graph, roots []*graph.Value, o *options) func(*graph.Graph, *graph.Node, []*graph.Value) []*graph.Value {
	f := newFusing(g, roots)
	changing := map[string]bool{}
	if !o.noUpdates {
		for _, u := range g.Updates() {
			changing[u.Param.Node().Op.(graph.ParamOp).Label] = true
		}
	}
	known := map[*graph.Node]bool{}
	var frozen func(values ...*graph.Value) bool
	frozen = func(values ...*graph.Value) bool {
		for _, v := range values {
			n := v.Node()
			is, ok := known[n]
			if !ok {
				switch op := n.Op.(type) {
				case graph.ConstOp:
					is = true
				case graph.ParamOp:
					is = !changing[op.Label]
				default:
					is = len(n.Ins()) > 0 && frozen(n.Ins()...)
				}
				known[n] = is
			}
			if !is {
				return false
			}
		}
		return true
	}
	return func(_ *graph.Graph, n *graph.Node, in []*graph.Value) []*graph.Value {
		if len(in) != 2 || o.watch != 0 {
			return nil
		}
		for i, v := range n.Ins() {
			from := in[i].Node()
			folder, ok := from.Op.(kernel.Folder)
			if !ok || f.kept[v.ID()] || len(f.readers[v.ID()]) != 1 || !in[i].Type().Equal(n.Out(0).Type()) ||
				!frozen(in[1-i]) || !frozen(from.Ins()[1:]...) {
				continue
			}
			if out := folder.Fold(from.Ins(), n.Op, in[1-i]); out != nil {
				return []*graph.Value{out}
			}
		}
		return nil
	}
}
