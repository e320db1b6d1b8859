package onnx

import (
	"fmt"
	"iter"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/onnx/internal/onnxpb"
	"neocog/vm"
)

// Options say what an ONNX model leaves open. The zero value suits most models.
type Options struct {
	// Batch is the extent of the first axis of inputs where the model gives it a
	// name or leaves it open, and of every axis of the same name. 0 keeps it
	// symbolic, graph.Batch, so that one graph serves every batch size; that
	// is refused where the model computes with it.
	Batch int
	// Dims gives the extents of axes by the names that the model gives them.
	Dims map[string]int
	// Known gives inputs whose elements may be used while the graph is made,
	// such as the shape of a Reshape. They stay inputs of the graph; where the
	// elements were used, what is fed for them later does not count.
	Known map[string]*tensor.Dense
}

// A Network is an imported model: an ordinary graph, and weights.
type Network struct {
	// Graph has the inputs of the model, in order, and its float initialisers as
	// parameters, the statistics of batch normalisations as buffers. Nodes have the
	// names of ONNX nodes as scopes.
	Graph *graph.Graph
	// Outputs are the results, OutputNames what the model calls them.
	Outputs     []*graph.Value
	OutputNames []string
	// State holds the values of parameters and buffers.
	State *vm.State
}

// The most that folding constants may cost, in elements. Shapes are a handful; what is
// larger stays in the graph.
const (
	maxFolded   = 1 << 12 // of a tensor that is computed
	foldingWork = 1 << 20 // of all that are computed in an import
	maxTable    = 1 << 18 // of a tensor that a rule makes, such as a list of indices
)

// Import turns the model into a graph of Neocog's ops. What cannot be had is an
// *UnsupportedError, which names op, node and operator set; what contradicts
// itself, such as shapes that do not go together, a *FileError; a rule that panics is
// an *InternalError.
//
// Float initialisers become parameters, others constants. A node whose
// operands are all constants is computed at once.
func (m *Model) Import(o Options) (*Network, error) {
	im := &importer{
		model: m, opts: o, g: graph.New(m.proto.Graph.Name), state: vm.NewState(0),
		values: map[string]*value{}, work: foldingWork,
	}
	if err := im.check(); err != nil {
		return nil, err
	}
	if err := im.inputs(); err != nil {
		return nil, err
	}
	for _, t := range m.proto.Graph.Initializer {
		if im.values[t.Name] == nil { // an input's default does not count: the input is fed
			im.values[t.Name] = &value{init: t}
		}
	}
	if err := im.buffers(); err != nil {
		return nil, err
	}
	for _, n := range m.proto.Graph.Node {
		if err := im.node(n); err != nil {
			return nil, err
		}
	}
	return im.network()
}

// buffers makes the parameters which have updates and are no floats, such as
// counters; the ops that draw random numbers find them by name.
func (im *importer) buffers() error {
	for param := range im.model.updates() {
		v := im.values[param]
		if v == nil || v.init == nil {
			return fileErrorf("metadata "+quoted(updatePrefix+param), "there is no such initialiser")
		}
		c := &call{importer: im, n: &onnxpb.Node{OpType: "update", Name: param, Input: []string{param}}, g: im.g}
		if _, err := c.guarded(func() []*graph.Value { return one(c.statistic(0)) }); err != nil {
			return err
		}
	}
	return nil
}

// updates are the pairs of parameter and output, its next value, that Export notes.
func (m *Model) updates() iter.Seq2[string, string] {
	return func(yield func(param, next string) bool) {
		for _, e := range m.proto.MetadataProps {
			if param, ok := strings.CutPrefix(e.Key, updatePrefix); ok && !yield(param, e.Value) {
				return
			}
		}
	}
}

// An importer is one import on its way.
type importer struct {
	model  *Model
	opts   Options
	g      *graph.Graph
	state  *vm.State
	values map[string]*value // by ONNX name
	work   int               // elements that folding may still compute
}

// A value is what an ONNX name stands for. At least one field is set; v is made
// when the value is an operand for the first time.
type value struct {
	v     *graph.Value
	known *constant
	init  *onnxpb.Tensor // of an initialiser that no node has used yet

	// What a MaxPool says of its maxima: their places within planes of so many pixels,
	// and how to make ONNX's places in all of x should they be asked for.
	plane  *graph.Value
	pixels int
	later  func(c *call) *graph.Value
}

