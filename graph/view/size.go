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

// Unfold returns which boxes to open so that not more than most items are seen, as far as that is possible: the outermost
// first, and those that lie side by side all or none, so that layers of one kind look alike. Of the outermost, forward
// is opened before the others.
func (v *View) Unfold(most int) func(item int) bool {
	open := make([]bool, len(v.Items))
	seen := 0
	boxes := func(items []int) (list []int) {
		for _, i := range items {
			if v.Items[i].IsBox() {
				list = append(list, i)
			}
		}
		return list
	}
	var outermost []int
	for i, it := range v.Items {
		if it.Parent < 0 {
			outermost = append(outermost, i)
		}
	}
	seen = len(outermost)
	var next [][]int // closed boxes that are seen, those of one box together
	for _, i := range boxes(outermost) {
		next = append(next, []int{i})
	}
	for ; len(next) > 0; next = next[1:] {
		more := 0
		for _, i := range next[0] {
			more += len(v.Items[i].Children) - 1
		}
		if seen+more > most {
			continue
		}
		seen += more
		for _, i := range next[0] {
			open[i] = true
			if inner := boxes(v.Items[i].Children); len(inner) > 0 {
				next = append(next, inner)
			}
		}
	}
	return func(i int) bool { return open[i] }
}
