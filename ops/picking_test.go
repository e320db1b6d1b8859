package ops

import (
	"testing"

	"neocog/graph"
)

func TestGather(t *testing.T) {
	x := f32(sh(3, 2), 1, 2, 3, 4, 5, 6)
	expect(t, gatherSlices{0}, f32(sh(2, 2, 2), 5, 6, 1, 2, 1, 2, 3, 4), x, of[int64](sh(2, 2), 2, 0, 0, 1))
	expect(t, gatherSlices{1}, f32(sh(3), 2, 4, 6), x, of[int32](sh(), 1))
	expect(t, gatherSlices{0}, of(sh(2), true, false), of(sh(2), false, true), of[int32](sh(2), 1, 0))
	expect(t, gatherGrad{0, 3}, f32(sh(3, 1), 4, 0, 2), of[int64](sh(3), 0, 2, 0), f32(sh(3, 1), 1, 2, 3))
	for _, bad := range []int64{-1, 3} {
		_, fault := run(t, gatherSlices{0}, x, of(sh(2), 0, bad))
		if want := map[int64]string{-1: "index -1 at element 1: want 0 to 2", 3: "index 3 at element 1: want 0 to 2"}[bad]; fault == nil || fault.Error() != want {
			t.Errorf("fault %v, want %q", fault, want)
		}
	}
	g := graph.New("batch")
	hasType(t, Gather(in(g, "x", 7, 4), g.Input("i", graph.Of(graph.Int64, graph.Batch, 5)), 0), "f32[N,5,4]")
	refuses(t, "indices are f32[2], want i32 or i64", func(g *graph.Graph) { Gather(in(g, "x", 3), in(g, "i", 2), 0) })
	refuses(t, "x f32[0,2] has no elements along axis 0 for indices i32[2] to name", func(g *graph.Graph) {
		Gather(in(g, "x", 0, 2), g.Input("i", graph.Of(graph.Int32, 2)), 0)
	})
	refuses(t, "axis 2 is out of range", func(g *graph.Graph) { Gather(in(g, "x", 3, 2), g.Input("i", graph.Of(graph.Int32, 2)), 2) })
}

// The examples of ONNX's GatherElements and ScatterElements.
func TestElements(t *testing.T) {
	expect(t, gatherElements{1}, f32(sh(2, 2), 1, 1, 4, 3), f32(sh(2, 2), 1, 2, 3, 4), of[int64](sh(2, 2), 0, 0, 1, 0))
	expect(t, gatherElements{0}, f32(sh(2, 3), 4, 8, 3, 7, 2, 3), f32(sh(3, 3), 1, 2, 3, 4, 5, 6, 7, 8, 9), of[int32](sh(2, 3), 1, 2, 0, 2, 0, 0))
	indices, updates := of[int64](sh(2, 3), 1, 0, 2, 0, 2, 1), f32(sh(2, 3), 1, 1.1, 1.2, 2, 2.1, 2.2)
	expect(t, scatterElements{Axis: 0}, f32(sh(3, 3), 2, 1.1, 0, 1, 0, 2.2, 0, 2.1, 1.2), f32(sh(3, 3), make([]float32, 9)...), indices, updates)
	x := f32(sh(1, 5), 1, 2, 3, 4, 5)
	expect(t, scatterElements{Axis: 1}, f32(sh(1, 5), 1, 1.1, 3, 2.1, 5), x, of[int64](sh(1, 2), 1, 3), f32(sh(1, 2), 1.1, 2.1))
	twice, both := of[int64](sh(1, 2), 1, 1), f32(sh(1, 2), 1.5, 2.25)
	expect(t, scatterElements{1, ScatterAdd}, f32(sh(1, 5), 1, 5.75, 3, 4, 5), x, twice, both)
	expect(t, scatterElements{Axis: 1}, f32(sh(1, 5), 1, 2.25, 3, 4, 5), x, twice, both)
	expect(t, scatterElements{0, ScatterAdd}, of[int64](sh(2), 7, 2), of[int64](sh(2), 1, 2), of[int32](sh(1), 0), of[int64](sh(1), 6))
	expect(t, scatterElements{1, ScatterMul}, f32(sh(1, 5), 1, 6.75, 3, 4, 5), x, twice, both)
	expect(t, scatterElements{1, ScatterMax}, f32(sh(1, 5), 1, 2.25, 3, 4, 5), x, twice, both)
	expect(t, scatterElements{1, ScatterMin}, f32(sh(1, 5), 1, 1.5, 3, 4, 5), x, twice, both)
	expect(t, scatterElements{0, ScatterMin}, of[int64](sh(2), -6, 2), of[int64](sh(2), 1, 2), of[int32](sh(1), 0), of[int64](sh(1), -6))
	for _, how := range []Scatter{ScatterMax, ScatterMin} {
		expect(t, scatterElements{0, how}, f64(sh(2), nan, nan), f64(sh(2), nan, 1), of[int32](sh(3), 0, 1, 1), f64(sh(3), 5, nan, 7))
	}
	_, fault := run(t, scatterElements{Axis: 1}, x, of[int32](sh(1, 2), 5, 0), both)
	if fault == nil || fault.Error() != "index 5 at element 0: want 0 to 4" {
		t.Errorf("fault %v", fault)
	}
	i := func(g *graph.Graph, shape ...int) *graph.Value { return g.Input("i", graph.Of(graph.Int64, shape...)) }
	refuses(t, "indices i64[2] have 1 dimensions, x f32[2,3] has 2", func(g *graph.Graph) { GatherElements(in(g, "x", 2, 3), i(g, 2), 0) })
	refuses(t, "indices i64[2,4] have extent 4 along axis 1, x f32[2,3] has 3, want at most that", func(g *graph.Graph) { GatherElements(in(g, "x", 2, 3), i(g, 2, 4), 0) })
	refuses(t, "updates are f32[2,1], want f32[2,3]: one for each index", func(g *graph.Graph) {
		ScatterElements(in(g, "x", 2, 3), i(g, 2, 3), in(g, "u", 2, 1), 0, ScatterAdd)
	})
	refuses(t, "there is no Scatter(9), want ops.ScatterReplace, Add, Mul, Max or Min", func(g *graph.Graph) {
		x := in(g, "x", 2)
		ScatterElements(x, i(g, 2), x, 0, 9)
	})
}

