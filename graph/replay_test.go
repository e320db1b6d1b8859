package graph_test

import (
	"testing"

	"neocog/graph"
)

// What occurs twice is computed twice: who comes after the second time reads its result, and what others know of the graph is
// the first.
func TestReplayComputesAgain(t *testing.T) {
	g, _, p, a, b, c, d := diamond()
	g.Update(p, graph.Apply(every{Int: 5}, p))
	next := g.Updates()[0].Next
	to, first, again := g.Replay([]*graph.Node{d.Node(), a.Node(), b.Node(), a.Node(), c.Node(), next.Node()})
	if err := to.Check(); err != nil {
		t.Fatal(err)
	}
	if got, want := len(to.Nodes()), len(g.Nodes())+1; got != want {
		t.Fatalf("%d nodes, want %d:\n%v", got, want, to)
	}
	second := first[c].Node().In(0)
	if second == first[a] || second.Node().Op != a.Node().Op || first[c].Node().In(1) != first[b] {
		t.Errorf("c reads %v and %v, want the second a and b:\n%v", second, first[c].Node().In(1), to)
	}
	if len(again) != 1 || again[second.Node()] != first[a].Node() {
		t.Errorf("computed again are %v, want a", again)
	}
	if u := to.Updates(); len(u) != 1 || u[0].Param != first[p] || u[0].Next != first[next] {
		t.Errorf("the updates are %v", u)
	}
	if first[d].Node().Index() > first[a].Node().Index() {
		t.Errorf("d comes after a:\n%v", to)
	}
	if to.Lookup("q") == nil || to.Lookup("x") != first[g.Lookup("x")] {
		t.Errorf("sources are missing:\n%v", to)
	}
	if second.Node().Scope != a.Node().Scope {
		t.Errorf("a is in scope %q the second time, want %q", second.Node().Scope, a.Node().Scope)
	}
}
