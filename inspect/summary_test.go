package inspect_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/inspect"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops"
	"neocog/vm/kernel"
)

// lenet returns LeNet-5 with its loss and the gradients of its parameters.
func lenet(t *testing.T) (g *graph.Graph, outputs []*graph.Value) {
	t.Helper()
	m, err := models.Find("lenet5")
	if err != nil {
		t.Fatal(err)
	}
	g, _, logits := m.Graph(&layers.Builder{Train: true})
	labels := g.Input("labels", graph.Of(graph.Int32, graph.Batch))
	loss := ops.SoftmaxCrossEntropy(logits, labels, ops.CrossEntropy{})
	return g, append(autodiff.Gradients(loss, g.Params()...), loss)
}

func summarise(t *testing.T, g *graph.Graph, batch int, outputs ...*graph.Value) *inspect.Summary {
	t.Helper()
	s, err := inspect.Summarise(g, batch, outputs...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSummaryOfLeNet(t *testing.T) {
	g, outputs := lenet(t)
	s := summarise(t, g, 4, outputs[len(outputs)-1:]...)
	type row struct {
		layer, ops string
		params     int64
		macs       int64 // for the batch of 4
		bytes      int64
	}
	want := []row{
		{"x", "Input", 0, 0, 4 * 784 * 4},
		{"conv1", "Conv2D ReLU", 156, 4 * 117600, 4 * 4704 * 4},
		{"", "MaxPool2D", 0, 0, 4 * 1176 * 4},
		{"conv2", "Conv2D ReLU", 2416, 4 * 240000, 4 * 1600 * 4},
		{"", "MaxPool2D", 0, 0, 4 * 400 * 4},
		{"conv3", "Conv2D ReLU Flatten", 48120, 4 * 48000, 4 * 120 * 4},
		{"fc1", "MatMul Add ReLU", 10164, 4 * 10080, 4 * 84 * 4},
		{"fc2", "MatMul Add", 850, 4 * 840, 4 * 10 * 4},
		{"labels", "Input", 0, 0, 4 * 4},
		{"", "SoftmaxCrossEntropy", 0, 0, 4},
	}
	if len(s.Rows) != len(want) {
		t.Fatalf("%d rows, want %d:\n%v", len(s.Rows), len(want), s)
	}
	for i, r := range s.Rows {
		if got := (row{r.Layer, strings.Join(r.Ops, " "), r.Params, r.MACs, r.Activations}); got != want[i] {
			t.Errorf("row %d is %+v, want %+v", i, got, want[i])
		}
	}
	text := s.String()
	for _, part := range []string{"[28x28x6]", "(5*5*6)*16+16 = 2,416", "61,706", "1,666,080"} {
		if !strings.Contains(text, part) {
			t.Errorf("the table lacks %q:\n%s", part, text)
		}
	}
}

// Each product of the forward pass has one for its input and one for its
// weights; nobody needs that for the image.
func TestGradientsAreCountedApart(t *testing.T) {
	const forward, conv1 = 416520, 117600
	g, outputs := lenet(t)
	for _, c := range []struct {
		name     string
		outputs  []*graph.Value
		gradient int64
	}{
		{"all nodes", nil, 2 * forward},
		{"what the gradients of the parameters need", outputs, 2*forward - conv1},
		{"what the loss needs", outputs[len(outputs)-1:], 0},
	} {
		for _, batch := range []int64{1, 64} {
			s := summarise(t, g, int(batch), c.outputs...)
			if s.Total.MACs != batch*forward || s.Total.GradientMACs != batch*c.gradient || s.Total.Params != 61706 {
				t.Errorf("%s, batch %d: %d and %d multiply-adds, %d parameters; want %d, %d, 61706",
					c.name, batch, s.Total.MACs, s.Total.GradientMACs, s.Total.Params, batch*forward, batch*c.gradient)
			}
			if got := slices.ContainsFunc(s.Rows, func(r inspect.Row) bool { return slices.Contains(r.Ops, "ReLUGrad") }); got {
				t.Errorf("%s: the gradient's ops are listed among the layers'", c.name)
			}
		}
	}
}

// An optimiser adds nothing to the layers: its nodes come after gradients, or
// from what is stored alone.
func TestUpdatesAreNoLayers(t *testing.T) {
	g, outputs := lenet(t)
	before := summarise(t, g, 2, outputs...)
	for i, p := range g.Params() {
		slot := g.Buffer(fmt.Sprint("opt/", i), p.Type(), graph.Zeros())
		next := ops.Add(ops.Scale(slot, 0.9), outputs[i])
		g.Update(slot, next)
		g.Update(p, ops.Sub(p, ops.Scale(next, 0.1)))
	}
	after := summarise(t, g, 2, outputs...)
	if after.Total.Buffers != 61706 {
		t.Errorf("%d elements are kept by the optimiser, want one for each parameter", after.Total.Buffers)
	}
	after.Total.Buffers = 0
	if fmt.Sprint(after.Total) != fmt.Sprint(before.Total) {
		t.Errorf("with updates\n%+v, without\n%+v", after.Total, before.Total)
	}
	for i, r := range before.Rows {
		if fmt.Sprint(after.Rows[i]) != fmt.Sprint(r) {
			t.Errorf("row %d with updates\n%+v, without\n%+v", i, after.Rows[i], r)
		}
	}
}

// The lecture's count of VGG-D: parameters, the numbers kept for one image, and
// multiply-adds (figure M4). ReLU works in place, and the lecture does not count
// it either. 64·3·9·224² + 64·64·9·224² + … + 4096·1000.
func TestVGG(t *testing.T) {
	m, err := models.Find("vgg-d")
	if err != nil {
		t.Fatal(err)
	}
	g, _, _ := m.Graph(&layers.Builder{})
	s := summarise(t, g, 1)
	if s.Total.Params != 138357544 || s.Total.Activations != 4*15237608 || s.Total.MACs/1e7 != 1547 {
		t.Errorf("%d parameters, %d bytes, %d multiply-adds; want 138357544, 4·15237608, 15.47e9", s.Total.Params, s.Total.Activations, s.Total.MACs)
	}
	if want := 1 + 13 + 5 + 3; len(s.Rows) != want {
		t.Errorf("%d rows, want %d: input, convolutions, poolings, linear layers", len(s.Rows), want)
	}
}

// The gradients that LeNet-5 holds while it trains: that by the result of each layer but
// those that work in place of another's, and none by the image.
func TestGradientBytes(t *testing.T) {
	g, outputs := lenet(t)
	s := summarise(t, g, 2, outputs...)
	want := map[string]int64{
		// The gradient of what goes into a layer stands with the layer.
		"conv1": 0, "conv2": 4 * 6 * 14 * 14, "conv3": 4 * 16 * 5 * 5, "fc1": 4 * 120, "fc2": 4 * 84,
	}
	total := int64(4*6*28*28 + 4*16*10*10) // through the poolings; that by the logits lies where the probabilities were
	for layer, bytes := range want {
		total += bytes
		i := slices.IndexFunc(s.Rows, func(r inspect.Row) bool { return r.Layer == layer })
		if got := s.Rows[i].Gradients; got != 2*bytes {
			t.Errorf("%s: gradients of %d bytes, want %d", layer, got, 2*bytes)
		}
	}
	if s.Total.Gradients != 2*total {
		t.Errorf("gradients of %d bytes in all, want %d", s.Total.Gradients, 2*total)
	}
	if s := summarise(t, g, 2, outputs[len(outputs)-1]); s.Total.Gradients != 0 {
		t.Errorf("gradients of %d bytes where nobody wants any", s.Total.Gradients)
	}
}

// Batch 2²⁰ of this graph would take 13 TB.
func TestSummariseHoldsNoTensors(t *testing.T) {
	g := graph.New("large")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 3, 224, 224))
	(&layers.Builder{}).Conv("conv", x, 64, [2]int{3, 3}, ops.Conv{Same: true})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	s := summarise(t, g, 1<<20)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
		t.Errorf("%d bytes were allocated", used)
	}
	if want := int64(4*(3+64)*224*224) << 20; s.Total.Activations != want {
		t.Errorf("activations of %d bytes, want %d", s.Total.Activations, want)
	}
}

