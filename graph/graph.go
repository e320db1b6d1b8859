package graph

import (
	"fmt"
	"iter"
	"slices"
	"strings"
)

// An Op is a pure description of an operation: a comparable struct of exported
// attributes whose zero value is the common case, never state. Two ops are the
// same operation exactly if they are equal with ==.
type Op interface {
	// Name returns the op's name in the text form, such as "Conv2D". Names of
	// users' ops carry a prefix, such as "my.Swish".
	Name() string
	// Infer returns the types of the outputs, or what is wrong with the inputs.
	Infer(in []Type) (out []Type, err error)
}

// Differentiable is implemented by ops that have a gradient. VJP (the
// vector-Jacobian product) returns the gradient of each input given the
// gradients of the outputs, as new nodes of the same graph. A nil result means
// zero or an input without gradient, such as labels; dOut[i] is nil when the
// loss does not depend on output i.
type Differentiable interface {
	Op
	VJP(n *Node, dOut []*Value) (dIn []*Value)
}

// Operander is implemented by ops which name their inputs, as x, w and b of a
// convolution. The names appear in error messages and exports.
type Operander interface {
	Operands() []string
}

// A Value is one tensor-valued result of a Node. Values are what users hold.
// They are made by Graph's methods and by Apply, and never change.
type Value struct {
	node  *Node
	index int
	typ   Type
	id    int
}

// Node returns the node whose result v is.
func (v *Value) Node() *Node { return v.node }

// Index returns which of the node's results v is.
func (v *Value) Index() int { return v.index }

// Type returns the static type; the zero Type for a faulty value.
func (v *Value) Type() Type { return v.typ }

// DType returns the element type.
func (v *Value) DType() DType { return v.typ.DType }

// Shape returns the shape. It must not be modified.
func (v *Value) Shape() Shape { return v.typ.Shape }

// Graph returns the graph that v belongs to.
func (v *Value) Graph() *Graph { return v.node.graph }

// ID returns the dense number of v in its graph, the one of %ID in the text form.
func (v *Value) ID() int { return v.id }

// IsValid reports whether v was made without a mistake.
func (v *Value) IsValid() bool { return v != nil && v.typ.IsValid() }

// String returns %ID.
func (v *Value) String() string {
	if v == nil {
		return "%nil"
	}
	if !v.IsValid() {
		return "%invalid"
	}
	return fmt.Sprintf("%%%d", v.id)
}

// A Node is one application of an Op. Its inputs exist before it does, so a
// graph's node order always is a topological order. Only Scope, Pos and Origin
// are for people; nothing computes with them.
type Node struct {
	Op     Op
	Scope  string // where in the model, such as "block1/conv2"
	Pos    Pos    // the user's line
	Origin *Node  // for a node of a gradient: the forward node it comes from
	graph  *Graph
	index  int
	in     []*Value
	out    []*Value
}

// In returns input i.
func (n *Node) In(i int) *Value { return n.in[i] }

// Out returns output i.
func (n *Node) Out(i int) *Value { return n.out[i] }

// Ins returns the inputs. The slice must not be modified.
func (n *Node) Ins() []*Value { return n.in }

// Outs returns the outputs. The slice must not be modified.
func (n *Node) Outs() []*Value { return n.out }

// Graph returns the graph that n belongs to.
func (n *Node) Graph() *Graph { return n.graph }

// Index returns n's place in the graph's order.
func (n *Node) Index() int { return n.index }

// title returns the op's name with the name of a source or the scope.
func (n *Node) title() string {
	switch op := n.Op.(type) {
	case InputOp:
		return fmt.Sprintf("Input %q", op.Label)
	case ParamOp:
		return fmt.Sprintf("%s %q", op.Name(), op.Label)
	}
	if n.Scope != "" {
		return fmt.Sprintf("%s %q", n.Op.Name(), n.Scope)
	}
	return n.Op.Name()
}

// where returns title with the user's line.
func (n *Node) where() string {
	if p := n.Pos.String(); p != "" {
		return n.title() + ", " + p
	}
	return n.title()
}

// An Update says that Param becomes Next after each run of a program: how
// optimisers, running means and counters are expressed. All Nexts are computed
// before any Param changes.
type Update struct{ Param, Next *Value }

