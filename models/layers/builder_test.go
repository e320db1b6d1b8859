package layers_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/models/layers"
	"neocog/ops"
	"neocog/vm"
)

// Training moves the running statistics towards those of the batches, and the
// inference graph over the same state uses them.
func TestBatchNormHandsItsStatisticsOver(t *testing.T) {
	build := func(train bool) (*graph.Graph, *graph.Value, *graph.Value) {
		g := graph.New("norm")
		x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 1, 2, 2))
		return g, x, (&layers.Builder{Train: train}).BatchNorm("norm", x)
	}
	s := vm.NewState(1)
	image := tensor.New(tensor.WithShape(2, 1, 2, 2), tensor.WithBacking([]float32{1, 3, 5, 7, 9, 11, 13, 15})) // mean 8, sample variance 24
	run := func(train bool) []float32 {
		g, x, y := build(train)
		p, err := vm.Compile(g, []*graph.Value{y})
		if err != nil {
			t.Fatal(err)
		}
		m, err := p.NewMachine(s)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		out, err := m.Run(context.Background(), vm.Feeds{x: image})
		if err != nil {
			t.Fatal(err)
		}
		return append([]float32(nil), out[0].Float32s()...)
	}
	for range 200 { // 0.9²⁰⁰ of the starting values is left: nothing
		run(true)
	}
	for name, want := range map[string]float64{"norm/mean": 8, "norm/var": 24} {
		v, err := s.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := float64(v.Float32s()[0]); math.Abs(got-want) > 1e-4 {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	for i, v := range run(false) {
		if want := (1 + 2*float64(i) - 8) / math.Sqrt(24); math.Abs(float64(v)-want) > 1e-4 {
			t.Errorf("inference gives %v for element %d, want %v", v, i, want)
		}
	}
}

func TestDropoutIsThereInTrainingOnly(t *testing.T) {
	for _, train := range []bool{true, false} {
		g := graph.New("drop")
		x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 8))
		y := (&layers.Builder{Train: train}).Dropout("drop", x, 0.5)
		if err := g.Err(); err != nil {
			t.Fatal(err)
		}
		if (y != x) != train {
			t.Errorf("train %t: dropout gives %v", train, y.Node())
		}
	}
}

func TestNamesAndDecay(t *testing.T) {
	g := graph.New("names")
	b := &layers.Builder{}
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 3, 8, 8))
	g.Scope("block1", func() { x = ops.ReLU(b.BatchNorm("norm", b.ConvNoBias("conv", x, 4, [2]int{3, 3}, ops.Conv{}))) })
	b.Linear("fc", ops.Flatten(x), 5)
	var names []string
	for _, p := range append(g.Params(), g.Buffers()...) {
		names = append(names, p.Node().Op.(graph.ParamOp).Label)
	}
	want := "block1/conv/w block1/norm/gamma block1/norm/beta fc/w fc/b block1/norm/mean block1/norm/var"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("parameters %s, want %s", got, want)
	}
	if len(b.Decay) != 2 || b.Decay[0] != g.Lookup("block1/conv/w") || b.Decay[1] != g.Lookup("fc/w") {
		t.Errorf("weight decay applies to %v, want the two weights", b.Decay)
	}
}

// One mistake, one report, with the user's own line.
func TestMistakesInLayers(t *testing.T) {
	for want, build := range map[string]func(b *layers.Builder, image *graph.Value){
		"want 2: [N,in]":     func(b *layers.Builder, x *graph.Value) { b.Linear("fc", x, 10) },
		"want 4: [N,C,H,W]":  func(b *layers.Builder, x *graph.Value) { b.Conv("conv", ops.Flatten(x), 4, [2]int{3, 3}, ops.Conv{}) },
		"negative extent -3": func(b *layers.Builder, x *graph.Value) { b.Linear("fc", ops.Flatten(x), -3) },
		"at least 0 and":     func(b *layers.Builder, x *graph.Value) { b.Train = true; b.Dropout("drop", x, 1) },
	} {
		g := graph.New("mistake")
		build(&layers.Builder{}, g.Input("x", graph.Of(graph.Float32, graph.Batch, 1, 8, 8)))
		err := g.Err()
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "builder_test.go:") {
			t.Errorf("error %v, want one with %q and this file's line", err, want)
			continue
		}
		if n := len(err.(*graph.Errors).List); n != 1 {
			t.Errorf("%q: %d reports: %v", want, n, err)
		}
	}
}