func TestRows(t *testing.T) {
	g := graph.New("block")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 4, 6, 6))
	scale := g.Param("scale", graph.Of(graph.Float32), graph.Constant(1))
	b := &layers.Builder{}
	var y *graph.Value
	g.Scope("block", func() {
		y = b.Conv("conv", x, 4, [2]int{3, 3}, ops.Conv{Same: true, Groups: 2})
		y = ops.ReLU(b.BatchNorm("norm", y)) // in the scope block
	})
	y = ops.Mul(y, scale)
	y = ops.Softmax(ops.Flatten(ops.Add(x, y)), 1)
	ops.Sum(ops.Mul(scale, scale)) // of a parameter alone: no layer
	var got []string
	for _, r := range summarise(t, g, 10).Rows {
		got = append(got, fmt.Sprintf("%s: %s %v, %d %q, %d, %d, %d", r.Layer, strings.Join(r.Ops, " "), r.Output, r.Params, r.Formula, r.Buffers, r.MACs, r.Activations))
	}
	const image = 4 * 4 * 6 * 6 * 10 // bytes
	want := []string{
		fmt.Sprintf("x: Input [N,4,6,6], 0 \"\", 0, 0, %d", image),
		`scale:  [], 1 "1", 0, 0, 0`,
		fmt.Sprintf("block/conv: Conv2D [N,4,6,6], %d \"(3*3*2)*4+4\", 0, %d, %d", 3*3*2*4+4, 10*36*4*18, image),
		// What is made of the stored statistics alone is no activation, and the rest works in place.
		`block/norm: Mul Add ReLU [N,4,6,6], 8 "4+4", 8, 0, 0`,
		// The sum with the image, which is not overwritten.
		fmt.Sprintf(": Add Flatten Softmax [N,144], 0 \"\", 0, 0, %d", image),
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A result lies in the memory of another only if nobody reads that again, the
// gradient neither.
func TestActivationsInPlace(t *testing.T) {
	const image = 4 * 6 * 6 * 4 // bytes
	for _, c := range []struct {
		name              string
		f                 func(b *layers.Builder, x *graph.Value) *graph.Value
		forward, training int64 // bytes of what f makes of the convolution's result
	}{
		{"gradient reads y", func(_ *layers.Builder, x *graph.Value) *graph.Value { return ops.ReLU(x) }, 0, 0},
		{"gradient reads x", func(_ *layers.Builder, x *graph.Value) *graph.Value { return ops.Log(x) }, 0, image},
		{"x twice", func(_ *layers.Builder, x *graph.Value) *graph.Value { return ops.Mul(x, x) }, image, image},
		// The sum overwrites what ReLU gave, unless ReLU's gradient reads that.
		{"x again", func(_ *layers.Builder, x *graph.Value) *graph.Value { return ops.Add(ops.ReLU(x), x) }, image, 2 * image},
		{"x again, through a view", func(_ *layers.Builder, x *graph.Value) *graph.Value {
			v := ops.Flatten(x)
			return ops.Add(ops.Flatten(ops.ReLU(x)), v)
		}, image, 2 * image},
		// The gradient reads where the maxima were, 4 bytes for each.
		{"second result", func(_ *layers.Builder, x *graph.Value) *graph.Value {
			return ops.MaxPool2D(x, ops.Pool{Size: [2]int{2, 2}})
		}, image / 4, 2 * image / 4},
		// The running statistics see x after the op, the gradient later still. Mean and
		// variance are second results, 2 × 4 numbers, and so are their blends, which take
		// the place of these if the gradient does not read them.
		{"batch norm", func(b *layers.Builder, x *graph.Value) *graph.Value { return b.BatchNorm("conv", x) }, image, image + 2*2*4*4},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := graph.New("g")
			x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 4, 6, 6))
			b := &layers.Builder{Train: true}
			loss := ops.Sum(c.f(b, b.Conv("conv", x, 4, [2]int{3, 3}, ops.Conv{Same: true})))
			bytes := func(outputs ...*graph.Value) int64 {
				s := summarise(t, g, 1, outputs...)
				return s.Total.Activations - 2*image - 4 // x, the convolution's, the loss
			}
			if got := bytes(loss); got != c.forward {
				t.Errorf("forward: %d bytes, want %d", got, c.forward)
			}
			if got := bytes(append(autodiff.Gradients(loss, g.Params()...), loss)...); got != c.training {
				t.Errorf("training: %d bytes, want %d", got, c.training)
			}
		})
	}
}

