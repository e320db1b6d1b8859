package ops_test

import (
	"slices"
	"strings"
	"testing"

	"neocog/graph"
	"neocog/ops"
)

// input is an input of a graph, float32 with the given extents.
func input(g *graph.Graph, extents ...int) *graph.Value {
	return g.Input("x", graph.Of(graph.Float32, extents...))
}

// refused fails unless each graph has the error that it is listed under.
func refused(t *testing.T, graphs map[string]func(g *graph.Graph) *graph.Value) {
	t.Helper()
	for want, build := range graphs {
		g := graph.New("refuse")
		y := build(g)
		if err := g.Err(); y.IsValid() || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
}

// typed fails unless y has the type which is written want.
func typed(t *testing.T, y *graph.Value, want string) {
	t.Helper()
	if got := y.Type().String(); got != want {
		t.Errorf("type %s, want %s: %v", got, want, y.Graph().Err())
	}
}

// copies returns the names of the ops of y's graph that run.
func copies(y *graph.Value) []string {
	var names []string
	for _, n := range y.Graph().Nodes() {
		if !n.IsSource() && n.Op.Name() != "Reshape" {
			names = append(names, n.Op.Name())
		}
	}
	return names
}

func TestSqueezeAndUnsqueeze(t *testing.T) {
	N := graph.Batch
	g := graph.New("squeeze")
	x := input(g, N, 1, 3, 1)
	typed(t, ops.Squeeze(x), "f32[N,3]")
	typed(t, ops.Squeeze(x, -1), "f32[N,1,3]")
	typed(t, ops.Squeeze(x, 3, 1), "f32[N,3]")
	typed(t, ops.Unsqueeze(x, 0, -1), "f32[1,N,1,3,1,1]")
	typed(t, ops.Unsqueeze(x, 2), "f32[N,1,1,3,1]")
	typed(t, ops.Squeeze(ops.Unsqueeze(g.Scalar(graph.Int64, 1), 1, 0), 0, 1), "i64[]")
	if ops.Squeeze(ops.Unsqueeze(x, 2), 2).Type().String() != "f32[N,1,3,1]" || ops.Unsqueeze(x) != x {
		t.Error("the axes are not those that were asked for")
	}
	if names := copies(x); names != nil {
		t.Errorf("something is copied by %v", names)
	}
	refused(t, map[string]func(g *graph.Graph) *graph.Value{
		"Squeeze: axis 2 of x f32[N,1,3] has extent 3, want 1":            func(g *graph.Graph) *graph.Value { return ops.Squeeze(input(g, N, 1, 3), 2) },
		"Squeeze: axis 0 of x f32[N,1] has extent N, want 1":              func(g *graph.Graph) *graph.Value { return ops.Squeeze(input(g, N, 1), 0, 1) },
		"Squeeze: axis 1 is given twice":                                  func(g *graph.Graph) *graph.Value { return ops.Squeeze(input(g, N, 1), 1, -1) },
		"Squeeze: axis 2 is out of range":                                 func(g *graph.Graph) *graph.Value { return ops.Squeeze(input(g, N, 1), 2) },
		"Unsqueeze: axis -4 is out of range, the result has axes 0 to 2":  func(g *graph.Graph) *graph.Value { return ops.Unsqueeze(input(g, N, 1), -4) },
		"Unsqueeze: axis 2 is given twice":                                func(g *graph.Graph) *graph.Value { return ops.Unsqueeze(input(g, 2, 3), 2, -2) },
		"x f32[1,1,1,1,1,1,1,1] would have 9 dimensions with 1 more, the": func(g *graph.Graph) *graph.Value { return ops.Unsqueeze(input(g, 1, 1, 1, 1, 1, 1, 1, 1), 0) },
	})
}

func TestTile(t *testing.T) {
	tile := func(repeats ...int) func(x *graph.Value) *graph.Value { return over(ops.Tile, repeats...) }
	x := []float64{1, 2, 3, 4}
	alike(t, "Tile", shaped(t, tile(2, 1), []int{2, 2}, x...), 1, 2, 3, 4, 1, 2, 3, 4)
	alike(t, "Tile/columns", shaped(t, tile(1, 2), []int{2, 2}, x...), 1, 2, 1, 2, 3, 4, 3, 4)
	alike(t, "Tile/both", shaped(t, tile(2, 2), []int{2, 2}, x...), 1, 2, 1, 2, 3, 4, 3, 4, 1, 2, 1, 2, 3, 4, 3, 4)
	alike(t, "Tile/none", shaped(t, tile(0, 2), []int{2, 2}, x...))
	alike(t, "Tile/scalar", shaped(t, tile(), nil, 7), 7)
	alike(t, "Tile/gradient", shaped(t, gradientGraph(tile(3, 2)), []int{2, 2}, x...), 6, 6, 6, 6)

	// Of 8 axes, all repeated, element [i] must be that of x at [i mod extent].
	const rank = 8
	extents := []int{2, 2, 3, 1, 2, 1, 2, 2}
	repeats := []int{2, 1, 2, 2, 2, 3, 1, 2}
	size, total := 1, 1
	for i := range rank {
		size, total = size*extents[i], total*extents[i]*repeats[i]
	}
	v := make([]float64, size)
	for i := range v {
		v[i] = float64(i)
	}
	want := make([]float64, total)
	for i := range want {
		at, stride, rest := 0, 1, i
		for d := rank - 1; d >= 0; d-- {
			n := extents[d] * repeats[d]
			at += rest % n % extents[d] * stride
			rest, stride = rest/n, stride*extents[d]
		}
		want[i] = float64(at)
	}
	alike(t, "Tile/8 axes", shaped(t, tile(repeats...), extents, v...), want...)

	N := graph.Batch
	g := graph.New("tile")
	y := input(g, N, 1, 3)
	typed(t, ops.Tile(y, 1, 4, 2), "f32[N,4,6]")
	if names := copies(y); !slices.Equal(names, []string{"BroadcastTo"}) {
		t.Errorf("Tile runs %v, want one BroadcastTo", names)
	}
	if ops.Tile(y, 1, 1, 1) != y {
		t.Error("no repetition is not x itself")
	}
	typed(t, ops.Tile(g.Input("i", graph.Of(graph.Int64, 2)), 3), "i64[6]")
	refused(t, map[string]func(g *graph.Graph) *graph.Value{
		"Tile: x f32[N,3] has 2 axes, repeats are given for 1":                 func(g *graph.Graph) *graph.Value { return ops.Tile(input(g, N, 3), 2) },
		"Tile: axis 0 of x f32[N,3] is the symbolic N, which cannot be repeat": func(g *graph.Graph) *graph.Value { return ops.Tile(input(g, N, 3), 2, 1) },
		"Tile: axis 1 is to be repeated -1 times":                              func(g *graph.Graph) *graph.Value { return ops.Tile(input(g, N, 3), 1, -1) },
	})
}

func TestSplit(t *testing.T) {
	part := func(i int) func(x *graph.Value) *graph.Value {
		return func(x *graph.Value) *graph.Value { return ops.Split(x, -1, 1, 0, 2)[i] }
	}
	x := []float64{1, 2, 3, 4, 5, 6}
	alike(t, "Split/0", shaped(t, part(0), []int{2, 3}, x...), 1, 4)
	alike(t, "Split/1", shaped(t, part(1), []int{2, 3}, x...))
	alike(t, "Split/2", shaped(t, part(2), []int{2, 3}, x...), 2, 3, 5, 6)
	alike(t, "Split/gradient", shaped(t, gradientGraph(part(2)), []int{2, 3}, x...), 0, 1, 1, 0, 1, 1)
	g := graph.New("split")
	if y := input(g, graph.Batch, 3); ops.Split(y, 1, 3)[0] != y {
		t.Error("the only part is not x itself")
	}
	refused(t, map[string]func(g *graph.Graph) *graph.Value{
		"Split: the parts [1 1] have 2 elements together, x f32[N,3] has 3 along axis 1": func(g *graph.Graph) *graph.Value {
			return ops.Split(input(g, graph.Batch, 3), 1, 1, 1)[1]
		},
		"Split: axis 0 of x f32[N,3] is the symbolic N": func(g *graph.Graph) *graph.Value { return ops.Split(input(g, graph.Batch, 3), 0, 1)[0] },
		"Split: a part of -1 elements is asked for":     func(g *graph.Graph) *graph.Value { return ops.Split(input(g, 2), 0, 3, -1)[0] },
		"Split: axis 2 is out of range":                 func(g *graph.Graph) *graph.Value { return ops.Split(input(g, 2, 2), 2, 2)[0] },
	})
}

// The example of ONNX's DepthToSpace, in both orders.
func TestDepthToSpace(t *testing.T) {
	x := make([]float64, 8*2*3)
	for i := range x {
		x[i] = float64(i/6*9 + i%6)
	}
	depth := func(order ops.DepthOrder) func(x *graph.Value) *graph.Value {
		return func(x *graph.Value) *graph.Value { return ops.DepthToSpace(x, 2, order) }
	}
	shape := []int{1, 8, 2, 3}
	alike(t, "DCR", shaped(t, depth(ops.DCR), shape, x...),
		0, 18, 1, 19, 2, 20, 36, 54, 37, 55, 38, 56, 3, 21, 4, 22, 5, 23, 39, 57, 40, 58, 41, 59,
		9, 27, 10, 28, 11, 29, 45, 63, 46, 64, 47, 65, 12, 30, 13, 31, 14, 32, 48, 66, 49, 67, 50, 68)
	alike(t, "CRD", shaped(t, depth(ops.CRD), shape, x...),
		0, 9, 1, 10, 2, 11, 18, 27, 19, 28, 20, 29, 3, 12, 4, 13, 5, 14, 21, 30, 22, 31, 23, 32,
		36, 45, 37, 46, 38, 47, 54, 63, 55, 64, 56, 65, 39, 48, 40, 49, 41, 50, 57, 66, 58, 67, 59, 68)
	for _, order := range []ops.DepthOrder{ops.DCR, ops.CRD} {
		there := func(x *graph.Value) *graph.Value { return ops.SpaceToDepth(ops.DepthToSpace(x, 2, order), 2, order) }
		alike(t, "there and back", shaped(t, there, shape, x...), x...)
	}
	N := graph.Batch
	typed(t, ops.SpaceToDepth(input(graph.New("s"), N, 3, 4, 6), 2, ops.DCR), "f32[N,12,2,3]")
	refused(t, map[string]func(g *graph.Graph) *graph.Value{
		"DepthToSpace: x f32[N,6,2,2] has 6 channels, which blocks of 2×2 pixels do not divide": func(g *graph.Graph) *graph.Value {
			return ops.DepthToSpace(input(g, N, 6, 2, 2), 2, ops.DCR)
		},
		"SpaceToDepth: x f32[N,6,2,3] has 2×3 pixels, which blocks of 2×2 do not divide": func(g *graph.Graph) *graph.Value {
			return ops.SpaceToDepth(input(g, N, 6, 2, 3), 2, ops.CRD)
		},
		"SpaceToDepth: x has 2 dimensions, want 4: NCHW":   func(g *graph.Graph) *graph.Value { return ops.SpaceToDepth(input(g, N, 6), 2, ops.CRD) },
		"DepthToSpace: blocks are 0×0 pixels, want 1×1 to": func(g *graph.Graph) *graph.Value { return ops.DepthToSpace(input(g, N, 4, 2, 2), 0, ops.DCR) },
		"DepthToSpace: there is no DepthOrder(2)":          func(g *graph.Graph) *graph.Value { return ops.DepthToSpace(input(g, N, 4, 2, 2), 2, 2) },
	})
}

func TestShapingOfNothingIsInvalid(t *testing.T) {
	if ops.Squeeze(nil).IsValid() || ops.Unsqueeze(nil, 0).IsValid() || ops.Tile(nil, 1).IsValid() || ops.Split(nil, 0, 1)[0].IsValid() ||
		ops.DepthToSpace(nil, 1, ops.DCR).IsValid() || ops.SpaceToDepth(nil, 1, ops.CRD).IsValid() {
		t.Error("the shape of nothing is valid")
	}
}
