package graph_test

import (
	"strings"
	"testing"

	"neocog/graph"
)

// diamond is x, p → a, b → c; d hangs beside, q is stored but unused.
func diamond() (g *graph.Graph, x, p, a, b, c, d *graph.Value) {
	g = graph.New("diamond")
	x, p = g.Input("x", f32(graph.Batch, 2)), g.Param("p", f32(3), graph.Normal(0, 1))
	g.Buffer("q", f32(3), graph.Zeros())
	g.Scope("left", func() { a = graph.Apply(same{}, x) })
	g.Deriving(a.Node(), func() { b = graph.Apply(every{Int: 3}, x, p) })
	c = graph.Apply(same{}, a, b)
	d = graph.Apply(every{Int: 4}, p)
	return
}

func TestRebuildKeepsWhatIsNeeded(t *testing.T) {
	g, x, p, a, b, c, d := diamond()
	to, images := g.Rebuild([]*graph.Value{c}, true, nil)
	if err := to.Check(); err != nil {
		t.Fatal(err)
	}
	if len(to.Nodes()) != 5 || images[d] != nil || to.Lookup("q") != nil || to.Lookup("x") != images[x] || to.Lookup("p") != images[p] {
		t.Errorf("rebuilt as\n%v", to)
	}
	if to.Name() != g.Name() || len(to.Inputs()) != 1 || len(to.Params()) != 1 || len(to.Buffers()) != 0 {
		t.Errorf("name, inputs or parameters are wrong:\n%v", to)
	}
	if o := images[b].Node().Origin; o != images[a].Node() {
		t.Errorf("the origin is %v, want %v", o, images[a].Node())
	}
	for _, v := range []*graph.Value{x, p, a, b, c} {
		if w := images[v]; w.Graph() != to || w.Node().Op != v.Node().Op || w.Node().Scope != v.Node().Scope || w.Node().Pos.String() != v.Node().Pos.String() {
			t.Errorf("%v becomes %v", v.Node(), w.Node())
		}
	}
	if len(g.Nodes()) != 7 {
		t.Error("Rebuild changed the old graph")
	}
}

func TestRebuildFollowsUpdates(t *testing.T) {
	g, _, p, _, _, c, d := diamond()
	g.Update(p, d)
	to, images := g.Rebuild(nil, true, nil)
	if len(to.Nodes()) != 2 || len(to.Updates()) != 1 || to.Updates()[0] != (graph.Update{Param: images[p], Next: images[d]}) {
		t.Errorf("with updates:\n%v", to)
	}
	to, _ = g.Rebuild([]*graph.Value{c}, false, nil)
	if len(to.Nodes()) != 5 || len(to.Updates()) != 0 {
		t.Errorf("without updates:\n%v", to)
	}
	if err := to.Check(); err != nil {
		t.Error(err)
	}
}

// Nodes that a pass put in place of others once lost their origin, and with it
// the forward node in error messages.
func TestRebuildKeepsTheOriginOfReplacedNodes(t *testing.T) {
	g, _, _, a, b, c, _ := diamond()
	to, images := g.Rebuild([]*graph.Value{c}, true, func(to *graph.Graph, n *graph.Node, in []*graph.Value) []*graph.Value {
		if n.IsSource() {
			return nil
		}
		inner := graph.Apply(n.Op, in...) // two nodes for one
		return []*graph.Value{graph.Apply(every{Flag: true}, inner)}
	})
	if err := to.Check(); err != nil {
		t.Fatal(err)
	}
	if len(to.Nodes()) != 2+2*3 {
		t.Fatalf("rebuilt as\n%v", to)
	}
	outer := images[b].Node()
	inner := outer.In(0).Node()
	for _, n := range []*graph.Node{outer, inner} {
		if n.Origin != images[a].Node() || n.Scope != "left" || n.Pos.String() != b.Node().Pos.String() {
			t.Errorf("%v stands for %v", n, b.Node())
		}
	}
	if o := images[c].Node().Origin; o != nil {
		t.Errorf("%v has got an origin", images[c].Node())
	}
}

func TestRebuildDoesNotEditWhatHasAName(t *testing.T) {
	g, _, _, _, _, c, _ := diamond()
	g.Rebuild([]*graph.Value{c}, true, func(_ *graph.Graph, n *graph.Node, _ []*graph.Value) []*graph.Value {
		if strings.HasPrefix(n.Op.Name(), "Input") || strings.HasPrefix(n.Op.Name(), "Param") {
			t.Errorf("edit was called for %v", n)
		}
		return nil
	})
}
