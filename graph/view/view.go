package view

import (
	"cmp"
	"slices"
	"strings"

	"neocog/graph"
)

// A View is what a picture of a graph shows.
type View struct {
	Graph *graph.Graph
	Kinds []Kind // by node
	Items []Item // boxes stand before what is in them
	Wires []Wire
	Leaf  []int // by node: its item
}

// An Item is a node, a box, or a reference.
type Item struct {
	// Node is the node, or the one that a reference refers to; nil for a box.
	Node *graph.Node
	// Ref is the value that a reference stands for; nil for others.
	Ref *graph.Value
	// Target marks a reference to a parameter or buffer that a wire renews.
	Target bool
	Kind   Kind // of a box: Forward, Gradient or Update
	// Path is the whole name, such as "inception3a/5x5/conv" for a box and
	// "inception3a/5x5/conv/Conv2D" for a node in it.
	Path     string
	Parent   int   // the box that it lies in, -1 for none
	Children []int // of a box
	// Title and Detail are what stands on the item.
	Title, Detail string
}

// IsBox reports whether it is a box.
func (it *Item) IsBox() bool { return it.Node == nil }

// A Wire is a value with its readers, or, for an update, the new value of what a Target names.
type Wire struct {
	Value *graph.Value
	From  int
	To    []int
}

// New returns the view of a graph. A graph with mistakes is shown as far as it was built.
func New(g *graph.Graph) *View {
	b := &builder{
		View:  View{Graph: g, Kinds: Kinds(g), Leaf: make([]int, len(g.Nodes()))},
		boxes: map[string]int{"": -1}, refs: map[ref]int{}, wires: map[wire]int{},
	}
	b.parts()
	b.owners()
	for part := Forward; part <= Update && !b.whole; part++ { // in this order from left to right
		if slices.Contains(b.part, part) {
			b.box(part.String(), part)
		}
	}
	for _, n := range g.Nodes() {
		box := b.box(b.pathOf(n), b.part[n.Index()])
		sources := make([]int, len(n.Ins()))
		for i, v := range n.Ins() {
			sources[i] = b.source(v, n, box)
		}
		title, detail := Label(n)
		b.Leaf[n.Index()] = b.add(Item{Node: n, Kind: b.Kinds[n.Index()], Title: title, Detail: detail, Parent: box})
		for i, v := range n.Ins() {
			b.wire(v, sources[i], b.Leaf[n.Index()])
		}
	}
	for _, u := range g.Updates() {
		from := b.Leaf[u.Next.Node().Index()]
		p := u.Param.Node()
		to := b.add(Item{Node: p, Ref: u.Param, Target: true, Kind: b.Kinds[p.Index()], Title: "→ " + refersTo(u.Param), Parent: b.Items[from].Parent})
		b.wire(u.Next, from, to)
	}
	b.summarise()
	return &b.View
}

type builder struct {
	View
	part  []Kind   // by node: Forward, Gradient or Update
	whole bool     // all nodes are of one part
	owner []string // by node of the updates: the name of what it renews
	boxes map[string]int
	refs  map[ref]int
	wires map[wire]int
}

type ref struct {
	box int
	v   *graph.Value
}

type wire struct {
	from int
	v    *graph.Value
}

// parts decides the part of each node: its kind; a source is where it is read first.
func (b *builder) parts() {
	b.part = make([]Kind, len(b.Kinds))
	reader := make([]Kind, len(b.Kinds)) // 0: none
	for i, n := range slices.Backward(b.Graph.Nodes()) {
		switch k := b.Kinds[i]; {
		case k >= Forward:
			b.part[i] = k
		case k == Const && n.Origin != nil:
			b.part[i] = Gradient
		case k == Param || reader[i] == 0:
			b.part[i] = Forward
		default:
			b.part[i] = reader[i]
		}
		for _, v := range n.Ins() {
			if r := &reader[v.Node().Index()]; *r == 0 || b.part[i] < *r {
				*r = b.part[i]
			}
		}
	}
	b.whole = !slices.ContainsFunc(b.part, func(k Kind) bool { return k != b.part[0] })
}

// owners says what the nodes of an optimiser renew: the parameter rather than what the optimiser remembers of it.
func (b *builder) owners() {
	b.owner = make([]string, len(b.part))
	updates := slices.Clone(b.Graph.Updates())
	slices.SortStableFunc(updates, func(x, y graph.Update) int {
		return cmp.Compare(b.Kinds[x.Param.Node().Index()], b.Kinds[y.Param.Node().Index()])
	})
	for _, u := range updates {
		name := u.Param.Node().Op.(graph.ParamOp).Label
		for list := []*graph.Node{u.Next.Node()}; len(list) > 0; {
			n := list[len(list)-1]
			list = list[:len(list)-1]
			if i := n.Index(); b.part[i] == Update && b.owner[i] == "" && b.Kinds[i] != Input {
				b.owner[i] = name
				for _, v := range n.Ins() {
					list = append(list, v.Node())
				}
			}
		}
	}
}

// pathOf returns the path of the box that n lies in.
func (b *builder) pathOf(n *graph.Node) string {
	i := n.Index()
	path := ScopeOf(n)
	if b.owner[i] != "" && n.Scope == "" {
		path = b.owner[i]
	}
	if b.whole {
		return path
	}
	return join(b.part[i].String(), path)
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "/" + b
}

// box returns the box of that path, made if it is new, as are those around it.
func (b *builder) box(path string, part Kind) int {
	if i, ok := b.boxes[path]; ok {
		return i
	}
	outer, name := "", path
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		outer, name = path[:i], path[i+1:]
	}
	parent := b.box(outer, part)
	b.Items = append(b.Items, Item{Kind: part, Path: path, Title: name, Parent: parent})
	i := len(b.Items) - 1
	if parent >= 0 {
		b.Items[parent].Children = append(b.Items[parent].Children, i)
	}
	b.boxes[path] = i
	return i
}

// add appends a leaf.
func (b *builder) add(it Item) int {
	title, _ := Label(it.Node)
	it.Path = join(b.pathOf(it.Node), title)
	b.Items = append(b.Items, it)
	i := len(b.Items) - 1
	if it.Parent >= 0 {
		b.Items[it.Parent].Children = append(b.Items[it.Parent].Children, i)
	}
	return i
}

// source returns the item from which v comes to a reader in box: the node that makes it, or a reference.
func (b *builder) source(v *graph.Value, reader *graph.Node, box int) int {
	from := v.Node()
	leaf := b.Leaf[from.Index()]
	near := b.part[from.Index()] == b.part[reader.Index()]
	// All parameters read the learning rate, and constants may be shared by any nodes: no wires all over the place.
	shared := b.Kinds[from.Index()] == Const || b.part[from.Index()] == Update && from.IsSource()
	if near && (!shared || b.Items[leaf].Parent == box) {
		return leaf
	}
	r := ref{box, v}
	i, ok := b.refs[r]
	if !ok {
		title := refersTo(v)
		i = b.add(Item{Node: from, Ref: v, Kind: b.Kinds[from.Index()], Title: title, Parent: box})
		b.refs[r] = i
	}
	return i
}

func (b *builder) wire(v *graph.Value, from, to int) {
	k := wire{from, v}
	i, ok := b.wires[k]
	if !ok {
		i = len(b.Wires)
		b.wires[k] = i
		b.Wires = append(b.Wires, Wire{Value: v, From: from})
	}
	if !slices.Contains(b.Wires[i].To, to) {
		b.Wires[i].To = append(b.Wires[i].To, to)
	}
}
