package ops

import (
	"math"
	"testing"

	"neocog/graph"
)

func TestComparisons(t *testing.T) {
	minus0 := math.Copysign(0, -1)
	a, b := f64(sh(6), 1, 2, 3, nan, 0, inf), f64(sh(6), 2, 2, 2, nan, minus0, inf)
	expect(t, equal{}, of(sh(6), false, true, false, false, true, true), a, b)
	expect(t, less{}, of(sh(6), true, false, false, false, false, false), a, b)
	expect(t, lessEqual{}, of(sh(6), true, true, false, false, true, true), a, b)
	column, row := of[int64](sh(2, 1), 1, 2), of[int64](sh(3), 1, 2, 3)
	expect(t, equal{}, of(sh(2, 3), true, false, false, false, true, false), column, row)
	expect(t, less{}, of(sh(2, 3), false, true, true, false, false, true), column, row)
	p, q := of(sh(4), false, false, true, true), of(sh(4), false, true, false, true)
	expect(t, and{}, of(sh(4), false, false, false, true), p, q)
	expect(t, or{}, of(sh(4), false, true, true, true), p, q)
	expect(t, xor{}, of(sh(4), false, true, true, false), p, q)
	expect(t, equal{}, of(sh(4), true, false, false, true), p, q)
	expect(t, not{}, of(sh(4), true, true, false, false), p)
	expect(t, and{}, of(sh(0), []bool{}...), of(sh(0), []bool{}...), of(sh(1), true))

	refuses(t, "Less: a has elements f32, b has i32, want the same; ops.Cast converts", func(g *graph.Graph) {
		Less(in(g, "a", 2), g.Input("b", graph.Of(graph.Int32, 2)))
	})
	refuses(t, "Less: the elements are bool, which have no order", func(g *graph.Graph) {
		x := g.Input("x", graph.Of(graph.Bool, 2))
		Greater(x, x)
	})
	refuses(t, "And: b is f32[2], want a tensor of bool", func(g *graph.Graph) { And(g.Input("a", graph.Of(graph.Bool, 2)), in(g, "b", 2)) })
	refuses(t, "Not: x is f32[2], want a tensor of bool", func(g *graph.Graph) { Not(in(g, "x", 2)) })
}

func TestExtremesAndPowers(t *testing.T) {
	a, b := f64(sh(5), 1, 3, nan, 2, -inf), f64(sh(5), 2, 1, 0, nan, 0)
	expect(t, maximum{}, f64(sh(5), 2, 3, nan, nan, 0), a, b)
	expect(t, minimum{}, f64(sh(5), 1, 1, nan, nan, -inf), a, b)
	expect(t, maximum{}, f32(sh(2, 2), 1, 2, 3, 3), f32(sh(2, 1), 1, 3), f32(sh(2), 0, 2))
	expect(t, minimum{}, of[int32](sh(3), -1, 0, 0), of[int32](sh(3), -1, 0, 5), of[int32](sh(), 0))

	x, e := f64(sh(9), 2, 2, 4, 0, nan, -2, -2, 0, 3), f64(sh(9), 10, -1, .5, 0, 0, 3, .5, -1, 2)
	expect(t, pow{}, f64(sh(9), 1024, .5, 2, 1, 1, -8, nan, inf, 9), x, e)
	expect(t, pow{}, f64(sh(2, 2), 2, 4, 3, 9), f64(sh(2, 1), 2, 3), f64(sh(2), 1, 2))
	refuses(t, "Pow: the elements are i32, want f32 or f64", func(g *graph.Graph) {
		x := g.Input("x", graph.Of(graph.Int32, 2))
		Pow(x, x)
	})
}

func TestWhere(t *testing.T) {
	c := of(sh(2, 1), true, false)
	expect(t, where{}, f32(sh(2, 3), 1, 1, 1, 10, 20, 30), c, f32(sh(), 1), f32(sh(3), 10, 20, 30))
	expect(t, where{}, f64(sh(2), 1, nan), of(sh(2), true, false), f64(sh(2), 1, 2), f64(sh(2), nan, nan))
	expect(t, where{}, of(sh(2), true, true), of(sh(2), true, false), of(sh(), true), of(sh(2), false, true))
	refuses(t, "Where: cond is f32[2], want a tensor of bool", func(g *graph.Graph) {
		x := in(g, "x", 2)
		Where(x, x, x)
	})
	refuses(t, "cond has shape [2], a and b meet in [3]: these do not broadcast", func(g *graph.Graph) {
		x := in(g, "x", 3)
		Where(g.Input("c", graph.Of(graph.Bool, 2)), x, x)
	})
	refuses(t, "a has elements f32, b has f64", func(g *graph.Graph) {
		Where(g.Input("c", graph.Of(graph.Bool, 2)), in(g, "a", 2), g.Input("b", graph.Of(graph.Float64, 2)))
	})
}
