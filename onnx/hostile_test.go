package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"neocog/graph"
	"neocog/onnx/internal/onnxpb"
)

// small returns a sound model: y = Relu(x + w).
func small() *onnxpb.Model {
	return &onnxpb.Model{
		IRVersion: 8, ProducerName: "test", OpsetImport: []*onnxpb.OperatorSet{{Version: 17}},
		Graph: &onnxpb.Graph{
			Name: "small",
			Node: []*onnxpb.Node{
				{Name: "a", OpType: "Add", Input: []string{"x", "w"}, Output: []string{"s"}},
				{Name: "r", OpType: "Relu", Input: []string{"s"}, Output: []string{"y"}},
			},
			Initializer: []*onnxpb.Tensor{{Name: "w", Dims: []int64{2}, DataType: onnxpb.Float, RawData: make([]byte, 8)}},
			Input:       []*onnxpb.ValueInfo{typed("x", onnxpb.Float, 3, 2)},
			Output:      []*onnxpb.ValueInfo{typed("y", onnxpb.Float, 3, 2)},
		},
	}
}

func typed(name string, d onnxpb.DataType, dims ...int64) *onnxpb.ValueInfo {
	s := &onnxpb.Shape{}
	for _, n := range dims {
		s.Dim = append(s.Dim, &onnxpb.Dimension{Value: &n})
	}
	return &onnxpb.ValueInfo{Name: name, Type: &onnxpb.Type{Tensor: &onnxpb.TensorType{ElemType: d, Shape: s}}}
}

// A hostile is a file that must be refused.
type hostile struct {
	name string
	data []byte
}

