package onnx

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/onnx/internal/onnxpb"
)

func intsOf(shape graph.Shape, v ...int) operand { return operand{ofInts(shape, v...), false} }

// The examples of ONNX's operator specification for sets before and after 17, whose test cases hold for 17 alone; where
// it has none, what its text says of small numbers.
var versions = []struct {
	node  oneNode
	shape graph.Shape
	want  []float64
}{
	// The second operand stretches from an axis on; by default it ends where the first one ends.
	{oneNode{6, "Add", attributes{attrInt("broadcast", 1), attrInt("axis", 0)}, []operand{sixes, fed(graph.Shape{2}, 10, 20)}}, graph.Shape{2, 3}, []float64{11, 12, 13, 24, 25, 26}},
	{oneNode{6, "Sub", attributes{attrInt("broadcast", 1)}, []operand{sixes, fed(graph.Shape{3}, 1, 2, 3)}}, graph.Shape{2, 3}, []float64{0, 0, 0, 3, 3, 3}},
	{oneNode{6, "Mul", attributes{attrInt("broadcast", 1), attrInt("axis", 1)}, []operand{eights, fed(graph.Shape{2}, 1, 10)}}, graph.Shape{2, 2, 2}, []float64{1, 2, 30, 40, 5, 6, 70, 80}},
	{oneNode{6, "Div", attributes{attrInt("broadcast", 1), attrInt("axis", 0)}, []operand{sixes, fed(graph.Shape{2}, 1, 2)}}, graph.Shape{2, 3}, []float64{1, 2, 3, 2, 2.5, 3}},
	{oneNode{6, "Pow", attributes{attrInt("broadcast", 1), attrInt("axis", 0)}, []operand{sixes, fed(graph.Shape{2}, 2, 1)}}, graph.Shape{2, 3}, []float64{1, 4, 9, 4, 5, 6}},
	{oneNode{7, "Add", nil, []operand{sixes, fed(graph.Shape{2, 1}, 10, 20)}}, graph.Shape{2, 3}, []float64{11, 12, 13, 24, 25, 26}},
	{oneNode{6, "Gemm", attributes{attrInt("broadcast", 1), attrInt("transB", 1)}, []operand{sixes, fed(graph.Shape{1, 3}, 1, 0, 1), fixed(10)}}, graph.Shape{2, 1}, []float64{14, 20}},

	{oneNode{6, "Clip", attributes{attrFloat("min", -1), attrFloat("max", 1)}, []operand{fed(graph.Shape{3}, -2, 0.5, 2)}}, graph.Shape{3}, []float64{-1, 0.5, 1}},
	{oneNode{10, "Clip", attributes{attrFloat("max", 1)}, []operand{fed(graph.Shape{3}, -3e30, 0.5, 2)}}, graph.Shape{3}, []float64{-3e30, 0.5, 1}},
	{oneNode{6, "Clip", nil, []operand{fed(graph.Shape{3}, -3e30, 0.5, 3e30)}}, graph.Shape{3}, []float64{-3e30, 0.5, 3e30}},
	{oneNode{11, "Clip", nil, []operand{fed(graph.Shape{3}, -2, 0.5, 2), fixed(0)}}, graph.Shape{3}, []float64{0, 0.5, 2}},
	{oneNode{20, "Gelu", nil, []operand{fed(graph.Shape{3}, -1, 0, 1)}}, graph.Shape{3}, []float64{-0.15865525, 0, 0.84134475}},
	{oneNode{20, "Gelu", attributes{attrString("approximate", "tanh")}, []operand{fed(graph.Shape{3}, -1, 0, 1)}}, graph.Shape{3}, []float64{-0.15880801, 0, 0.84119199}},

	// Before set 13 the axes from one on, by default 1, are one.
	{oneNode{11, "Softmax", nil, []operand{logs}}, graph.Shape{2, 2, 2}, []float64{0.2, 0.2, 0.2, 0.4, 0.25, 0.25, 0.25, 0.25}},
	{oneNode{12, "Softmax", attributes{attrInt("axis", 0)}, []operand{logs}}, graph.Shape{2, 2, 2}, []float64{1. / 9, 1. / 9, 1. / 9, 2. / 9, 1. / 9, 1. / 9, 1. / 9, 1. / 9}},
	{oneNode{13, "Softmax", nil, []operand{logs}}, graph.Shape{2, 2, 2}, []float64{0.5, 0.5, 1. / 3, 2. / 3, 0.5, 0.5, 0.5, 0.5}},
	{oneNode{6, "LogSoftmax", nil, []operand{logs}}, graph.Shape{2, 2, 2}, logsOf(0.2, 0.2, 0.2, 0.4, 0.25, 0.25, 0.25, 0.25)},
	{oneNode{13, "LogSoftmax", nil, []operand{logs}}, graph.Shape{2, 2, 2}, logsOf(0.5, 0.5, 1./3, 2./3, 0.5, 0.5, 0.5, 0.5)},
	{oneNode{6, "Hardmax", nil, []operand{logs}}, graph.Shape{2, 2, 2}, []float64{0, 0, 0, 1, 1, 0, 0, 0}},
	{oneNode{13, "Hardmax", nil, []operand{logs}}, graph.Shape{2, 2, 2}, []float64{1, 0, 0, 1, 1, 0, 1, 0}},

	{oneNode{6, "TopK", attributes{attrInt("k", 2)}, []operand{fed(graph.Shape{2, 3}, 1, 5, 3, 6, 4, 2)}}, graph.Shape{2, 2}, []float64{5, 3, 6, 4}},
	{oneNode{9, "TopK", attributes{attrInt("k", 1), attrInt("axis", 0)}, []operand{fed(graph.Shape{2, 3}, 1, 5, 3, 6, 4, 2)}}, graph.Shape{1, 3}, []float64{6, 5, 3}},
	{oneNode{10, "TopK", nil, []operand{fed(graph.Shape{1, 3}, 1, 5, 3), fixedInts(2)}}, graph.Shape{1, 2}, []float64{5, 3}},
	{oneNode{12, "ArgMax", attributes{attrInt("axis", 1), attrInt("select_last_index", 1)}, []operand{fed(graph.Shape{1, 3}, 5, 5, 3)}}, graph.Shape{1, 1}, []float64{1}},

	// Axes are an attribute, later an operand.
	{oneNode{11, "ReduceSum", attributes{attrInts("axes", 1), attrInt("keepdims", 0)}, []operand{sixes}}, graph.Shape{2}, []float64{6, 15}},
	{oneNode{18, "ReduceMean", attributes{attrInt("keepdims", 0)}, []operand{sixes, fixedInts(-2)}}, graph.Shape{3}, []float64{2.5, 3.5, 4.5}},
	{oneNode{18, "ReduceMax", nil, []operand{sixes, fixedInts(1)}}, graph.Shape{2, 1}, []float64{3, 6}},
	{oneNode{18, "ReduceL2", attributes{attrInt("noop_with_empty_axes", 1)}, []operand{sixes}}, graph.Shape{2, 3}, []float64{1, 2, 3, 4, 5, 6}},
	{oneNode{11, "Squeeze", attributes{attrInts("axes", 0)}, []operand{fed(graph.Shape{1, 1, 2}, 1, 2)}}, graph.Shape{1, 2}, []float64{1, 2}},
	{oneNode{11, "Unsqueeze", attributes{attrInts("axes", 0, -1)}, []operand{fed(graph.Shape{2}, 1, 2)}}, graph.Shape{1, 2, 1}, []float64{1, 2}},
	{oneNode{11, "Split", attributes{attrInt("axis", 1), attrInts("split", 1, 2)}, []operand{sixes}}, graph.Shape{2, 1}, []float64{1, 4}},
	{oneNode{21, "Reshape", attributes{attrInt("allowzero", 1)}, []operand{fed(graph.Shape{0, 3}), fixedInts(3, 0)}}, graph.Shape{3, 0}, nil},
	{oneNode{9, "Slice", attributes{attrInts("axes", 0, 1), attrInts("starts", 1, 0), attrInts("ends", 2, 3)}, []operand{two4}}, graph.Shape{1, 3}, []float64{5, 6, 7}},
	{oneNode{6, "Slice", attributes{attrInts("starts", 0, 1), attrInts("ends", -1, 1000)}, []operand{two4}}, graph.Shape{1, 3}, []float64{2, 3, 4}},
	{oneNode{10, "Slice", nil, []operand{two4, fixedInts(1, 0), fixedInts(2, 3), fixedInts(0, 1), fixedInts(1, 2)}}, graph.Shape{1, 2}, []float64{5, 7}},
	{oneNode{6, "Pad", attributes{attrInts("pads", 0, 2, 0, 0)}, []operand{fed(graph.Shape{2, 2}, 1, 1.2, 2.3, 3.4)}}, graph.Shape{2, 4}, []float64{0, 0, 1, 1.2, 0, 0, 2.3, 3.4}},
	{oneNode{10, "Pad", attributes{attrInts("pads", 0, 1, 0, 0), attrFloat("value", 3)}, []operand{fed(graph.Shape{2, 1}, 1, 2)}}, graph.Shape{2, 2}, []float64{3, 1, 3, 2}},
	{oneNode{18, "Pad", nil, []operand{fed(graph.Shape{2, 1}, 1, 2), fixedInts(1, 0), fixed(7), fixedInts(-1)}}, graph.Shape{2, 2}, []float64{7, 1, 7, 2}},
	{oneNode{11, "DepthToSpace", attributes{attrInt("blocksize", 2), attrString("mode", "CRD")}, []operand{fed(graph.Shape{1, 4, 1, 1}, 1, 2, 3, 4)}}, graph.Shape{1, 1, 2, 2}, []float64{1, 2, 3, 4}},

	{oneNode{9, "Scatter", nil, []operand{nines, intsOf(graph.Shape{2, 3}, 1, 0, 2, 0, 2, 1), fed(graph.Shape{2, 3}, 1, 1.1, 1.2, 2, 2.1, 2.2)}}, graph.Shape{3, 3}, []float64{2, 1.1, 0, 1, 0, 2.2, 0, 2.1, 1.2}},
	{oneNode{18, "ScatterElements", attributes{attrInt("axis", 1), attrString("reduction", "max")}, []operand{fives, intsOf(graph.Shape{1, 2}, 1, 1), fed(graph.Shape{1, 2}, 1.1, 2.1)}}, graph.Shape{1, 5}, []float64{1, 2.1, 3, 4, 5}},
	{oneNode{18, "ScatterElements", attributes{attrInt("axis", 1), attrString("reduction", "min")}, []operand{fives, intsOf(graph.Shape{1, 2}, 1, 1), fed(graph.Shape{1, 2}, 1.1, 2.1)}}, graph.Shape{1, 5}, []float64{1, 1.1, 3, 4, 5}},

	{oneNode{6, "BatchNormalization", attributes{attrInt("is_test", 1)}, batchNormed}, graph.Shape{1, 2, 1, 2}, []float64{0, 2, 1, 1.5}},
	{oneNode{9, "BatchNormalization", nil, batchNormed}, graph.Shape{1, 2, 1, 2}, []float64{0, 2, 1, 1.5}},
	{oneNode{6, "LpNormalization", nil, []operand{fed(graph.Shape{2, 2}, 3, -4, 0, 2)}}, graph.Shape{2, 2}, []float64{0.6, -0.8, 0, 1}},
	{oneNode{21, "GroupNormalization", attributes{attrInt("num_groups", 2)}, []operand{fed(graph.Shape{1, 4, 2}, 1, 3, 5, 7, 2, 2, 4, 4), fixed(1, 2, 3, 4), fixed(10, 20, 30, 40)}},
		graph.Shape{1, 4, 2}, []float64{10 - 3/root5, 10 - 1/root5, 20 + 2/root5, 20 + 6/root5, 27, 27, 44, 44}},
	{oneNode{6, "Dropout", attributes{attrInt("is_test", 1)}, []operand{sixes}}, graph.Shape{2, 3}, []float64{1, 2, 3, 4, 5, 6}},
	{oneNode{7, "Dropout", nil, []operand{sixes}}, graph.Shape{2, 3}, []float64{1, 2, 3, 4, 5, 6}},
	{oneNode{11, "Dropout", attributes{attrFloat("ratio", 0.9)}, []operand{sixes}}, graph.Shape{2, 3}, []float64{1, 2, 3, 4, 5, 6}},
	{oneNode{22, "Dropout", nil, []operand{sixes, fixed(0.9)}}, graph.Shape{2, 3}, []float64{1, 2, 3, 4, 5, 6}},

	{oneNode{7, "Upsample", attributes{{Name: "scales", Type: onnxpb.TypeFloats, Floats: []float32{1, 1, 2, 3}}}, []operand{fed(graph.Shape{1, 1, 1, 2}, 1, 2)}},
		graph.Shape{1, 1, 2, 6}, []float64{1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2}},
	{oneNode{9, "Upsample", attributes{attrString("mode", "linear")}, []operand{fed(graph.Shape{1, 1, 1, 2}, 1, 2), fixed(1, 1, 1, 2)}}, graph.Shape{1, 1, 1, 4}, []float64{1, 1.5, 2, 2}},
	{oneNode{10, "Resize", nil, []operand{fed(graph.Shape{1, 1, 1, 2}, 1, 2), fixed(1, 1, 1, 2)}}, graph.Shape{1, 1, 1, 4}, []float64{1, 1, 2, 2}},
	{oneNode{10, "MaxPool", attributes{attrInts("kernel_shape", 1, 2), attrInts("dilations", 1, 2)}, []operand{row4}}, graph.Shape{1, 1, 1, 2}, []float64{3, 4}},
	{oneNode{19, "AveragePool", attributes{attrInts("kernel_shape", 1, 2), attrInts("dilations", 1, 2)}, []operand{row4}}, graph.Shape{1, 1, 1, 2}, []float64{2, 3}},
	{oneNode{18, "LpPool", attributes{attrInts("kernel_shape", 1, 2), attrInts("dilations", 1, 2), attrInt("p", 1)}, []operand{row4}}, graph.Shape{1, 1, 1, 2}, []float64{4, 6}},
}

