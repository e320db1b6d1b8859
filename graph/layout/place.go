package layout

import (
	"math"
	"slices"
)

// The distances of a drawing.
const (
	Gap    = 34 // between ranks
	Beside = 18 // between items of a rank
	Wires  = 10 // between a bend and what is beside it
	Margin = 12 // within the border of a box
	Title  = 22 // height of the title of an open box
	Text   = 4  // from a wire to its label
	EndGap = 14 // between the ends of wires at a node
	Row    = 40 // height of a rank of nodes, about
)

// A Point is a place; y grows downwards.
type Point struct{ X, Y float64 }

// A Drawing says where everything is. What lies in a closed box is not shown and has no place.
type Drawing struct {
	Size  Size
	Boxes []Box  // by node
	Lines []Line // in the order of the levels from outside inwards
}

// A Box is the place of a node: its upper left corner and its size.
type Box struct {
	Point
	Size
	Shown, Open bool
}

// A Line is a piece of a wire from one rank to the next.
type Line struct {
	Wire int
	// The line leads down from From to A, by a curve to B, and down to To. The first and the last part are within the
	// ranks.
	From, A, B, To Point
	Up             bool // it is to be read upwards
	Arrow          bool // it ends at a node or a closed box
	Label          bool // it begins at a node or a closed box: the label stands at From
}

// Place decides where everything lies if the boxes that open reports are open, and the others are closed.
func (l *Layers) Place(open func(node int) bool) *Drawing {
	if len(l.Graph.Nodes) == 0 {
		return &Drawing{Size: Size{2 * Margin, 2 * Margin}}
	}
	p := &placer{l, open, make([]*inside, len(l.Levels))}
	p.size(0)
	d := &Drawing{Size: p.of[0].Size, Boxes: make([]Box, len(l.Graph.Nodes))}
	p.draw(d, 0, Point{})
	return d
}

type placer struct {
	*Layers
	open func(int) bool
	of   []*inside // by level, for those that are open
}

// An inside is the places of the items of an open level, relative to its upper left corner.
type inside struct {
	Size
	x         []float64   // by item, of its centre
	half      []float64   // by item: half of the width that it wants, labels among it
	size      []Size      // by item
	ins, outs [][]float64 // by item and end: distance from its centre
	top       []float64   // by rank
	height    []float64   // by rank
	ports     [2]ends     // of the level itself: by wire, distance from its centre
}

type ends map[int]float64

func (p *placer) isOpen(node int) bool { return p.Levels[1+node] != nil && p.open(node) }

// size places the items of a level, after those of the open boxes in it.
func (p *placer) size(level int) {
	v := p.Levels[level]
	in := &inside{x: make([]float64, len(v.Items)), half: make([]float64, len(v.Items)), size: make([]Size, len(v.Items)),
		ins: make([][]float64, len(v.Items)), outs: make([][]float64, len(v.Items))}
	p.of[level] = in
	for i, it := range v.Items {
		p.measure(in, i, it)
	}
	y := 0.0
	if level == 0 {
		y = Margin
	} else if v.Items[v.Ranks[0][0]].Kind != InPort {
		y = Title + Margin/2
	}
	for r, rank := range v.Ranks {
		h := 0.0
		for _, i := range rank {
			h = max(h, in.size[i].H)
		}
		in.top, in.height = append(in.top, y), append(in.height, h)
		y += h
		if r < len(v.Ranks)-1 {
			y += Gap
		}
	}
	if end := v.Items[v.Ranks[len(v.Ranks)-1][0]].Kind; level == 0 || end != OutPort {
		y += Margin
	}
	a := &aligner{v: v, in: in}
	in.x = a.run()
	lo, hi := math.Inf(1), math.Inf(-1)
	for i := range v.Items {
		lo, hi = min(lo, in.x[i]-in.half[i]), max(hi, in.x[i]+in.half[i])
	}
	in.W, in.H = hi-lo+2*Margin, y
	shift := Margin - lo
	if level > 0 { // its title and the node that it is when it is closed have room
		if wider := p.Graph.Nodes[level-1].Size.W - in.W; wider > 0 {
			in.W += wider
			shift += wider / 2
		}
	}
	in.ports = [2]ends{{}, {}}
	for i, it := range v.Items {
		in.x[i] += shift
		switch it.Kind {
		case InPort:
			in.ports[0][it.Of] = in.x[i] - in.W/2
		case OutPort:
			in.ports[1][it.Of] = in.x[i] - in.W/2
		}
	}
}

