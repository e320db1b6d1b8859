package onnx

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/onnx/internal/onnxpb"
)

// An operand is fed, or part of the model.
type operand struct {
	constant
	fixed bool
}

func fed(shape graph.Shape, v ...float64) operand {
	return operand{ofFloats(graph.Type{DType: graph.Float32, Shape: shape}, v), false}
}

func fedInts(v ...int) operand { return operand{ofInts(graph.Shape{len(v)}, v...), false} }

func fixed(v ...float64) operand {
	return operand{ofFloats(graph.Of(graph.Float32, len(v)), v), true}
}

func fixedInts(v ...int) operand { return operand{ofInts(graph.Shape{len(v)}, v...), true} }

// A oneNode is a model of one node.
type oneNode struct {
	opset int64
	op    string
	attrs []*onnxpb.Attribute
	in    []operand
}

// network imports the model with so many outputs; feeds are the operands that are fed.
func (n oneNode) network(t *testing.T, outs int) (net *Network, feeds map[string]*tensor.Dense, err error) {
	t.Helper()
	node := &onnxpb.Node{Name: "n", OpType: n.op, Attribute: n.attrs}
	g := &onnxpb.Graph{Name: "one", Node: []*onnxpb.Node{node}}
	feeds = map[string]*tensor.Dense{}
	for i, o := range n.in {
		name := string(rune('a' + i))
		node.Input = append(node.Input, name)
		if o.fixed {
			g.Initializer = append(g.Initializer, encode(name, o.constant))
			continue
		}
		feeds[name] = o.dense()
		dims := make([]int64, len(o.typ.Shape))
		for j, d := range o.typ.Shape {
			dims[j] = int64(d)
		}
		g.Input = append(g.Input, typed(name, dataTypeOf(o.typ.DType), dims...))
	}
	for i := range outs {
		name := string(rune('y' + i))
		node.Output = append(node.Output, name)
		g.Output = append(g.Output, &onnxpb.ValueInfo{Name: name, Type: &onnxpb.Type{Tensor: &onnxpb.TensorType{ElemType: onnxpb.Float}}})
	}
	m, err := Decode(onnxpb.Marshal(&onnxpb.Model{IRVersion: 8, OpsetImport: []*onnxpb.OperatorSet{{Version: n.opset}}, Graph: g}))
	if err != nil {
		t.Fatal(err)
	}
	net, err = m.Import(Options{})
	return net, feeds, err
}

// run returns the first result.
func (n oneNode) run(t *testing.T) (constant, error) {
	t.Helper()
	net, feeds, err := n.network(t, 1)
	if err != nil {
		return constant{}, err
	}
	got, err := net.Run(context.Background(), feeds)
	if err != nil {
		return constant{}, err
	}
	return constantOf(got[0])
}

// gives fails unless the first result has the elements want, to 1e-5 of them; NaN is NaN.
func (n oneNode) gives(t *testing.T, shape graph.Shape, want ...float64) {
	t.Helper()
	y, err := n.run(t)
	if err != nil {
		t.Errorf("%s-%d: %v", n.op, n.opset, err)
		return
	}
	got := y.floats()
	ok := y.typ.Shape.Equal(shape) && len(got) == len(want)
	for i := 0; ok && i < len(got); i++ {
		ok = got[i] == want[i] || got[i] != got[i] && want[i] != want[i] || math.Abs(got[i]-want[i]) <= 1e-5*max(math.Abs(want[i]), 1e-3)
	}
	if !ok {
		t.Errorf("%s-%d gives %v %v, want %v %v", n.op, n.opset, y.typ, got, shape, want)
	}
}

// refused fails unless the model is refused with a text that holds why.
func (n oneNode) refused(t *testing.T, why string) {
	t.Helper()
	_, err := n.run(t)
	var unsupported *UnsupportedError
	if !errors.As(err, &unsupported) || !strings.Contains(err.Error(), why) {
		t.Errorf("%s-%d: error %v, want an *UnsupportedError that says %q", n.op, n.opset, err, why)
	}
}

type attributes = []*onnxpb.Attribute