var (
	sixes       = fed(graph.Shape{2, 3}, 1, 2, 3, 4, 5, 6)
	eights      = fed(graph.Shape{2, 2, 2}, 1, 2, 3, 4, 5, 6, 7, 8)
	two4        = fed(graph.Shape{2, 4}, 1, 2, 3, 4, 5, 6, 7, 8)
	nines       = fed(graph.Shape{3, 3}, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	fives       = fed(graph.Shape{1, 5}, 1, 2, 3, 4, 5)
	row4        = fed(graph.Shape{1, 1, 1, 4}, 1, 2, 3, 4)
	logs        = fed(graph.Shape{2, 2, 2}, 0, 0, 0, math.Ln2, 0, 0, 0, 0)
	batchNormed = []operand{fed(graph.Shape{1, 2, 1, 2}, 1, 2, 3, 4), fixed(2, 1), fixed(0, 1), fixed(1, 3), fixed(1, 4)}
	root5       = math.Sqrt(5)
)

func logsOf(v ...float64) []float64 {
	for i := range v {
		v[i] = math.Log(v[i])
	}
	return v
}

func TestOlderAndNewerRules(t *testing.T) {
	for _, c := range versions {
		c.node.gives(t, c.shape, c.want...)
	}
}

// Each rule that does not hold for set 17 has a case.
func TestRulesOutsideSet17AreTested(t *testing.T) {
	for op, list := range rules {
		for _, r := range list {
			if r.from <= 17 && (r.to == 0 || r.to >= 17) {
				continue
			}
			if !slices.ContainsFunc(versions, func(c struct {
				node  oneNode
				shape graph.Shape
				want  []float64
			}) bool {
				return c.node.op == op && c.node.opset >= r.from && (r.to == 0 || c.node.opset <= r.to)
			}) {
				t.Errorf("no case has %s of operator sets %d to %d", op, r.from, r.to)
			}
		}
	}
}

func TestRulesOfOtherSetsAreRefused(t *testing.T) {
	absent := "not known in this operator set"
	oneNode{19, "Gelu", nil, []operand{sixes}}.refused(t, absent)
	oneNode{18, "GroupNormalization", attributes{attrInt("num_groups", 1)}, []operand{sixes, fixed(1, 1, 1), fixed(0, 0, 0)}}.refused(t, absent)
	oneNode{6, "Upsample", nil, []operand{sixes}}.refused(t, absent)
	oneNode{10, "Upsample", nil, []operand{sixes, fixed(1, 2)}}.refused(t, absent)
	oneNode{9, "Resize", nil, []operand{sixes, fixed(1, 2)}}.refused(t, absent)
	oneNode{8, "Scatter", nil, []operand{sixes, intsOf(graph.Shape{1, 1}, 0), fed(graph.Shape{1, 1}, 1)}}.refused(t, absent)
	oneNode{11, "Scatter", nil, []operand{sixes, intsOf(graph.Shape{1, 1}, 0), fed(graph.Shape{1, 1}, 1)}}.refused(t, absent)
	oneNode{10, "Clip", nil, []operand{sixes, fixed(0), fixed(1)}}.refused(t, "3 operands")
	oneNode{9, "Slice", nil, []operand{sixes, fixedInts(0), fixedInts(1)}}.refused(t, "3 operands")
	oneNode{10, "Pad", attributes{attrInts("pads", 1)}, []operand{sixes, fixedInts(0, 0, 0, 0)}}.refused(t, "2 operands")
	oneNode{7, "BatchNormalization", attributes{attrInt("spatial", 0)}, batchNormed}.refused(t, "spatial")
	for _, opset := range []int64{6, 7, 13} {
		for _, outs := range []int{3, 5} {
			if _, _, err := (oneNode{opset, "BatchNormalization", nil, batchNormed}).network(t, outs); err == nil || !strings.Contains(err.Error(), "training") {
				t.Errorf("BatchNormalization-%d with %d results: error %v, want that training is not known", opset, outs, err)
			}
		}
	}
}

// Dropout of operator set 6 drops unless it is told that this is a test.
func TestDropout6Drops(t *testing.T) {
	for drops, attrs := range map[bool]attributes{true: nil, false: {attrInt("is_test", 1)}} {
		net, _, err := oneNode{6, "Dropout", attrs, []operand{sixes}}.network(t, 1)
		if err != nil {
			t.Fatal(err)
		}
		if hasDropout(net.Graph) != drops {
			t.Errorf("with %v: it drops is %v", attrs, !drops)
		}
	}
}

// From operator set 18 on parts need not be alike.
func TestSplit18IntoUnequalParts(t *testing.T) {
	for opset, want := range map[int64][]int{17: nil, 18: {2, 1}} {
		n := oneNode{opset, "Split", attributes{attrInt("num_outputs", 2)}, []operand{fed(graph.Shape{3}, 1, 2, 3)}}
		if opset == 17 {
			n.attrs = nil
		}
		net, _, err := n.network(t, 2)
		if (err == nil) != (want != nil) {
			t.Fatalf("set %d: error %v", opset, err)
		}
		for i, w := range want {
			if got := net.Outputs[i].Shape()[0]; got != w {
				t.Errorf("part %d has %d elements, want %d", i, got, w)
			}
		}
	}
}

// Indices that a model brings into another extent may still count from the end of x.
func TestIndicesWrappedForAnotherExtent(t *testing.T) {
	for _, c := range []struct {
		extent int
		index  int64
		want   float32
	}{{3, -1, 30}, {3, 1, 20}, {5, -6, 30}, {5, -4, 20}} {
		m := small()
		g := m.Graph
		g.Initializer = []*onnxpb.Tensor{encode("0", ofInts(graph.Shape{}, 0)), encode("n", ofInts(graph.Shape{}, c.extent))}
		g.Input = []*onnxpb.ValueInfo{typed("x", onnxpb.Float, 3), typed("i", onnxpb.Int64, 1)}
		g.Node = []*onnxpb.Node{
			{OpType: "Less", Input: []string{"i", "0"}, Output: []string{"below"}}, {OpType: "Add", Input: []string{"i", "n"}, Output: []string{"sum"}},
			{OpType: "Where", Input: []string{"below", "sum", "i"}, Output: []string{"at"}}, {OpType: "Gather", Input: []string{"x", "at"}, Output: []string{"y"}},
		}
		model, err := Decode(onnxpb.Marshal(m))
		if err != nil {
			t.Fatal(err)
		}
		net, err := model.Import(Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := net.Run(context.Background(), map[string]*tensor.Dense{
			"x": tensor.New(tensor.WithShape(3), tensor.WithBacking([]float32{10, 20, 30})), "i": tensor.New(tensor.WithShape(1), tensor.WithBacking([]int64{c.index})),
		})
		if err != nil {
			t.Errorf("extent %d, index %d: %v", c.extent, c.index, err)
		} else if y := got[0].Float32s()[0]; y != c.want {
			t.Errorf("extent %d, index %d: %v, want %v", c.extent, c.index, y, c.want)
		}
	}
}
