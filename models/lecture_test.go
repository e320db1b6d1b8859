package models_test

import (
	"testing"

	"gorgonia.org/tensor"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/inspect"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops"
	"neocog/vm"
)

// Figures of the lecture on layers and networks; docs/lecture.md lists them.

// layer builds one layer on an image and returns its result and its summary.
func layer(t *testing.T, c, h, w int, build func(b *layers.Builder, x *graph.Value) *graph.Value) (*graph.Value, *inspect.Summary) {
	t.Helper()
	g := graph.New("layer")
	y := build(&layers.Builder{}, g.Input("x", graph.Of(graph.Float32, graph.Batch, c, h, w)))
	if err := g.Err(); err != nil {
		t.Fatal(err)
	}
	s, err := inspect.Summarise(g, 1)
	if err != nil {
		t.Fatal(err)
	}
	return y, s
}

func TestC4TenFilters(t *testing.T) {
	y, s := layer(t, 3, 32, 32, func(b *layers.Builder, x *graph.Value) *graph.Value {
		return b.Conv("conv", x, 10, [2]int{5, 5}, ops.Conv{Pad: [4]int{2, 2, 2, 2}})
	})
	if !y.Shape().Equal(graph.Shape{graph.Batch, 10, 32, 32}) || s.Total.Params != 760 {
		t.Errorf("%v, %d parameters; want 10 maps of 32×32 and 760, 76 for each filter", y.Type(), s.Total.Params)
	}
}

func TestC5SixFilters(t *testing.T) {
	y, _ := layer(t, 3, 32, 32, func(b *layers.Builder, x *graph.Value) *graph.Value {
		return b.Conv("conv", x, 6, [2]int{5, 5}, ops.Conv{})
	})
	if !y.Shape().Equal(graph.Shape{graph.Batch, 6, 28, 28}) {
		t.Errorf("%v, want 6 maps of 28×28", y.Type())
	}
}

// The receptive field of one output is where its gradient by the image is not
// zero, with filters of ones.
func TestC8ReceptiveField(t *testing.T) {
	for convs, want := range map[int]int{1: 3, 2: 5, 3: 7} {
		const n = 15
		g := graph.New("field")
		x := g.Input("x", graph.Of(graph.Float64, 1, 1, n, n))
		y := x
		for range convs {
			w := ops.Ones(g, graph.Of(graph.Float64, 1, 1, 3, 3))
			y = ops.Conv2D(y, w, ops.Conv{Pad: [4]int{1, 1, 1, 1}})
		}
		pick := make([]float64, n*n)
		pick[n/2*n+n/2] = 1
		centre := ops.Sum(ops.Mul(y, graph.Const(g, y.Shape(), pick...)))
		out, err := vm.Interpret(g, autodiff.Gradients(centre, x), vm.NewState(0), vm.Feeds{x: tensor.New(tensor.WithShape(1, 1, n, n), tensor.Of(tensor.Float64))})
		if err != nil {
			t.Fatal(err)
		}
		rows := 0
		for r := range n {
			if out[0].Float64s()[r*n+n/2] != 0 {
				rows++
			}
		}
		if rows != want {
			t.Errorf("%d convolutions see %d rows, want %d", convs, rows, want)
		}
	}
}

func TestC9ThreeSmallFiltersAgainstOneLarge(t *testing.T) {
	const c, side = 8, 12
	same := func(b *layers.Builder, name string, x *graph.Value, f int) *graph.Value {
		return b.ConvNoBias(name, x, c, [2]int{f, f}, ops.Conv{Same: true})
	}
	_, one := layer(t, c, side, side, func(b *layers.Builder, x *graph.Value) *graph.Value { return same(b, "a", x, 7) })
	_, three := layer(t, c, side, side, func(b *layers.Builder, x *graph.Value) *graph.Value {
		return same(b, "c", same(b, "b", same(b, "a", x, 3), 3), 3)
	})
	for _, f := range []struct {
		what      string
		got, want int64
	}{
		{"weights of one 7×7", one.Total.Params, 49 * c * c},
		{"multiply-adds of one 7×7", one.Total.MACs, 49 * side * side * c * c},
		{"weights of three 3×3", three.Total.Params, 27 * c * c},
		{"multiply-adds of three 3×3", three.Total.MACs, 27 * side * side * c * c},
	} {
		if f.got != f.want {
			t.Errorf("%s: %d, want %d", f.what, f.got, f.want)
		}
	}
}

