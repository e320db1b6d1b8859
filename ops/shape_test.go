package ops

import (
	"testing"

	"neocog/graph"
)

func TestTranspose(t *testing.T) {
	x := f32(sh(2, 3), 1, 2, 3, 4, 5, 6)
	expect(t, transpose{axes(1, 0)}, f32(sh(3, 2), 1, 4, 2, 5, 3, 6), x)
	c := f64(sh(2, 3, 2), 0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121)
	expect(t, transpose{axes(0, 2, 1)}, f64(sh(2, 2, 3), 0, 10, 20, 1, 11, 21, 100, 110, 120, 101, 111, 121), c)
	expect(t, transpose{axes(2, 0, 1)}, f64(sh(2, 2, 3), 0, 10, 20, 100, 110, 120, 1, 11, 21, 101, 111, 121), c)
	expect(t, transpose{axes(1, 0)}, of(sh(2, 2), true, false, true, false), of(sh(2, 2), true, true, false, false))
	expect(t, transpose{axes(1, 0)}, of[int64](sh(0, 2)), of[int64](sh(2, 0)))

	N := graph.Batch
	g := graph.New("types")
	v := in(g, "x", N, 3, 4)
	hasType(t, Transpose(v), "f32[4,3,N]")
	hasType(t, Transpose(v, 1, -3, 2), "f32[3,N,4]")
	if Transpose(v, 0, 1, 2) != v {
		t.Error("the order as it is is not x itself")
	}
	refuses(t, "the order [0 1] has 2 axes, x f32[N,3,4] has 3", func(g *graph.Graph) { Transpose(in(g, "x", N, 3, 4), 0, 1) })
	refuses(t, "the order [0 0] has axis 0 twice", func(g *graph.Graph) { Transpose(in(g, "x", 3, 4), 0, -2) })
	refuses(t, "axis 2 is out of range", func(g *graph.Graph) { Transpose(in(g, "x", 3, 4), 0, 2) })
}

func TestConcat(t *testing.T) {
	a, b := f32(sh(2, 2), 1, 2, 3, 4), f32(sh(2, 1), 5, 6)
	expect(t, concat{1}, f32(sh(2, 3), 1, 2, 5, 3, 4, 6), a, b)
	expect(t, concat{1}, f32(sh(2, 5), 5, 1, 2, 1, 2, 6, 3, 4, 3, 4), b, a, a)
	expect(t, concat{0}, f32(sh(3, 2), 1, 2, 3, 4, 8, 9), a, f32(sh(1, 2), 8, 9))
	expect(t, concat{1}, f32(sh(2, 3), 1, 2, 5, 3, 4, 6), a, f32(sh(2, 0)), b)
	expect(t, concat{0}, of[int64](sh(2), 1, 2), of[int64](sh(0)), of[int64](sh(2), 1, 2))
	expect(t, concat{1}, f32(sh(2, 0)), f32(sh(2, 0)), f32(sh(2, 0)))
	expect(t, concat{0}, of(sh(2), true, false), of(sh(1), true), of(sh(1), false))

	N := graph.Batch
	g := graph.New("types")
	x := in(g, "x", N, 3, 4)
	hasType(t, Concat(-2, x, in(g, "y", N, 2, 4), x), "f32[N,8,4]")
	refuses(t, "operand 1 is f32[N,3]: axis 0 is the symbolic N", func(g *graph.Graph) {
		Concat(0, in(g, "x", 2, 3), in(g, "y", N, 3))
	})
	refuses(t, "operand 0 is f32[N,3], operand 1 is f32[5,3]: they may differ along axis 1 only", func(g *graph.Graph) {
		Concat(1, in(g, "x", N, 3), in(g, "y", 5, 3))
	})
	refuses(t, "operand 0 has 2 dimensions, operand 1 has 1", func(g *graph.Graph) { Concat(0, in(g, "x", 2, 3), in(g, "y", 2)) })
	refuses(t, "element types f32 and i32", func(g *graph.Graph) { Concat(0, in(g, "x", 2), g.Input("y", graph.Of(graph.Int32, 2))) })
	refuses(t, "axis 1 is out of range", func(g *graph.Graph) { Concat(1, in(g, "x", 2), in(g, "y", 2)) })
	if Concat(0).IsValid() {
		t.Error("the concatenation of nothing is valid")
	}
}

