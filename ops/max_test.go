package ops

import (
	"testing"

	"neocog/graph"
)

func TestMaxValues(t *testing.T) {
	x := f64(sh(2, 3, 2), 1, 8, 7, 2, 3, 4, 5, 6, 9, -1, -2, 0)
	for _, c := range []struct {
		name  string
		axes  []int
		shape graph.Shape
		y     []float64
		index []int32
	}{
		{"all", nil, sh(), []float64{9}, []int32{8}},
		{"first", []int{0}, sh(3, 2), []float64{5, 8, 9, 2, 3, 4}, []int32{1, 0, 1, 0, 0, 0}},
		{"middle", []int{1}, sh(2, 2), []float64{7, 8, 9, 6}, []int32{1, 0, 1, 0}},
		{"last", []int{2}, sh(2, 3), []float64{8, 7, 4, 6, 9, 0}, []int32{1, 0, 1, 1, 0, 1}},
		{"but the middle", []int{0, 2}, sh(3), []float64{8, 9, 4}, []int32{1, 2, 1}},
		{"but the last", []int{0, 1}, sh(2), []float64{9, 8}, []int32{4, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, _ := run(t, reduceMax{axes(c.axes...)}, x)
			same(t, "y", got[0], f64(c.shape, c.y...))
			same(t, "index", got[1], of(c.shape, c.index...))
			picked, _ := run(t, maxPick{axes(c.axes...)}, x, got[1])
			same(t, "picked", picked[0], got[0])
			// The gradient of Max, given y, has y where x has its greatest elements.
			dx, _ := run(t, maxGrad{axes(2, 3, 2), axes(c.axes...)}, got[1], got[0])
			hits := 0
			for i, v := range dx[0].data.([]float64) {
				if v != 0 && v != x.data.([]float64)[i] {
					t.Errorf("dx[%d] is %v, x is %v", i, v, x.data.([]float64)[i])
				}
				if v != 0 {
					hits++
				}
			}
			want := 0
			for _, v := range c.y {
				if v != 0 {
					want++
				}
			}
			if hits != want {
				t.Errorf("dx has %d elements, want %d", hits, want)
			}
		})
	}
}

func TestMaxEdges(t *testing.T) {
	both := func(name string, x, y, index tensor, a ...int) {
		t.Helper()
		got, _ := run(t, reduceMax{axes(a...)}, x)
		same(t, name, got[0], y)
		same(t, name+" index", got[1], index)
	}
	both("ties", f64(sh(2, 3), 1, 2, 2, 5, 5, 5), f64(sh(2), 2, 5), of[int32](sh(2), 1, 0), 1)
	both("ties of columns", f64(sh(3, 2), 1, 5, 2, 5, 2, 5), f64(sh(2), 2, 5), of[int32](sh(2), 1, 0), 0)
	both("nan", f64(sh(2, 3), 1, nan, nan, nan, inf, 5), f64(sh(2), nan, nan), of[int32](sh(2), 1, 0), 1)
	both("-inf", f64(sh(2, 2), -inf, -inf, -inf, -1), f64(sh(2), -inf, -1), of[int32](sh(2), 0, 1), 1)
	both("of nothing", f64(sh(2, 0)), f64(sh(2), -inf, -inf), of[int32](sh(2), -1, -1), 1)
	both("nothing", f64(sh(0, 2)), f64(sh(0)), of[int32](sh(0)), 1)
	both("scalar", f64(sh(), 3), f64(sh(), 3), of[int32](sh(), 0))
	expect(t, maxGrad{axes(2, 0), axes(1)}, f64(sh(2, 0)), of[int32](sh(2), -1, -1), f64(sh(2), 1, 1))
	expect(t, maxPick{axes(1)}, f64(sh(2), 0, 0), f64(sh(2, 0)), of[int32](sh(2), -1, -1))
	if _, fault := run(t, maxPick{axes(1)}, f64(sh(1, 2), 1, 2), of[int32](sh(1), 2)); fault == nil || fault.Error() != "index 2 at element 0: want 0 to 1" {
		t.Errorf("fault %v", fault)
	}
}

