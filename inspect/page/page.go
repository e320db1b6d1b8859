package page

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"strings"

	"neocog/graph"
	"neocog/graph/layout"
	"neocog/graph/svg"
	"neocog/graph/view"
	"neocog/inspect"
	"neocog/vm"
)

// Options are what a page shows besides the graph. The zero Options are of use.
type Options struct {
	Batch   int              // batch size of costs and memory; 0 means that of Profile, 1 without one
	Program *vm.Program      // the graph compiled: which algorithms it uses at that batch size
	Profile *inspect.Profile // what was measured
	State   *vm.State        // the values of parameters, by name
	Feeds   vm.Feeds         // inputs of the graph, whose activations are shown; they want a State
	Open    int              // about how many items are seen at first; 0 means 60, -1 all
}

//go:embed page.html
var frame string

//go:embed page.css
var css string

//go:embed place.js
var placeJS string

//go:embed page.js
var pageJS string

// document is what the page knows.
type document struct {
	Name      string             `json:"name"`
	Batch     int                `json:"batch"`
	Runs      int                `json:"runs,omitempty"` // of the profile
	Distances map[string]float64 `json:"distances"`
	Items     []item             `json:"items"`
	Wires     []wire             `json:"wires"`
	Levels    []*level           `json:"levels"`
	Nodes     []node             `json:"nodes"`
}

// item is an item of the view.
type item struct {
	Title    string  `json:"title"`
	Detail   string  `json:"detail,omitempty"`
	Kind     string  `json:"kind"`
	Category string  `json:"category,omitempty"`
	Path     string  `json:"path"`
	Parent   int     `json:"parent"`
	Node     int     `json:"node"`          // -1 for a box
	Ref      *int    `json:"ref,omitempty"` // the value that a reference stands for
	Target   bool    `json:"target,omitempty"`
	W        float64 `json:"w"`
	H        float64 `json:"h"`
	Open     bool    `json:"open,omitempty"`
}

type wire struct {
	Value int     `json:"value"`
	Type  string  `json:"type"`
	Width float64 `json:"width"` // of the type as text
	From  int     `json:"from"`
	To    []int   `json:"to"`
}

// level is a layout.Level. An end is 2·wire, and 1 more if it leads up.
type level struct {
	Items []levelItem `json:"items"`
	Ranks [][]int     `json:"ranks"`
	Segs  []seg       `json:"segs"`
}

type levelItem struct {
	Kind int     `json:"kind"`
	Of   int     `json:"of"`
	Rank int     `json:"rank"`
	Mid  float64 `json:"mid"`
	Ins  []int   `json:"ins"`
	Outs []int   `json:"outs"`
}

type seg struct {
	From  int  `json:"from"`
	To    int  `json:"to"`
	End   int  `json:"end"`
	Loose bool `json:"loose,omitempty"`
}

// node is what the panel shows.
type node struct {
	Op         string   `json:"op"`
	Attributes string   `json:"attributes,omitempty"`
	Name       string   `json:"name,omitempty"` // of an input, parameter or buffer
	Init       string   `json:"init,omitempty"`
	Scope      string   `json:"scope,omitempty"`
	Position   string   `json:"position,omitempty"`
	Operands   []string `json:"operands,omitempty"` // names of the inputs
	Ins        []int    `json:"ins"`                // values
	Outs       []value  `json:"outs"`
	Origin     int      `json:"origin"` // the forward node that it derives from, -1 for none
	Item       int      `json:"item"`
	Renews     string   `json:"renews,omitempty"` // what a result is the new value of
	Params     int64    `json:"params,omitempty"`
	inspect.Cost
	Algorithm string   `json:"algorithm,omitempty"`
	Measured  *measure `json:"measured,omitempty"`
	Pictures  []any    `json:"pictures,omitempty"` // of histogram and picture
}

type value struct {
	ID   int    `json:"id"`
	Type string `json:"type"`
}

type measure struct {
	Nanoseconds float64 `json:"nanoseconds"`
	FLOPs       int64   `json:"flops,omitempty"` // of all times that it ran
	Bytes       int64   `json:"bytes"`
}

// Compile compiles g with all results that nobody reads, for Options.Program.
func Compile(g *graph.Graph, opts ...vm.Option) (*vm.Program, error) {
	read := make([]bool, g.NumValues())
	for _, n := range g.Nodes() {
		for _, v := range n.Ins() {
			read[v.ID()] = true
		}
	}
	var outs []*graph.Value
	for _, n := range g.Nodes() {
		for _, v := range n.Outs() {
			if !n.IsSource() && !read[v.ID()] {
				outs = append(outs, v)
			}
		}
	}
	return vm.Compile(g, outs, opts...)
}

// Write writes the page of g. The same graph and options give the same bytes.
func Write(w io.Writer, g *graph.Graph, o Options) error {
	doc, err := newDocument(g, o)
	if err != nil {
		return err
	}
	data, err := json.Marshal(doc) // which writes < as \u003c: nothing in it ends the script
	if err != nil {
		return err
	}
	title := html.EscapeString(g.Name())
	style := svg.Style() + css
	_, err = strings.NewReplacer(
		"{{title}}", title, "{{style}}", style, "{{data}}", string(data), "{{place}}", placeJS, "{{page}}", pageJS,
		"{{policy}}", fmt.Sprintf("default-src 'none'; img-src data:; style-src %s; script-src %s %s; base-uri 'none'; form-action 'none'",
			hash(style), hash(placeJS), hash(pageJS)),
	).WriteString(w, frame)
	return err
}

