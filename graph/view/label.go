package view

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"neocog/graph"
)

// Label returns what stands on a node: the op and its attributes, or the name of an input or parameter, or the value of
// a scalar.
func Label(n *graph.Node) (title, detail string) {
	switch op := n.Op.(type) {
	case graph.InputOp:
		return last(op.Label), ""
	case graph.ParamOp:
		return last(op.Label), ""
	case graph.ConstOp:
		if t := n.Out(0).Type(); t.Shape.Size() == 1 {
			return strconv.FormatFloat(op.At(t.DType, 0), 'g', 4, 64), ""
		}
		return "Const", ""
	}
	attrs := strings.TrimSuffix(strings.TrimPrefix(graph.Attributes(n.Op), "{"), "}")
	return n.Op.Name(), short(attrs, 30)
}

// refersTo is what stands on a reference to v: the whole name where it has one.
func refersTo(v *graph.Value) string {
	switch op := v.Node().Op.(type) {
	case graph.InputOp:
		return op.Label
	case graph.ParamOp:
		return op.Label
	case graph.ConstOp:
		title, _ := Label(v.Node())
		return title
	}
	return v.String() + " " + v.Node().Op.Name()
}

func last(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// short cuts s after n characters.
func short(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// TypeText returns a type as it stands on a wire: the shape, N for the batch, and the element type unless that is the
// usual one: N×6×28×28, i32 N, scalar.
func TypeText(t graph.Type) string {
	var dims []string
	for _, n := range t.Shape {
		if n == graph.Batch {
			dims = append(dims, "N")
		} else {
			dims = append(dims, strconv.Itoa(n))
		}
	}
	text := strings.Join(dims, "×")
	if text == "" {
		text = "scalar"
	}
	if t.DType != graph.Float32 {
		text = t.DType.String() + " " + text
	}
	return text
}

// summarise writes on each box what is in it.
func (b *builder) summarise() {
	type content struct {
		nodes  int
		params int64
		ops    []string
	}
	in := make([]content, len(b.Items))
	for i, it := range slices.Backward(b.Items) {
		c := &in[i]
		switch {
		case it.IsBox():
			b.Items[i].Detail = "1 node"
			if c.nodes != 1 {
				b.Items[i].Detail = fmt.Sprintf("%d nodes", c.nodes)
			}
			if len(c.ops) > 0 && len(c.ops) <= 2 {
				slices.Reverse(c.ops)
				b.Items[i].Detail = strings.Join(c.ops, " ")
				slices.Reverse(c.ops)
			}
			if c.params > 0 {
				b.Items[i].Detail += " · " + Count(c.params) + " parameters"
			}
		case it.Ref == nil:
			c.nodes = 1
			if it.Kind == Param {
				c.params = int64(it.Node.Out(0).Shape().Size())
			}
			if it.Kind >= Forward {
				c.ops = []string{it.Node.Op.Name()}
			}
		}
		if it.Parent >= 0 {
			p := &in[it.Parent]
			p.nodes += c.nodes
			p.params += c.params
			for _, op := range c.ops {
				if !slices.Contains(p.ops, op) {
					p.ops = append(p.ops, op)
				}
			}
		}
	}
}

// Count writes a number with at most four digits: 850, 2,416, 61.7 k, 25.6 M.
func Count(n int64) string {
	switch {
	case n < 1000:
		return strconv.FormatInt(n, 10)
	case n < 10_000:
		return fmt.Sprintf("%d,%03d", n/1000, n%1000)
	}
	f, unit := float64(n)/1000, "k"
	for _, u := range []string{"M", "G", "T"} {
		if f >= 999.95 {
			f, unit = f/1000, u
		}
	}
	return strconv.FormatFloat(f, 'g', 3, 64) + " " + unit
}