// check refuses what the model as a whole asks for.
func (im *importer) check() error {
	if im.opts.Batch < 0 {
		return errors.Errorf("onnx: Options.Batch is %d, want at least 0", im.opts.Batch)
	}
	for _, name := range sortedKeys(im.opts.Dims) {
		if n := im.opts.Dims[name]; n < 0 {
			return errors.Errorf("onnx: Options.Dims[%q] is %d, want at least 0", name, n)
		}
	}
	for _, name := range sortedKeys(im.opts.Known) {
		if !slices.ContainsFunc(im.model.proto.Graph.Input, func(v *onnxpb.ValueInfo) bool { return v.Name == name }) {
			return errors.Errorf("onnx: Options.Known names %q; the model's inputs are %s", name, strings.Join(im.model.inputNames(), ", "))
		}
	}
	return nil
}

// inputNames returns the names of the inputs that are fed: not those which give
// the type of an initialiser, as models of before IR version 4 do for each.
func (m *Model) inputNames() []string {
	var names []string
	for _, v := range m.fed() {
		names = append(names, v.Name)
	}
	return names
}

func (m *Model) fed() []*onnxpb.ValueInfo {
	defaults := map[string]bool{}
	for _, t := range m.proto.Graph.Initializer {
		defaults[t.Name] = true
	}
	var fed []*onnxpb.ValueInfo
	for _, v := range m.proto.Graph.Input {
		if !defaults[v.Name] {
			fed = append(fed, v)
		}
	}
	return fed
}

// inputs declares the inputs.
func (im *importer) inputs() error {
	fed := im.model.fed()
	batch := map[string]bool{} // names of symbolic first axes
	for _, v := range fed {
		if dims := dimensions(v); len(dims) > 0 && dims[0].Value == nil && dims[0].Param != "" {
			batch[dims[0].Param] = true
		}
	}
	for _, v := range fed {
		t, err := im.typeOf(v, batch)
		if err != nil {
			return err
		}
		val := &value{v: im.g.Input(v.Name, t)}
		if err := im.mistake(); err != nil {
			return fileErrorf("input "+quoted(v.Name), "%w", err)
		}
		im.values[v.Name] = val
	}
	return nil
}

func dimensions(v *onnxpb.ValueInfo) []*onnxpb.Dimension {
	if v.Type == nil || v.Type.Tensor == nil || v.Type.Tensor.Shape == nil {
		return nil
	}
	return v.Type.Tensor.Shape.Dim
}

// typeOf returns the type of an input. batch holds the names that mean the batch.
func (im *importer) typeOf(v *onnxpb.ValueInfo, batch map[string]bool) (graph.Type, error) {
	refuse := func(format string, args ...any) (graph.Type, error) {
		return graph.Type{}, &UnsupportedError{Err: fmt.Errorf("input %s: %w", quoted(v.Name), fmt.Errorf(format, args...))}
	}
	if v.Type == nil || v.Type.Tensor == nil {
		return refuse("it is no tensor")
	}
	d, err := dtypeOf(v.Type.Tensor.ElemType)
	if err != nil {
		return refuse("%w", errors.Unwrap(err))
	}
	t := graph.Type{DType: d, Shape: graph.Shape{}}
	known := im.opts.Known[v.Name]
	if v.Type.Tensor.Shape == nil && known == nil {
		return refuse("it has no shape")
	}
	for axis, dim := range dimensions(v) {
		n, given := im.opts.Dims[dim.Param]
		switch {
		case dim.Value != nil:
			if n = int(*dim.Value); int64(n) != *dim.Value {
				return refuse("the extent %d of axis %d is too large", *dim.Value, axis)
			}
		case given && dim.Param != "":
		case axis > 0 && !batch[dim.Param]:
			if known == nil {
				return refuse("the model leaves the extent of axis %d open and calls it %q: say what it is (Options.Dims, --dim %s=…)", axis, dim.Param, dim.Param)
			}
			if rank := len(dimensions(v)); known.Dims() != rank {
				return graph.Type{}, errors.Errorf("onnx: what is fed for input %s has %d dimensions, the model wants %d", quoted(v.Name), known.Dims(), rank)
			}
			n = known.Shape()[axis]
		case im.opts.Batch > 0:
			n = im.opts.Batch
		default:
			n = graph.Batch
		}
		t.Shape = append(t.Shape, n)
	}
	if v.Type.Tensor.Shape == nil {
		t.Shape = graph.Shape(known.Shape()).Clone()
	}
	if err := t.Check(); err != nil {
		return refuse("%w", err)
	}
	return t, nil
}

