package ops

import (
	"math"
	"testing"

	"neocog/graph"
)

func TestCastEdges(t *testing.T) {
	x64 := f64(sh(9), 1.9, -1.9, nan, inf, -inf, 3e9, -3e9, 2147483647.5, 0)
	expect(t, cast{graph.Int32}, of[int32](sh(9), 1, -1, 0, math.MaxInt32, math.MinInt32, math.MaxInt32, math.MinInt32, math.MaxInt32, 0), x64)
	expect(t, cast{graph.Int32}, of[int32](sh(2), math.MinInt32, math.MinInt32), f64(sh(2), -2147483648, -2147483648.5))
	expect(t, cast{graph.Int64}, of[int64](sh(6), 0, math.MaxInt64, math.MinInt64, math.MaxInt64, math.MinInt64, -3e9),
		f64(sh(6), nan, inf, -inf, 1<<63, -1<<63, -3e9))
	expect(t, cast{graph.Int64}, of[int64](sh(2), math.MaxInt64, 1<<62), f32(sh(2), 1<<63, 1<<62))
	expect(t, cast{graph.Float32}, f32(sh(3), float32(nan), float32(inf), 0.1), f64(sh(3), nan, 1e300, 0.1))
	expect(t, cast{graph.Float64}, f64(sh(2), -7, 1<<53), of[int64](sh(2), -7, 1<<53))
	expect(t, cast{graph.Int32}, of[int32](sh(2), 5, 0), of[int64](sh(2), 5, 1<<32))
	expect(t, cast{graph.Int64}, of[int64](sh(2), 5, math.MinInt32), of[int32](sh(2), 5, math.MinInt32))
	expect(t, cast{graph.Bool}, of(sh(4), false, true, true, false), f64(sh(4), 0, nan, -1, math.Copysign(0, -1)))
	expect(t, cast{graph.Bool}, of(sh(2), false, true), of[int64](sh(2), 0, 1<<32))
	expect(t, cast{graph.Float32}, f32(sh(2), 1, 0), of(sh(2), true, false))
	expect(t, cast{graph.Int64}, of[int64](sh(2), 1, 0), of(sh(2), true, false))
	expect(t, cast{graph.Bool}, of(sh(2), true, false), of(sh(2), true, false))
	expect(t, cast{graph.Int32}, of[int32](sh(0)), f64(sh(0)))
}

func TestCastTypes(t *testing.T) {
	g := graph.New("types")
	x := in(g, "x", graph.Batch, 3)
	hasType(t, Cast(x, graph.Int64), "i64[N,3]")
	hasType(t, Cast(Cast(x, graph.Bool), graph.Float64), "f64[N,3]")
	refuses(t, "the element type wanted is invalid", func(g *graph.Graph) { Cast(in(g, "x", 3), graph.Invalid) })
}
