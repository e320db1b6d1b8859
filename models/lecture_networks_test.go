package models_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"neocog/graph"
	"neocog/inspect"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops"
)

// Figures of the lecture's case studies; docs/lecture.md lists them. Published
// totals are those of torchvision 0.20, sum(p.numel() for p in
// model.parameters()), where it has the model.

// build returns the graph of a model, and its summary for one image.
func build(t *testing.T, name string, b *layers.Builder) (*graph.Graph, *inspect.Summary) {
	t.Helper()
	m, err := models.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	g, _, _ := m.Graph(b)
	s, err := inspect.Summarise(g, 1)
	if err != nil {
		t.Fatal(err)
	}
	return g, s
}

// totals demands the numbers of parameters, and of multiply-adds in units of
// their last printed digit: 15.47 is 15.465e9 … 15.475e9.
func totals(t *testing.T, name string, params int64, giga string) *inspect.Summary {
	t.Helper()
	_, s := build(t, name, &layers.Builder{})
	if s.Total.Params != params {
		t.Errorf("%s has %d parameters, want %d", name, s.Total.Params, params)
	}
	digits := len(giga) - strings.Index(giga, ".") - 1
	if got := fmt.Sprintf("%.*f", digits, float64(s.Total.MACs)/1e9); got != giga {
		t.Errorf("%s has %s G multiply-adds, want %s", name, got, giga)
	}
	return s
}

// outputs demands the outputs of the rows which are called or, where they have no
// name, whose first op is called what.
func outputs(t *testing.T, s *inspect.Summary, what string, want ...graph.Shape) {
	t.Helper()
	var got []graph.Shape
	for _, r := range s.Rows {
		if strings.HasPrefix(r.Layer, what) || r.Layer == "" && r.Ops[0] == what {
			got = append(got, r.Output[1:])
		}
	}
	if !slices.EqualFunc(got, want, graph.Shape.Equal) {
		t.Errorf("%s: the outputs of %s are %v, want %v", s.Graph, what, got, want)
	}
}

// shapes returns the shapes of the results of all nodes of a kind, without the
// batch.
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

func TestM2AlexNet(t *testing.T) {
	for _, name := range []string{"alexnet", "alexnet-groups"} {
		_, s := build(t, name, &layers.Builder{})
		outputs(t, s, "conv", graph.Shape{96, 55, 55}, graph.Shape{256, 27, 27}, graph.Shape{384, 13, 13}, graph.Shape{384, 13, 13}, graph.Shape{256, 13, 13})
		outputs(t, s, "MaxPool2D", graph.Shape{96, 27, 27}, graph.Shape{256, 13, 13}, graph.Shape{256, 6, 6})
		outputs(t, s, "fc", graph.Shape{4096}, graph.Shape{4096}, graph.Shape{1000})
	}
	// The lecture normalises what is pooled, the paper what will be.
	s := totals(t, "alexnet", 62_378_344, "1.135")
	outputs(t, s, "LRN", graph.Shape{96, 27, 27}, graph.Shape{256, 13, 13})
	outputs(t, totals(t, "alexnet-groups", 60_965_224, "0.724"), "LRN", graph.Shape{96, 55, 55}, graph.Shape{256, 27, 27})
	totals(t, "alexnet-owt", 61_100_840, "0.714") // torchvision's alexnet

	g, _ := build(t, "alexnet", &layers.Builder{Train: true})
	if w := g.Lookup("conv1/w").Shape(); w.Size() != 34_848 {
		t.Errorf("conv1 has %d weights, want 34,848, the lecture's 35K", w.Size())
	}
	drops := 0
	for _, n := range g.Nodes() {
		if n.Op.Name() == "Dropout" {
			drops++
			if !strings.Contains(n.String(), "Dropout{P:0.5") {
				t.Errorf("%v, want dropout of one half", n)
			}
		}
	}
	if drops != 2 {
		t.Errorf("%d dropouts, want 2", drops)
	}
	for name, bias := range map[string]float64{"conv1": 0, "conv2": 1, "conv3": 0, "conv4": 1, "conv5": 1, "fc6": 1, "fc7": 1, "fc8": 0} {
		if init := g.Lookup(name + "/b").Node().Op.(graph.ParamOp).Init; init != graph.Constant(bias) {
			t.Errorf("the biases of %s start as %v, want %v", name, init, bias)
		}
	}
}

