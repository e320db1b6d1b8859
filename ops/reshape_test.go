package ops

import (
	"testing"

	"neocog/graph"
)

func TestReshapeTypes(t *testing.T) {
	N := graph.Batch
	g := graph.New("types")
	x, s := in(g, "x", N, 3, 4), in(g, "s", 2, 6)
	hasType(t, Reshape(x, N, 12), "f32[N,12]")
	hasType(t, Reshape(x, 3, -1, 2, 2), "f32[3,N,2,2]")
	hasType(t, Reshape(s, 3, -1), "f32[3,4]")
	hasType(t, Reshape(s, 12), "f32[12]")
	hasType(t, Reshape(in(g, "one", 1, 1)), "f32[]")
	hasType(t, Flatten(x), "f32[N,12]")
	hasType(t, Flatten(in(g, "v", 5)), "f32[5,1]")
	if Reshape(x, N, 3, 4) != x {
		t.Error("a reshape to the same shape is not x itself")
	}
	refuses(t, "x [2,6] has 12 elements, the shape [5,2] wants 10", func(g *graph.Graph) { Reshape(in(g, "x", 2, 6), 5, 2) })
	refuses(t, "x [2,6] has 12 elements, which do not divide into the 5 of the other extents of [5,N]", func(g *graph.Graph) { Reshape(in(g, "x", 2, 6), 5, -1) })
	refuses(t, "leaves 2 extents open", func(g *graph.Graph) { Reshape(in(g, "x", 2, 6), -1, -1) })
	refuses(t, "x [N,6] has 6 elements for each N, the shape [N,5] wants 5", func(g *graph.Graph) { Reshape(in(g, "x", N, 6), -1, 5) })
	refuses(t, "x [N,6] has 1 symbolic axes N, the shape [6] has 0", func(g *graph.Graph) { Reshape(in(g, "x", N, 6), 6) })
	refuses(t, "negative extent -2", func(g *graph.Graph) { Reshape(in(g, "x", 4), -2, 2) })
	refuses(t, "the shape has 9 dimensions, the most is 8", func(g *graph.Graph) { Reshape(in(g, "x", 1), 1, 1, 1, 1, 1, 1, 1, 1, 1) })
	refuses(t, "x is a scalar", func(g *graph.Graph) { Flatten(in(g, "x")) })
	refuses(t, "only its first axis may be the symbolic N", func(g *graph.Graph) { Flatten(in(g, "x", 3, N)) })
}

func TestBroadcastToTypes(t *testing.T) {
	N := graph.Batch
	g := graph.New("types")
	hasType(t, BroadcastTo(in(g, "x", 3, 1), N, 3, 4), "f32[N,3,4]")
	hasType(t, Zeros(g, graph.Of(graph.Int64, N, 2)), "i64[N,2]")
	hasType(t, OnesLike(in(g, "y", N, 2)), "f32[N,2]")
	hasType(t, ZerosLike(in(g, "z")), "f32[]")
	refuses(t, "x has shape [3], which does not stretch to [4]", func(g *graph.Graph) { BroadcastTo(in(g, "x", 3), 4) })
	refuses(t, "which does not stretch to [1]", func(g *graph.Graph) { BroadcastTo(in(g, "x", 3), 1) })
	refuses(t, "which does not stretch to [5,3]", func(g *graph.Graph) { BroadcastTo(in(g, "x", N, 3), 5, 3) })
	refuses(t, "negative extent -2", func(g *graph.Graph) { BroadcastTo(in(g, "x", 1), -2) })
}

func TestBroadcastToValues(t *testing.T) {
	expect(t, broadcastTo{axes(2, 3)}, f32(sh(2, 3), 1, 2, 3, 1, 2, 3), f32(sh(3), 1, 2, 3))
	expect(t, broadcastTo{axes(2, 3)}, f32(sh(2, 3), 1, 1, 1, 2, 2, 2), f32(sh(2, 1), 1, 2))
	expect(t, broadcastTo{axes(2, 2)}, of(sh(2, 2), true, true, true, true), of(sh(), true))
	expect(t, broadcastTo{axes(2, 2, 2)}, of[int64](sh(2, 2, 2), 1, 1, 2, 2, 1, 1, 2, 2), of[int64](sh(2, 1), 1, 2))
	expect(t, broadcastTo{axes(0, 3)}, f32(sh(0, 3)), f32(sh(3), 1, 2, 3))
}