// What is asked for is not overwritten.
func TestOutputsKeepTheirMemory(t *testing.T) {
	g := graph.New("g")
	x := ops.Exp(g.Input("x", graph.Of(graph.Float32, graph.Batch, 8)))
	y := ops.ReLU(x)
	one, both := summarise(t, g, 1, y).Total.Activations, summarise(t, g, 1, x, y).Total.Activations
	if one != 2*32 || both != 3*32 {
		t.Errorf("%d bytes for the last result, %d for both, want %d and %d", one, both, 2*32, 3*32)
	}
}

// stuck cannot run; wild panics when it is planned.
type (
	stuck struct{}
	wild  struct{}
)

func (stuck) Name() string                                { return "test.Stuck" }
func (stuck) Infer(in []graph.Type) ([]graph.Type, error) { return in[:1], nil }
func (wild) Name() string                                 { return "test.Wild" }
func (wild) Infer(in []graph.Type) ([]graph.Type, error)  { return in[:1], nil }
func (wild) Plan(*kernel.Env, []graph.Type, []graph.Type) (kernel.Plan, error) {
	panic("wild")
}

func TestSummariseErrors(t *testing.T) {
	input := func() *graph.Value {
		return graph.New("g").Input("x", graph.Of(graph.Float32, graph.Batch, 3))
	}
	good, faulty, other := input(), input(), input()
	ops.MatMul(faulty, faulty)
	for _, c := range []struct {
		name    string
		g       *graph.Graph
		batch   int
		outputs []*graph.Value
		want    string
	}{
		{"no graph", nil, 1, nil, "the graph is nil"},
		{"no batch", good.Graph(), 0, nil, "the batch size is 0, want 1 to 16777216"},
		{"a batch beyond counting", good.Graph(), 1 << 30, nil, "the batch size is 1073741824"},
		{"faulty graph", faulty.Graph(), 1, nil, "summary_test.go:"},
		{"nil output", good.Graph(), 1, []*graph.Value{nil}, `output 0, %nil, is no value of graph "g"`},
		{"output of another graph", good.Graph(), 1, []*graph.Value{good, other}, "output 1, %0, is no value"},
		{"op that cannot run", graph.Apply(stuck{}, input()).Graph(), 1, nil, "test.Stuck %0  f32[N,3]  summary_test.go:"},
		{"op that panics", graph.Apply(wild{}, input()).Graph(), 1, nil, "its Plan panicked: wild"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if s, err := inspect.Summarise(c.g, c.batch, c.outputs...); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, %v; want an error with %q", s, err, c.want)
			}
		})
	}
}