func TestSliceBackwardsStartsWithinX(t *testing.T) {
	x := fed(graph.Shape{3}, 1, 2, 3)
	slice := func(start, end, step int) oneNode {
		return oneNode{13, "Slice", nil, []operand{x, fixedInts(start), fixedInts(end), fixedInts(0), fixedInts(step)}}
	}
	slice(-10, -20, -1).gives(t, graph.Shape{1}, 1) // a start is brought to 0 at least
	slice(10, -20, -1).gives(t, graph.Shape{3}, 3, 2, 1)
	slice(10, -20, -2).gives(t, graph.Shape{2}, 3, 1)
	slice(2, 0, math.MinInt).gives(t, graph.Shape{1}, 3)
	slice(0, 2, -1).gives(t, graph.Shape{0})
	oneNode{13, "Slice", nil, []operand{fed(graph.Shape{0}), fixedInts(5), fixedInts(-9), fixedInts(0), fixedInts(-1)}}.gives(t, graph.Shape{0})
}

func TestPadOfModes(t *testing.T) {
	x := fed(graph.Shape{1, 3}, 1, 2, 3)
	for mode, want := range map[string][]float64{"reflect": {3, 2, 1, 2, 3, 2}, "edge": {1, 1, 1, 2, 3, 3}, "wrap": {2, 3, 1, 2, 3, 1}} {
		oneNode{19, "Pad", attributes{attrString("mode", mode)}, []operand{x, fixedInts(0, 2, 0, 1)}}.gives(t, graph.Shape{1, 6}, want...)
	}
}

// The first two are of ONNX's own test cases for operator set 10, which the others have no more.
func TestResize10Shrinks(t *testing.T) {
	x := fed(graph.Shape{1, 1, 2, 4}, 1, 2, 3, 4, 5, 6, 7, 8)
	resize := func(mode string, scales ...float64) oneNode {
		return oneNode{10, "Resize", attributes{attrString("mode", mode)}, []operand{x, fixed(scales...)}}
	}
	resize("nearest", 1, 1, 0.6, 0.6).gives(t, graph.Shape{1, 1, 1, 2}, 1, 3)
	resize("linear", 1, 1, 0.6, 0.6).gives(t, graph.Shape{1, 1, 1, 2}, 1, 8./3)
	resize("nearest", 1, 1, 1.5, 0.6).gives(t, graph.Shape{1, 1, 3, 2}, 1, 3, 1, 3, 5, 7)
	oneNode{9, "Upsample", nil, []operand{x, fixed(1, 1, 0.5, 2)}}.refused(t, "at least 1")
	oneNode{8, "Upsample", attributes{{Name: "scales", Type: onnxpb.TypeFloats, Floats: []float32{1, 1, 0.5, 2}}}, []operand{x}}.refused(t, "at least 1")
}

func TestGemmStretchesOnlyC(t *testing.T) {
	a, b := fed(graph.Shape{1, 2}, 1, 2), fed(graph.Shape{2, 3}, 1, 0, 1, 0, 1, 1)
	oneNode{13, "Gemm", nil, []operand{a, b, fed(graph.Shape{1, 1}, 10)}}.gives(t, graph.Shape{1, 3}, 11, 12, 13)
	oneNode{13, "Gemm", nil, []operand{a, b, fed(graph.Shape{2, 1, 3}, 0, 0, 0, 0, 0, 0)}}.refused(t, "does not stretch")
	oneNode{13, "Gemm", nil, []operand{a, b, fed(graph.Shape{2, 3}, 0, 0, 0, 0, 0, 0)}}.refused(t, "does not stretch")
}

// A gamma of ones changes nothing; of a wrong shape it is wrong all the same.
func TestLayerNormalizationOfAWrongShape(t *testing.T) {
	x := fed(graph.Shape{1, 2}, 1, 3)
	oneNode{17, "LayerNormalization", nil, []operand{x, fed(graph.Shape{3}, 1, 1, 1)}}.refused(t, "does not stretch")
	m := small()
	ones := encode("", ofFloats(graph.Of(graph.Float32, 7), slices.Repeat([]float64{1}, 7)))
	m.Graph.Initializer = nil
	m.Graph.Node = []*onnxpb.Node{
		{OpType: "Constant", Output: []string{"g"}, Attribute: attributes{{Name: "value", Type: onnxpb.TypeTensor, T: ones}}},
		{Name: "n", OpType: "LayerNormalization", Input: []string{"x", "g"}, Output: []string{"y"}},
	}
	if err := refused(t, "ones [7] for x [3,2]", onnxpb.Marshal(m)); err == nil || !strings.Contains(err.Error(), "does not stretch") {
		t.Errorf("error %v", err)
	}
}

