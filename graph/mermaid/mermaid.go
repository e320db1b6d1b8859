package mermaid

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"neocog/graph"
	"neocog/graph/view"
)

// Options say what a picture shows.
type Options struct {
	// Most is about how many items are drawn: scopes are drawn as one node, inner ones first, until no more are. 0 means
	// 100, since Mermaid refuses long documents; a negative number means all.
	Most int
}

// styles are the colours of kinds of nodes, which read on light and dark pages alike.
var styles = map[view.Kind]string{
	view.Input:    "fill:#dbeafe,stroke:#1d5fbf,color:#111",
	view.Param:    "fill:#fff3cd,stroke:#a87400,color:#111",
	view.Buffer:   "fill:#eceff2,stroke:#6b7480,color:#111",
	view.Const:    "fill:#ffffff,stroke:#8b949e,color:#111",
	view.Forward:  "fill:#e3f5e8,stroke:#1f8a3d,color:#111",
	view.Gradient: "fill:#fde4e4,stroke:#c5362f,color:#111",
	view.Update:   "fill:#eee5fb,stroke:#7443b5,color:#111",
}

// Write writes g as a flowchart: scopes as subgraphs, closed ones as double boxes, types on the edges, kinds of nodes by
// colour and shape. The same graph gives the same text.
func Write(w io.Writer, g *graph.Graph, o Options) error {
	if g == nil {
		return fmt.Errorf("the graph is nil")
	}
	switch {
	case o.Most == 0:
		o.Most = 100
	case o.Most < 0:
		o.Most = math.MaxInt
	}
	v := view.New(g)
	c := &chart{View: v, open: v.Unfold(o.Most)}
	c.WriteString("flowchart TD\n")
	for i := range v.Items {
		if v.Items[i].Parent < 0 {
			c.item(i, "  ")
		}
	}
	c.edges()
	c.classes()
	_, err := w.Write(c.Bytes())
	return err
}

type chart struct {
	bytes.Buffer
	*view.View
	open  func(int) bool
	drawn []int
}

func (c *chart) item(i int, indent string) {
	it := &c.Items[i]
	text := escape(it.Title)
	if it.Detail != "" {
		text += "<br>" + escape(it.Detail)
	}
	switch {
	case it.IsBox() && c.open(i):
		fmt.Fprintf(c, "%ssubgraph i%d[\"%s\"]\n", indent, i, escape(it.Title))
		for _, k := range it.Children {
			c.item(k, indent+"  ")
		}
		fmt.Fprintf(c, "%send\n", indent)
		return
	case it.IsBox():
		fmt.Fprintf(c, "%si%d[[\"%s\"]]\n", indent, i, text)
	case it.Ref != nil || it.Node.IsSource():
		fmt.Fprintf(c, "%si%d([\"%s\"])\n", indent, i, text)
	default:
		fmt.Fprintf(c, "%si%d[\"%s\"]\n", indent, i, text)
	}
	c.drawn = append(c.drawn, i)
}

// seen is the item as which i is drawn: the outermost closed box around it.
func (c *chart) seen(i int) int {
	at := i
	for p := c.Items[i].Parent; p >= 0; p = c.Items[p].Parent {
		if !c.open(p) {
			at = p
		}
	}
	return at
}

func (c *chart) edges() {
	done := map[string]bool{}
	for _, w := range c.Wires {
		for _, to := range w.To {
			from, to := c.seen(w.From), c.seen(to)
			if from == to {
				continue
			}
			edge := fmt.Sprintf("  i%d -->|\"%s\"| i%d\n", from, view.TypeText(w.Value.Type()), to)
			if !done[edge] {
				c.WriteString(edge)
			}
			done[edge] = true
		}
	}
}

func (c *chart) classes() {
	byKind, refs := map[view.Kind][]string{}, []string{}
	for _, i := range c.drawn {
		name := fmt.Sprintf("i%d", i)
		byKind[c.Items[i].Kind] = append(byKind[c.Items[i].Kind], name)
		if c.Items[i].Ref != nil {
			refs = append(refs, name)
		}
	}
	for k := view.Input; k <= view.Update; k++ {
		if names := byKind[k]; len(names) > 0 {
			fmt.Fprintf(c, "  classDef %s %s\n  class %s %s\n", k, styles[k], strings.Join(names, ","), k)
		}
	}
	if slices.Sort(refs); len(refs) > 0 {
		fmt.Fprintf(c, "  classDef ref stroke-dasharray:3 2\n  class %s ref\n", strings.Join(refs, ","))
	}
}

// escape writes what Mermaid would take for its own as entities.
func escape(s string) string {
	return strings.NewReplacer(`"`, "#quot;", "#", "#35;", "<", "#lt;", ">", "#gt;", "`", "#96;").Replace(s)
}