// hash names an inline script or style in a content security policy.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func newDocument(g *graph.Graph, o Options) (*document, error) {
	if g == nil {
		return nil, fmt.Errorf("the graph is nil")
	}
	switch {
	case o.Profile != nil && o.Batch == 0:
		o.Batch = o.Profile.Batch
	case o.Profile != nil && o.Batch != o.Profile.Batch:
		return nil, fmt.Errorf("the profile was measured at batch size %d, the page is asked for at %d; measure at %[2]d, or leave the batch size to the profile", o.Profile.Batch, o.Batch)
	case o.Batch == 0:
		o.Batch = 1
	}
	costs, err := inspect.Costs(g, o.Batch)
	if err != nil {
		return nil, err
	}
	v := view.New(g)
	l, err := v.Layout()
	if err != nil {
		return nil, err
	}
	switch {
	case o.Open == 0:
		o.Open = 60
	case o.Open < 0:
		o.Open = len(v.Items)
	}
	doc := &document{Name: g.Name(), Batch: o.Batch, Levels: levels(l), Distances: map[string]float64{
		"Gap": layout.Gap, "Beside": layout.Beside, "Wires": layout.Wires, "Margin": layout.Margin, "Title": layout.Title,
		"Text": layout.Text, "EndGap": layout.EndGap, "Row": layout.Row,
	}}
	doc.items(v, l.Graph, v.Unfold(o.Open))
	doc.nodes(v, costs)
	if o.Program != nil {
		algorithms, err := o.Program.Algorithms(o.Batch)
		if err != nil {
			return nil, err
		}
		for n, a := range algorithms {
			if n.Graph() != g {
				return nil, fmt.Errorf("the program is one of graph %q, the page is of another graph, %q", n.Graph().Name(), g.Name())
			}
			doc.Nodes[n.Index()].Algorithm = a
		}
	}
	if p := o.Profile; p != nil {
		doc.Runs = p.Runs
		for _, m := range p.Nodes {
			if m.Node < 0 || m.Node >= len(doc.Nodes) {
				return nil, fmt.Errorf("the profile is of another graph: it has node %d, the graph %d nodes", m.Node, len(doc.Nodes))
			}
			n := &doc.Nodes[m.Node]
			n.Measured = &measure{m.Nanoseconds, m.FLOPs, m.Bytes}
			if m.Algorithm != "" {
				n.Algorithm = m.Algorithm
			}
		}
	}
	return doc, doc.pictures(g, o)
}

func levels(l *layout.Layers) []*level {
	out := make([]*level, len(l.Levels))
	end := func(e layout.End) int {
		if e.Up {
			return 2*e.Wire + 1
		}
		return 2 * e.Wire
	}
	ends := func(list []layout.End) []int {
		codes := make([]int, len(list))
		for i, e := range list {
			codes[i] = end(e)
		}
		return codes
	}
	for i, v := range l.Levels {
		if v == nil {
			continue
		}
		o := &level{Ranks: v.Ranks, Items: make([]levelItem, len(v.Items)), Segs: make([]seg, len(v.Segs))}
		for k, it := range v.Items {
			o.Items[k] = levelItem{int(it.Kind), it.Of, it.Rank, it.Mid, ends(it.Ins), ends(it.Outs)}
		}
		for k, s := range v.Segs {
			o.Segs[k] = seg{s.From, s.To, end(s.End), s.Loose}
		}
		out[i] = o
	}
	return out
}

func (d *document) items(v *view.View, g *layout.Graph, open func(int) bool) {
	d.Items, d.Wires = make([]item, len(v.Items)), make([]wire, len(v.Wires))
	for i := range v.Items {
		it := &v.Items[i]
		out := item{Title: it.Title, Detail: it.Detail, Kind: it.Kind.String(), Path: it.Path, Parent: it.Parent, Node: -1,
			Target: it.Target, W: g.Nodes[i].Size.W, H: g.Nodes[i].Size.H, Open: open(i)}
		if !it.IsBox() {
			out.Node, out.Category = it.Node.Index(), view.Category(it.Node.Op)
		}
		if it.Ref != nil {
			id := it.Ref.ID()
			out.Ref = &id
		}
		d.Items[i] = out
	}
	for i, w := range v.Wires {
		d.Wires[i] = wire{w.Value.ID(), view.TypeText(w.Value.Type()), g.Wires[i].Label, w.From, w.To}
	}
}

func (d *document) nodes(v *view.View, costs []inspect.Cost) {
	d.Nodes = make([]node, len(v.Graph.Nodes()))
	for i, n := range v.Graph.Nodes() {
		out := node{Op: n.Op.Name(), Scope: view.ScopeOf(n), Position: n.Pos.String(), Ins: []int{}, Origin: -1, Item: v.Leaf[i], Cost: costs[i]}
		for _, in := range n.Ins() {
			out.Ins = append(out.Ins, in.ID())
		}
		for _, res := range n.Outs() {
			out.Outs = append(out.Outs, value{res.ID(), view.TypeText(res.Type())})
		}
		if n.Origin != nil {
			out.Origin = n.Origin.Index()
		}
		if op, ok := n.Op.(graph.Operander); ok {
			out.Operands = op.Operands()
		}
		switch op := n.Op.(type) {
		case graph.InputOp:
			out.Name = op.Label
		case graph.ParamOp:
			out.Name, out.Init = op.Label, op.Init.String()
			if !op.Buffer {
				out.Params = int64(n.Out(0).Shape().Size())
			}
		case graph.ConstOp:
		default:
			out.Attributes = strings.Trim(graph.Attributes(n.Op), "{}")
		}
		d.Nodes[i] = out
	}
	for _, u := range v.Graph.Updates() {
		d.Nodes[u.Next.Node().Index()].Renews = u.Param.Node().Op.(graph.ParamOp).Label
	}
}
