package models

import (
	"fmt"
	"slices"
	"strings"

	"neocog/graph"
	"neocog/internal/nearest"
	"neocog/models/layers"
	"neocog/ops"
)

// Head is the name of the layer that WithHead adds: its parameters are head/w and head/b.
const Head = "head"

// WithHead returns the model cut after the node at, with a new linear layer for so many
// classes in the place of what followed: how a trained network starts on a new task.
// Parameters that stay keep their names. See Features for the node and for what the
// layer gets.
func (m Model) WithHead(at string, classes int) (Model, error) {
	if classes < 1 {
		return m, fmt.Errorf("%s: a head for %d classes, want at least 1", m.Name, classes)
	}
	g, _, logits := m.Graph(&layers.Builder{})
	if err := g.Err(); err != nil {
		return m, err
	}
	if _, err := Features(logits, at); err != nil {
		return m, fmt.Errorf("%s: %w", m.Name, err)
	}
	build := m.Build
	m.Classes = classes
	m.Build = func(b *layers.Builder, x *graph.Value) *graph.Value {
		if !x.IsValid() {
			return x
		}
		// A graph of its own first: what is cut off must leave no parameters behind.
		whole := &layers.Builder{Train: b.Train, DType: b.DType, Weights: b.Weights, Biases: b.Biases}
		end := build(whole, graph.New(m.Name).Input("x", x.Type()))
		err := end.Graph().Err()
		var features *graph.Value
		if err == nil {
			features, err = Features(end, at)
		}
		if err != nil {
			x.Graph().Errorf(m.Name, "%w", err)
			return x.Graph().Invalid()
		}
		copies := graft(x, features)
		for _, w := range whole.Decay {
			if c := copies[w]; c != nil {
				b.Decay = append(b.Decay, c)
			}
		}
		return b.Linear(Head, copies[features], classes)
	}
	return m, nil
}

// FromGraph returns a model whose network is a graph, such as an imported one, up to
// its logits [N,classes]. The graph has one input, images [N,C,H,W], and is used as it is
// while training too: its batch norm keeps the statistics that it has, and what it does
// not have, such as dropout, is not added.
func FromGraph(name string, logits *graph.Value) (Model, error) {
	if !logits.IsValid() || logits.Shape().Rank() != 2 {
		return Model{}, fmt.Errorf("%s: the result of the graph is %v, want logits [N,classes]", name, logits)
	}
	in := logits.Graph().Inputs()
	if len(in) != 1 || in[0].Shape().Rank() != 4 || in[0].Shape()[0] != graph.Batch {
		return Model{}, fmt.Errorf("%s: the graph has the inputs %v, want one, of images [N,C,H,W]", name, in)
	}
	return Model{
		Name: name, Doc: "an imported graph", Input: in[0].Shape()[1:], Classes: logits.Shape()[1],
		Build: func(b *layers.Builder, x *graph.Value) *graph.Value {
			if !x.IsValid() {
				return x
			}
			if !x.Type().Equal(in[0].Type()) {
				x.Graph().Errorf(name, "x is %v, want %v", x.Type(), in[0].Type())
				return x.Graph().Invalid()
			}
			copies := graft(x, logits)
			for _, w := range logits.Graph().Params() {
				if c := copies[w]; c != nil && w.Shape().Rank() > 1 {
					b.Decay = append(b.Decay, c)
				}
			}
			return copies[logits]
		},
	}, nil
}

