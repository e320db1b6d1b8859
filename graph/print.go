package graph

import (
	"encoding/base64"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// String returns the graph's text form, one node a line:
//
//	graph "lenet"
//	%0 = Input "x"                      f32[N,1,28,28]
//	%1 = Param "conv1/w" normal(0,0.2)  f32[6,1,5,5]    "conv1" lenet.go:21
//	%2 = Conv2D{Pad:[2 2 2 2]} %0 %1    f32[N,6,28,28]  "conv1" lenet.go:21
//	%3 = ReLU %2                        f32[N,6,28,28]  "conv1" lenet.go:22
//	%9 = ReLUGrad %3 %8                 f32[N,6,28,28]  ∂%3 "conv1" lenet.go:22
//	update %1 = %12
//
// A line gives the results, the op with those of its attributes that are not
// zero, the inputs, the types of the results, the forward node that a gradient
// node derives from, the scope and the user's line. Parse reads it back.
func (g *Graph) String() string {
	var b strings.Builder
	g.Print(&b)
	return b.String()
}

// Print writes the text form to w.
func (g *Graph) Print(w io.Writer) error {
	rows := make([][3]string, len(g.nodes))
	var width [2]int
	for i, n := range g.nodes {
		rows[i] = [3]string{n.equation(), n.types(), n.remarks()}
		for c := range width {
			// A few long lines, such as constants, must not push all others out of sight.
			if l := utf8.RuneCountInString(rows[i][c]); l <= 64 {
				width[c] = max(width[c], l)
			}
		}
	}
	if _, err := fmt.Fprintf(w, "graph %q\n", g.name); err != nil {
		return err
	}
	for _, r := range rows {
		line := pad(r[0], width[0]) + "  " + r[1]
		if r[2] != "" {
			line = pad(r[0], width[0]) + "  " + pad(r[1], width[1]) + "  " + r[2]
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	for _, u := range g.updates {
		if _, err := fmt.Fprintf(w, "update %v = %v\n", u.Param, u.Next); err != nil {
			return err
		}
	}
	return nil
}

// String returns the node's line of the text form.
func (n *Node) String() string {
	s := n.equation() + "  " + n.types()
	if r := n.remarks(); r != "" {
		s += "  " + r
	}
	return s
}

func (n *Node) equation() string {
	var b strings.Builder
	for i, v := range n.out {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(v.String())
	}
	b.WriteString(" = " + n.Op.Name())
	switch op := n.Op.(type) {
	case InputOp:
		b.WriteString(" " + strconv.Quote(op.Label))
	case ParamOp:
		b.WriteString(" " + strconv.Quote(op.Label) + " " + op.Init.String())
	case ConstOp:
		if len(n.out) == 1 {
			b.WriteString(" " + formatConst(op, n.out[0].typ))
		}
	default:
		b.WriteString(Attributes(n.Op))
	}
	for _, v := range n.in {
		b.WriteString(" " + v.String())
	}
	return b.String()
}

func (n *Node) types() string {
	parts := make([]string, len(n.out))
	for i, v := range n.out {
		parts[i] = v.typ.String()
	}
	return strings.Join(parts, " ")
}

func (n *Node) remarks() string {
	var parts []string
	if n.Origin != nil && len(n.Origin.out) > 0 {
		parts = append(parts, "∂"+n.Origin.out[0].String())
	}
	if n.Scope != "" {
		parts = append(parts, strconv.Quote(n.Scope))
	}
	if p := n.Pos.String(); p != "" {
		if n.Scope == "" && (strings.HasPrefix(p, `"`) || strings.HasPrefix(p, "∂")) {
			parts = append(parts, `""`) // or the place would be taken for a scope
		}
		parts = append(parts, p)
	}
	return strings.Join(parts, " ")
}

// readable is how many elements of a constant are printed as numbers; longer
// ones are printed as base64 of their bytes, and so are those which numbers
// would not give to the bit: NaNs with a payload.
const readable = 16

func formatConst(op ConstOp, t Type) string {
	if n := t.Shape.Size(); n >= 0 && n <= readable && t.Bytes() == len(op.Data) {
		s := formatElements(op, t)
		if data, err := parseConst(s, t); err == nil && data == op.Data {
			return s
		}
	}
	return "base64(" + base64.StdEncoding.EncodeToString([]byte(op.Data)) + ")"
}

func formatElements(op ConstOp, t Type) string {
	parts := make([]string, t.Shape.Size())
	for i := range parts {
		if t.DType.IsInt() {
			parts[i] = strconv.FormatInt(op.intAt(t.DType, i), 10)
		} else {
			parts[i] = strconv.FormatFloat(op.At(t.DType, i), 'g', -1, floatBits(t.DType))
		}
	}
	return "(" + strings.Join(parts, " ") + ")"
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}
