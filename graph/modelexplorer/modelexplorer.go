package modelexplorer

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"neocog/graph"
	"neocog/graph/view"
)

// A Graph is a graph in the form of Model Explorer; a file holds a list of them.
type Graph struct {
	ID    string `json:"id"`
	Nodes []Node `json:"nodes"`
	// GroupAttributes are those of scopes, by namespace.
	GroupAttributes map[string]map[string]string `json:"groupNodeAttributes,omitempty"`
}

// A Node is one node.
type Node struct {
	ID        string     `json:"id"` // its place in the list of nodes
	Label     string     `json:"label"`
	Namespace string     `json:"namespace"` // the scope, such as block1/conv2
	Attrs     []KeyValue `json:"attrs,omitempty"`
	Incoming  []Edge     `json:"incomingEdges,omitempty"`
	Outputs   []Metadata `json:"outputsMetadata,omitempty"`
	Style     *Style     `json:"style,omitempty"`
}

// A KeyValue is an attribute.
type KeyValue struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// An Edge says where an input comes from.
type Edge struct {
	Source       string `json:"sourceNodeId"`
	SourceOutput string `json:"sourceNodeOutputId"`
	TargetInput  string `json:"targetNodeInputId"`
}

// Metadata describes an output.
type Metadata struct {
	ID    string     `json:"id"`
	Attrs []KeyValue `json:"attrs"`
}

// A Style is the colours of a node.
type Style struct {
	Background string `json:"backgroundColor"`
	Border     string `json:"borderColor"`
}

// styles are the colours of what is not of the forward pass.
var styles = map[view.Kind]*Style{
	view.Input:    {"#dbeafe", "#1d5fbf"},
	view.Param:    {"#fff3cd", "#a87400"},
	view.Buffer:   {"#eceff2", "#6b7480"},
	view.Gradient: {"#fde4e4", "#c5362f"},
	view.Update:   {"#eee5fb", "#7443b5"},
}

// Write writes g. Wires that package view draws as references are edges here, since Model Explorer finds room for them;
// an update is an attribute of the node that makes the new value. The same graph gives the same bytes.
func Write(w io.Writer, g *graph.Graph) error {
	if g == nil {
		return fmt.Errorf("the graph is nil")
	}
	v := view.New(g)
	out := Graph{ID: g.Name(), GroupAttributes: map[string]map[string]string{}}
	renews := map[*graph.Node]string{}
	for _, u := range g.Updates() {
		renews[u.Next.Node()] = u.Param.Node().Op.(graph.ParamOp).Label
	}
	for i, n := range g.Nodes() {
		it := &v.Items[v.Leaf[i]]
		d := Node{ID: strconv.Itoa(i), Label: it.Title, Style: styles[it.Kind]}
		if it.Parent >= 0 {
			d.Namespace = v.Items[it.Parent].Path
		}
		add := func(key, value string) {
			if value != "" {
				d.Attrs = append(d.Attrs, KeyValue{key, value})
			}
		}
		add("kind", it.Kind.String())
		if p, ok := n.Op.(graph.ParamOp); ok {
			add("init", p.Init.String())
		} else if !n.IsSource() {
			add("attributes", strings.Trim(graph.Attributes(n.Op), "{}"))
		}
		if n.Origin != nil {
			add("gradient of", n.Origin.Out(0).String()+" "+n.Origin.Op.Name())
		}
		add("renews", renews[n])
		add("line", n.Pos.String())
		for k, in := range n.Ins() {
			d.Incoming = append(d.Incoming, Edge{strconv.Itoa(in.Node().Index()), strconv.Itoa(in.Index()), strconv.Itoa(k)})
		}
		for k, o := range n.Outs() {
			d.Outputs = append(d.Outputs, Metadata{strconv.Itoa(k), []KeyValue{
				{"tensor_shape", o.Type().String()}, {"value", o.String()},
			}})
		}
		out.Nodes = append(out.Nodes, d)
	}
	for i := range v.Items {
		if it := &v.Items[i]; it.IsBox() {
			out.GroupAttributes[it.Path] = map[string]string{"contents": it.Detail}
		}
	}
	text, err := json.MarshalIndent([]Graph{out}, "", " ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}