// A Graph is a list of pure, typed, located operations. It is built by one
// goroutine; once built it may be read by any number.
type Graph struct {
	name    string
	nodes   []*Node
	values  int
	inputs  []*Value
	params  []*Value
	byName  map[string]*Value
	updates []Update
	scope   []string
	origin  *Node
	errs    []*Error
	faults  int
}

// New returns an empty graph.
func New(name string) *Graph {
	return &Graph{name: name, byName: map[string]*Value{}}
}

// Name returns the name given to New.
func (g *Graph) Name() string { return g.name }

// Nodes returns the nodes in their order, which is topological. The slice must
// not be modified.
func (g *Graph) Nodes() []*Node { return g.nodes }

// NumValues returns the number of values: IDs run from 0 to NumValues()-1.
func (g *Graph) NumValues() int { return g.values }

// Inputs returns the values made by Input, in order.
func (g *Graph) Inputs() []*Value { return slices.Clone(g.inputs) }

// Params returns the learned parameters, in order: the values made by Param.
func (g *Graph) Params() []*Value { return slices.Collect(g.stored(false)) }

// Buffers returns the values made by Buffer, in order: what a model keeps but
// does not learn by gradient.
func (g *Graph) Buffers() []*Value { return slices.Collect(g.stored(true)) }

func (g *Graph) stored(buffer bool) iter.Seq[*Value] {
	return func(yield func(*Value) bool) {
		for _, p := range g.params {
			if p.node.Op.(ParamOp).Buffer == buffer && !yield(p) {
				return
			}
		}
	}
}

// Updates returns the updates, in order. The slice must not be modified.
func (g *Graph) Updates() []Update { return g.updates }

// Lookup returns the input, parameter or buffer of that name, or nil.
func (g *Graph) Lookup(name string) *Value { return g.byName[name] }

// Input declares a tensor that the user feeds to every run. Names are unique
// among inputs, parameters and buffers, and carry the current scope.
func (g *Graph) Input(name string, t Type) *Value {
	v := g.source("Input", InputOp{g.scoped(name)}, t, here())
	if v.IsValid() {
		g.inputs = append(g.inputs, v)
	}
	return v
}

// Param declares a learned parameter. Its name, with the current scope before
// it, is the key under which the machine's State keeps its value; init says how
// that value starts. Its shape must be static.
func (g *Graph) Param(name string, t Type, init Init) *Value {
	return g.param(ParamOp{g.scoped(name), init, false}, t, here())
}

// Buffer declares a tensor that is kept from run to run like a parameter but is
// not learned: running statistics, optimiser slots, counters.
func (g *Graph) Buffer(name string, t Type, init Init) *Value {
	return g.param(ParamOp{g.scoped(name), init, true}, t, here())
}

func (g *Graph) param(op ParamOp, t Type, pos Pos) *Value {
	if !t.Shape.IsStatic() {
		g.report(&Error{Pos: pos, Op: op.Name(), Scope: op.Label, Err: fmt.Errorf("type %v has a symbolic dimension; what is stored has a fixed shape", t)})
		return g.invalid(op, pos)
	}
	if err := op.Init.check(t); err != nil {
		g.report(&Error{Pos: pos, Op: op.Name(), Scope: op.Label, Err: err})
		return g.invalid(op, pos)
	}
	v := g.source(op.Name(), op, t, pos)
	if v.IsValid() {
		g.params = append(g.params, v)
	}
	return v
}

// source appends an op without inputs, whose type is given and not inferred.
func (g *Graph) source(what string, op Op, t Type, pos Pos) *Value {
	name := ""
	switch op := op.(type) {
	case InputOp:
		name = op.Label
	case ParamOp:
		name = op.Label
	}
	fault := func(format string, args ...any) *Value {
		g.report(&Error{Pos: pos, Op: what, Scope: name, Err: fmt.Errorf(format, args...)})
		return g.invalid(op, pos)
	}
	if err := t.check(); err != nil {
		return fault("%w", err)
	}
	if _, isConst := op.(ConstOp); isConst {
		if !t.Shape.IsStatic() {
			return fault("%w", errSymbolicConst(t.Shape))
		}
	} else {
		if name == "" || strings.HasSuffix(name, "/") {
			return fault("the name is empty")
		}
		if old := g.byName[name]; old != nil {
			return fault("the name is taken by %s", old.node.where())
		}
	}
	n := g.append(op, nil, []Type{{t.DType, t.Shape.Clone()}}, pos)
	if name != "" {
		g.byName[name] = n.out[0]
	}
	return n.out[0]
}

