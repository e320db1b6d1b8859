package vm

import (
	"fmt"
	"reflect"

	"neocog/graph"
)

// A pass builds a new graph from an old one, node by node with edit, see
// graph.Rebuild, or by replacing groups of nodes, see graph.Fuse. It keeps the
// values of all outputs and updates, to the last bit unless it says that it rounds.
type pass struct {
	name   string
	why    string
	edit   func(g *graph.Graph, roots []*graph.Value, o *options) func(to *graph.Graph, n *graph.Node, in []*graph.Value) []*graph.Value
	groups func(g *graph.Graph, roots []*graph.Value) []graph.Group
}

// passes run in this order. Every one of them also leaves out what no output
// and no update needs, so that prune is the pass which does nothing else.
var passes = []pass{
	{name: "prune", why: "what nothing depends on is not computed"},
	{name: "fold", why: "what depends on constants only is computed once, now", edit: fold},
	{name: "cse", why: "equal ops on equal inputs are computed once", edit: mergeEqual},
	{name: "prune", why: "constants which folding has used up go"},
	{name: "norm", why: "factors and sums for each channel, of parameters alone, go into filters", edit: foldChannels},
	{name: "prune", why: "convolutions with other filters in their place go"},
	{name: "fuse", why: "chains of element-wise ops go through the cache once", groups: fuseElementwise},
	{name: "step", why: "gradients of dense layers go through the optimiser tile by tile", groups: fuseSteps},
	{name: "then", why: "convolutions do what follows element by element while their results are in the cache", groups: fuseProducers},
}

// foldLimit is the size in bytes up to which a result is folded: larger ones
// would only swell the program.
const foldLimit = 1 << 16

func fold(_ *graph.Graph, _ []*graph.Value, o *options) func(*graph.Graph, *graph.Node, []*graph.Value) []*graph.Value {
	env := o.env() // the algorithms of the tape, for the same bits
	return func(to *graph.Graph, n *graph.Node, in []*graph.Value) []*graph.Value {
		if n.IsSource() {
			return nil
		}
		bufs := make([][]byte, len(in))
		for i, v := range in {
			c, ok := v.Node().Op.(graph.ConstOp)
			if !ok {
				return nil
			}
			bufs[i] = decode(v.Type(), c.Data)
		}
		types := make([]graph.Type, len(n.Outs()))
		for i, v := range n.Outs() {
			if t := v.Type(); !t.Shape.IsStatic() || t.Bytes() > foldLimit {
				return nil
			}
			types[i] = v.Type()
		}
		results, err := evaluate(env, n, typesOf(in), types, bufs)
		if err != nil {
			return nil // it will be reported, with its place, when it runs
		}
		out := make([]*graph.Value, len(types))
		for i, t := range types {
			out[i] = to.ConstOf(t, encode(t, results[i]))
		}
		return out
	}
}

func mergeEqual(*graph.Graph, []*graph.Value, *options) func(*graph.Graph, *graph.Node, []*graph.Value) []*graph.Value {
	type key struct {
		op graph.Op
		in string
	}
	seen := map[key][]*graph.Value{}
	return func(to *graph.Graph, n *graph.Node, in []*graph.Value) []*graph.Value {
		if !reflect.ValueOf(n.Op).Comparable() {
			return nil
		}
		k := key{n.Op, n.Out(0).Type().String()}
		if len(in) > 0 {
			k.in = graph.Attributes(n.Op) + fmt.Sprint(in) // == takes −0 for 0
		}
		if out := seen[k]; out != nil {
			return out
		}
		var out []*graph.Value
		if c, ok := n.Op.(graph.ConstOp); ok {
			out = []*graph.Value{to.ConstOf(n.Out(0).Type(), c.Data)}
		} else {
			out = graph.ApplyN(len(n.Outs()), n.Op, in...)
		}
		seen[k] = out
		return out
	}
}

func typesOf(vs []*graph.Value) []graph.Type {
	t := make([]graph.Type, len(vs))
	for i, v := range vs {
		t[i] = v.Type()
	}
	return t
}

// optimise runs the passes and returns the new graph, the images of the values
// of g, and a line for each pass on what it changed. It shows each pass to look, unless that is nil.
func optimise(g *graph.Graph, roots []*graph.Value, o *options, look func(Pass)) (*graph.Graph, map[*graph.Value]*graph.Value, []string) {
	list := passes
	if o.noPasses {
		list = passes[:1]
	}
	images := make(map[*graph.Value]*graph.Value)
	for _, n := range g.Nodes() {
		for _, v := range n.Outs() {
			images[v] = v
		}
	}
	var log []string
	for _, p := range list {
		now := make([]*graph.Value, len(roots))
		for i, r := range roots {
			now[i] = images[r]
		}
		var next *graph.Graph
		var step map[*graph.Value]*graph.Value
		if p.groups != nil {
			if o.watch != 0 {
				continue // every result is looked at
			}
			next, step = g.Fuse(now, !o.noUpdates, p.groups(g, now))
		} else {
			var edit func(*graph.Graph, *graph.Node, []*graph.Value) []*graph.Value
			if p.edit != nil {
				edit = p.edit(g, now, o)
			}
			next, step = g.Rebuild(now, !o.noUpdates, edit)
		}
		done := Pass{Name: p.name, Why: p.why, Before: g, After: next, Images: step}
		log = append(log, done.String())
		if look != nil {
			look(done)
		}
		for v, image := range images {
			images[v] = step[image]
		}
		g = next
	}
	return g, images, log
}
