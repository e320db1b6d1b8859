package ops

import (
	"testing"

	"neocog/graph"
)

// The mask of an element does not depend on where the work is cut, which run
// tries, nor on what else there is: the first ten of a long tensor are a short one's.
func TestDropoutMaskIsAFunctionOfTheElement(t *testing.T) {
	rng := of[int64](sh(2), 12345, 6)
	x := make([]float64, 1000)
	fill(x, 1)
	long, _ := run(t, dropout{0.5, 3}, f64(sh(1000), x...), rng)
	short, _ := run(t, dropout{0.5, 3}, f64(sh(10), x[:10]...), rng)
	same(t, "short", short[0], f64(sh(10), long[0].data.([]float64)[:10]...))
	narrow, _ := run(t, dropout{0.5, 3}, f32(sh(1000), make([]float32, 1000)...), rng)
	if narrow[0].t.DType != graph.Float32 {
		t.Errorf("type %v", narrow[0].t)
	}
}

func TestDropoutEdges(t *testing.T) {
	rng := of[int64](sh(2), -1, 1<<40)
	expect(t, dropout{0.5, 1}, f64(sh(0, 3)), f64(sh(0, 3)), rng)
	// A kept NaN stays, a dropped one is 0: both occur among 64.
	x := make([]float64, 64)
	fill(x, nan)
	got, _ := run(t, dropout{0.5, 1}, f64(sh(64), x...), rng)
	zeros, nans := 0, 0
	for _, v := range got[0].data.([]float64) {
		if v == 0 {
			zeros++
		}
		if v != v {
			nans++
		}
	}
	if zeros == 0 || nans == 0 || zeros+nans != 64 {
		t.Errorf("of 64 NaNs %d became 0 and %d stayed", zeros, nans)
	}
}

func TestDropoutsAreNumbered(t *testing.T) {
	g := graph.New("two")
	x, rng := in(g, "x", graph.Batch, 3), Random(g)
	a := Dropout(x, 0.5, rng)
	b := Dropout(a, 0.5, rng)
	if a.Node().Op != (dropout{0.5, 1}) || b.Node().Op != (dropout{0.5, 2}) {
		t.Errorf("the ops are %v and %v", a.Node().Op, b.Node().Op)
	}
	// A pass may drop nodes; the next number is new all the same.
	rebuilt, images := g.Rebuild([]*graph.Value{Exp(b)}, true, nil)
	if c := Dropout(images[b], 0.5, images[rng]); c.Node().Op != (dropout{0.5, 3}) {
		t.Errorf("the third op is %v in\n%v", c.Node().Op, rebuilt)
	}
	refuses(t, "rng is i64[3], want i64[2]: key and counter, as ops.Random gives", func(g *graph.Graph) {
		Dropout(in(g, "x", 4), 0.5, g.Input("rng", graph.Of(graph.Int64, 3)))
	})
	refuses(t, "p is 1, want at least 0 and less than 1", func(g *graph.Graph) { Dropout(in(g, "x", 4), 1, Random(g)) })
}

func TestCountersAreMadeOnce(t *testing.T) {
	g := graph.New("once")
	var a, b *graph.Value
	g.Scope("fc1", func() { a = Random(g) })
	g.Scope("fc2", func() { b = Random(g) })
	if a != b || g.Lookup("random") != a || len(g.Updates()) != 1 {
		t.Errorf("two random states in\n%v", g)
	}
	hasType(t, Step(g), "i64[]")
	refuses(t, `the name is taken by Input "step"`, func(g *graph.Graph) {
		in(g, "step", 3)
		Step(g)
	})
}