func TestM3ZFNet(t *testing.T) {
	g, s := build(t, "zfnet", &layers.Builder{})
	if w := g.Lookup("conv1/w").Shape(); !w.Equal(graph.Shape{96, 3, 7, 7}) {
		t.Errorf("the filters of conv1 are %v, want 96 of 7×7", w)
	}
	outputs(t, s, "conv", graph.Shape{96, 110, 110}, graph.Shape{256, 26, 26}, graph.Shape{512, 13, 13}, graph.Shape{1024, 13, 13}, graph.Shape{512, 13, 13})
	for _, r := range s.Rows {
		if r.Layer == "conv1" && !r.Stride.Equal(graph.Shape{2, 2}) {
			t.Errorf("conv1 has stride %v, want 2", r.Stride)
		}
	}
	totals(t, "zfnet", 107_627_624, "2.477")
	totals(t, "zfnet-fig3", 62_357_608, "1.168")
}

// The lecture adds up 24 million numbers, 93 MB, for D; its own lines are
// 15,237,608 numbers with the image, the classifier and the poolings: 61.0 MB.
func TestM4VGG(t *testing.T) {
	totals(t, "vgg-a", 132_863_336, "7.61") // torchvision's vgg11
	totals(t, "vgg-a-lrn", 132_863_336, "7.61")
	totals(t, "vgg-b", 133_047_848, "11.31") // vgg13
	totals(t, "vgg-c", 133_638_952, "11.77")
	d := totals(t, "vgg-d", 138_357_544, "15.47") // vgg16
	totals(t, "vgg-e", 143_667_240, "19.63")      // vgg19

	if d.Total.Activations != 4*15_237_608 {
		t.Errorf("the activations of D take %d bytes, want 4·15,237,608", d.Total.Activations)
	}
	weights := int64(0)
	var table []string
	for _, r := range d.Rows {
		formula, _, _ := strings.Cut(r.Formula, "+")
		table = append(table, fmt.Sprintf("%v %s", r.Output[1:], formula))
		if r.Params > 0 {
			weights += r.Params - int64(r.Output[1]) // a bias for each channel
		}
	}
	if weights != 138_344_128 {
		t.Errorf("D has %d weights, want 138,344,128", weights)
	}
	// The lecture's table, line by line.
	want := []string{
		"[3,224,224] ", "[64,224,224] (3*3*3)*64", "[64,224,224] (3*3*64)*64", "[64,112,112] ",
		"[128,112,112] (3*3*64)*128", "[128,112,112] (3*3*128)*128", "[128,56,56] ",
		"[256,56,56] (3*3*128)*256", "[256,56,56] (3*3*256)*256", "[256,56,56] (3*3*256)*256", "[256,28,28] ",
		"[512,28,28] (3*3*256)*512", "[512,28,28] (3*3*512)*512", "[512,28,28] (3*3*512)*512", "[512,14,14] ",
		"[512,14,14] (3*3*512)*512", "[512,14,14] (3*3*512)*512", "[512,14,14] (3*3*512)*512", "[512,7,7] ",
		"[4096] (7*7*512)*4096", "[4096] 4096*4096", "[1000] 4096*1000",
	}
	if !slices.Equal(table, want) {
		t.Errorf("D is\n%s\nwant\n%s", strings.Join(table, "\n"), strings.Join(want, "\n"))
	}
}

