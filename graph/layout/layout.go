package layout

import "fmt"

// A Graph is what is to be drawn. Nodes that are the parent of others are boxes; the others are leaves.
type Graph struct {
	Nodes []Node // boxes stand before what is in them
	Wires []Wire
}

// A Node is a leaf or a box.
type Node struct {
	Parent int  // index of the box that it lies in, -1 for none
	Size   Size // of the leaf, or of the box while it is closed
}

// A Size is a width and a height; the unit is that of all coordinates.
type Size struct{ W, H float64 }

// A Wire joins a leaf to others. What it carries is written where it begins.
type Wire struct {
	From  int   // a leaf
	To    []int // leaves
	Label float64
}

// Layers are the ranks of all boxes of a Graph.
type Layers struct {
	Graph *Graph
	// Levels[0] is what lies in no box, Levels[1+i] the inside of node i, nil for leaves.
	Levels []*Level
}

// A Level is the inside of one box.
type Level struct {
	Items []Item
	Ranks [][]int // indices of items, from left to right
	Segs  []Seg   // each from one rank to the next
}

// An Item takes a place in a rank.
type Item struct {
	Kind ItemKind
	// Of is the node of a Child, otherwise the wire.
	Of   int
	Rank int
	// Ins and Outs are the ends at the upper and the lower side, from left to right.
	Ins, Outs []End
	// Mid is which of Ins stands in the middle; between two of them it is a half.
	Mid float64
}

// An ItemKind says what an item is.
type ItemKind uint8

// Kinds of items.
const (
	Child   ItemKind = iota // a node of the box
	InPort                  // where a wire enters the box: always in the first rank
	OutPort                 // where a wire leaves it: always in the last rank
	Bend                    // where a wire passes through a rank
)

// An End is where segments of a wire meet an item.
type End struct {
	Wire int
	Up   bool // of a segment that is turned around
}

// A Seg is the piece of a wire between two ranks. From is above To, also if it is turned around: then it belongs to
// an edge that leads upwards.
type Seg struct {
	From, To int // items
	End
	// Loose says that it need not be straight: it comes from where nothing goes in, such as a parameter, and leads to
	// what reads something else too.
	Loose bool
}

// New returns the layers of g. The same graph always gives the same ones. It is an error if an index of g is out of
// range, a box stands after what is in it, or a wire ends at a box.
func New(g *Graph) (*Layers, error) {
	if err := g.check(); err != nil {
		return nil, err
	}
	l := &Layers{Graph: g, Levels: make([]*Level, len(g.Nodes)+1)}
	l.Levels[0] = &Level{}
	for _, n := range g.Nodes {
		if l.Levels[1+n.Parent] == nil {
			l.Levels[1+n.Parent] = &Level{}
		}
	}
	at := make([]int, len(g.Nodes)) // by node: its item
	for i, n := range g.Nodes {
		at[i] = l.Levels[1+n.Parent].add(Child, i)
	}
	edges := make([][]edge, len(l.Levels))
	for w := range g.Wires {
		l.wire(w, at, edges)
	}
	for i, v := range l.Levels {
		if v != nil {
			v.rank(edges[i])
			v.order()
		}
	}
	return l, nil
}

func (g *Graph) check() error {
	box := make([]bool, len(g.Nodes))
	for i, n := range g.Nodes {
		if n.Parent < -1 || n.Parent >= i {
			return fmt.Errorf("node %d lies in %d, want -1 or a node before it", i, n.Parent)
		}
		if n.Parent >= 0 {
			box[n.Parent] = true
		}
	}
	for i, w := range g.Wires {
		for _, n := range append([]int{w.From}, w.To...) {
			if n < 0 || n >= len(g.Nodes) {
				return fmt.Errorf("wire %d ends at node %d, want 0 to %d", i, n, len(g.Nodes)-1)
			}
			if box[n] {
				return fmt.Errorf("wire %d ends at node %d, which is a box, want a leaf", i, n)
			}
		}
	}
	return nil
}

func (v *Level) add(kind ItemKind, of int) int {
	v.Items = append(v.Items, Item{Kind: kind, Of: of})
	return len(v.Items) - 1
}

// An edge joins two items of a level.
type edge struct{ from, to, wire int }

// wire cuts a wire at the borders that it crosses: each level gets its edges.
func (l *Layers) wire(w int, at []int, edges [][]edge) {
	nodes, from := l.Graph.Nodes, l.Graph.Wires[w].From
	source := map[int]int{} // by level: the item from which w comes there
	for n := from; ; n = nodes[n].Parent {
		source[1+nodes[n].Parent] = at[n]
		if nodes[n].Parent < 0 {
			break
		}
	}
	type link struct{ level, to int }
	done := map[link]bool{}
	join := func(level, to int) bool {
		if done[link{level, to}] {
			return false
		}
		done[link{level, to}] = true
		edges[level] = append(edges[level], edge{source[level], to, w})
		return true
	}
	outs := map[int]int{} // by level: the port where w leaves
	for _, to := range l.Graph.Wires[w].To {
		if to == from {
			continue
		}
		// Upwards from the target to a level that the wire already is in.
		n := to
		for ; ; n = nodes[n].Parent {
			level := 1 + nodes[n].Parent
			_, in := source[level]
			if !in {
				source[level] = l.Levels[level].add(InPort, w)
			}
			if !join(level, at[n]) || in {
				break
			}
		}
		// Upwards from the source to the same level.
		for m := from; !encloses(nodes, nodes[m].Parent, n); m = nodes[m].Parent {
			level := 1 + nodes[m].Parent
			if _, ok := outs[level]; !ok {
				outs[level] = l.Levels[level].add(OutPort, w)
				join(level, outs[level])
			}
		}
	}
}

// encloses reports whether n lies in box, at any depth; -1 encloses all.
func encloses(nodes []Node, box, n int) bool {
	for ; n != box; n = nodes[n].Parent {
		if n < 0 {
			return false
		}
	}
	return true
}
