package graph_test

import (
	"strings"
	"testing"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/ops"
)

// A loss that was never set, or an op that got no operand, is reported to a
// graph of its own; what used it swallowed the report, and training did nothing.
func TestMistakesElsewhereAreHeard(t *testing.T) {
	for name, use := range map[string]func(g *graph.Graph, w *graph.Value){
		"update by a gradient of nil": func(g *graph.Graph, w *graph.Value) {
			g.Update(w, ops.Sub(w, autodiff.Gradients(nil, w)[0]))
		},
		"update by nothing": func(g *graph.Graph, w *graph.Value) { g.Update(w, ops.Concat(0)) },
		"sum with nothing":  func(g *graph.Graph, w *graph.Value) { ops.Add(ops.L2(0.1), w) },
	} {
		g := graph.New("mine")
		w := g.Param("w", graph.Of(graph.Float32, 2), graph.Zeros())
		use(g, w)
		if err := g.Err(); err == nil || !strings.Contains(err.Error(), "ops_mistakes_test.go:") {
			t.Errorf("%s: error %v, want one with this file's line", name, err)
		}
	}
}

func TestSizesBeyondCountingAreRefused(t *testing.T) {
	const huge = int(^uint(0) >> 1)
	g := graph.New("huge")
	x := g.Input("x", graph.Of(graph.Float32, 5))
	if y := ops.SliceStep(x, 0, 0, 2, huge); !y.Shape().Equal(graph.Shape{1}) {
		t.Errorf("elements 0 of 0, 1 by a huge step: %v, want f32[1]", y.Type())
	}
	if err := g.Err(); err != nil {
		t.Error(err)
	}
	if ops.Pad(x, []int{huge}, []int{huge}, 0); g.Err() == nil {
		t.Error("padding that cannot be counted is accepted")
	}
}
