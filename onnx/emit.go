package onnx

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pkg/errors"

	"neocog/graph"
	"neocog/onnx/internal/onnxpb"
	"neocog/vm"
)

// An emitter turns a graph into nodes of ONNX.
type emitter struct {
	from  *graph.Graph
	state *vm.State
	graph *onnxpb.Graph
	names map[*graph.Value]string
	taken map[string]bool // names of values
	batch batchSource
	sizes string // name of the tensor that holds the batch size, "" until it is needed
	node  *graph.Node
	masks map[graph.Op]string // of dropouts
	fault error
}

// A batchSource is an input with the batch among its axes.
type batchSource struct {
	input      string
	axis, rank int
}

func newEmitter(g *graph.Graph, state *vm.State) *emitter {
	if state == nil {
		state = vm.NewState(0)
	}
	return &emitter{
		from: g, state: state, graph: &onnxpb.Graph{Name: g.Name()},
		names: map[*graph.Value]string{}, taken: map[string]bool{}, masks: map[graph.Op]string{},
	}
}

// reserve gives an output its name, if v does not have one: inputs and parameters
// do, and a value that is listed twice.
func (e *emitter) reserve(v *graph.Value, name string) error {
	if name == "" || e.taken[name] && !(labelOf(v) == name) || e.from.Lookup(name) != nil && labelOf(v) != name {
		return errors.Errorf("onnx: the output's name %q is empty or taken", name)
	}
	e.taken[name] = true
	if labelOf(v) == "" && e.names[v] == "" {
		e.names[v] = name
	}
	return nil
}

// output declares an output. One that is an input, a parameter, or another output
// too, is a copy.
func (e *emitter) output(v *graph.Value, name string) {
	if own := e.names[v]; own != name {
		e.node = nil
		e.add("Identity", []string{own}, []string{name})
	}
	e.graph.Output = append(e.graph.Output, info(name, v.Type()))
	e.graph.ValueInfo = slices.DeleteFunc(e.graph.ValueInfo, func(i *onnxpb.ValueInfo) bool { return i.Name == name })
}

// nodes emits all nodes of the graph.
func (e *emitter) nodes() error {
	for _, v := range append(append(e.from.Inputs(), e.from.Params()...), e.from.Buffers()...) {
		e.names[v] = labelOf(v)
		e.taken[labelOf(v)] = true
	}
	for _, n := range e.from.Nodes() {
		e.node = n
		switch op := n.Op.(type) {
		case graph.InputOp:
			continue
		case graph.ParamOp:
			if err := e.initialiser(n.Out(0), op); err != nil {
				return err
			}
			continue
		case graph.ConstOp:
			e.bind(n.Out(0), e.constant(constant{typ: n.Out(0).Type(), data: op.Data}))
			continue
		}
		f := exporters[n.Op.Name()]
		if f == nil {
			return &UnsupportedError{Op: n.Op.Name(), Node: n.Scope, Opset: exportOpset, Err: errors.New("there is no way to write the op in ONNX")}
		}
		f(e, n)
		if e.fault != nil {
			return &UnsupportedError{Op: n.Op.Name(), Node: n.Scope, Opset: exportOpset, Err: e.fault}
		}
	}
	return nil
}

// initialiser writes a parameter or a buffer with its value.
func (e *emitter) initialiser(v *graph.Value, op graph.ParamOp) error {
	t, err := e.state.Get(op.Label)
	var k constant
	if err == nil {
		if k, err = constantOf(t); err != nil {
			return errors.WithMessagef(err, "onnx: parameter %q", op.Label)
		}
		if !k.typ.Equal(v.Type()) {
			return errors.Errorf("onnx: parameter %q is %v in the graph, %v in the state", op.Label, v.Type(), k.typ)
		}
	} else {
		k = ofFloats(v.Type(), op.Init.Values(op.Label, v.Type(), e.state.Seed()))
	}
	p := encode(op.Label, k)
	if op.Buffer {
		p.DocString = bufferMark
	}
	e.graph.Initializer = append(e.graph.Initializer, p)
	return nil
}

// bind says that v is the value called name. If v is an output, whose name is fixed,
// the node that makes name is made to use that one.
func (e *emitter) bind(v *graph.Value, name string) {
	want := e.names[v]
	if want == "" || want == name {
		e.names[v] = name
		return
	}
	last := e.graph.Node[len(e.graph.Node)-1]
	if i := slices.Index(last.Output, name); i >= 0 {
		last.Output[i] = want
		for _, info := range e.graph.ValueInfo {
			if info.Name == name {
				info.Name = want
			}
		}
		return
	}
	e.add("Identity", []string{name}, []string{want})
	e.declare(want, v.Type())
}