// shapes returns the shapes of the results of all nodes of a kind, without the batch.
func shapes(g *graph.Graph, op string) (out []graph.Shape) {
	for _, n := range g.Nodes() {
		if n.Op.Name() == op {
			out = append(out, n.Out(0).Shape()[1:])
		}
	}
	return out
}

func TestM1LeNet5(t *testing.T) {
	m, err := models.Find("lenet5-32")
	if err != nil {
		t.Fatal(err)
	}
	g, _, logits := m.Graph(&layers.Builder{})
	s, err := inspect.Summarise(g, 1)
	if err != nil {
		t.Fatal(err)
	}
	if !m.Input.Equal(graph.Shape{1, 32, 32}) || s.Total.Params != 61706 {
		t.Errorf("input %v, %d parameters; want [1,32,32], 61706", m.Input, s.Total.Params)
	}
	convs, pools := shapes(g, "Conv2D"), shapes(g, "MaxPool2D")
	for i, want := range []graph.Shape{{6, 28, 28}, {16, 10, 10}, {120, 1, 1}} {
		if i >= len(convs) || !convs[i].Equal(want) {
			t.Errorf("convolutions %v, want number %d to be %v", convs, i+1, want)
		}
	}
	for i, want := range []graph.Shape{{6, 14, 14}, {16, 5, 5}} {
		if i >= len(pools) || !pools[i].Equal(want) {
			t.Errorf("poolings %v, want number %d to be %v", pools, i+1, want)
		}
	}
	if !logits.Shape().Equal(graph.Shape{graph.Batch, 10}) {
		t.Errorf("logits %v", logits.Type())
	}
}

func TestM9ConvNetJS(t *testing.T) {
	m, err := models.Find("convnetjs-cifar10")
	if err != nil {
		t.Fatal(err)
	}
	g, _, _ := m.Graph(&layers.Builder{})
	for i, want := range []graph.Shape{{16, 32, 32}, {20, 16, 16}, {20, 8, 8}} {
		if got := shapes(g, "Conv2D"); len(got) != 3 || !got[i].Equal(want) {
			t.Errorf("convolutions %v, want number %d to be %v", got, i+1, want)
		}
	}
	for i, want := range []graph.Shape{{16, 16, 16}, {20, 8, 8}, {20, 4, 4}} {
		if got := shapes(g, "MaxPool2D"); len(got) != 3 || !got[i].Equal(want) {
			t.Errorf("poolings %v, want number %d to be %v", got, i+1, want)
		}
	}
}

// {affine – [batch norm] – ReLU – [dropout]} × (L−1) – affine
func TestM10FullyConnectedNet(t *testing.T) {
	m, err := models.Find("twolayer")
	if err != nil {
		t.Fatal(err)
	}
	g, _, _ := m.Graph(&layers.Builder{})
	if got := shapes(g, "MatMul"); len(got) != 2 || got[0][0] != 50 || got[1][0] != 10 {
		t.Errorf("affine layers %v, want 3072-50-10", got)
	}
	if m.Input.Size() != 3072 {
		t.Errorf("the input has %d numbers, want 3072", m.Input.Size())
	}
	count := func(train bool) map[string]int {
		g := graph.New("net")
		x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 8))
		models.FullyConnected{Hidden: []int{6, 5, 4}, BatchNorm: true, Dropout: 0.5, Classes: 3}.Build(&layers.Builder{Train: train}, x)
		if err := g.Err(); err != nil {
			t.Fatal(err)
		}
		n := map[string]int{}
		for _, node := range g.Nodes() {
			n[node.Op.Name()]++
		}
		return n
	}
	if n := count(true); n["MatMul"] != 4 || n["BatchNorm"] != 3 || n["ReLU"] != 3 || n["Dropout"] != 3 {
		t.Errorf("training net of 4 layers: %v", n)
	}
	if n := count(false); n["MatMul"] != 4 || n["BatchNorm"] != 0 || n["ReLU"] != 3 || n["Dropout"] != 0 {
		t.Errorf("inference net of 4 layers: %v", n)
	}
}
