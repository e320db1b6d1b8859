package svg

import (
	"bytes"
	_ "embed"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"neocog/graph"
	"neocog/graph/layout"
	"neocog/graph/view"
)

// Options say what a picture shows.
type Options struct {
	// Most is about how many items are seen at once: scopes are drawn as one node, inner ones first, until no more are.
	// 0 means 200, a negative number all.
	Most int
}

//go:embed style.css
var style string

// Style is the style sheet of the pictures: the colours of kinds of nodes, for light and dark screens.
func Style() string { return style }

// escape returns s as text of XML, which no control characters can be in.
func escape(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) // a builder takes everything
	return b.String()
}

// Write writes g as an SVG document that depends on nothing else. The same graph gives the same bytes.
func Write(w io.Writer, g *graph.Graph, o Options) error {
	if g == nil {
		return fmt.Errorf("the graph is nil")
	}
	v := view.New(g)
	l, err := v.Layout()
	if err != nil {
		return err
	}
	most := o.Most
	switch {
	case most == 0:
		most = 200
	case most < 0:
		most = math.MaxInt
	}
	d := l.Place(v.Unfold(most))
	p := &picture{view: v, drawing: d}
	p.put(`<svg xmlns="http://www.w3.org/2000/svg" width="%s" height="%s" viewBox="0 0 %[1]s %[2]s" role="img">`+"\n", num(d.Size.W), num(d.Size.H))
	p.put("<title>%s</title>\n<style>\n%s</style>\n", escape(g.Name()), style)
	p.put(`<rect class="paper" width="100%%" height="100%%"/>` + "\n")
	for i := range v.Items {
		if d.Boxes[i].Open {
			p.box(i)
		}
	}
	p.wires()
	for i := range v.Items {
		if d.Boxes[i].Shown && !d.Boxes[i].Open {
			p.node(i)
		}
	}
	p.put("</svg>\n")
	_, err = w.Write(p.Bytes())
	return err
}

type picture struct {
	bytes.Buffer
	view    *view.View
	drawing *layout.Drawing
}

func (p *picture) put(format string, args ...any) { fmt.Fprintf(p, format, args...) }

// num writes a coordinate to a tenth.
func num(x float64) string { return strconv.FormatFloat(math.Round(x*10)/10+0, 'f', -1, 64) }

func xy(q layout.Point) string { return num(q.X) + " " + num(q.Y) }

// box draws an open box: what lies in it comes later, on top.
func (p *picture) box(i int) {
	it, b := &p.view.Items[i], p.drawing.Boxes[i]
	class := "box"
	for at := it.Parent; at >= 0; at = p.view.Items[at].Parent {
		if class += " odd"; len(class) > 7 {
			class = "box"
		}
	}
	p.put(`<g class="%s"><title>%s</title>`, class, escape(it.Path+": "+it.Detail))
	p.put(`<rect x="%s" y="%s" width="%s" height="%s" rx="8"/>`, num(b.X), num(b.Y), num(b.W), num(b.H))
	p.put(`<text class="title" x="%s" y="%s">%s</text></g>`+"\n", num(b.X+10), num(b.Y+16), escape(it.Title))
}

// node draws a node, a reference, or a closed box.
func (p *picture) node(i int) {
	it, b := &p.view.Items[i], p.drawing.Boxes[i]
	class, round := it.Kind.String(), 4.0
	switch {
	case it.IsBox():
		class, round = class+" closed", 8
	case it.Ref != nil:
		class, round = class+" small ref", b.H/2
	case it.Node.IsSource():
		class, round = class+" small", b.H/2
	}
	p.put(`<g class="%s"`, class)
	if it.Ref == nil && it.Node != nil {
		p.put(` id="n%d"`, it.Node.Index())
	}
	p.put(`><title>%s</title>`, escape(Tip(it)))
	if it.IsBox() { // a second sheet behind it: there is more
		p.put(`<rect x="%s" y="%s" width="%s" height="%s" rx="%s"/>`, num(b.X+3), num(b.Y+3), num(b.W), num(b.H), num(round))
	}
	p.put(`<rect x="%s" y="%s" width="%s" height="%s" rx="%s"/>`, num(b.X), num(b.Y), num(b.W), num(b.H), num(round))
	if !it.IsBox() && it.Ref == nil {
		if c := view.Category(it.Node.Op); c != "" {
			p.put(`<path class="mark %s" d="M%s %sv%s"/>`, c, num(b.X+4), num(b.Y+6), num(b.H-12))
		}
	}
	y := b.Y + b.H/2 + 4
	if it.Detail != "" {
		y = b.Y + 16
		p.put(`<text class="detail" x="%s" y="%s">%s</text>`, num(b.X+b.W/2), num(b.Y+31), escape(it.Detail))
	}
	p.put(`<text class="title" x="%s" y="%s">%s</text></g>`+"\n", num(b.X+b.W/2), num(y), escape(it.Title))
}

// Tip is what a reader sees who points at an item.
func Tip(it *view.Item) string {
	if it.IsBox() {
		return it.Path + ": " + it.Detail
	}
	n := it.Node
	parts := []string{n.Op.Name()}
	if !n.IsSource() { // a constant's elements would fill the screen
		parts = append(parts, graph.Attributes(n.Op))
	}
	if it.Ref != nil {
		parts = append(parts, it.Ref.String(), "of", it.Path)
	} else {
		for _, v := range n.Outs() {
			parts = append(parts, v.String(), view.TypeText(v.Type()))
		}
	}
	if pos := n.Pos.String(); pos != "" {
		parts = append(parts, pos)
	}
	return strings.Join(strings.Fields(strings.Join(parts, " ")), " ")
}

// wires draws each wire as one path, with the heads of its arrows, and its type where it begins.
func (p *picture) wires() {
	type parts struct{ down, up, heads, labels strings.Builder }
	wires := make([]parts, len(p.view.Wires))
	for _, l := range p.drawing.Lines {
		w := &wires[l.Wire]
		path := &w.down
		if l.Up {
			path = &w.up
		}
		path.WriteString(Curve(l))
		if l.Arrow && !l.Up {
			fmt.Fprintf(&w.heads, "M%sl-3.5 -7h7z", xy(l.To))
		} else if l.Arrow {
			fmt.Fprintf(&w.heads, "M%sl-3.5 7h7z", xy(l.From))
		}
		if l.Label {
			text := view.TypeText(p.view.Wires[l.Wire].Value.Type())
			label := fmt.Sprintf(`<text class="type" x="%s" y="%s">%s</text>`+"\n", num(l.From.X+layout.Text), num(l.From.Y+11), escape(text))
			if !strings.Contains(w.labels.String(), label) { // several lines begin at one place
				w.labels.WriteString(label)
			}
		}
	}
	for i := range wires {
		for _, part := range []struct{ class, d string }{{"wire", wires[i].down.String()}, {"wire up", wires[i].up.String()}, {"arrow", wires[i].heads.String()}} {
			if part.d != "" {
				p.put(`<path class="%s" d="%s"/>`+"\n", part.class, part.d)
			}
		}
	}
	for i := range wires {
		p.WriteString(wires[i].labels.String())
	}
}

// Curve returns a line as the data of an SVG path.
func Curve(l layout.Line) string {
	if l.A.X == l.B.X {
		return "M" + xy(l.From) + "V" + num(l.To.Y)
	}
	mid := (l.A.Y + l.B.Y) / 2
	return fmt.Sprintf("M%sV%sC%s %s %s %s %sV%s", xy(l.From), num(l.A.Y), num(l.A.X), num(mid), num(l.B.X), num(mid), xy(l.B), num(l.To.Y))
}
