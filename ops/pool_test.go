package ops_test

import (
	"strings"
	"testing"

	"neocog/graph"
	"neocog/ops"
	"neocog/ops/opstest"
)

var poolCases = []struct {
	name string
	x    []int
	pool ops.Pool
}{
	{"2×2", []int{2, 2, 4, 6}, ops.Pool{Size: [2]int{2, 2}}},
	{"overlapping", []int{1, 2, 5, 7}, ops.Pool{Size: [2]int{3, 3}, Stride: [2]int{2, 2}}},
	{"gaps", []int{1, 2, 7, 6}, ops.Pool{Size: [2]int{1, 2}, Stride: [2]int{3, 4}}},
	{"padding", []int{1, 2, 4, 5}, ops.Pool{Size: [2]int{3, 2}, Stride: [2]int{1, 1}, Pad: [4]int{2, 1, 1, 0}}},
	{"floor", []int{2, 1, 6, 8}, ops.Pool{Size: [2]int{3, 3}, Stride: [2]int{2, 2}, Round: ops.Floor}},
	{"ceil", []int{2, 1, 6, 8}, ops.Pool{Size: [2]int{3, 3}, Stride: [2]int{2, 2}, Round: ops.Ceil}},
	{"ceil and padding", []int{1, 1, 6, 8}, ops.Pool{Size: [2]int{3, 3}, Stride: [2]int{2, 2}, Pad: [4]int{1, 1, 0, 2}, Round: ops.Ceil}},
	{"window of the image's size", []int{2, 3, 3, 2}, ops.Pool{Size: [2]int{3, 2}}},
	{"W = 1", []int{2, 3, 4, 1}, ops.Pool{Size: [2]int{2, 1}}},
}

func TestMaxPool2D(t *testing.T) {
	for _, c := range poolCases {
		t.Run(c.name, func(t *testing.T) {
			opstest.Run(t, opstest.Op{In: shapes{c.x}, Apart: 0.05, Wrap: func(in values) values {
				y, argmax := ops.MaxPool2DIndices(in[0], c.pool)
				return values{y, argmax}
			}})
		})
	}
}

func TestAvgPool2D(t *testing.T) {
	for _, c := range poolCases {
		for _, countPad := range []bool{false, true} {
			pool, name := c.pool, c.name
			if pool.CountPad = countPad; countPad {
				name += ", padding counts"
			}
			t.Run(name, func(t *testing.T) {
				opstest.Run(t, opstest.Op{In: shapes{c.x}, Wrap: unary(func(x *graph.Value) *graph.Value { return ops.AvgPool2D(x, pool) })})
			})
		}
	}
}

func TestGlobalAvgPool(t *testing.T) {
	opstest.Run(t, opstest.Op{In: shapes{{2, 3, 4, 5}}, Wrap: unary(ops.GlobalAvgPool)})

	got, err := evaluate(func(in values) *graph.Value { return ops.GlobalAvgPool(in[0]) }, dense(graph.Shape{1, 2, 2, 2}, 1, 2, 3, 6, -1, 0, 0, 0))
	if err != nil || len(got) != 2 || got[0] != 3 || got[1] != -0.25 {
		t.Errorf("got %v, %v, want [3 -0.25]", got, err)
	}
}

func TestPoolErrors(t *testing.T) {
	size := func(s int) ops.Pool { return ops.Pool{Size: [2]int{s, s}} }
	maxPool := func(x *graph.Value, p ops.Pool) *graph.Value { return ops.MaxPool2D(x, p) }
	for _, c := range []struct {
		name string
		op   func(*graph.Value, ops.Pool) *graph.Value
		x    graph.Type
		pool ops.Pool
		want string
	}{
		{"C7 that does not fit", maxPool, graph.Of(graph.Float32, 1, 1, 112, 112), ops.Pool{Size: [2]int{3, 3}, Stride: [2]int{2, 2}},
			"MaxPool2D: (112 − 3 + 0)/2 + 1 = 55.50 windows along the height; what fits: padding of 1 in all, stride 1, window 2 or 4, height 111 or 113; or Round: ops.Floor for 55, ops.Ceil for 56"},
		{"no size", maxPool, graph.Of(graph.Float32, 1, 1, 4, 4), ops.Pool{}, "the extent of the window is 0 along the height"},
		{"padding", maxPool, graph.Of(graph.Float32, 1, 1, 4, 4), ops.Pool{Size: [2]int{2, 2}, Pad: [4]int{2, 0, 0, 0}}, "a window must meet a pixel, so the padding is at most 1"},
		{"too large", maxPool, graph.Of(graph.Float32, 1, 1, 4, 4), size(5), "a window of 5 is larger than the height, 4 with padding 0 + 0; want at most 4"},
		{"padding in a maximum", maxPool, graph.Of(graph.Float32, 1, 1, 4, 4), ops.Pool{Size: [2]int{2, 2}, CountPad: true}, "CountPad is for averages"},
		{"rank", maxPool, graph.Of(graph.Float32, 4, 4), size(2), "x has 2 dimensions, want 4: NCHW"},
		{"integers", maxPool, graph.Of(graph.Int64, 1, 1, 4, 4), size(2), "x: got i64[1,1,4,4], want a tensor of f32 or f64"},
		{"more pixels than Int32", maxPool, graph.Of(graph.Float32, 0, 1, 1<<16, 1<<16), size(2), "the image is 65536×65536, want 1 to 2147483647 pixels"},
		{"no pixels", ops.AvgPool2D, graph.Of(graph.Float32, 1, 1, 0, 4), size(1), "the image is 0×4: there is no pixel to pool"},
		{"symbolic width", ops.AvgPool2D, graph.Of(graph.Float32, 1, 1, 4, graph.Batch), size(2), "x is f32[1,1,4,N]: height and width must be known"},
		{"global, rank", func(x *graph.Value, _ ops.Pool) *graph.Value { return ops.GlobalAvgPool(x) }, graph.Of(graph.Float32, 4, 4), size(2), "x has 2 dimensions, want at least 3: [N, C, ...]"},
		{"global, no pixels", func(x *graph.Value, _ ops.Pool) *graph.Value { return ops.GlobalAvgPool(x) }, graph.Of(graph.Float32, 1, 1, 3, 0), size(2), "the image is 3×0: there is no pixel to pool"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := graph.New("errors")
			y := c.op(g.Input("x", c.x), c.pool)
			if err := g.Err(); err == nil || y.IsValid() || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestPoolCanonicalForm(t *testing.T) {
	g := graph.New("canonical")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 2, 8, 8))
	for _, c := range []struct {
		pool ops.Pool
		want string
	}{
		{ops.Pool{Size: [2]int{2, 4}}, "{Size:[2 4]}"},
		{ops.Pool{Size: [2]int{2, 4}, Stride: [2]int{2, 0}}, "{Size:[2 4]}"},
		{ops.Pool{Size: [2]int{2, 4}, Stride: [2]int{0, 2}}, "{Size:[2 4] Stride:[2 2]}"},
		{ops.Pool{Size: [2]int{3, 3}, Round: ops.Floor, CountPad: true}, "{Size:[3 3] Round:floor CountPad:true}"},
	} {
		y := ops.AvgPool2D(x, c.pool)
		if g.Err() != nil {
			t.Fatal(g.Err())
		}
		if got := graph.Attributes(y.Node().Op); got != c.want {
			t.Errorf("%+v: got %s, want %s", c.pool, got, c.want)
		}
	}
}