// The lecture's table has 2.7K weights and 34M operations for the stem's 7×7,
// which are 9,408 and 118 million; 1072K for 5a, which are 1018K; and “only 5
// million” parameters in all.
func TestM5GoogLeNet(t *testing.T) {
	g, s := build(t, "googlenet", &layers.Builder{})
	for name, want := range map[string]struct{ kiloWeights, depth, size, mega int64 }{
		"3a": {159, 256, 28, 128}, "3b": {379, 480, 28, 304},
		"4a": {367, 512, 14, 74}, "4b": {438, 512, 14, 88}, "4c": {497, 512, 14, 100}, "4d": {590, 528, 14, 119}, "4e": {847, 832, 14, 170},
		"5a": {1018, 832, 7, 51}, "5b": {1409, 1024, 7, 71},
	} {
		weights, macs := int64(0), int64(0)
		for _, r := range s.Rows {
			if strings.HasPrefix(r.Layer, "inception_"+name+"/") {
				macs += r.MACs
				weights += int64(g.Lookup(r.Layer + "/w").Shape().Size())
			}
			if r.Layer == "inception_"+name && !r.Output.Equal(graph.Shape{graph.Batch, int(want.depth), int(want.size), int(want.size)}) {
				t.Errorf("%s gives %v, want %d maps of %d×%d", name, r.Output, want.depth, want.size, want.size)
			}
		}
		if (weights+511)/1024 != want.kiloWeights || (macs+500_000)/1_000_000 != want.mega {
			t.Errorf("%s has %d weights and %d multiply-adds, want %d K and %d M", name, weights, macs, want.kiloWeights, want.mega)
		}
	}
	if w := g.Lookup("conv1/w").Shape().Size(); w != 9408 || s.Rows[1].Layer != "conv1" || s.Rows[1].MACs != 118_013_952 {
		t.Errorf("the first layer has %d weights and %d multiply-adds, want 9,408 and 118,013,952", w, s.Rows[1].MACs)
	}
	outputs(t, s, "MaxPool2D", graph.Shape{64, 56, 56}, graph.Shape{192, 28, 28}, graph.Shape{480, 14, 14}, graph.Shape{832, 7, 7})
	totals(t, "googlenet", 6_998_552, "1.583")

	// torchvision's googlenet, without and with auxiliary classifiers; these of
	// the paper.
	totals(t, "googlenet-torchvision", 6_624_904, "1.498")
	for name, want := range map[string]int64{"googlenet": 13_378_280, "googlenet-torchvision": 13_004_888} {
		b := &layers.Builder{Train: true}
		_, s := build(t, name, b)
		if s.Total.Params != want || len(b.Aux) != 2 {
			t.Errorf("%s has %d parameters and %d auxiliary classifiers to train, want %d and 2", name, s.Total.Params, len(b.Aux), want)
		}
		for _, aux := range b.Aux {
			if !aux.Type().Equal(graph.Of(graph.Float32, graph.Batch, 1000)) {
				t.Errorf("%s: auxiliary logits %v", name, aux.Type())
			}
		}
	}
}

func TestM6ResNet(t *testing.T) {
	for _, c := range []struct {
		name   string
		params int64
		giga   string
		layers int // with weights, shortcuts apart
	}{
		{"resnet18", 11_689_512, "1.81", 18},
		{"resnet34", 21_797_672, "3.66", 34},
		{"resnet50", 25_557_032, "4.09", 50},
		{"resnet101", 44_549_160, "7.80", 101},
		{"resnet152", 60_192_808, "11.51", 152},
	} {
		s := totals(t, c.name, c.params, c.giga)
		g, _ := build(t, c.name, &layers.Builder{Train: true})
		convs, norms, drops := 0, 0, 0
		for _, n := range g.Nodes() {
			switch n.Op.Name() {
			case "Conv2D":
				convs++
			case "BatchNorm":
				norms++
				if of := n.In(0).Node().Op.Name(); of != "Conv2D" {
					t.Errorf("%s: batch norm of %s, want of a convolution", c.name, of)
				}
			case "Dropout":
				drops++
			}
		}
		weighted := 1 // the classifier
		for _, r := range s.Rows {
			if r.MACs > 0 && r.Layer != "fc" && !strings.HasSuffix(r.Layer, "shortcut") {
				weighted++
			}
		}
		if weighted != c.layers || norms != convs || drops != 0 {
			t.Errorf("%s: %d layers, %d convolutions, %d batch norms, %d dropouts; want %d layers, a norm for each convolution, no dropout",
				c.name, weighted, convs, norms, drops, c.layers)
		}
		w := g.Lookup("conv2_1/conv2/w")
		if want := graph.Normal(0, math.Sqrt(2/float64(9*w.Shape()[1]))); w.Node().Op.(graph.ParamOp).Init != want {
			t.Errorf("%s: weights start as %v, want He's %v", c.name, w.Node().Op.(graph.ParamOp).Init, want)
		}
	}
}

func TestM7CIFARResNet(t *testing.T) {
	for name, want := range map[string]struct {
		params int64
		giga   string
	}{
		"resnet20-cifar10":  {269_722, "0.0406"},
		"resnet32-cifar10":  {464_154, "0.0689"},
		"resnet44-cifar10":  {658_586, "0.0972"},
		"resnet56-cifar10":  {853_018, "0.1255"},
		"resnet110-cifar10": {1_727_962, "0.2529"},
	} {
		totals(t, name, want.params, want.giga)
	}
}