// A bias for each position of each map, as in AlphaGo, and biases that start elsewhere.
func TestPositionBias(t *testing.T) {
	g := graph.New("bias")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 2, 3, 4))
	b := &layers.Builder{Biases: 0.25}
	y := b.PositionBias("position", x)
	if err := g.Err(); err != nil {
		t.Fatal(err)
	}
	p := g.Lookup("position/b")
	if !p.Shape().Equal(graph.Shape{2, 3, 4}) || p.Node().Op.(graph.ParamOp).Init != graph.Constant(0.25) || !y.Type().Equal(x.Type()) {
		t.Errorf("parameter %v, result %v", p.Node(), y.Type())
	}
	image := make([]float32, 24)
	image[5] = 1
	out, err := vm.Interpret(g, []*graph.Value{y}, vm.NewState(1), vm.Feeds{x: tensor.New(tensor.WithShape(1, 2, 3, 4), tensor.WithBacking(image))})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range out[0].Float32s() {
		if v != image[i]+0.25 {
			t.Errorf("element %d is %v, want %v", i, v, image[i]+0.25)
		}
	}
	if len(b.Decay) != 0 {
		t.Errorf("weight decay applies to %v, want no bias", b.Decay)
	}
}

// The classifiers that a network has while it trains count 0.3 each.
func TestLossOfAuxiliaryClassifiers(t *testing.T) {
	g := graph.New("loss")
	logits := g.Input("logits", graph.Of(graph.Float64, graph.Batch, 2))
	labels := g.Input("labels", graph.Of(graph.Int32, graph.Batch))
	b := &layers.Builder{Aux: []*graph.Value{ops.Scale(logits, 0), ops.Scale(logits, 0)}} // all classes alike: ln 2 each
	loss, main := b.Loss(logits, labels, ops.CrossEntropy{}), (&layers.Builder{}).Loss(logits, labels, ops.CrossEntropy{})
	out, err := vm.Interpret(g, []*graph.Value{loss, main}, vm.NewState(1), vm.Feeds{
		logits: tensor.New(tensor.WithShape(1, 2), tensor.WithBacking([]float64{0, math.Log(3)})),
		labels: tensor.New(tensor.WithShape(1), tensor.WithBacking([]int32{0})),
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{math.Log(4) + 0.6*math.Ln2, math.Log(4)} {
		if got := out[i].Float64s()[0]; math.Abs(got-want) > 1e-14 {
			t.Errorf("loss %d is %v, want %v", i, got, want)
		}
	}
}

func TestBatchNormEps(t *testing.T) {
	g := graph.New("norm")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 2))
	b := &layers.Builder{Train: true}
	b.BatchNormEps("loose", x, 1e-3)
	b.BatchNorm("usual", x)
	var eps []string
	for _, n := range g.Nodes() {
		if n.Op.Name() == "BatchNorm" {
			eps = append(eps, graph.Attributes(n.Op))
		}
	}
	if got := strings.Join(eps, " "); got != "{Eps:0.001} {Eps:1e-05}" {
		t.Errorf("batch norms with %s", got)
	}
}

// A separable convolution is Chollet's: one filter for each channel, then 1×1 across channels.
func TestSeparableConv(t *testing.T) {
	g := graph.New("separable")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 3, 8, 8))
	b := &layers.Builder{}
	y := b.SeparableConv("sep", x, 5, [2]int{3, 3}, ops.Conv{Same: true, Stride: [2]int{2, 2}})
	if got := y.Type().String(); got != "f32[N,5,4,4]" {
		t.Errorf("type %s: %v", got, g.Err())
	}
	parameters := 0
	for name, want := range map[string]string{"sep/depthwise/w": "f32[3,1,3,3]", "sep/pointwise/w": "f32[5,3,1,1]", "sep/pointwise/b": "f32[5]"} {
		p := g.Lookup(name)
		if p == nil || p.Type().String() != want {
			t.Errorf("%s is %v, want %s", name, p, want)
			continue
		}
		parameters += p.Shape().Size()
	}
	if want := 3*3*3 + (3+1)*5; parameters != want || len(g.Params()) != 3 || len(b.Decay) != 2 {
		t.Errorf("%d parameters in %d tensors, want %d in 3", parameters, len(g.Params()), want)
	}
	if y := b.SeparableConv("no", x, 5, [2]int{3, 3}, ops.Conv{Groups: 3}); y.IsValid() || g.Err() == nil || !strings.Contains(g.Err().Error(), "3 groups are asked for, want 0") {
		t.Errorf("groups of one's own: %v", g.Err())
	}
}