// Update declares that param becomes next after each run. Both must have the
// same type, param must come from Param or Buffer, and have no other update.
func (g *Graph) Update(param, next *Value) {
	pos := here()
	if !param.IsValid() || !next.IsValid() {
		g.orphans("Update", pos, param, next)
		return
	}
	fault := func(format string, args ...any) {
		g.report(&Error{Pos: pos, Op: "Update", Err: fmt.Errorf(format, args...),
			Operands: []string{describe("param", param), describe("next", next)}})
	}
	if param.Graph() != g || next.Graph() != g {
		fault("param and next must belong to graph %q", g.name)
		return
	}
	if _, ok := param.node.Op.(ParamOp); !ok {
		fault("%v is no parameter or buffer", param)
		return
	}
	if !param.typ.Equal(next.typ) {
		fault("the parameter is %v, its next value %v", param.typ, next.typ)
		return
	}
	for _, u := range g.updates {
		if u.Param == param {
			fault("the parameter has an update already, to %v", u.Next)
			return
		}
	}
	g.updates = append(g.updates, Update{param, next})
}

// Scope runs build with name added to the scope: nodes carry the scope, names
// of parameters and inputs begin with it. Scopes nest: "block1/conv2".
func (g *Graph) Scope(name string, build func()) {
	g.scope = append(g.scope, name)
	defer func() { g.scope = g.scope[:len(g.scope)-1] }()
	build()
}

// AtRoot runs build with an empty scope: for what a graph has once, such as the
// step counter.
func (g *Graph) AtRoot(build func()) {
	scope := g.scope
	g.scope = nil
	defer func() { g.scope = scope }()
	build()
}

func (g *Graph) scopeName() string { return strings.Join(g.scope, "/") }

func (g *Graph) scoped(name string) string {
	if s := g.scopeName(); s != "" {
		return s + "/" + name
	}
	return name
}

// Deriving runs build so that the nodes made by it carry origin's scope and
// have origin as Origin: for passes which make nodes on behalf of another.
func (g *Graph) Deriving(origin *Node, build func()) {
	old, scope := g.origin, g.scope
	g.origin, g.scope = origin, nil
	if origin.Scope != "" {
		g.scope = []string{origin.Scope}
	}
	defer func() { g.origin, g.scope = old, scope }()
	build()
}

// append makes a node; its types are known to be right.
func (g *Graph) append(op Op, in []*Value, out []Type, pos Pos) *Node {
	n := &Node{Op: op, Scope: g.scopeName(), Pos: pos, Origin: g.origin, graph: g, index: len(g.nodes), in: in}
	n.out = make([]*Value, len(out))
	for i, t := range out {
		n.out[i] = &Value{node: n, index: i, typ: t, id: g.values}
		g.values++
	}
	g.nodes = append(g.nodes, n)
	return n
}

// Invalid returns a value which silences what is computed from it: what a
// constructor returns after it has reported a mistake by Errorf.
func (g *Graph) Invalid() *Value { return g.invalid(invalidOp{}, here()) }

type invalidOp struct{}

func (invalidOp) Name() string { return "invalid" }

func (invalidOp) Infer([]Type) ([]Type, error) { return nil, errDeclared }

// invalid returns the invalid result of op. Its node stands outside the graph's
// list.
func (g *Graph) invalid(op Op, pos Pos) *Value {
	n := &Node{Op: op, Scope: g.scopeName(), Pos: pos, graph: g, index: -1}
	return &Value{node: n, id: -1}
}

// orphans reports what g has not heard of: a nil value among vs, and the mistakes
// of another graph that its faulty values bring along.
func (g *Graph) orphans(op string, pos Pos, vs ...*Value) {
	for i, v := range vs {
		switch {
		case v == nil:
			g.report(&Error{Pos: pos, Op: op, Scope: g.scopeName(), Err: fmt.Errorf("operand %d is nil", i)})
			return
		case !v.IsValid() && v.Graph() != g:
			for _, e := range v.Graph().errs {
				if !slices.Contains(g.errs, e) {
					g.report(e)
				}
			}
		}
	}
}
