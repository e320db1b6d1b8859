package layout_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"neocog/graph/layout"
)

// random returns boxes within boxes, and wires that lead from earlier leaves to later ones. In a tidy one no wire
// enters a box of which it, or what follows from it, has come out.
func random(r *rand.Rand, leaves int, tidy bool) *layout.Graph {
	g := &layout.Graph{}
	var stack, all []int
	for len(all) < leaves {
		switch k := r.IntN(10); {
		case k < 2 && len(stack) < 4:
			g.Nodes = append(g.Nodes, layout.Node{Parent: top(stack), Size: layout.Size{W: 60 + 60*r.Float64(), H: 30}})
			stack = append(stack, len(g.Nodes)-1)
		case k < 4 && len(stack) > 0:
			// A box is not left before something is in it: it would be a leaf.
			if g.Nodes[len(g.Nodes)-1].Parent == top(stack) {
				stack = stack[:len(stack)-1]
			}
			continue
		}
		parent := top(stack)
		if !tidy && r.IntN(8) == 0 { // back into a box that was left
			if len(all) > 0 {
				parent = g.Nodes[all[r.IntN(len(all))]].Parent
			}
		}
		g.Nodes = append(g.Nodes, layout.Node{Parent: parent, Size: layout.Size{W: 20 + 100*r.Float64(), H: 18 + 20*r.Float64()}})
		all = append(all, len(g.Nodes)-1)
	}
	for i, n := range all[:len(all)-1] {
		for range r.IntN(3) {
			w := layout.Wire{From: n, Label: 40 * r.Float64()}
			for range 1 + r.IntN(3) {
				far := min(len(all)-1-i, 1+r.IntN(1+r.IntN(30)))
				w.To = append(w.To, all[i+far])
			}
			g.Wires = append(g.Wires, w)
		}
	}
	return g
}

func top(stack []int) int {
	if len(stack) == 0 {
		return -1
	}
	return stack[len(stack)-1]
}

func all(int) bool  { return true }
func none(int) bool { return false }

// overlap returns two nodes that share space though neither lies in the other, or a node outside its box.
func overlap(g *layout.Graph, d *layout.Drawing) string {
	byParent := map[int][]int{}
	for i, b := range d.Boxes {
		if !b.Shown {
			continue
		}
		p := g.Nodes[i].Parent
		byParent[p] = append(byParent[p], i)
		outer := layout.Box{Size: d.Size}
		if p >= 0 {
			outer = d.Boxes[p]
		}
		const eps = 1e-6
		if b.X < outer.X-eps || b.Y < outer.Y-eps || b.X+b.W > outer.X+outer.W+eps || b.Y+b.H > outer.Y+outer.H+eps {
			return fmt.Sprintf("node %d at %+v is not within its box %d at %+v", i, b, p, outer)
		}
	}
	for _, list := range byParent {
		for k, i := range list {
			for _, j := range list[:k] {
				a, b := d.Boxes[i], d.Boxes[j]
				if a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
					return fmt.Sprintf("nodes %d and %d overlap: %+v, %+v", i, j, a, b)
				}
			}
		}
	}
	return ""
}

// What holds for every drawing of every graph, with all boxes open, none, and some.
func TestDrawings(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		tidy := seed%3 > 0
		g := random(r, 2+r.IntN(60), tidy)
		l, err := layout.New(g)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		some := func(n int) bool { return (n*7+int(seed))%3 > 0 }
		for name, open := range map[string]func(int) bool{"all": all, "none": none, "some": some} {
			d := l.Place(open)
			if fault := overlap(g, d); fault != "" {
				t.Fatalf("seed %d, %s open: %s", seed, name, fault)
			}
			ups := 0
			for _, line := range d.Lines {
				const eps = 1e-9 // of the sums
				if line.A.Y > line.B.Y || line.From.Y > line.A.Y+eps || line.B.Y > line.To.Y+eps {
					t.Fatalf("seed %d, %s open: line %+v does not lead down", seed, name, line)
				}
				if line.Up {
					ups++
				}
			}
			if tidy && ups > 0 {
				t.Errorf("seed %d, %s open: %d lines lead up in a graph without circles", seed, name, ups)
			}
			if fault := broken(g, d); fault != "" {
				t.Fatalf("seed %d, %s open: %s", seed, name, fault)
			}
			again, _ := layout.New(g)
			if !reflect.DeepEqual(again.Place(open), d) {
				t.Fatalf("seed %d: the same graph is drawn in another way", seed)
			}
		}
	}
}