// Features returns what a linear classifier takes from the network that ends in logits,
// [N,features]: the value of the node at, which is the name of a layer or block, such as
// "conv4_3", or of an ONNX node. Of several nodes with that name, and below it, the last
// counts that leads to the logits. Without a name it is the input of the last linear layer.
// Maps [N,C,H,W] are averaged over their pixels.
func Features(logits *graph.Value, at string) (*graph.Value, error) {
	leads := ancestors(logits)
	nodes := logits.Graph().Nodes()
	var v *graph.Value
	var names []string
	for i := len(nodes) - 1; i >= 0 && v == nil; i-- {
		n := nodes[i]
		if !leads[i] || isSource(n) {
			continue
		}
		switch {
		case at == "" && n.Op.Name() == "MatMul":
			v = n.In(0)
		case at != "" && (n.Scope == at || strings.HasPrefix(n.Scope, at+"/")):
			v = n.Out(0)
		}
		if n.Scope != "" && !slices.Contains(names, n.Scope) {
			names = append(names, n.Scope)
		}
	}
	switch {
	case v == nil && at == "":
		return nil, fmt.Errorf("the network has no linear layer; name the node whose value is to be used: %s", strings.Join(names, ", "))
	case v == nil:
		slices.Reverse(names)
		return nil, nearest.Unknown("node", at, names)
	case v.Shape().Rank() == 4:
		return ops.Flatten(ops.GlobalAvgPool(v)), nil
	case v.Shape().Rank() < 2 || v.Shape()[0] != graph.Batch:
		return nil, fmt.Errorf("the value of %q is %v, want features or maps of each image, [N,...]", at, v.Type())
	case v.Shape().Rank() > 2:
		return ops.Flatten(v), nil
	}
	return v, nil
}

// isSource reports whether n is an input, parameter, buffer or constant.
func isSource(n *graph.Node) bool { return len(n.Ins()) == 0 }

// ancestors marks the nodes, by index, of which v is made.
func ancestors(v *graph.Value) []bool {
	nodes := v.Graph().Nodes()
	marked := make([]bool, len(nodes))
	marked[v.Node().Index()] = true
	lead(nodes, marked)
	return marked
}

// lead marks the nodes of which marked ones are made.
func lead(nodes []*graph.Node, marked []bool) {
	for i := len(nodes) - 1; i >= 0; i-- {
		if marked[i] {
			for _, v := range nodes[i].Ins() {
				marked[v.Node().Index()] = true
			}
		}
	}
}

// graft copies what v is made of into the graph of x, which stands for the only input
// there, with the updates of the buffers that are among it. It returns the copies.
func graft(x, v *graph.Value) map[*graph.Value]*graph.Value {
	from, to := v.Graph(), x.Graph()
	marked := ancestors(v)
	for more := true; more; {
		more = false
		for _, u := range from.Updates() {
			if i := u.Next.Node().Index(); marked[u.Param.Node().Index()] && !marked[i] {
				marked[i], more = true, true
			}
		}
		lead(from.Nodes(), marked)
	}
	copies := map[*graph.Value]*graph.Value{}
	for i, n := range from.Nodes() {
		if !marked[i] {
			continue
		}
		switch op := n.Op.(type) {
		case graph.InputOp:
			copies[n.Out(0)] = x
		case graph.ParamOp:
			// The scope is part of the name, which is to stay.
			name, scope := op.Label, n.Scope
			if rest, ok := strings.CutPrefix(name, scope+"/"); ok {
				name = rest
			} else {
				scope = ""
			}
			within(to, scope, func() {
				if op.Buffer {
					copies[n.Out(0)] = to.Buffer(name, n.Out(0).Type(), op.Init)
				} else {
					copies[n.Out(0)] = to.Param(name, n.Out(0).Type(), op.Init)
				}
			})
		case graph.ConstOp:
			copies[n.Out(0)] = to.ConstOf(n.Out(0).Type(), op.Data)
		default:
			in := make([]*graph.Value, len(n.Ins()))
			for j, v := range n.Ins() {
				in[j] = copies[v]
			}
			var out []*graph.Value
			within(to, n.Scope, func() { out = graph.ApplyN(len(n.Outs()), n.Op, in...) })
			for j, v := range n.Outs() {
				copies[v] = out[j]
			}
		}
	}
	for _, u := range from.Updates() {
		if marked[u.Param.Node().Index()] {
			to.Update(copies[u.Param], copies[u.Next])
		}
	}
	return copies
}

// within runs build in exactly that scope.
func within(g *graph.Graph, scope string, build func()) {
	g.AtRoot(func() {
		if scope == "" {
			build()
		} else {
			g.Scope(scope, build)
		}
	})
}