func TestSlice(t *testing.T) {
	x := f32(sh(2, 5), 0, 1, 2, 3, 4, 10, 11, 12, 13, 14)
	g := graph.New("slice")
	v := in(g, "x", 2, 5)
	op := func(y *graph.Value) graph.Op { return y.Node().Op }
	expect(t, op(Slice(v, 1, 1, 3)), f32(sh(2, 2), 1, 2, 11, 12), x)
	expect(t, op(Slice(v, -1, -2, 5)), f32(sh(2, 2), 3, 4, 13, 14), x)
	expect(t, op(Slice(v, 0, 1, 2)), f32(sh(1, 5), 10, 11, 12, 13, 14), x)
	expect(t, op(Slice(v, 1, 2, 2)), f32(sh(2, 0)), x)
	expect(t, op(SliceStep(v, 1, 0, 5, 2)), f32(sh(2, 3), 0, 2, 4, 10, 12, 14), x)
	expect(t, op(SliceStep(v, 1, 1, 5, 2)), f32(sh(2, 2), 1, 3, 11, 13), x)
	expect(t, op(SliceStep(v, 1, 1, 5, 9)), f32(sh(2, 1), 1, 11), x)
	expect(t, slice{Lo: axes(0, 1), Hi: axes(2, 4), Step: axes(1, 2)}, f32(sh(2, 2), 1, 3, 11, 13), x)
	if Slice(v, 1, 0, 5) != v || Slice(v, 0, -2, 2) != v {
		t.Error("all of x is not x itself")
	}
	N := graph.Batch
	hasType(t, Slice(in(g, "y", N, 5), 1, 0, 2), "f32[N,2]")
	if y := in(g, "z", N, 5); Slice(y, 1, 0, 5) != y {
		t.Error("all of a symbolic x is not x itself")
	}
	refuses(t, "elements 2 to 6 (excluded) of axis 1 are asked for, x f32[2,5] has 0 to 5 (excluded) there", func(g *graph.Graph) { Slice(in(g, "x", 2, 5), 1, 2, 6) })
	refuses(t, "elements 3 to 2 (excluded)", func(g *graph.Graph) { Slice(in(g, "x", 2, 5), 1, 3, 2) })
	refuses(t, "the step along axis 1 is 0", func(g *graph.Graph) { SliceStep(in(g, "x", 2, 5), 1, 2, 3, 0) })
	refuses(t, "axis 2 is out of range", func(g *graph.Graph) { Slice(in(g, "x", 2, 5), 2, 0, 1) })
	refuses(t, "axis 0 of x f32[N,5] is the symbolic N, which cannot be sliced", func(g *graph.Graph) { Slice(in(g, "x", N, 5), 0, 0, 1) })
}

func TestPad(t *testing.T) {
	x := f32(sh(2, 2), 1, 2, 3, 4)
	expect(t, pad{Lo: axes(0, 1), Hi: axes(0, 2)}, f32(sh(2, 5), 0, 1, 2, 0, 0, 0, 3, 4, 0, 0), x)
	expect(t, pad{Lo: axes(1, 0), Hi: axes(1, 0), Value: -1}, f32(sh(4, 2), -1, -1, 1, 2, 3, 4, -1, -1), x)
	expect(t, pad{Lo: axes(1, 1), Hi: axes(0, 0), Value: 7}, f32(sh(3, 3), 7, 7, 7, 7, 1, 2, 7, 3, 4), x)
	expect(t, pad{Lo: axes(0, 1), Hi: axes(0, 0), Between: axes(1, 2)}, f32(sh(3, 5), 0, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 3, 0, 0, 4), x)
	expect(t, pad{Lo: axes(0, 1), Hi: axes(0, 1), Value: 5}, f32(sh(2, 2), 5, 5, 5, 5), f32(sh(2, 0)))
	expect(t, pad{Lo: axes(1, 0), Hi: axes(0, 0), Value: 5}, f32(sh(1, 2), 5, 5), f32(sh(0, 2)))
	expect(t, pad{Lo: axes(1, 0), Hi: axes(1, 0), Between: axes(1, 0)}, f32(sh(5, 2), 0, 0, 1, 2, 0, 0, 3, 4, 0, 0), x)
	expect(t, pad{Lo: axes(1), Hi: axes(1), Value: inf}, f64(sh(3), inf, 2, inf), f64(sh(1), 2))
	expect(t, pad{Lo: axes(1), Hi: axes(0), Value: -9}, of[int64](sh(2), -9, 2), of[int64](sh(1), 2))
	expect(t, pad{Lo: axes(1), Hi: axes(0), Value: 3}, of[int32](sh(2), 3, 2), of[int32](sh(1), 2))
	expect(t, pad{Lo: axes(1), Hi: axes(0), Value: 1}, of(sh(2), true, false), of(sh(1), false))
	expect(t, pad{}, f32(sh(), 3), f32(sh(), 3))
	// images [1,2,1,2], padded around height and channels
	expect(t, pad{Lo: axes(0, 1, 1, 0), Hi: axes(0, 0, 0, 0)}, f32(sh(1, 3, 2, 2), 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 3, 4), f32(sh(1, 2, 1, 2), 1, 2, 3, 4))

	N := graph.Batch
	g := graph.New("types")
	v := in(g, "x", N, 3)
	hasType(t, Pad(v, []int{0, 1}, []int{0, 4}, 0), "f32[N,8]")
	if Pad(v, []int{0, 0}, []int{0, 0}, 9) != v {
		t.Error("no padding is not x itself")
	}
	refuses(t, "axis 0 of x f32[N,3] is the symbolic N, which cannot be padded", func(g *graph.Graph) { Pad(in(g, "x", N, 3), []int{1, 0}, []int{0, 0}, 0) })
	refuses(t, "the padding of axis 1 is 0, -1 and 0 between", func(g *graph.Graph) { Pad(in(g, "x", N, 3), []int{0, 0}, []int{0, -1}, 0) })
	refuses(t, "x f32[N,3] has 2 axes, the padding before and after is given for 1 and 2", func(g *graph.Graph) { Pad(in(g, "x", N, 3), []int{0}, []int{0, 0}, 0) })
	refuses(t, "the padding is 0.5, the elements of x i32[2] are whole numbers", func(g *graph.Graph) {
		Pad(g.Input("x", graph.Of(graph.Int32, 2)), []int{0}, []int{1}, .5)
	})
}

func TestFlattenAndReshapeAreViews(t *testing.T) {
	for _, op := range []graph.Op{flatten{}, reshape{axes(-1, 6)}} {
		got, _ := run(t, op, f32(sh(1, 2, 3), 1, 2, 3, 4, 5, 6))
		same(t, op.Name(), got[0], f32(sh(1, 6), 1, 2, 3, 4, 5, 6))
	}
}