func TestMarkdown(t *testing.T) {
	g := graph.New("net")
	x := g.Input("x|y", graph.Of(graph.Float32, graph.Batch, 1, 4, 4))
	b := &layers.Builder{}
	b.Linear("fc", ops.Flatten(ops.ReLU(b.Conv("conv", x, 2, [2]int{3, 3}, ops.Conv{}))), 10)
	const want = `| layer | ops | output | parameters | multiply-adds | activation bytes | field | stride |
| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |
| x\|y | Input | [4x4x1] |  |  | 64 | 1x1 | 1x1 |
| conv | Conv2D ReLU Flatten | [2x2x2] | (3·3·1)·2+2 = 20 | 72 | 32 | 3x3 | 1x1 |
| fc | MatMul Add | [10] | (2·2·2)·10+10 = 90 | 80 | 40 | 4x4 |  |
| total |  |  | 110 | 152 | 136 |  |  |
`
	if got := summarise(t, g, 1).Markdown(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestSummaryJSON(t *testing.T) {
	g, _ := lenet(t)
	s := summarise(t, g, 4)
	text, err := s.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var back inspect.Summary
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if back.String() != s.String() {
		t.Errorf("got\n%v\nwant\n%v", &back, s)
	}
	const conv1 = "\n" + `{"layer":"conv1","ops":["Conv2D","ReLU"],"output":[-1,6,28,28],"field":[5,5],"stride":[1,1],"params":156,"formula":"(5*5*1)*6+6","macs":470400,"gradient_macs":940800,"activation_bytes":75264,"gradient_bytes":12544},` + "\n"
	if !strings.Contains(string(text), conv1) {
		t.Errorf("%s does not hold %s", text, conv1)
	}
}

// Building the graph is part of it.
func BenchmarkSummarise(b *testing.B) {
	for _, name := range []string{"lenet5", "vgg-e", "resnet152"} {
		b.Run("model="+name, func(b *testing.B) {
			m, err := models.Find(name)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				g, _, _ := m.Graph(&layers.Builder{})
				if _, err := inspect.Summarise(g, 1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