// measure says how large an item is, and where its ends are.
func (p *placer) measure(in *inside, i int, it Item) {
	in.ins[i], in.outs[i] = make([]float64, len(it.Ins)), make([]float64, len(it.Outs))
	if it.Kind != Child {
		return
	}
	in.size[i] = p.Graph.Nodes[it.Of].Size
	label := 0.0 // the widest but the last
	for k, e := range it.Outs {
		if k < len(it.Outs)-1 {
			label = max(label, p.Graph.Wires[e.Wire].Label)
		}
	}
	step := EndGap + label
	var ports [2]ends
	if p.isOpen(it.Of) {
		p.size(1 + it.Of)
		in.size[i], ports = p.of[1+it.Of].Size, p.of[1+it.Of].ports
	} else {
		in.size[i].W = max(in.size[i].W, step*float64(len(it.Outs)))
	}
	in.half[i] = in.size[i].W / 2
	place := func(list []End, at []float64, mid, step float64, ports ends) {
		for k, e := range list {
			at[k] = (float64(k) - mid) * step
			if x, ok := ports[e.Wire]; ok && !e.Up {
				at[k] = x
			}
		}
	}
	most := max(it.Mid, float64(len(it.Ins)-1)-it.Mid) // ends on one side of the middle
	place(it.Ins, in.ins[i], it.Mid, min(EndGap, in.half[i]/(most+1)), ports[0])
	place(it.Outs, in.outs[i], float64(len(it.Outs)-1)/2, step, ports[1])
	for k, e := range it.Outs {
		if !p.isOpen(it.Of) {
			in.half[i] = max(in.half[i], in.outs[i][k]+Text+p.Graph.Wires[e.Wire].Label)
		}
	}
}

// draw writes down the places of a level whose upper left corner is at.
func (p *placer) draw(d *Drawing, level int, at Point) {
	v, in := p.Levels[level], p.of[level]
	// Nodes stand in the middle of their rank, unless that is high because of an open box: then they stand near its top,
	// and where wires only begin, near its bottom.
	top := func(i int) float64 {
		it := &v.Items[i]
		r := it.Rank
		y := in.top[r] + max(0, min(in.height[r], Row)-in.size[i].H)/2
		if it.Kind == Child && len(it.Ins) == 0 && len(it.Outs) > 0 && in.height[r] > Row {
			y = in.top[r] + in.height[r] - max(Row+in.size[i].H, 2*in.size[i].H)/2
		}
		return y
	}
	for i, it := range v.Items {
		if it.Kind == Child {
			open := p.isOpen(it.Of)
			d.Boxes[it.Of] = Box{Point{at.X + in.x[i] - in.size[i].W/2, at.Y + top(i)}, in.size[i], true, open}
		}
	}
	for _, s := range v.Segs {
		a, b := v.Items[s.From], v.Items[s.To]
		x0 := at.X + in.x[s.From] + in.outs[s.From][slices.Index(a.Outs, s.End)]
		x1 := at.X + in.x[s.To] + in.ins[s.To][slices.Index(b.Ins, s.End)]
		bottom := in.top[a.Rank] + in.height[a.Rank]
		line := Line{Wire: s.Wire, Up: s.Up,
			From: Point{x0, at.Y + top(s.From) + in.size[s.From].H}, A: Point{x0, at.Y + bottom},
			B: Point{x1, at.Y + in.top[b.Rank]}, To: Point{x1, at.Y + top(s.To)}}
		first, end := a, b
		if s.Up {
			first, end = b, a
		}
		line.Label = first.Kind == Child && !p.isOpen(first.Of) && !s.Up
		line.Arrow = end.Kind == Child && !p.isOpen(end.Of)
		d.Lines = append(d.Lines, line)
	}
	for _, it := range v.Items {
		if it.Kind == Child && p.isOpen(it.Of) {
			b := d.Boxes[it.Of]
			p.draw(d, 1+it.Of, b.Point)
		}
	}
}