func TestTopKAndCumSum(t *testing.T) {
	x := f64(sh(2, 4), 1, nan, 3, 3, -1, inf, -inf, 0)
	got, _ := run(t, topK{K: 3, Axis: 1}, x)
	same(t, "TopK", got[0], f64(sh(2, 3), nan, 3, 3, inf, 0, -1))
	same(t, "TopK's indices", got[1], of[int32](sh(2, 3), 1, 2, 3, 1, 3, 0))
	got, _ = run(t, topK{K: 4, Axis: 1, Least: true}, x)
	same(t, "BottomK", got[0], f64(sh(2, 4), 1, 3, 3, nan, -inf, -1, 0, inf))
	same(t, "BottomK's indices", got[1], of[int32](sh(2, 4), 0, 2, 3, 1, 2, 0, 3, 1))
	got, _ = run(t, topK{K: 1, Axis: 0}, x)
	same(t, "TopK of columns", got[1], of[int32](sh(1, 4), 0, 0, 0, 0))
	refuses(t, "5 elements are asked for, x f32[2,4] has 4 along axis 1", func(g *graph.Graph) { TopK(in(g, "x", 2, 4), 5, -1) })
	refuses(t, "axis 0 of x f32[N,4] is the symbolic N, whose extent must be known to choose from", func(g *graph.Graph) { TopK(in(g, "x", graph.Batch, 4), 1, 0) })

	expect(t, cumSum{1, Cumulation{}}, f64(sh(2, 3), 1, 3, 6, 4, 9, 15), f64(sh(2, 3), 1, 2, 3, 4, 5, 6))
	expect(t, cumSum{0, Cumulation{Exclusive: true}}, f64(sh(2, 3), 0, 0, 0, 1, 2, 3), f64(sh(2, 3), 1, 2, 3, 4, 5, 6))
	expect(t, cumSum{1, Cumulation{Reverse: true}}, f64(sh(2, 3), 6, 5, 3, 15, 11, 6), f64(sh(2, 3), 1, 2, 3, 4, 5, 6))
	expect(t, cumSum{1, Cumulation{true, true}}, f64(sh(2, 3), 5, 3, 0, 11, 6, 0), f64(sh(2, 3), 1, 2, 3, 4, 5, 6))
	expect(t, cumSum{0, Cumulation{}}, f64(sh(0)), f64(sh(0)))
	refuses(t, "Prod: axis [0] of x f32[N,4] is the symbolic N", func(g *graph.Graph) { Prod(in(g, "x", graph.Batch, 4), 0) })
	refuses(t, "LogSumExp: the axes to reduce hold the symbolic N of x f32[N,4], which cannot be joined", func(g *graph.Graph) { LogSumExp(in(g, "x", graph.Batch, 4), 0, 1) })
	refuses(t, "LogSumExp: axis 3 is out of range", func(g *graph.Graph) { LogSumExp(in(g, "x", 2, 4), 3) })
}