// corpus generates the hostile files.
func corpus() []hostile {
	var all []hostile
	add := func(name string, data []byte) { all = append(all, hostile{name, data}) }
	edit := func(name string, f func(m *onnxpb.Model)) {
		m := small()
		f(m)
		add(name, onnxpb.Marshal(m))
	}
	tensor := func(name string, f func(t *onnxpb.Tensor)) {
		edit("initialiser: "+name, func(m *onnxpb.Model) { f(m.Graph.Initializer[0]) })
		edit("attribute: "+name, func(m *onnxpb.Model) {
			t := *m.Graph.Initializer[0]
			f(&t)
			m.Graph.Node = append([]*onnxpb.Node{{OpType: "Constant", Output: []string{"c"}, Attribute: []*onnxpb.Attribute{{Name: "value", Type: onnxpb.TypeTensor, T: &t}}}}, m.Graph.Node...)
			m.Graph.Node[1].Input[1] = "c"
			m.Graph.Initializer = nil
		})
	}
	node := func(name string, n *onnxpb.Node, init ...*onnxpb.Tensor) {
		edit("node: "+name, func(m *onnxpb.Model) {
			n.Name, n.Output = "n", []string{"t"}
			m.Graph.Initializer = append(m.Graph.Initializer, init...)
			m.Graph.Node = append([]*onnxpb.Node{n}, m.Graph.Node...)
			m.Graph.Node[1].Input[0] = "t"
		})
	}

	// Tensors.
	tensor("2⁶² elements of 4 bytes", func(t *onnxpb.Tensor) { t.Dims = []int64{1 << 31, 1 << 31} })
	tensor("extents whose product is 4 modulo 2⁶⁴", func(t *onnxpb.Tensor) {
		t.Dims, t.RawData = []int64{4194305, 4194305, 211106198978564}, make([]byte, 16)
	})
	tensor("extents whose product is 0 modulo 2⁶⁴", func(t *onnxpb.Tensor) { t.Dims, t.RawData = []int64{1 << 32, 1 << 32}, []byte{} })
	tensor("the largest extent", func(t *onnxpb.Tensor) { t.Dims = []int64{math.MaxInt64} })
	tensor("2⁴⁰ elements, no data", func(t *onnxpb.Tensor) { t.Dims, t.RawData = []int64{1 << 40}, nil })
	tensor("2⁴⁰ elements, a few bytes", func(t *onnxpb.Tensor) { t.Dims = []int64{1 << 20, 1 << 20} })
	tensor("a negative extent", func(t *onnxpb.Tensor) { t.Dims = []int64{-2} })
	tensor("two negative extents", func(t *onnxpb.Tensor) { t.Dims = []int64{-1, -2} })
	tensor("the least extent", func(t *onnxpb.Tensor) { t.Dims = []int64{math.MinInt64, 0} })
	tensor("raw data too short", func(t *onnxpb.Tensor) { t.RawData = t.RawData[:7] })
	tensor("raw data too long", func(t *onnxpb.Tensor) { t.RawData = make([]byte, 12) })
	tensor("raw data missing", func(t *onnxpb.Tensor) { t.RawData = nil })
	tensor("too few floats", func(t *onnxpb.Tensor) { t.RawData, t.FloatData = nil, []float32{1} })
	tensor("floats where integers are said", func(t *onnxpb.Tensor) { t.RawData, t.FloatData, t.DataType = nil, []float32{1, 2}, onnxpb.Int64 })
	tensor("an element type that does not exist", func(t *onnxpb.Tensor) { t.DataType = 99 })
	tensor("a negative element type", func(t *onnxpb.Tensor) { t.DataType = -1 })
	tensor("no element type", func(t *onnxpb.Tensor) { t.DataType = 0 })
	tensor("strings", func(t *onnxpb.Tensor) { t.RawData, t.StringData, t.DataType = nil, [][]byte{{1}, {2}}, 8 })
	tensor("a segment", func(t *onnxpb.Tensor) { t.Segment = []byte{8, 0, 16, 1} })
	for _, path := range []string{"../../../../etc/passwd", "/etc/passwd", "a/../../secret", "weights.bin", "C:\\secret", "\x00"} {
		tensor(fmt.Sprintf("data in %q", path), func(t *onnxpb.Tensor) {
			t.RawData, t.DataLocation = nil, 1
			t.ExternalData = []*onnxpb.StringEntry{{Key: "location", Value: path}, {Key: "offset", Value: "-1"}, {Key: "length", Value: "1125899906842624"}}
		})
	}
	edit("nine dimensions", func(m *onnxpb.Model) {
		m.Graph.Initializer[0].Dims = []int64{1, 1, 1, 1, 1, 1, 1, 1, 2}
	})
	edit("a million dimensions", func(m *onnxpb.Model) {
		m.Graph.Initializer[0].Dims = make([]int64, 1_000_000)
		m.Graph.Initializer[0].RawData = []byte{}
	})

	// Names.
	edit("a dangling operand", func(m *onnxpb.Model) { m.Graph.Node[0].Input[1] = "nowhere" })
	edit("a dangling output", func(m *onnxpb.Model) { m.Graph.Output[0].Name = "nowhere" })
	edit("a node that reads itself", func(m *onnxpb.Model) { m.Graph.Node[1].Input[0] = "y" })
	edit("a cycle of two", func(m *onnxpb.Model) { m.Graph.Node[0].Input[0] = "y" })
	edit("nodes in the wrong order", func(m *onnxpb.Model) { n := m.Graph.Node; n[0], n[1] = n[1], n[0] })
	edit("a result made twice", func(m *onnxpb.Model) { m.Graph.Node[1].Output[0] = "s" })
	edit("a result with the name of an input", func(m *onnxpb.Model) { m.Graph.Node[0].Output[0] = "x" })
	edit("a result with the name of an initialiser", func(m *onnxpb.Model) { m.Graph.Node[0].Output[0] = "w" })
	edit("two inputs of one name", func(m *onnxpb.Model) { m.Graph.Input = append(m.Graph.Input, m.Graph.Input[0]) })
	edit("two initialisers of one name", func(m *onnxpb.Model) { m.Graph.Initializer = append(m.Graph.Initializer, m.Graph.Initializer[0]) })
	edit("two outputs of one name", func(m *onnxpb.Model) { m.Graph.Output = append(m.Graph.Output, m.Graph.Output[0]) })
	edit("an input without a name", func(m *onnxpb.Model) { m.Graph.Input[0].Name = "" })
	edit("an initialiser without a name", func(m *onnxpb.Model) { m.Graph.Initializer[0].Name = "" })
	edit("a node without an op", func(m *onnxpb.Model) { m.Graph.Node[1].OpType = "" })
	edit("a node without operands", func(m *onnxpb.Model) { m.Graph.Node[1].Input = nil })
	edit("an operand left out", func(m *onnxpb.Model) { m.Graph.Node[0].Input[1] = "" })
	edit("too many operands", func(m *onnxpb.Model) { m.Graph.Node[1].Input = []string{"s", "s", "s"} })
	edit("a name of a megabyte", func(m *onnxpb.Model) { m.Graph.Node[1].Input[0] = strings.Repeat("n", 1<<20) })
	edit("an attribute given twice", func(m *onnxpb.Model) {
		a := &onnxpb.Attribute{Name: "alpha", Type: onnxpb.TypeFloat, F: new(float32)}
		m.Graph.Node[1].OpType, m.Graph.Node[1].Attribute = "Elu", []*onnxpb.Attribute{a, a}
	})
	edit("an attribute of the wrong type", func(m *onnxpb.Model) {
		m.Graph.Node[1].OpType, m.Graph.Node[1].Attribute = "Elu", []*onnxpb.Attribute{{Name: "alpha", Type: onnxpb.TypeInt, I: new(int64)}}
	})
	edit("an attribute without its value", func(m *onnxpb.Model) {
		m.Graph.Node[1].OpType, m.Graph.Node[1].Attribute = "Elu", []*onnxpb.Attribute{{Name: "alpha", Type: onnxpb.TypeFloat}}
	})
	edit("an unknown attribute", func(m *onnxpb.Model) {
		m.Graph.Node[1].Attribute = []*onnxpb.Attribute{{Name: "turbo", Type: onnxpb.TypeInt, I: new(int64)}}
	})

	// The model as a whole.
	edit("no graph", func(m *onnxpb.Model) { m.Graph = nil })
	edit("no outputs", func(m *onnxpb.Model) { m.Graph.Output = nil })
	edit("no operator set", func(m *onnxpb.Model) { m.OpsetImport = nil })
	edit("operator set 0", func(m *onnxpb.Model) { m.OpsetImport[0].Version = 0 })
	edit("operator set −1", func(m *onnxpb.Model) { m.OpsetImport[0].Version = -1 })
	edit("operator set 2⁶³−1", func(m *onnxpb.Model) { m.OpsetImport[0].Version = math.MaxInt64 })
	edit("two operator sets", func(m *onnxpb.Model) {
		m.OpsetImport = append(m.OpsetImport, &onnxpb.OperatorSet{Domain: "ai.onnx", Version: 9})
	})
	edit("an unknown op", func(m *onnxpb.Model) { m.Graph.Node[1].OpType = "SelfDestruct" })
	edit("an unknown domain", func(m *onnxpb.Model) { m.Graph.Node[1].Domain = "com.example" })
	edit("a sparse initialiser", func(m *onnxpb.Model) { m.Graph.SparseInitializer = [][]byte{{}} })
	edit("an input with a negative extent", func(m *onnxpb.Model) { m.Graph.Input[0] = typed("x", onnxpb.Float, -5, 2) })
	edit("an input of 2⁸⁰ elements", func(m *onnxpb.Model) { m.Graph.Input[0] = typed("x", onnxpb.Float, 1<<40, 1<<40) })
	edit("an input of an unknown type", func(m *onnxpb.Model) { m.Graph.Input[0] = typed("x", 77, 3, 2) })
	edit("an input without a type", func(m *onnxpb.Model) { m.Graph.Input[0].Type = nil })
	edit("an input without a shape", func(m *onnxpb.Model) { m.Graph.Input[0].Type.Tensor.Shape = nil })
	edit("an input that is a sequence", func(m *onnxpb.Model) { m.Graph.Input[0].Type = &onnxpb.Type{Sequence: []byte{}} })
	edit("an input with an open height", func(m *onnxpb.Model) { m.Graph.Input[0].Type.Tensor.Shape.Dim[1] = &onnxpb.Dimension{Param: "h"} })
	edit("shapes that do not go together", func(m *onnxpb.Model) { m.Graph.Input[0] = typed("x", onnxpb.Float, 3, 5) })

	// Nodes that ask for much.
	ints := func(name string, v ...int64) *onnxpb.Tensor {
		t := &onnxpb.Tensor{Name: name, Dims: []int64{int64(len(v))}, DataType: onnxpb.Int64, RawData: []byte{}}
		for _, x := range v {
			t.RawData = binary.LittleEndian.AppendUint64(t.RawData, uint64(x))
		}
		return t
	}
	scalar := func(name string, v int64) *onnxpb.Tensor {
		t := ints(name, v)
		t.Dims = nil
		return t
	}
	attrInts := func(name string, v ...int64) *onnxpb.Attribute {
		return &onnxpb.Attribute{Name: name, Type: onnxpb.TypeInts, Ints: v}
	}
	attrInt := func(name string, v int64) *onnxpb.Attribute {
		return &onnxpb.Attribute{Name: name, Type: onnxpb.TypeInt, I: &v}
	}
	node("ConstantOfShape, 2⁶⁰ elements", &onnxpb.Node{OpType: "ConstantOfShape", Input: []string{"d"}}, ints("d", 1<<30, 1<<30))
	node("ConstantOfShape, 2⁴⁰ elements", &onnxpb.Node{OpType: "ConstantOfShape", Input: []string{"d"}}, ints("d", 1<<20, 1<<20))
	node("ConstantOfShape, a negative extent", &onnxpb.Node{OpType: "ConstantOfShape", Input: []string{"d"}}, ints("d", -3))
	node("Range, 2⁶² elements", &onnxpb.Node{OpType: "Range", Input: []string{"0", "n", "1"}}, scalar("0", 0), scalar("n", 1<<62), scalar("1", 1))
	node("Range, steps of 0", &onnxpb.Node{OpType: "Range", Input: []string{"0", "n", "0"}}, scalar("0", 0), scalar("n", 10))
	node("Expand, 2⁶³ elements", &onnxpb.Node{OpType: "Expand", Input: []string{"x", "d"}}, ints("d", 1<<40, 1<<30, 3, 2))
	node("Tile, 2⁶³ elements", &onnxpb.Node{OpType: "Tile", Input: []string{"x", "d"}}, ints("d", 1<<62, 1<<62))
	node("Reshape to too much", &onnxpb.Node{OpType: "Reshape", Input: []string{"x", "d"}}, ints("d", math.MaxInt64, 2))
	node("Reshape to two open extents", &onnxpb.Node{OpType: "Reshape", Input: []string{"x", "d"}}, ints("d", -1, -1))
	node("Pad by 2⁶²", &onnxpb.Node{OpType: "Pad", Input: []string{"x", "d"}}, ints("d", 1<<62, 0, 1<<62, 0))
	node("Pad by reflection of 2⁴⁰", &onnxpb.Node{OpType: "Pad", Input: []string{"x", "d"}, Attribute: []*onnxpb.Attribute{{Name: "mode", Type: onnxpb.TypeString, S: []byte("reflect")}}}, ints("d", 1<<40, 0, 0, 0))
	node("Slice with step 0", &onnxpb.Node{OpType: "Slice", Input: []string{"x", "d", "e", "d", "d"}}, ints("d", 0), ints("e", 1))
	node("Transpose by no permutation", &onnxpb.Node{OpType: "Transpose", Input: []string{"x"}, Attribute: []*onnxpb.Attribute{attrInts("perm", 0, 0)}})
	node("Transpose out of range", &onnxpb.Node{OpType: "Transpose", Input: []string{"x"}, Attribute: []*onnxpb.Attribute{attrInts("perm", 1<<40, -1<<40)}})
	node("ReduceSum of axis −2⁶³", &onnxpb.Node{OpType: "ReduceSum", Input: []string{"x", "d"}}, ints("d", math.MinInt64))
	node("Unsqueeze by a thousand axes", &onnxpb.Node{OpType: "Unsqueeze", Input: []string{"x", "d"}}, ints("d", make([]int64, 1000)...))
	node("Split into 2⁴⁰ parts", &onnxpb.Node{OpType: "Split", Input: []string{"x"}, Attribute: []*onnxpb.Attribute{attrInt("num_outputs", 1<<40)}})
	node("MaxPool with stride 0", &onnxpb.Node{OpType: "MaxPool", Input: []string{"i"}, Attribute: []*onnxpb.Attribute{attrInts("kernel_shape", 1, 1), attrInts("strides", 0, 0)}},
		&onnxpb.Tensor{Name: "i", DataType: onnxpb.Float, Dims: []int64{1, 1, 1, 1}, RawData: make([]byte, 4)})
	node("MaxPool with a window of 2⁶²", &onnxpb.Node{OpType: "MaxPool", Input: []string{"i"}, Attribute: []*onnxpb.Attribute{attrInts("kernel_shape", 1<<62, 1<<62)}},
		&onnxpb.Tensor{Name: "i", DataType: onnxpb.Float, Dims: []int64{1, 1, 1, 1}, RawData: make([]byte, 4)})
	node("Conv with a padding of −2⁶³", &onnxpb.Node{OpType: "Conv", Input: []string{"i", "i"}, Attribute: []*onnxpb.Attribute{attrInts("pads", math.MinInt64, math.MinInt64, 0, 0)}},
		&onnxpb.Tensor{Name: "i", DataType: onnxpb.Float, Dims: []int64{1, 1, 1, 1}, RawData: make([]byte, 4)})
	node("TopK of −1", &onnxpb.Node{OpType: "TopK", Input: []string{"x", "k"}}, scalar("k", -1))
	node("OneHot of 2⁴⁰ classes", &onnxpb.Node{OpType: "OneHot", Input: []string{"k", "k", "v"}}, scalar("k", 1<<40), ints("v", 0, 1))
	node("Cast to nothing", &onnxpb.Node{OpType: "Cast", Input: []string{"x"}, Attribute: []*onnxpb.Attribute{attrInt("to", -1)}})
	// A node on an input of another shape.
	on := func(name string, x *onnxpb.ValueInfo, n *onnxpb.Node, init ...*onnxpb.Tensor) {
		edit("node: "+name, func(m *onnxpb.Model) {
			n.Name, n.Output = "n", append([]string{"y"}, n.Output...)
			m.Graph.Node, m.Graph.Input, m.Graph.Initializer = []*onnxpb.Node{n}, []*onnxpb.ValueInfo{x}, init
		})
	}
	attrMode := func(mode string) *onnxpb.Attribute {
		return &onnxpb.Attribute{Name: "mode", Type: onnxpb.TypeString, S: []byte(mode)}
	}
	floats := func(dims ...int64) *onnxpb.ValueInfo { return typed("x", onnxpb.Float, dims...) }
	on("Pad by reflection to 2⁶⁹ elements", floats(1<<50, 1<<9), &onnxpb.Node{OpType: "Pad", Input: []string{"x", "d"}, Attribute: []*onnxpb.Attribute{attrMode("reflect")}}, ints("d", 0, 1<<18, 1<<18, 1<<18))
	on("Pad by −2⁶³", floats(1, 4), &onnxpb.Node{OpType: "Pad", Input: []string{"x", "d"}}, ints("d", 0, 1<<20, math.MinInt64, 1))
	on("Slice of 2⁴⁰ backwards", floats(1<<40), &onnxpb.Node{OpType: "Slice", Input: []string{"x", "d", "e", "0", "d"}}, ints("d", -1), ints("e", math.MinInt64), ints("0", 0))
	on("MaxUnpool with a stride of 2³¹", floats(1, 1, 2, 2), &onnxpb.Node{OpType: "MaxUnpool", Input: []string{"x", "i"},
		Attribute: []*onnxpb.Attribute{attrInts("kernel_shape", 2, 2), attrInts("strides", 1<<31, 1<<31)}},
		&onnxpb.Tensor{Name: "i", DataType: onnxpb.Int64, Dims: []int64{1, 1, 2, 2}, RawData: make([]byte, 32)})
	on("MaxUnpool to 2⁸⁰ elements", floats(1, 1, 2, 2), &onnxpb.Node{OpType: "MaxUnpool", Input: []string{"x", "i", "s"},
		Attribute: []*onnxpb.Attribute{attrInts("kernel_shape", 1<<20, 1<<20), attrInts("strides", 1<<20, 1<<20)}},
		&onnxpb.Tensor{Name: "i", DataType: onnxpb.Int64, Dims: []int64{1, 1, 2, 2}, RawData: make([]byte, 32)}, ints("s", 1, 1, 1<<40, 1<<40))
	kernel := func(pads int64, n ...int64) []*onnxpb.Attribute {
		p := make([]int64, 2*len(n))
		for i := range p {
			p[i] = pads
		}
		return []*onnxpb.Attribute{attrInts("kernel_shape", n...), attrInts("pads", p...)}
	}
	for _, op := range []string{"LpPool", "MaxPool", "AveragePool"} {
		gaps := append(kernel(1, 2, 2), attrInts("dilations", 2, 2))
		on(op+" of 2⁴⁰ rows, with padding and gaps", floats(1, 1, 1<<40, 4), &onnxpb.Node{OpType: op, Input: []string{"x"}, Attribute: gaps})
		on(op+" of 2²¹ rows, with gaps", floats(1, 1, 1<<21, 4), &onnxpb.Node{OpType: op, Input: []string{"x"}, Attribute: gaps})
		on(op+" of planes of 2²⁴ pixels, with gaps", floats(1, 1, 4, 1<<12, 1<<12), &onnxpb.Node{OpType: op, Input: []string{"x"},
			Attribute: append(kernel(0, 2, 1, 1), attrInts("dilations", 2, 1, 1))})
	}
	on("LpPool of 2⁴⁰ rows, with padding", floats(1, 1, 1<<40, 2), &onnxpb.Node{OpType: "LpPool", Input: []string{"x"}, Attribute: kernel(1, 2, 2)})
	on("LpPool of 2²² × 2²² pixels, with padding", floats(1, 1, 1<<22, 1<<22), &onnxpb.Node{OpType: "LpPool", Input: []string{"x"}, Attribute: kernel(1, 2, 2)})
	on("places of MaxPool in 2³⁰ slices", floats(1, 1, 1<<30, 1, 1), &onnxpb.Node{OpType: "MaxPool", Output: []string{"i"}, Input: []string{"x"}, Attribute: kernel(0, 1, 1, 1)})
	on("Conv of 2⁴⁰ slices", floats(1, 1, 1<<40, 1, 1), &onnxpb.Node{OpType: "Conv", Input: []string{"x", "w"}},
		&onnxpb.Tensor{Name: "w", DataType: onnxpb.Float, Dims: []int64{1, 1, 2, 1, 1}, RawData: make([]byte, 8)})
	edit("constants that double 60 times", func(m *onnxpb.Model) {
		m.Graph.Initializer = append(m.Graph.Initializer, ints("k0", 1))
		var nodes []*onnxpb.Node
		for i := range 60 {
			k := fmt.Sprintf("k%d", i)
			nodes = append(nodes, &onnxpb.Node{OpType: "Concat", Input: []string{k, k}, Output: []string{fmt.Sprintf("k%d", i+1)}, Attribute: []*onnxpb.Attribute{attrInt("axis", 0)}})
		}
		m.Graph.Node = append(nodes, m.Graph.Node...)
		m.Graph.Node[60].Input[0] = "k60"
	})

	// Bytes.
	add("nothing", nil)
	add("a picture", []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"))
	add("text", []byte(strings.Repeat("lorem ipsum ", 1000)))
	sound := onnxpb.Marshal(small())
	add("half a file", sound[:len(sound)/2])
	add("all but the last byte", sound[:len(sound)-1])
	add("a length of 2⁶³", append(protowire.AppendTag(nil, 7, protowire.BytesType), protowire.AppendVarint(nil, 1<<63)...))
	add("a varint without end", append(protowire.AppendTag(nil, 1, protowire.VarintType), []byte(strings.Repeat("\xff", 100))...))
	add("a group", protowire.AppendTag(nil, 7, protowire.StartGroupType))
	add("a number for the graph", protowire.AppendVarint(protowire.AppendTag(nil, 7, protowire.VarintType), 5))
	add("bytes for the IR version", protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), []byte("eight")))
	add("a million empty nodes", protowire.AppendBytes(protowire.AppendTag(nil, 7, protowire.BytesType), []byte(strings.Repeat("\x0a\x00", 1_000_000))))
	add("a million empty initialisers", protowire.AppendBytes(protowire.AppendTag(nil, 7, protowire.BytesType), []byte(strings.Repeat("\x2a\x00", 1_000_000))))
	deep := []byte{}
	for range 10_000 { // a graph in an attribute of a node of a graph …
		deep = protowire.AppendBytes(protowire.AppendTag(nil, 6, protowire.BytesType), deep)
		deep = protowire.AppendBytes(protowire.AppendTag(nil, 5, protowire.BytesType), deep)
		deep = protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), deep)
	}
	add("graphs 10,000 deep", protowire.AppendBytes(protowire.AppendTag(nil, 7, protowire.BytesType), deep))
	return all
}

