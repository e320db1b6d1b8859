package view

import (
	"strings"

	"neocog/graph/layout"
)

// Sizes of letters, in the unit of coordinates.
const (
	TitleSize  = 12
	DetailSize = 10
	WireSize   = 9
)

// Width returns how wide s is at most in a sans-serif font of that size. Readers have different fonts; the widths are
// those of DejaVu Sans, the widest of the common ones, by classes of letters.
func Width(s string, size float64) float64 {
	w := 0.0
	for _, r := range s {
		switch {
		case strings.ContainsRune("ijlI.,:;|!'", r):
			w += 0.34
		case strings.ContainsRune(" ftr()[]/-\"", r):
			w += 0.42
		case strings.ContainsRune("mwMW@%…", r):
			w += 1
		case r >= 'A' && r <= 'Z' || r > 0x7f:
			w += 0.77
		default:
			w += 0.64
		}
	}
	return w * size
}

// Layout returns the layers of the view; its nodes are the items and its wires the wires of v, in the same order.
func (v *View) Layout() (*layout.Layers, error) {
	g := &layout.Graph{Nodes: make([]layout.Node, len(v.Items)), Wires: make([]layout.Wire, len(v.Wires))}
	for i, it := range v.Items {
		g.Nodes[i] = layout.Node{Parent: it.Parent, Size: size(&it)}
	}
	for i, w := range v.Wires {
		g.Wires[i] = layout.Wire{From: w.From, To: w.To, Label: Width(TypeText(w.Value.Type()), WireSize)}
	}
	return layout.New(g)
}

func size(it *Item) layout.Size {
	s := layout.Size{W: 22 + 1.08*Width(it.Title, TitleSize), H: 26} // titles are bold
	if it.Ref != nil || it.Node != nil && it.Node.IsSource() {
		s = layout.Size{W: 18 + Width(it.Title, DetailSize), H: 20}
	}
	if it.IsBox() {
		s.W += 14 // the sign that it can be opened
	}
	if it.Detail != "" {
		s.W, s.H = max(s.W, 20+Width(it.Detail, DetailSize)), 40
	}
	s.W = max(s.W, 34)
	return s
}

// Unfold returns which boxes to open so that not many more than most items are seen: the outermost first, as long as
// there is room, those with the fewest items before others.
func (v *View) Unfold(most int) func(item int) bool {
	open := make([]bool, len(v.Items))
	seen := 0
	var next []int // closed boxes that are seen
	for i, it := range v.Items {
		if it.Parent < 0 {
			seen++
			if it.IsBox() {
				next = append(next, i)
			}
		}
	}
	depth := func(i int) (d int) {
		for ; v.Items[i].Parent >= 0; i = v.Items[i].Parent {
			d++
		}
		return d
	}
	for len(next) > 0 {
		best := 0
		for k, i := range next {
			a, b := depth(i), depth(next[best])
			if a < b || a == b && len(v.Items[i].Children) < len(v.Items[next[best]].Children) {
				best = k
			}
		}
		i := next[best]
		next = append(next[:best], next[best+1:]...)
		if more := len(v.Items[i].Children); seen+more <= most {
			open[i] = true
			seen += more
			for _, c := range v.Items[i].Children {
				if v.Items[c].IsBox() {
					next = append(next, c)
				}
			}
		}
	}
	return func(i int) bool { return open[i] }
}