// broken follows each wire from where it begins, and returns one which does not reach all of its ends. Wires that lead
// up are left to the eye.
func broken(g *layout.Graph, d *layout.Drawing) string {
	visible := func(n int) int {
		at := n
		for p := n; p >= 0; p = g.Nodes[p].Parent {
			if !d.Boxes[p].Shown {
				at = g.Nodes[p].Parent
			}
		}
		return at
	}
	const eps = 1e-6
	near := func(a, b layout.Point) bool { return max(a.X-b.X, b.X-a.X, a.Y-b.Y, b.Y-a.Y) < eps }
	touches := func(n int, p layout.Point, y float64) bool {
		b := d.Boxes[n]
		return p.X >= b.X-eps && p.X <= b.X+b.W+eps && max(y-p.Y, p.Y-y) < eps
	}
	for w, wire := range g.Wires {
		var lines []layout.Line
		up := false
		for _, l := range d.Lines {
			if l.Wire == w {
				lines, up = append(lines, l), up || l.Up
			}
		}
		if up {
			continue
		}
		from := visible(wire.From)
		reached := make([]bool, len(lines))
		for again := true; again; {
			again = false
			for i, l := range lines {
				if reached[i] {
					continue
				}
				reached[i] = touches(from, l.From, d.Boxes[from].Y+d.Boxes[from].H)
				for j, m := range lines {
					reached[i] = reached[i] || reached[j] && near(m.To, l.From)
				}
				again = again || reached[i]
			}
		}
		for i, l := range lines {
			if !reached[i] {
				return fmt.Sprintf("wire %d: %+v begins nowhere", w, l)
			}
		}
		for _, to := range wire.To {
			n := visible(to)
			if n == from {
				continue
			}
			found := false
			for i, l := range lines {
				found = found || reached[i] && touches(n, l.To, d.Boxes[n].Y)
			}
			if !found {
				return fmt.Sprintf("wire %d does not reach node %d, drawn as %d", w, to, n)
			}
		}
	}
	return ""
}

// A chain is a straight line, and so is what jumps over a part of it.
func TestChainsAreStraight(t *testing.T) {
	g := &layout.Graph{}
	for i := range 8 {
		g.Nodes = append(g.Nodes, layout.Node{Parent: -1, Size: layout.Size{W: 40 + 10*float64(i%3), H: 20}})
		if i > 0 {
			g.Wires = append(g.Wires, layout.Wire{From: i - 1, To: []int{i}})
		}
	}
	g.Wires = append(g.Wires, layout.Wire{From: 1, To: []int{6}})
	l, err := layout.New(g)
	if err != nil {
		t.Fatal(err)
	}
	bent := 0
	for _, line := range l.Place(all).Lines {
		if line.A.X != line.B.X {
			bent++
		}
	}
	if bent > 4 { // the ends of the jump, and of the piece beside it where two wires meet one node
		t.Errorf("%d lines are bent, want 4 at most", bent)
	}
}

// A parameter stands beside the layer that reads it, not at the top of the picture.
func TestParametersStandBesideTheirLayer(t *testing.T) {
	g := &layout.Graph{Nodes: make([]layout.Node, 6)}
	for i := range g.Nodes {
		g.Nodes[i] = layout.Node{Parent: -1, Size: layout.Size{W: 40, H: 20}}
	}
	for i := 1; i < 5; i++ {
		g.Wires = append(g.Wires, layout.Wire{From: i - 1, To: []int{i}})
	}
	g.Wires = append(g.Wires, layout.Wire{From: 5, To: []int{4}})
	l, _ := layout.New(g)
	d := l.Place(all)
	if d.Boxes[5].Y != d.Boxes[3].Y {
		t.Errorf("the parameter stands at y %g, the layer above its own at %g", d.Boxes[5].Y, d.Boxes[3].Y)
	}
}

// Two boxes that feed each other cannot both lie below the other.
func TestCircleOfBoxes(t *testing.T) {
	size := layout.Size{W: 40, H: 20}
	g := &layout.Graph{
		Nodes: []layout.Node{{-1, size}, {0, size}, {-1, size}, {2, size}, {0, size}},
		Wires: []layout.Wire{{From: 1, To: []int{3}}, {From: 3, To: []int{4}}},
	}
	l, err := layout.New(g)
	if err != nil {
		t.Fatal(err)
	}
	for _, open := range []func(int) bool{all, none} {
		ups := 0
		for _, line := range l.Place(open).Lines {
			if line.Up {
				ups++
			}
		}
		if ups != 1 {
			t.Errorf("%d lines lead up, want 1", ups)
		}
	}
}

func TestMistakes(t *testing.T) {
	size := layout.Size{W: 1, H: 1}
	for want, g := range map[string]*layout.Graph{
		"node 0 lies in 1, want -1 or a node before it":    {Nodes: []layout.Node{{1, size}, {-1, size}}},
		"wire 0 ends at node 7, want 0 to 0":               {Nodes: []layout.Node{{-1, size}}, Wires: []layout.Wire{{From: 0, To: []int{7}}}},
		"wire 0 ends at node 0, which is a box, want a le": {Nodes: []layout.Node{{-1, size}, {0, size}}, Wires: []layout.Wire{{From: 1, To: []int{0}}}},
	} {
		if _, err := layout.New(g); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	l, err := layout.New(&layout.Graph{})
	if err != nil {
		t.Fatal(err)
	}
	if d := l.Place(all); len(d.Boxes) != 0 || len(d.Lines) != 0 {
		t.Errorf("nothing is drawn as %+v", d)
	}
}

func BenchmarkLayout(b *testing.B) {
	for _, leaves := range []int{100, 3000} {
		g := random(rand.New(rand.NewPCG(1, 1)), leaves, true)
		b.Run(fmt.Sprintf("leaves=%d/new", leaves), func(b *testing.B) {
			for b.Loop() {
				layout.New(g)
			}
		})
		l, _ := layout.New(g)
		b.Run(fmt.Sprintf("leaves=%d/place", leaves), func(b *testing.B) {
			for b.Loop() {
				l.Place(all)
			}
		})
	}
}