// refused returns the error of a file, and fails the test unless it is typed.
func refused(t testing.TB, name string, data []byte) error {
	m, err := Decode(data)
	if err == nil {
		_, err = m.Import(Options{})
	}
	var file *FileError
	var unsupported *UnsupportedError
	switch {
	case err == nil:
		t.Errorf("%s: was accepted", name)
	case !errors.As(err, &file) && !errors.As(err, &unsupported):
		t.Errorf("%s: error of type %T: %v", name, err, err)
	case len(err.Error()) > 1000:
		t.Errorf("%s: an error of %d bytes", name, len(err.Error()))
	}
	return err
}

// What hostile files must get: an error of a known type, for less than 64 MiB of memory.
func TestHostileFiles(t *testing.T) {
	all := corpus()
	if len(all) < 60 {
		t.Errorf("%d files, want at least 60", len(all))
	}
	var slowest time.Duration
	for _, h := range all {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		err := refused(t, h.name, h.data)
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
			t.Errorf("%s: %d bytes were allocated, want at most 64 MiB", h.name, used)
		}
		if took > slowest {
			slowest = took
			t.Logf("%v: %s", took, h.name)
		}
		t.Logf("%s: %v", h.name, err)
	}
	t.Logf("%d files", len(all))
}

// Large inputs are no reason to refuse, but they are not to be listed either.
func TestLargeInputsTakeNoMemory(t *testing.T) {
	pool := []*onnxpb.Attribute{attrInts("kernel_shape", 2, 2)}
	ints := func(name string, v ...int) *onnxpb.Tensor { return encode(name, ofInts(graph.Shape{len(v)}, v...)) }
	for _, c := range []struct {
		name string
		dims []int64
		node *onnxpb.Node
		init []*onnxpb.Tensor
	}{
		{"LpPool", []int64{1, 1, 1 << 40, 2}, &onnxpb.Node{OpType: "LpPool", Attribute: pool}, nil},
		{"LpPool with padding", []int64{1, 1, 1 << 20, 2}, &onnxpb.Node{OpType: "LpPool", Attribute: append(pool, attrInts("pads", 0, 1, 0, 1))}, nil},
		{"AveragePool", []int64{1, 1, 1 << 40, 2}, &onnxpb.Node{OpType: "AveragePool", Attribute: append(pool, attrInts("pads", 1, 1, 1, 1))}, nil},
		{"MaxPool", []int64{1, 1, 1 << 29, 2}, &onnxpb.Node{OpType: "MaxPool", Attribute: append(pool, attrInts("pads", 1, 1, 1, 1))}, nil},
		{"Pad by reflection", []int64{1 << 50}, &onnxpb.Node{OpType: "Pad", Input: []string{"", "d"}, Attribute: []*onnxpb.Attribute{attrString("mode", "reflect")}}, []*onnxpb.Tensor{ints("d", 1, 1)}},
		{"Slice", []int64{1 << 40}, &onnxpb.Node{OpType: "Slice", Input: []string{"", "f", "e", "a", "s"}},
			[]*onnxpb.Tensor{ints("f", 5), ints("e", math.MinInt), ints("a", 0), ints("s", -1)}},
	} {
		c.node.Name, c.node.Output = "n", []string{"y"}
		if c.node.Input == nil {
			c.node.Input = []string{""}
		}
		c.node.Input[0] = "x"
		m := small()
		m.Graph.Node, m.Graph.Initializer, m.Graph.Input = []*onnxpb.Node{c.node}, c.init, []*onnxpb.ValueInfo{typed("x", onnxpb.Float, c.dims...)}
		data := onnxpb.Marshal(m)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		model, err := Decode(data)
		if err == nil {
			_, err = model.Import(Options{})
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
			t.Errorf("%s: %d bytes were allocated, want at most 64 MiB", c.name, used)
		}
	}
}

