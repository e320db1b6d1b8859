package gorgonia

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/pkg/errors"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/vm"
)

// A Network is a converted ExprGraph.
type Network struct {
	// Graph has Gorgonia's variables as inputs and parameters, under their names; a name that occurs again has a number behind it.
	Graph *graph.Graph
	// Values says what nodes became. Nodes within a pattern that is one op of Neocog's, such as the im2col of a convolution, are not there.
	Values map[*G.Node]*graph.Value
	// State holds the parameters with the values that their nodes had.
	State *vm.State
}

// Convert turns what outputs need into a graph of Neocog's. Variables among learnables become parameters, with
// their present values; all others become inputs, whose values are fed to each run. Constants stay constants.
//
// gorgonia.Conv2d, six ops in Gorgonia, becomes one Conv2D, and Rectify one ReLU. The gradients that gorgonia.Grad adds to a graph need not
// be converted: autodiff.Gradients makes better ones.
//
// An op without a counterpart is an *UnsupportedError.
func Convert(outputs, learnables G.Nodes) (net *Network, err error) {
	defer guard(&err)
	if len(outputs) == 0 {
		return nil, errors.New("gorgonia: Convert needs an output, got none")
	}
	c, err := convertNodes(outputs, learnables)
	if err != nil {
		return nil, err
	}
	return &c.Network, nil
}

