package gorgonia

import (
	"context"
	"reflect"
	"slices"

	"github.com/pkg/errors"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/vm"
)

// A Machine is a gorgonia.VM that computes with Neocog. It reads the values of nodes where they lie and writes results where Gorgonia's
// machines do, so that gorgonia.Let, gorgonia.Read and Gorgonia's solvers work with it. One goroutine at a time may use it.
type Machine struct {
	machine *vm.Machine
	state   *vm.State
	inputs  []input
	feeds   vm.Feeds
	give    []func(*tensor.Dense) error // one for each output of machine
	running []running
}

var _ G.VM = (*Machine)(nil)

// An input is a variable and what it became.
type input struct {
	node  *G.Node
	value *graph.Value
}

// NewMachine returns a machine that computes out and what gorgonia.Read asks for in its graph; it takes the place of
// gorgonia.NewTapeMachine. With learnables, out must be a scalar, the cost, and each run also computes its gradients: they
// are where gorgonia.NodesToValueGrads looks for them, in the nodes that gorgonia.Grad(out, learnables...) has made.
//
//	vm, err := neocog.NewMachine(cost, learnables...)
//	…
//	for … {
//		gorgonia.Let(x, images)
//		err := vm.RunAll()
//		err = solver.Step(gorgonia.NodesToValueGrads(learnables))
//		vm.Reset()
//	}
//
// An op without a counterpart is an *UnsupportedError.
func NewMachine(out *G.Node, learnables ...*G.Node) (m *Machine, err error) {
	defer guard(&err)
	if out == nil || slices.Contains(learnables, nil) {
		return nil, errors.New("gorgonia: NewMachine got a nil node")
	}
	for _, n := range learnables {
		if n.Deriv() == nil {
			return nil, errors.Errorf("gorgonia: the learnable %q has no gradient; call gorgonia.Grad(cost, learnables...) before NewMachine", n.Name())
		}
	}
	reads, err := readsOf(out.Graph())
	if err != nil {
		return nil, err
	}
	nodes := G.Nodes{out}
	for _, r := range reads {
		if gradientOf(r.node, learnables) < 0 {
			nodes = append(nodes, r.node)
		}
	}
	// Learnables are inputs too: Gorgonia's solvers change them in place.
	net, err := convertNodes(slices.Concat(nodes, learnables), nil)
	if err != nil {
		return nil, err
	}
	m = &Machine{state: net.State, feeds: vm.Feeds{}, running: net.running}
	var wrt, outputs []*graph.Value
	for _, in := range net.Graph.Inputs() {
		for n, v := range net.Values {
			if v == in && n.Op() == nil { // an op that does nothing has the same value
				m.inputs = append(m.inputs, input{n, v})
			}
		}
	}
	for _, n := range learnables {
		wrt = append(wrt, net.Values[n])
	}
	outputs = append(outputs, net.Values[out])
	m.give = append(m.give, bindTo(out))
	var gradients []*graph.Value
	if len(wrt) > 0 {
		gradients = autodiff.Gradients(net.Values[out], wrt...)
		outputs = append(outputs, gradients...)
		for _, n := range learnables {
			m.give = append(m.give, bindGradient(n))
		}
	}
	for _, r := range reads {
		v := net.Values[r.node]
		if i := gradientOf(r.node, learnables); i >= 0 {
			v = gradients[i]
		}
		outputs = append(outputs, v)
		m.give = append(m.give, keep(r.node, func(v G.Value) error { *r.into = v; return nil }))
	}
	p, err := vm.Compile(net.Graph, outputs)
	if err != nil {
		return nil, err
	}
	m.machine, err = p.NewMachine(net.State)
	return m, err
}

// RunAll computes everything. A variable without a value is an error that names it.
func (m *Machine) RunAll() error {
	for _, in := range m.inputs {
		if in.node.Value() == nil {
			return errors.Errorf("gorgonia: node %q, %v, has no value; give it one by gorgonia.Let", in.node.Name(), in.node.Shape())
		}
		d, err := dense(in.node.Value())
		if err != nil {
			return err
		}
		m.feeds[in.value] = d
	}
	out, err := m.machine.Run(context.Background(), m.feeds)
	if err != nil {
		return err
	}
	for i, give := range m.give {
		if err := give(out[i]); err != nil {
			return err
		}
	}
	for _, r := range m.running {
		if err := r.giveBack(m.state); err != nil {
			return err
		}
	}
	return nil
}

// Reset does nothing: a Machine is always ready for its next run.
func (*Machine) Reset() {}

// Close gives memory and workers back.
func (m *Machine) Close() error {
	m.machine.Close()
	return nil
}

// bindTo makes a tensor the value of n.
func bindTo(n *G.Node) func(*tensor.Dense) error {
	return keep(n, func(v G.Value) error { return G.UnsafeLet(n, v) })
}

// bindGradient makes a tensor the value of n's gradient. Where a tape machine has bound n to a dual value, solvers look for it there.
func bindGradient(n *G.Node) func(*tensor.Dense) error {
	return keep(n, func(v G.Value) error {
		if err := G.UnsafeLet(n.Deriv(), v); err != nil {
			return err
		}
		old, err := n.Grad()
		if err != nil || old == v {
			return err
		}
		_, err = G.Copy(old, v)
		return err
	})
}

// keep copies a tensor, the machine's, into memory that stays the same from run to run, of the type that n's values have, and
// hands that on. Scalars become Gorgonia's scalars.
func keep(n *G.Node, give func(G.Value) error) func(*tensor.Dense) error {
	var own *tensor.Dense
	return func(d *tensor.Dense) error {
		if d.Shape().IsScalar() {
			v, err := scalar(d)
			if err != nil {
				return err
			}
			return give(v)
		}
		if own == nil {
			own = tensor.New(tensor.Of(n.Dtype()), tensor.WithShape(d.Shape()...))
		}
		if own.Dtype() == tensor.Int {
			for i, v := range d.Int64s() {
				own.Ints()[i] = int(v)
			}
		} else if err := tensor.Copy(own, d); err != nil {
			return err
		}
		return give(own)
	}
}

// EvalMode takes dropout out of g, and makes batch normalisation use its running statistics, as Gorgonia's option of that name does for
// its machines. It concerns machines and networks that are made afterwards.
func EvalMode(g *G.ExprGraph) error {
	for _, n := range g.AllNodes() {
		if op, ok := n.Op().(G.TrainModeOp); ok {
			if err := op.SetTraining(false); err != nil {
				return err
			}
		}
	}
	return nil
}

// gradientOf returns which of the learnables n is the gradient of, -1 if none.
func gradientOf(n *G.Node, learnables G.Nodes) int {
	return slices.IndexFunc(learnables, func(l *G.Node) bool { return l.Deriv() == n })
}

// A read is what gorgonia.Read asks for.
type read struct {
	node *G.Node
	into *G.Value
}

// readsOf returns what gorgonia.Read has asked for in g.
func readsOf(g *G.ExprGraph) ([]read, error) {
	var out []read
	for _, n := range g.AllNodes() {
		if n.Op() == nil || kind(n.Op()) != "readOp" {
			continue
		}
		into := reflect.Indirect(reflect.ValueOf(n.Op())).FieldByName("into")
		kids := children(n)
		if into.Kind() != reflect.Pointer || into.IsNil() || len(kids) != 1 {
			return nil, errors.Errorf("gorgonia: node %q reads nothing into nowhere", n.Name())
		}
		out = append(out, read{kids[0], (*G.Value)(into.UnsafePointer())})
	}
	return out, nil
}