// No rule panics that is known. One that did would be an error that names the node.
func TestPanicOfARuleIsAnError(t *testing.T) {
	rules["Boom"] = []rule{{op: "Boom", from: 1, in: [2]int{1, 1}, build: func(c *call) []*graph.Value { return one(c.in(7)) }}}
	defer delete(rules, "Boom")
	m := small()
	m.Graph.Node[1].OpType = "Boom"
	model, err := Decode(onnxpb.Marshal(m))
	if err != nil {
		t.Fatal(err)
	}
	_, err = model.Import(Options{})
	var internal *InternalError
	if !errors.As(err, &internal) || internal.Op != "Boom" || internal.Node != "r" || len(internal.Stack) == 0 {
		t.Errorf("error %v, want an *InternalError of node r", err)
	}
}

// The longest that any hostile file takes.
func BenchmarkHostileFiles(b *testing.B) {
	all := corpus()
	var slowest time.Duration
	for b.Loop() {
		for _, h := range all {
			start := time.Now()
			refused(b, h.name, h.data)
			slowest = max(slowest, time.Since(start))
		}
	}
	b.ReportMetric(float64(slowest.Microseconds())/1000, "ms/slowest")
}

func TestSmallModelIsSound(t *testing.T) {
	m, err := Decode(onnxpb.Marshal(small()))
	if err != nil {
		t.Fatal(err)
	}
	net, err := m.Import(Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := `graph "small"
%0 = Input "x"              f32[3,2]
%1 = Param "w" constant(0)  f32[2]
%2 = Add %0 %1              f32[3,2]  "a"
%3 = ReLU %2                f32[3,2]  "r"
`
	if got := net.Graph.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
