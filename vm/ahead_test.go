package vm_test

import (
	"context"
	"strings"
	"testing"

	"neocog/graph"
	"neocog/ops"
	"neocog/vm"
)

// Steps that one worker does alone, between others that all share, may fail or be stopped while the rest waits: the run ends with that error,
// nothing after it has run, and the next run is as good as the first.
func TestAWorkerThatIsAheadStopsTheOthers(t *testing.T) {
	g := graph.New("ahead")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch))
	wide := func(v *graph.Value) *graph.Value { // shared by all workers
		return ops.Tanh(ops.BroadcastTo(ops.Reshape(v, 1), 1<<17))
	}
	first := ops.Sum(wide(ops.Sum(x)), 0)
	checked := graph.Apply(refuse{2}, ops.Add(x, ops.Scale(first, 0)))
	last := ops.Sum(wide(ops.Sum(ops.Neg(ops.Exp(checked)))), 0)
	p := g.Param("p", graph.Of(graph.Float32), graph.Zeros())
	g.Update(p, last)
	for threads := 1; threads <= 3; threads++ {
		s := vm.NewState(1)
		m := start(t, g, s, []*graph.Value{last}, vm.Threads(threads))
		for round := range 50 {
			if _, err := m.Run(context.Background(), vm.Feeds{x: floats(0.5)}); err != nil {
				t.Fatalf("%d threads, round %d: %v", threads, round, err)
			}
			before, err := s.Get("p")
			if err != nil {
				t.Fatal(err)
			}
			_, err = m.Run(context.Background(), vm.Feeds{x: floats(3)})
			if err == nil || !strings.Contains(err.Error(), "element 0 is 3, above 2") {
				t.Fatalf("%d threads, round %d: error %v", threads, round, err)
			}
			if after, err := s.Get("p"); err != nil || after.Float32s()[0] != before.Float32s()[0] {
				t.Fatalf("%d threads, round %d: the parameter has changed, or %v", threads, round, err)
			}
			stopped, cancel := context.WithCancel(context.Background())
			cancel()
			if _, err := m.Run(stopped, vm.Feeds{x: floats(1)}); err == nil {
				t.Fatalf("%d threads, round %d: a stopped run has no error", threads, round)
			}
		}
	}
}
