package dot

import (
	"fmt"
	"io"
	"strings"

	"github.com/emicklei/dot"

	"neocog/graph"
	"neocog/graph/view"
)

// Options say what a picture shows. The zero Options show everything.
type Options struct {
	// LeftToRight lays the graph out from left to right instead of downwards.
	LeftToRight bool
	// HideTypes leaves the types off the edges.
	HideTypes bool
}

// Colours of the kinds of nodes: fill and border. They are told apart by shape
// too, for those who print.
var styles = map[view.Kind]struct{ shape, fill, border string }{
	view.Input:    {"invhouse", "#e8f0fe", "#1a56b0"},
	view.Param:    {"ellipse", "#fff4d6", "#b07d00"},
	view.Buffer:   {"ellipse", "#f1f1f1", "#777777"},
	view.Const:    {"plaintext", "#ffffff", "#777777"},
	view.Forward:  {"box", "#e6f4ea", "#1e7e34"},
	view.Gradient: {"box", "#fde7e9", "#b3261e"},
	view.Update:   {"box", "#efe3fb", "#6a3fa0"},
}

// Write writes g: scopes as nested clusters; inputs, parameters, constants,
// forward, gradient and update nodes by shape and colour; types on the edges;
// the user's line as tooltip. The text is the same each time.
func Write(w io.Writer, g *graph.Graph, o Options) error {
	if g == nil {
		return fmt.Errorf("the graph is nil")
	}
	p := &picture{root: dot.NewGraph(dot.Directed), kinds: view.Kinds(g), o: o, nodes: map[*graph.Node]dot.Node{}}
	p.root.ID(quoteID(g.Name()))
	p.root.Attr("fontname", "Helvetica")
	if o.LeftToRight {
		p.root.Attr("rankdir", "LR")
	}
	p.root.NodeInitializer(func(n dot.Node) {
		n.Attr("fontname", "Helvetica").Attr("fontsize", "10").Attr("style", "filled")
	})
	p.root.EdgeInitializer(func(e dot.Edge) {
		e.Attr("fontname", "Helvetica").Attr("fontsize", "8").Attr("color", "#777777")
	})
	for _, n := range g.Nodes() {
		p.node(n)
	}
	for _, n := range g.Nodes() {
		for _, v := range n.Ins() {
			p.edge(v, p.nodes[n])
		}
	}
	for _, u := range g.Updates() {
		p.edge(u.Next, p.nodes[u.Param.Node()]).Attr("style", "dashed").Attr("constraint", "false")
	}
	_, err := io.WriteString(w, p.root.String())
	return err
}

type picture struct {
	root  *dot.Graph
	kinds []view.Kind
	o     Options
	nodes map[*graph.Node]dot.Node
}

func (p *picture) node(n *graph.Node) {
	in, style := p.cluster(view.ScopeOf(n)), styles[p.kinds[n.Index()]]
	d := in.Node(fmt.Sprintf("n%d", n.Index()))
	d.Attr("label", label(n)).Attr("shape", style.shape).Attr("fillcolor", style.fill).Attr("color", style.border)
	tip := n.Op.Name()
	if !n.IsSource() { // a source's label says it all, and a constant's elements would fill the screen
		tip += graph.Attributes(n.Op)
	}
	if pos := n.Pos.String(); pos != "" {
		tip += " " + pos
	}
	d.Attr("tooltip", tip)
	p.nodes[n] = d
}

func (p *picture) edge(v *graph.Value, to dot.Node) dot.Edge {
	e := p.root.Edge(p.nodes[v.Node()], to)
	if !p.o.HideTypes {
		e.Attr("label", v.Type().String())
	}
	return e
}

// cluster returns the subgraph of a scope such as block1/conv2.
func (p *picture) cluster(scope string) *dot.Graph {
	g := p.root
	if scope == "" {
		return g
	}
	path := ""
	for _, part := range strings.Split(scope, "/") {
		path += "/" + part
		g = g.Subgraph(path, dot.ClusterOption{})
		g.Attr("label", part)
		g.Attr("style", "rounded")
		g.Attr("color", "#bbbbbb")
	}
	return g
}

// label returns what stands on a node.
func label(n *graph.Node) string {
	switch op := n.Op.(type) {
	case graph.InputOp:
		return op.Label + "\n" + n.Out(0).Type().String()
	case graph.ParamOp:
		return op.Label[strings.LastIndexByte(op.Label, '/')+1:] + "\n" + n.Out(0).Type().String()
	case graph.ConstOp:
		return "Const\n" + n.Out(0).Type().String()
	}
	if a := graph.Attributes(n.Op); a != "" {
		return n.Op.Name() + "\n" + a
	}
	return n.Op.Name()
}

// quoteID returns a name that Graphviz takes as it is.
func quoteID(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '_'
	}, "g_"+s)
}