func TestMaxTypes(t *testing.T) {
	N := graph.Batch
	g := graph.New("types")
	x := in(g, "x", N, 3, 4)
	hasType(t, Max(x), "f32[]")
	hasType(t, Max(x, -1), "f32[N,3]")
	hasType(t, MaxKeep(x, 1), "f32[N,1,4]")
	hasType(t, ArgMax(x, 1), "i32[N,4]")
	refuses(t, "axis 3 is out of range", func(g *graph.Graph) { ArgMax(in(g, "x", N, 3, 4), 3) })
	index, dy := graph.Of(graph.Int32, 2), graph.Of(graph.Float32, 2)
	for _, c := range []struct {
		op   maxGrad
		in   []graph.Type
		want string
	}{
		{maxGrad{axes(2, 3), axes(0)}, []graph.Type{index, dy}, "index is i32[2], want i32[3]"},
		{maxGrad{axes(2, 3), axes(1)}, []graph.Type{index, graph.Of(graph.Float32, 3)}, "dy is f32[3], want f32[2]"},
		{maxGrad{axes(2, 3), axes(2)}, []graph.Type{index, dy}, "axis 2 is out of range, x f32[2,3] has axes 0 to 1"},
	} {
		if _, err := c.op.Infer(c.in); err == nil || err.Error() != c.want {
			t.Errorf("%v: error %v, want %s", c.op, err, c.want)
		}
	}
}

func TestCorrect(t *testing.T) {
	x := f32(sh(5, 3), 1, 2, 0, 5, 5, 1, 5, 5, 1, float32(nan), 9, 1, 0, 0, float32(inf))
	expect(t, correct{}, of[int32](sh(), 3), x, of[int32](sh(5), 1, 0, 1, 1, 2))
	expect(t, correct{}, of[int32](sh(), 0), x, of[int64](sh(5), 0, 1, 2, 0, 1))
	expect(t, correct{}, of[int32](sh(), 0), f32(sh(0, 3)), of[int64](sh(0)))
	many := make([]int32, 3*band+5)
	expect(t, correct{}, of(sh(), int32(len(many))), f64(sh(len(many), 1), ramp[float64](len(many))...), of(sh(len(many)), many...))
	if _, fault := run(t, correct{}, x, of[int32](sh(5), 1, 0, 3, -1, 2)); fault == nil || fault.Error() != "label 3 at row 2: want 0 to 2" {
		t.Errorf("fault %v", fault)
	}
	refuses(t, "labels are f32[N,3], want classes i32[N] or i64[N], for logits f32[N,3]", func(g *graph.Graph) {
		Correct(in(g, "x", graph.Batch, 3), in(g, "t", graph.Batch, 3))
	})
}

func TestOneHot(t *testing.T) {
	expect(t, oneHot{3, graph.Float64}, f64(sh(2, 3), 0, 0, 1, 1, 0, 0), of[int32](sh(2), 2, 0))
	expect(t, oneHot{2, graph.Float32}, f32(sh(2, 1, 2), 0, 1, 1, 0), of[int64](sh(2, 1), 1, 0))
	expect(t, oneHot{2, graph.Float32}, f32(sh(0, 2)), of[int64](sh(0)))
	if _, fault := run(t, oneHot{2, graph.Float32}, of[int64](sh(2), 0, 2)); fault == nil || fault.Error() != "label 2 at row 1: want 0 to 1" {
		t.Errorf("fault %v", fault)
	}
	g := graph.New("types")
	hasType(t, OneHot(g.Input("t", graph.Of(graph.Int32, graph.Batch)), 10, graph.Float32), "f32[N,10]")
	refuses(t, "0 classes are asked for", func(g *graph.Graph) { OneHot(g.Input("t", graph.Of(graph.Int32, 2)), 0, graph.Float32) })
	refuses(t, "want classes of i32 or i64", func(g *graph.Graph) { OneHot(in(g, "t", 2), 2, graph.Float32) })
	refuses(t, "the result is to be of i32", func(g *graph.Graph) { OneHot(g.Input("t", graph.Of(graph.Int32, 2)), 2, graph.Int32) })
}