func TestM8AlphaGo(t *testing.T) {
	for k, want := range map[int]struct {
		params int64
		giga   string
	}{
		// 48·25·k + k + 11·(9·k² + k) + k + 361 parameters, 361·(1200·k + 99·k²
		// + k) multiply-adds
		128: {1_777_641, "0.6410"},
		192: {3_882_793, "1.4007"},
		256: {6_798_953, "2.4532"},
		384: {15_064_297, "5.4364"},
	} {
		name := fmt.Sprint("alphago-", k)
		totals(t, name, want.params, want.giga)
		g, _ := build(t, name, &layers.Builder{})
		convs := shapes(g, "Conv2D")
		if len(convs) != 13 {
			t.Fatalf("%s has %d convolutions, want 13", name, len(convs))
		}
		for i, s := range convs {
			filters := k
			if i == 12 {
				filters = 1
			}
			if !s.Equal(graph.Shape{filters, 19, 19}) {
				t.Errorf("%s: convolution %d gives %v", name, i+1, s)
			}
		}
		if b := g.Lookup("position/b").Shape(); !b.Equal(graph.Shape{361}) || g.Lookup("conv13/b") != nil {
			t.Errorf("%s: biases %v, want one for each of 361 positions and no other", name, b)
		}
	}
}

// Two 3×3 in place of 5×5, and 1×n with n×1 in place of n×n; 1×1 filters as a
// network in the network.
func TestM11Factorised(t *testing.T) {
	totals(t, "inception-v3", 23_834_568, "5.713") // torchvision's inception_v3
	b := &layers.Builder{Train: true}
	g, s := build(t, "inception-v3", b)
	if s.Total.Params != 27_161_264 || len(b.Aux) != 1 {
		t.Errorf("%d parameters and %d auxiliary classifiers to train, want 27,161,264 and 1", s.Total.Params, len(b.Aux))
	}
	var filters []string
	for i := range 5 {
		w := g.Lookup(fmt.Sprintf("c2/double7x7_%d/w", i+1)).Shape()
		filters = append(filters, fmt.Sprintf("%dx%d", w[2], w[3]))
	}
	if want := []string{"1x1", "7x1", "1x7", "7x1", "1x7"}; !slices.Equal(filters, want) {
		t.Errorf("the factorised 7×7 is %v, want %v", filters, want)
	}
	for name, want := range map[string]graph.Shape{"a3": {288, 35, 35}, "b": {768, 17, 17}, "c4": {768, 17, 17}, "d": {1280, 8, 8}, "e2": {2048, 8, 8}} {
		for _, r := range s.Rows {
			if r.Layer == name && !r.Output[1:].Equal(want) {
				t.Errorf("module %s gives %v, want %v", name, r.Output, want)
			}
		}
	}

	totals(t, "nin", 966_986, "0.222")
	g, _ = build(t, "nin", &layers.Builder{})
	if convs := shapes(g, "Conv2D"); len(convs) != 9 || !convs[8].Equal(graph.Shape{10, 8, 8}) {
		t.Errorf("convolutions %v, want 9 of which the last gives a map for each class", convs)
	}

	totals(t, "squeezenet-1.1", 1_235_496, "0.349") // torchvision's squeezenet1_1
	totals(t, "squeezenet", 1_248_424, "0.833")
	m, err := models.Find("squeezenet1_0") // torchvision's, on 224×224
	if err != nil {
		t.Fatal(err)
	}
	if m, err = m.At(224, 224, false); err != nil {
		t.Fatal(err)
	}
	g, _, _ = m.Graph(&layers.Builder{})
	if pools := shapes(g, "MaxPool2D"); !pools[0].Equal(graph.Shape{96, 54, 54}) {
		t.Errorf("the first pooling gives %v, want 54×54", pools[0])
	}
}

// Stacked 3×3 see 5×5 and 7×7, as the summary says; and the last convolution of D
// sees 196.
func TestC8FieldsOfASummary(t *testing.T) {
	_, s := layer(t, 1, 15, 15, func(b *layers.Builder, x *graph.Value) *graph.Value {
		for i := range 3 {
			x = b.Conv(fmt.Sprint("conv", i), x, 1, [2]int{3, 3}, ops.Conv{})
		}
		return x
	})
	_, d := build(t, "vgg-d", &layers.Builder{})
	got := []graph.Shape{s.Rows[1].Field, s.Rows[2].Field, s.Rows[3].Field}
	for _, r := range d.Rows {
		if r.Layer == "conv5_3" {
			got = append(got, r.Field, r.Stride)
		}
	}
	want := []graph.Shape{{3, 3}, {5, 5}, {7, 7}, {196, 196}, {16, 16}}
	if !slices.EqualFunc(got, want, graph.Shape.Equal) {
		t.Errorf("receptive fields %v, want %v", got, want)
	}
}
