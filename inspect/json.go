package inspect

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"

	"neocog/graph"
)

// Graph is a graph as GraphJSON writes it.
type Graph struct {
	Name    string   `json:"name"`
	Nodes   []Node   `json:"nodes"` // in topological order
	Inputs  []int    `json:"inputs"`
	Params  []int    `json:"params"`
	Buffers []int    `json:"buffers"`
	Updates []Update `json:"updates"`
}

// Node is one node. Values are named by their numbers, those of %7 in the text
// form; nodes by their place in the list.
type Node struct {
	ID int    `json:"id"` // place in the list
	Op string `json:"op"`
	// Attributes are those which are not zero: numbers, strings, booleans and lists
	// of them; numbers that are not finite are strings, "NaN", "+Inf" and "-Inf".
	// Param and Buffer have "name" and "init", Input has "name", Const has "values"
	// (at most 16 of them, else "base64" of their little-endian bytes).
	Attributes map[string]any `json:"attributes,omitempty"`
	Inputs     []int          `json:"inputs"`
	Outputs    []Value        `json:"outputs"`
	Scope      string         `json:"scope,omitempty"`
	// Origin is the forward node which a node of a gradient comes from.
	Origin *int `json:"origin,omitempty"`
	// Position is the user's line, as lenet.go:31.
	Position string `json:"position,omitempty"`
}

// Value is one result of a node.
type Value struct {
	ID    int    `json:"id"`
	DType string `json:"dtype"` // f32, f64, i32, i64 or bool
	Shape []int  `json:"shape"` // -1 is the symbolic batch
}

// Update says that after a run the parameter becomes the value next.
type Update struct {
	Param int `json:"param"`
	Next  int `json:"next"`
}

// GraphJSON returns g as one JSON object, of the form of Graph, with one node a
// line. The same graph gives the same bytes. A graph with mistakes is an error.
func GraphJSON(g *graph.Graph) ([]byte, error) {
	if g == nil {
		return nil, fmt.Errorf("the graph is nil")
	}
	if err := g.Err(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	var fault error
	put := func(v any) {
		text, err := json.Marshal(v)
		if n, ok := v.(Node); ok && err != nil {
			err = fmt.Errorf("node %d, %s: %w", n.ID, n.Op, err)
		}
		if err != nil && fault == nil {
			fault = err
		}
		b.Write(text)
	}
	b.WriteString(`{"name":`)
	put(g.Name())
	b.WriteString(`,"nodes":[`)
	for i, n := range g.Nodes() {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
		put(nodeOf(n))
	}
	updates := []Update{}
	for _, u := range g.Updates() {
		updates = append(updates, Update{u.Param.ID(), u.Next.ID()})
	}
	for _, part := range []struct {
		name  string
		value any
	}{{"inputs", ids(g.Inputs())}, {"params", ids(g.Params())}, {"buffers", ids(g.Buffers())}, {"updates", updates}} {
		if part.name == "inputs" {
			b.WriteString("\n]")
		}
		fmt.Fprintf(&b, ",\n%q:", part.name)
		put(part.value)
	}
	b.WriteString("}\n")
	if fault != nil {
		return nil, fault
	}
	return b.Bytes(), nil
}

func ids(vs []*graph.Value) []int {
	out := make([]int, len(vs))
	for i, v := range vs {
		out[i] = v.ID()
	}
	return out
}

func nodeOf(n *graph.Node) Node {
	d := Node{ID: n.Index(), Op: n.Op.Name(), Inputs: ids(n.Ins()), Scope: n.Scope, Position: n.Pos.String()}
	for _, v := range n.Outs() {
		d.Outputs = append(d.Outputs, Value{v.ID(), v.DType().String(), append([]int{}, v.Shape()...)})
	}
	if n.Origin != nil {
		origin := n.Origin.Index()
		d.Origin = &origin
	}
	switch op := n.Op.(type) {
	case graph.InputOp:
		d.Attributes = map[string]any{"name": op.Label}
	case graph.ParamOp:
		d.Attributes = map[string]any{"name": op.Label, "init": op.Init.String()}
	case graph.ConstOp:
		d.Attributes = constant(op, n.Out(0).Type())
	default:
		d.Attributes = attributes(op)
	}
	return d
}

// readable is how many elements of a constant are written as numbers.
const readable = 16

func constant(op graph.ConstOp, t graph.Type) map[string]any {
	n := t.Shape.Size()
	if n > readable {
		return map[string]any{"base64": base64.StdEncoding.EncodeToString([]byte(op.Data))}
	}
	values := make([]any, n)
	for i := range values {
		switch t.DType {
		case graph.Int64: // beyond 2^53 a float64 would round
			values[i] = int64(binary.LittleEndian.Uint64([]byte(op.Data[8*i:])))
		case graph.Bool:
			values[i] = op.At(t.DType, i) != 0
		default:
			values[i] = finite(op.At(t.DType, i))
		}
	}
	return map[string]any{"values": values}
}

// attributes returns the exported fields of op that are not zero, those of
// embedded structs among them, as graph.Attributes does.
func attributes(op graph.Op) map[string]any {
	v := reflect.ValueOf(op)
	if v.Kind() != reflect.Struct {
		return nil
	}
	out := map[string]any{}
	for _, f := range reflect.VisibleFields(v.Type()) {
		if x := v.FieldByIndex(f.Index); f.IsExported() && !f.Anonymous && !x.IsZero() {
			out[f.Name] = attribute(x)
		}
	}
	return out
}

func attribute(v reflect.Value) any {
	if l, ok := v.Interface().(graph.Dims); ok {
		return l.Slice()
	}
	switch {
	case v.CanFloat():
		return finite(v.Float())
	case v.Kind() == reflect.Array:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = attribute(v.Index(i))
		}
		return list
	}
	return v.Interface()
}

// finite returns v, or its name where JSON has no number for it.
func finite(v float64) any {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return v
}