// in returns the names of the operands of the node.
func (e *emitter) in() []string {
	out := make([]string, len(e.node.Ins()))
	for i, v := range e.node.Ins() {
		out[i] = e.names[v]
	}
	return out
}

// unique returns a name for a new value.
func (e *emitter) unique(stem string) string {
	for i := len(e.graph.Node); ; i++ {
		name := fmt.Sprintf("%s_%d", stem, i)
		if !e.taken[name] {
			e.taken[name] = true
			return name
		}
	}
}

// add appends a node with these operands and results.
func (e *emitter) add(op string, in, out []string, attributes ...*onnxpb.Attribute) {
	n := &onnxpb.Node{OpType: op, Input: in, Output: out, Attribute: attributes, Name: fmt.Sprintf("/%s_%d", op, len(e.graph.Node))}
	if e.node != nil {
		if e.node.Scope != "" {
			n.Name = e.node.Scope + n.Name
		}
		var remarks []string
		if p := e.node.Pos.String(); p != "" {
			remarks = append(remarks, p)
		}
		if o := e.node.Origin; o != nil {
			what := "gradient of " + o.Op.Name()
			if o.Scope != "" {
				what += " in " + o.Scope
			}
			remarks = append(remarks, what)
		}
		n.DocString = strings.Join(remarks, ", ")
	}
	e.graph.Node = append(e.graph.Node, n)
}

func (e *emitter) declare(name string, t graph.Type) {
	e.graph.ValueInfo = append(e.graph.ValueInfo, info(name, t))
}

// op appends a node with one result of type t and returns the name of that.
func (e *emitter) op(op string, t graph.Type, in []string, attributes ...*onnxpb.Attribute) string {
	return e.ops(op, []graph.Type{t}, in, attributes...)[0]
}

// ops is op for several results; the zero Type leaves one out.
func (e *emitter) ops(op string, types []graph.Type, in []string, attributes ...*onnxpb.Attribute) []string {
	out := make([]string, len(types))
	for i, t := range types {
		if t.IsValid() {
			out[i] = e.unique(op)
			e.declare(out[i], t)
		}
	}
	e.add(op, in, out, attributes...)
	return out
}

// constant appends a Constant node.
func (e *emitter) constant(k constant) string {
	return e.op("Constant", k.typ, nil, &onnxpb.Attribute{Name: "value", Type: onnxpb.TypeTensor, T: encode("", k)})
}

// ints appends a Constant of int64 [n].
func (e *emitter) ints(v ...int) string { return e.constant(ofInts(graph.Shape{len(v)}, v...)) }

// scalar appends a scalar Constant.
func (e *emitter) scalar(d graph.DType, v float64) string {
	return e.constant(ofFloats(graph.Of(d), []float64{v}))
}

// shape appends what gives a shape as int64 [n]: a constant if it is static.
func (e *emitter) shape(s graph.Shape) string {
	if s.IsStatic() {
		return e.ints(s...)
	}
	if e.sizes == "" {
		if e.batch.input == "" {
			e.fault = errors.New("it depends on the batch size, which no input has")
			return ""
		}
		e.sizes = e.op("Shape", graph.Of(graph.Int64, 1), []string{e.batch.input}, attrInt("start", e.batch.axis), attrInt("end", e.batch.axis+1))
	}
	if len(s) == 1 {
		return e.sizes
	}
	var parts []string
	for i := 0; i < len(s); {
		if s[i] == graph.Batch {
			parts, i = append(parts, e.sizes), i+1
			continue
		}
		j := i
		for j < len(s) && s[j] != graph.Batch {
			j++
		}
		parts, i = append(parts, e.ints(s[i:j]...)), j
	}
	return e.op("Concat", graph.Of(graph.Int64, len(s)), parts, attrInt("axis", 0))
}

func attrInt(name string, v int) *onnxpb.Attribute {
	i := int64(v)
	return &onnxpb.Attribute{Name: name, Type: onnxpb.TypeInt, I: &i}
}

func attrFloat(name string, v float64) *onnxpb.Attribute {
	f := float32(v)
	return &onnxpb.Attribute{Name: name, Type: onnxpb.TypeFloat, F: &f}
}

func attrInts(name string, v ...int) *onnxpb.Attribute {
	a := &onnxpb.Attribute{Name: name, Type: onnxpb.TypeInts}
	for _, x := range v {
		a.Ints = append(a.Ints, int64(x))
	}
	return a
}

func attrString(name, v string) *onnxpb.Attribute {
	return &onnxpb.Attribute{Name: name, Type: onnxpb.TypeString, S: []byte(v)}
}