func TestKnownOfAnotherRankIsRefused(t *testing.T) {
	m := small()
	m.Graph.Input[0].Type.Tensor.Shape.Dim[1] = &onnxpb.Dimension{Param: "h"}
	model, err := Decode(onnxpb.Marshal(m))
	if err != nil {
		t.Fatal(err)
	}
	for _, known := range []*tensor.Dense{tensor.New(tensor.FromScalar(float32(1))), tensor.New(tensor.WithShape(2), tensor.WithBacking([]float32{1, 2}))} {
		_, err := model.Import(Options{Known: map[string]*tensor.Dense{"x": known}})
		if err == nil || !strings.Contains(err.Error(), "the model wants 2") {
			t.Errorf("Known %v: error %v, want that the model wants 2 dimensions", known.Shape(), err)
		}
	}
}

// The places of a MaxPool are made when they are asked for, also where its operand is a constant.
func TestPlacesOfMaxPoolOfAConstant(t *testing.T) {
	m := small()
	m.Graph.Initializer = nil
	m.Graph.Node = []*onnxpb.Node{
		{OpType: "Constant", Output: []string{"c"}, Attribute: attributes{{Name: "value", Type: onnxpb.TypeTensor, T: encode("", ofFloats(graph.Of(graph.Float32, 1, 2, 2, 2), []float64{1, 4, 2, 3, 9, 5, 7, 8}))}}},
		{OpType: "MaxPool", Input: []string{"c"}, Output: []string{"v", "y"}, Attribute: attributes{attrInts("kernel_shape", 2, 2)}},
	}
	model, err := Decode(onnxpb.Marshal(m))
	if err != nil {
		t.Fatal(err)
	}
	net, err := model.Import(Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := net.Run(context.Background(), map[string]*tensor.Dense{})
	if err != nil {
		t.Fatal(err)
	}
	if at := got[0].Int64s(); !slices.Equal(at, []int64{1, 4}) {
		t.Errorf("places %v, want [1 4]", at)
	}
}

func TestMeanVarianceOfLargeNumbers(t *testing.T) {
	x := []float64{1000.1, 1000.2, 1000.1, 1000.3}
	var mean, variance float64
	for i := range x {
		x[i] = float64(float32(x[i]))
		mean += x[i] / 4
	}
	for _, v := range x {
		variance += (v - mean) * (v - mean) / 4
	}
	y, err := oneNode{13, "MeanVarianceNormalization", nil, []operand{fed(graph.Shape{1, 1, 1, 4}, x...)}}.run(t)
	if err != nil {
		t.Fatal(err)
	}
	for i, got := range y.floats() {
		// The mean is off by up to half a unit in the last place of 1000, 3e-5, which is 4e-4 of the deviation.
		if want := (x[i] - mean) / math.Sqrt(variance); math.Abs(got-want) > 2e-3 {
			t.Errorf("element %d is %v, want %v", i, got, want)
		}
	}
}

func TestIgnoredLabelsCountNothing(t *testing.T) {
	inf := math.Inf(-1)
	logp := fed(graph.Shape{3, 2}, inf, 0, -1, -2, math.NaN(), -5)
	loss := oneNode{13, "NegativeLogLikelihoodLoss", attributes{attrInt("ignore_index", -1)}, []operand{logp, fedInts(-1, 1, -1)}}
	loss.gives(t, graph.Shape{}, 2)
	loss.in = append(loss.in, fixed(math.NaN(), 3))
	loss.gives(t, graph.Shape{}, 2)
	loss.attrs = append(loss.attrs, attrString("reduction", "none"))
	loss.gives(t, graph.Shape{3}, 0, 6, 0)
}

// What lies in memory in another order, or with gaps, is written as it is indexed.
func TestEncodeTensorInAnyOrder(t *testing.T) {
	columns := tensor.New(tensor.WithShape(2, 3), tensor.AsFortran([]float32{1, 2, 3, 4, 5, 6}))
	rows := tensor.New(tensor.WithShape(2, 3), tensor.WithBacking([]float32{1, 2, 3, 4, 5, 6}))
	sliced, err := tensor.New(tensor.WithShape(2, 4), tensor.WithBacking([]float32{1, 2, 3, 9, 4, 5, 6, 9})).Slice(nil, tensor.S(0, 3))
	if err != nil {
		t.Fatal(err)
	}
	for name, d := range map[string]*tensor.Dense{"columns": columns, "rows": rows, "a view": sliced.(*tensor.Dense)} {
		data, err := EncodeTensor("x", d)
		if err != nil {
			t.Fatal(err)
		}
		back, err := DecodeTensor(data)
		if err != nil {
			t.Fatal(err)
		}
		if got := back.Float32s(); !slices.Equal(got, []float32{1, 2, 3, 4, 5, 6}) {
			t.Errorf("%s: %v, want 1 to 6", name, got)
		}
	}
}

func TestLpNormalizationOfZeros(t *testing.T) {
	for p, want := range map[int][]float64{1: {0, 0, 3. / 7, -4. / 7}, 2: {0, 0, 0.6, -0.8}} {
		oneNode{17, "LpNormalization", attributes{attrInt("p", p)}, []operand{fed(graph.Shape{2, 2}, 0, 0, 3, -4)}}.gives(t, graph.Shape{2, 2}, want...)
	}
}

// Random numbers are drawn in each run, not once while the model is read.
func TestDropoutOfAConstantIsDrawnInEachRun(t *testing.T) {
	m := small()
	ones := ofFloats(graph.Of(graph.Float32, 64), slices.Repeat([]float64{1}, 64))
	half, yes := ofFloats(graph.Of(graph.Float32), []float64{0.5}), ofFloats(graph.Of(graph.Bool), []float64{1})
	m.Graph.Node, m.Graph.Initializer = []*onnxpb.Node{{Name: "d", OpType: "Dropout", Input: []string{"c", "r", "t"}, Output: []string{"y"}}}, nil
	for name, k := range map[string]constant{"c": ones, "r": half, "t": yes} {
		m.Graph.Node = append([]*onnxpb.Node{{OpType: "Constant", Output: []string{name}, Attribute: attributes{{Name: "value", Type: onnxpb.TypeTensor, T: encode("", k)}}}}, m.Graph.Node...)
	}
	model, err := Decode(onnxpb.Marshal(m))
	if err != nil {
		t.Fatal(err)
	}
	net, err := model.Import(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !hasDropout(net.Graph) {
		t.Errorf("the graph draws no numbers:\n%v", net.Graph)
	}
}

// Places modulo the pixels of a plane
// are those within it; modulo another number they are not.
func TestModuloOfPlaces(t *testing.T) {
	const h, w = 4, 6
	x := make([]float64, 2*h*w)
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	places, err := moduloOfPlaces(t, x, 0)
	if err != nil {
		t.Fatal(err)
	}
	got, err := moduloOfPlaces(t, x, h*w)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range got {
		if v != places[i]%(h*w) {
			t.Errorf("place %d is %d, within its plane %d", i, places[i], v)
		}
	}
	// Int64 that are no constants are not divided; what would be wrong is to take the places for those of 7.
	if got, err := moduloOfPlaces(t, x, 7); err == nil {
		for i, v := range got {
			if v != places[i]%7 {
				t.Errorf("place %d modulo 7 is %d", places[i], v)
			}
		}
	}
}

// moduloOfPlaces returns the places of a MaxPool of x [1,2,4,6], modulo m unless that is 0.
func moduloOfPlaces(t *testing.T, x []float64, m int) ([]int64, error) {
	t.Helper()
	model := small()
	g := model.Graph
	g.Input = []*onnxpb.ValueInfo{typed("x", onnxpb.Float, 1, 2, 4, 6)}
	g.Initializer = []*onnxpb.Tensor{encode("m", ofInts(graph.Shape{}, m))}
	g.Node = []*onnxpb.Node{{Name: "p", OpType: "MaxPool", Input: []string{"x"}, Output: []string{"v", "y"}, Attribute: attributes{attrInts("kernel_shape", 2, 2), attrInts("strides", 2, 2)}}}
	if m != 0 {
		g.Node[0].Output[1] = "i"
		g.Node = append(g.Node, &onnxpb.Node{Name: "mod", OpType: "Mod", Input: []string{"i", "m"}, Output: []string{"y"}})
	}
	decoded, err := Decode(onnxpb.Marshal(model))
	if err != nil {
		t.Fatal(err)
	}
	net, err := decoded.Import(Options{})
	if err != nil {
		return nil, err
	}
	got, err := net.Run(context.Background(), map[string]*tensor.Dense{"x": ofFloats(graph.Of(graph.Float32, 1, 2, 4, 6), x).dense()})
	if err != nil {
		return nil, err
	}
	return got[0].Int64s(), nil
}