// mistake returns the first mistake that the graph has kept, without places,
// which would be those of this package.
func (im *importer) mistake() error {
	if im.g.Err() == nil {
		return nil
	}
	var list *graph.Errors
	if errors.As(im.g.Err(), &list) && len(list.List) > 0 {
		return errors.Errorf("%s: %v", list.List[0].Op, list.List[0].Err)
	}
	return im.g.Err()
}

// node imports one node: by computing it, if its operands are constants, and else
// by adding ops to the graph. A panic of its rule is an *InternalError.
func (im *importer) node(n *onnxpb.Node) (err error) {
	c := &call{importer: im, n: n, g: im.g}
	defer func() {
		if r := recover(); r != nil {
			err = &InternalError{c.name(), title(n), im.model.opset, r, debug.Stack()}
		}
	}()
	r, err := c.rule()
	if err != nil {
		return err
	}
	if c.foldable() {
		if done, err := c.fold(r); done || err != nil {
			return err
		}
	}
	outs, err := c.build(r)
	if err != nil {
		return err
	}
	for i, name := range n.Output {
		if name != "" {
			im.values[name] = &outs[i]
		}
	}
	return nil
}

// scopeOf returns the scope for a node called name: the part before the last
// slash, since exporters write scope/op, and the whole of a name without one.
func scopeOf(name string) string {
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		name = name[:i]
	}
	return strings.Trim(name, "/")
}

// network makes the final graph: inputs, then nodes in their order, each with the
// parameters and constants that it is the first to use before it, and nothing
// that no output needs. Places are dropped; they would be lines of this package.
func (im *importer) network() (*Network, error) {
	var roots []*graph.Value
	net := &Network{State: vm.NewState(0)}
	params := map[string]string{} // by the output that is the next value
	for param, next := range im.model.updates() {
		params[next] = param
	}
	var updates []graph.Update
	for _, o := range im.model.proto.Graph.Output {
		c := &call{importer: im, n: &onnxpb.Node{OpType: "output", Name: o.Name, Input: []string{o.Name}}, g: im.g}
		v, err := c.guarded(func() []*graph.Value { return []*graph.Value{c.in(0)} })
		if err != nil {
			return nil, err
		}
		if param, ok := params[o.Name]; ok {
			updates = append(updates, graph.Update{Param: im.values[param].v, Next: v[0]})
			delete(params, o.Name)
			continue
		}
		roots = append(roots, v[0])
		net.OutputNames = append(net.OutputNames, o.Name)
	}
	if len(params) > 0 || len(roots) == 0 {
		return nil, fileErrorf("", "the metadata names %d updates that are no outputs, and %d outputs are left", len(params), len(roots))
	}
	for _, u := range im.g.Updates() { // of random numbers, which no file has asked for
		if !slices.ContainsFunc(updates, func(v graph.Update) bool { return v.Param == u.Param }) {
			updates = append(updates, u)
		}
	}
	for _, u := range updates {
		roots = append(roots, u.Param, u.Next)
	}
	images := inOrder(im.g, roots)
	for i, v := range roots { // again, for constants that only others needed
		roots[i] = images[v]
	}
	images = inOrder(roots[0].Graph(), roots)
	for i, v := range roots {
		roots[i] = images[v]
	}
	net.Outputs = slices.Clone(roots[:len(net.OutputNames)])
	net.Graph = roots[0].Graph()
	for i := len(net.Outputs); i < len(roots); i += 2 {
		net.Graph.Update(roots[i], roots[i+1])
	}
	if err := net.Graph.Err(); err != nil {
		return nil, &FileError{Err: err}
	}
	for _, name := range im.state.Names() {
		if net.Graph.Lookup(name) == nil {
			continue
		}
		t, err := im.state.Get(name)
		if err == nil {
			err = net.State.Set(name, t)
		}
		if err != nil {
			return nil, err
		}
	}
	return net, nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