func convertNodes(outputs, learnables G.Nodes) (*converter, error) {
	c := &converter{
		Network:    Network{Graph: graph.New("gorgonia"), Values: map[*G.Node]*graph.Value{}, State: vm.NewState(0)},
		learnables: learnables,
	}
	for i, n := range slices.Concat(outputs, learnables) {
		if n == nil {
			return nil, errors.New("gorgonia: one of the nodes to convert is nil")
		}
		if i >= len(outputs) && n.Op() != nil {
			return nil, errors.Errorf("gorgonia: node %q is the result of %s; a learnable must be a variable", n.Name(), opName(n))
		}
		if _, err := c.value(n); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// guard makes an error of what reflection says to a Gorgonia whose nodes and ops have other fields.
func guard(err *error) {
	if p := recover(); p != nil {
		*err = errors.Errorf("gorgonia: the graph is not as Gorgonia v0.9.18 makes it, for which this package was written: %v", p)
	}
}

// An UnsupportedError is a node that cannot be converted.
type UnsupportedError struct {
	Node *G.Node
	Op   string // as Gorgonia prints it
	Why  string
}

// noRule is why most ops are refused.
const noRule = "there is no rule for it; docs/howto/from-gorgonia.md lists the ops that have one"

// Error names node and op, and says why.
func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("gorgonia: op %s of node %d %q, %v, cannot be converted: %s", e.Op, e.Node.ID(), e.Node.Name(), e.Node.Shape(), e.Why)
}

// A converter is one conversion on its way.
type converter struct {
	Network
	learnables G.Nodes
	running    []running
}

// unique returns the name, with a number behind it if something in the graph has it already.
func (c *converter) unique(name string) string {
	if name == "" {
		name = "unnamed"
	}
	out := name
	for i := 2; c.Graph.Lookup(out) != nil || c.Graph.Lookup(out+"/mean") != nil; i++ {
		out = fmt.Sprintf("%s_%d", name, i)
	}
	return out
}

// value returns what n becomes.
func (c *converter) value(n *G.Node) (*graph.Value, error) {
	if v := c.Values[n]; v != nil {
		return v, nil
	}
	v, err := c.convert(n)
	if err != nil {
		return nil, err
	}
	if err := c.Graph.Err(); err != nil {
		return nil, &UnsupportedError{n, opName(n), err.Error()}
	}
	if got, want := v.Type().Shape, graph.Shape(n.Shape()); !got.Equal(want) {
		return nil, &UnsupportedError{n, opName(n), fmt.Sprintf("the shape would be %v", got)}
	}
	c.Values[n] = v
	return v, nil
}

func (c *converter) convert(n *G.Node) (*graph.Value, error) {
	op := n.Op()
	if op == nil {
		return c.variable(n)
	}
	if f, ok := op.(*convolution); ok {
		in, err := c.operands(n)
		if err != nil {
			return nil, err
		}
		return f.apply(in[0], in[1]), nil
	}
	rule, ok := rules[kind(op)]
	if !ok {
		return nil, &UnsupportedError{n, opName(n), noRule}
	}
	v, err := rule(&call{converter: c, n: n})
	if err != nil {
		return nil, err
	}
	if want := graph.Shape(n.Shape()); v.IsValid() && !v.Type().Shape.Equal(want) && v.Type().Shape.Size() == want.Size() {
		v = reshaped(v, want) // Gorgonia drops or keeps extents of 1 as it likes
	}
	return v, nil
}

// variable declares an input or, for what is learned, a parameter.
func (c *converter) variable(n *G.Node) (*graph.Value, error) {
	t, err := typeOf(n)
	if err != nil {
		return nil, err
	}
	name := c.unique(reflect.ValueOf(n).Elem().FieldByName("name").String()) // Name makes one up for nodes without
	if !slices.Contains(c.learnables, n) {
		return c.Graph.Input(name, t), nil
	}
	d, err := dense(n.Value())
	if err != nil {
		return nil, errors.Errorf("gorgonia: the learnable %q has no value", n.Name())
	}
	return c.Graph.Param(name, t, graph.Zeros()), c.State.Set(name, d)
}

// operands returns what n's children become.
func (c *converter) operands(n *G.Node) ([]*graph.Value, error) {
	var in []*graph.Value
	for _, child := range children(n) {
		v, err := c.value(child)
		if err != nil {
			return nil, err
		}
		in = append(in, v)
	}
	return in, nil
}

// children returns the operands of n. ExprGraph.From, which finds n by its number, may answer for another node: where Gorgonia
// stabilises log(1−x), it gives numbers away twice.
func children(n *G.Node) G.Nodes {
	list := reflect.ValueOf(n).Elem().FieldByName("children")
	out := make(G.Nodes, list.Len())
	for i := range out {
		out[i] = (*G.Node)(list.Index(i).UnsafePointer())
	}
	return out
}

func opName(n *G.Node) string {
	if n.Op() == nil {
		return "variable"
	}
	return strings.TrimSpace(n.Op().String())
}

// typeOf returns the type of n's value.
func typeOf(n *G.Node) (graph.Type, error) {
	d, ok := dtypes[n.Dtype()]
	if !ok {
		return graph.Type{}, &UnsupportedError{n, opName(n), fmt.Sprintf("elements of type %v have no counterpart", n.Dtype())}
	}
	return graph.Of(d, n.Shape()...), nil
}

var dtypes = map[tensor.Dtype]graph.DType{
	tensor.Float32: graph.Float32, tensor.Float64: graph.Float64,
	tensor.Int: graph.Int64, tensor.Int32: graph.Int32, tensor.Int64: graph.Int64, tensor.Bool: graph.Bool,
}

// dense returns v as a tensor, a scalar as one of no axes.
func dense(v G.Value) (*tensor.Dense, error) {
	switch v := v.(type) {
	case *tensor.Dense:
		return v, nil
	case G.Scalar:
		return tensor.New(tensor.FromScalar(v.Data())), nil
	}
	return nil, errors.Errorf("gorgonia: want a dense tensor or a scalar, got %T", v)
}

// scalar returns a tensor of no axes as one of Gorgonia's scalars.
func scalar(d *tensor.Dense) (G.Value, error) {
	switch v := d.ScalarValue().(type) {
	case float32:
		return G.NewF32(v), nil
	case float64:
		return G.NewF64(v), nil
	case int:
		return G.NewI(v), nil
	case int32:
		return G.NewI32(v), nil
	case int64:
		return G.NewI64(v), nil
	case bool:
		return G.NewB(v), nil
	}
	return nil, errors.Errorf("gorgonia: a scalar of type %v has no counterpart", d.Dtype())
}
