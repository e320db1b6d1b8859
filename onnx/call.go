package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"neocog/graph"
	"neocog/onnx/internal/onnxpb"
	"neocog/vm"
)

// A rule says how an ONNX op is imported.
type rule struct {
	op         string
	from, to   int64  // operator sets; to 0: the newest
	in         [2]int // the least and the most operands; most -1: any number
	attributes []string
	// build adds ops to the graph and returns the results, of which the model may use
	// fewer. It gives up by call.refuse.
	build func(c *call) []*graph.Value
}

// A call is one node that is being imported: what a rule asks for its operands and
// attributes.
type call struct {
	*importer
	n       *onnxpb.Node
	g       *graph.Graph // of the importer, or one for a node whose operands are constants
	folding []constant   // the operands of such a node
	// deferred are results of the rule that are made when they are used.
	deferred map[int]*value
}

// name returns the op as it stands in messages, with its domain if that is a
// foreign one.
func (c *call) name() string {
	if isONNX(c.n.Domain) {
		return cut(c.n.OpType)
	}
	return cut(c.n.Domain + "." + c.n.OpType)
}

// unsupported returns the error that refuses the node.
func (c *call) unsupported(err error) error {
	return &UnsupportedError{Op: c.name(), Node: title(c.n), Opset: c.model.opset, Err: err}
}

// refuse ends the rule: the node cannot be had.
func (c *call) refuse(format string, args ...any) {
	panic(refusal{c.unsupported(fmt.Errorf(format, args...))})
}

// refusal is what refuse panics with; guarded returns its error.
type refusal struct{ err error }

// guarded calls f and returns what stopped it, be it a refusal or a mistake that
// the graph has kept.
func (c *call) guarded(f func() []*graph.Value) (out []*graph.Value, err error) {
	defer func() {
		if r := recover(); r != nil {
			stop, ok := r.(refusal)
			if !ok {
				panic(r)
			}
			out, err = nil, stop.err
		}
	}()
	out = f()
	if c.g.Err() != nil {
		im := &importer{g: c.g}
		return nil, c.unsupported(im.mistake())
	}
	for _, v := range out {
		if v != nil && v.Graph() != c.g {
			return nil, c.unsupported(v.Graph().Err()) // a faulty op without operands
		}
	}
	return out, nil
}

// rule finds the rule for the node and checks what all rules want.
func (c *call) rule() (rule, error) {
	if !isONNX(c.n.Domain) {
		return rule{}, c.unsupported(errors.New("ops of that domain are not known"))
	}
	versions := rules[c.n.OpType]
	if len(versions) == 0 {
		return rule{}, c.unsupported(errors.New("there is no such op in Neocog"))
	}
	i := slices.IndexFunc(versions, func(r rule) bool {
		return c.model.opset >= r.from && (r.to == 0 || c.model.opset <= r.to)
	})
	if i < 0 {
		return rule{}, c.unsupported(errors.New("the op is not known in this operator set"))
	}
	r := versions[i]
	if n := len(c.n.Input); n < r.in[0] || r.in[1] >= 0 && n > r.in[1] {
		return r, c.unsupported(fmt.Errorf("it has %d operands, want %d to %d", n, r.in[0], r.in[1]))
	}
	for j := range r.in[0] {
		if c.n.Input[j] == "" {
			return r, c.unsupported(fmt.Errorf("operand %d is missing", j))
		}
	}
	for _, a := range c.n.Attribute {
		if !slices.Contains(r.attributes, a.Name) {
			return r, c.unsupported(fmt.Errorf("the attribute %s is not known", quoted(a.Name)))
		}
		if a.RefAttrName != "" {
			return r, c.unsupported(fmt.Errorf("the attribute %s refers to one of a function", quoted(a.Name)))
		}
	}
	return r, nil
}

// build runs a rule within the scope of the node and returns the results.
func (c *call) build(r rule) ([]value, error) {
	out, err := c.guarded(func() (out []*graph.Value) {
		make := func() { out = r.build(c) }
		if scope := scopeOf(title(c.n)); scope != "" {
			c.g.Scope(scope, make)
		} else {
			make()
		}
		return out
	})
	if err != nil {
		return nil, err
	}
	values := make([]value, max(len(c.n.Output), len(out)))
	for i, name := range c.n.Output {
		if name == "" {
			continue
		}
		if i >= len(out) || out[i] == nil {
			return nil, c.unsupported(fmt.Errorf("its result %d is not had", i))
		}
		if c.deferred[i] != nil {
			values[i] = *c.deferred[i]
			continue
		}
		values[i].v = out[i]
		if k, ok := literal(out[i]); ok {
			values[i].known = &k
		}
	}
	return values, nil
}

// foldable reports whether the node can be computed at once: its operands, at
// least one, are constants. Parameters are none, and what draws random numbers draws them in
// each run.
func (c *call) foldable() bool {
	if c.n.OpType == "Dropout" {
		return false
	}
	size := 0
	for _, name := range c.n.Input {
		v := c.values[name]
		if name == "" || v.constant() == nil {
			return false
		}
		size += v.constant().typ.Shape.Size()
	}
	return len(c.n.Input) > 0 && size <= maxFolded
}

// constant returns the elements of v if they are part of the model and no
// parameter, else nil.
func (v *value) constant() *constant {
	if v.known == nil && v.init != nil && v.v == nil && v.init.DocString != bufferMark {
		if d, ok := dtypes[v.init.DataType]; ok && !d.IsFloat() {
			if k, err := decode(v.init); err == nil {
				v.known = &k
			}
		}
	}
	return v.known
}

// fold computes a node whose operands are constants. Those which depend on the
// batch are computed for both probes; where the shapes of the results then differ, done is
// false, and the node is one for the graph.
func (c *call) fold(r rule) (done bool, err error) {
	results, err := c.compute(r, 0)
	if results == nil {
		return false, err
	}
	depends := func(name string) bool { return c.values[name].constant().other != "" }
	if slices.ContainsFunc(c.n.Input, depends) {
		others, err := c.compute(r, 1)
		if others == nil {
			return false, err
		}
		for i, k := range others {
			if !k.typ.Equal(results[i].typ) {
				return false, nil
			}
			if k.data != results[i].data {
				results[i].other = k.data
			}
		}
	}
	for i, name := range c.n.Output {
		if name != "" {
			c.values[name] = &value{known: &results[i]}
		}
	}
	return true, nil
}

// compute runs a rule in a graph of its own, with the operands for one of the probes, and
// returns the results; nil where that would be too much work.
func (c *call) compute(r rule, probe int) ([]constant, error) {
	alone := &call{importer: c.importer, n: c.n, g: graph.New("")}
	for _, name := range c.n.Input {
		alone.folding = append(alone.folding, c.values[name].constant().at(probe))
	}
	outs, err := alone.build(r)
	if err == nil {
		err = alone.settle(outs)
	}
	if err != nil {
		return nil, err
	}
	for _, n := range alone.g.Nodes() {
		for _, v := range n.Outs() {
			size := v.Shape().Size()
			if size > maxFolded || size > c.work {
				return nil, nil
			}
			c.work -= max(size, 1)
		}
	}
	var roots []*graph.Value
	for _, o := range outs {
		if o.v != nil {
			roots = append(roots, o.v)
		}
	}
	got, err := vm.Interpret(alone.g, roots, vm.NewState(0), nil)
	if err != nil {
		return nil, c.unsupported(err)
	}
	results := make([]constant, len(outs))
	for i, o := range outs {
		if o.v == nil {
			continue
		}
		if results[i], err = constantOf(got[0]); err != nil {
			return nil, c.unsupported(err)
		}
		results[i].typ, got = o.v.Type(), got[1:]
	}
	return results, nil
}

// settle makes the results that are made when they are used.
func (c *call) settle(outs []value) error {
	for i, o := range outs {
		if o.v != nil || o.later == nil {
			continue
		}
		v, err := c.guarded(func() []*graph.Value { return one(o.later(c)) })
		if err != nil {
			return err
		}
		outs[i].v = v[0]
	}
	return nil
}

// literal returns the elements of v if it is a constant of the graph.
func literal(v *graph.Value) (k constant, ok bool) {
	op, ok := v.Node().Op.(graph.ConstOp)
	return constant{typ: v.Type(), data: op.Data}, ok
}

// has reports whether operand i is given.
func (c *call) has(i int) bool { return i < len(c.n.Input) && c.n.Input[i] != "" }

// in returns operand i. An initialiser becomes a parameter if it holds floats,
// else a constant.
func (c *call) in(i int) *graph.Value { return c.operand(i, false) }

// statistic returns operand i, which is a buffer if it is an initialiser.
func (c *call) statistic(i int) *graph.Value { return c.operand(i, true) }

func (c *call) operand(i int, buffer bool) *graph.Value {
	if c.folding != nil {
		return c.g.ConstOf(c.folding[i].typ, c.folding[i].data)
	}
	v := c.values[c.n.Input[i]]
	switch {
	case v.v != nil:
	case v.later != nil:
		v.v = v.later(c)
	default:
		v.v = c.source(v, buffer)
	}
	return v.v
}

// source makes the graph value of a constant or an initialiser.
func (c *call) source(v *value, buffer bool) (out *graph.Value) {
	c.g.AtRoot(func() {
		if k := v.constant(); k != nil {
			if k.other != "" {
				c.refuse("an operand is a number that depends on the batch size; import with a fixed one (Options.Batch, --batch)")
			}
			out = c.g.ConstOf(k.typ, k.data)
			return
		}
		k, err := decode(v.init)
		if err != nil {
			c.refuse("initialiser %s: %w", quoted(v.init.Name), errors.Unwrap(err))
		}
		if buffer || v.init.DocString == bufferMark {
			out = c.g.Buffer(v.init.Name, k.typ, graph.Zeros())
		} else {
			out = c.g.Param(v.init.Name, k.typ, graph.Zeros())
		}
		if c.g.Err() == nil {
			if err := c.state.Set(v.init.Name, k.dense()); err != nil {
				c.refuse("%w", err)
			}
		}
	})
	return out
}

// bufferMark is the documentation of an initialiser which is kept but not
// learned. Other programs show it and go on.
const bufferMark = "buffer: kept, not learned"

// known returns the elements of operand i, which must be known while the model is
// read; what names it.
func (c *call) known(i int, what string) constant {
	if c.folding != nil {
		return c.folding[i]
	}
	name := c.n.Input[i]
	v := c.values[name]
	if k := v.constant(); k != nil {
		return *k
	}
	if v.init != nil {
		k, err := decode(v.init)
		if err != nil {
			c.refuse("initialiser %s: %w", quoted(v.init.Name), errors.Unwrap(err))
		}
		return k
	}
	if t := c.opts.Known[name]; t != nil {
		k, err := constantOf(t)
		if err == nil && k.typ.DType != v.v.DType() {
			err = fmt.Errorf("it has type %v, the model wants %v", k.typ, v.v.Type())
		}
		if err != nil {
			c.refuse("Options.Known of input %s: %w", quoted(name), err)
		}
		return k
	}
	c.refuse("%s, %s, must be known when the graph is made: a constant, or an input named by Options.Known", what, quoted(name))
	return constant{}
}

// ints returns operand i as known integers.
func (c *call) ints(i int, what string) []int {
	k := c.integers(i, what)
	if k.other != "" {
		c.refuse("%s depends on the batch size; import with a fixed one (Options.Batch, --batch)", what)
	}
	return k.ints()
}

// extents returns operand i as known integers of which some may be the batch: those
// are −1 in dims, and batch says which.
func (c *call) extents(i int, what string) (dims []int, batch []bool) {
	k := c.integers(i, what)
	dims, others := k.at(0).ints(), k.at(1).ints()
	batch = make([]bool, len(dims))
	for j, d := range dims {
		switch {
		case d == others[j]:
		case d == probes[0] && others[j] == probes[1]:
			dims[j], batch[j] = graph.Batch, true
		default:
			c.refuse("%s is computed from the batch size; import with a fixed one (Options.Batch, --batch)", what)
		}
	}
	return dims, batch
}

func (c *call) integers(i int, what string) constant {
	k := c.known(i, what)
	if k.typ.DType.IsFloat() {
		c.refuse("%s is %v, want integers", what, k.typ)
	}
	if k.typ.Shape.Size() > maxTable {
		c.refuse("%s is %v, which is too much", what, k.typ)
	}
	return k
}

// scalar returns operand i as one known number.
func (c *call) scalar(i int, what string) float64 {
	k := c.known(i, what)
	if n := k.typ.Shape.Size(); n != 1 {
		c.refuse("%s is %v, want one number", what, k.typ)
	}
	if k.other != "" {
		c.refuse("%s depends on the batch size; import with a fixed one (Options.Batch, --batch)", what)
	}
	if k.typ.DType == graph.Int64 {
		return float64(k.ints()[0])
	}
	return k.floats()[0]
}

// attribute returns the attribute of that name, nil if it is not given, and
// refuses it if it is of another type.
func (c *call) attribute(name string, t onnxpb.AttributeType, present func(a *onnxpb.Attribute) bool) *onnxpb.Attribute {
	for _, a := range c.n.Attribute {
		if a.Name == name {
			if a.Type != t && a.Type != 0 || !present(a) {
				c.refuse("the attribute %s has the wrong type", name)
			}
			return a
		}
	}
	return nil
}

func (c *call) attrInt(name string, otherwise int) int {
	if a := c.attribute(name, onnxpb.TypeInt, func(a *onnxpb.Attribute) bool { return a.I != nil }); a != nil {
		return int(*a.I)
	}
	return otherwise
}

func (c *call) attrFloat(name string, otherwise float64) float64 {
	if a := c.attribute(name, onnxpb.TypeFloat, func(a *onnxpb.Attribute) bool { return a.F != nil }); a != nil {
		return float64(*a.F)
	}
	return float64(float32(otherwise)) // as if it were given
}

func (c *call) attrString(name, otherwise string) string {
	if a := c.attribute(name, onnxpb.TypeString, func(a *onnxpb.Attribute) bool { return a.S != nil }); a != nil {
		return string(a.S)
	}
	return otherwise
}

// attrInts returns nil where the attribute is not given.
func (c *call) attrInts(name string) []int {
	a := c.attribute(name, onnxpb.TypeInts, always)
	if a == nil {
		return nil
	}
	out := make([]int, len(a.Ints))
	for i, v := range a.Ints {
		out[i] = int(v)
	}
	return out
}

func (c *call) attrTensor(name string) *constant {
	a := c.attribute(name, onnxpb.TypeTensor, func(a *onnxpb.Attribute) bool { return a.T != nil })
	if a == nil {
		return nil
	}
	k, err := decode(a.T)
	if err != nil {
		c.refuse("the attribute %s: %w", name, errors.Unwrap(err))
	}
	return &k
}

// axis returns the axis a, counted from the end where it is negative, of a tensor
// of that rank.
func (c *call) axis(a, rank int) int {
	if a < -rank || a >= rank {
		c.refuse("axis %d is out of range for %d dimensions", a, rank)
	}
	if a < 0 {
		a += rank
	}
	return a
}

// axes is axis for several, which must differ; sorted.
func (c *call) axes(as []int, rank int) []int {
	out := make([]int, len(as))
	for i, a := range as {
		out[i] = c.axis(a, rank)
	}
	slices.Sort(out)
	if len(slices.Compact(slices.Clone(out))) != len(out) {
		c.refuse("the axes %v name one twice", as)
	}
	return out
}

// valid ends the rule where an op that it has made was refused, so that no rule looks into a
// shape that is none.
func (c *call) valid(x *graph.Value) {
	if !x.IsValid() {
		panic(refusal{c.unsupported((&importer{g: x.Graph()}).mistake())})
	}
}

// extent returns an extent of x that must be known.
func (c *call) extent(x *graph.Value, axis int) int {
	c.valid(x)
	n := x.Shape()[c.axis(axis, x.Shape().Rank())]
	if n == graph.Batch {
		c.symbolic(x)
	}
	return n
}

// size returns the number of elements of x, which must be known.
func (c *call) size(x *graph.Value) int {
	c.valid(x)
	n := x.Shape().Size()
	if n < 0 {
		c.symbolic(x)
	}
	return n
}

func (c *call) symbolic(x *graph.Value) {
	c.refuse("the op depends on the batch size of x %v; import with a fixed one (Options.Batch, --batch)", x.Type())
}

// float returns operand i and refuses integers.
func (c *call) float(i int) *graph.Value {
	x := c.in(i)
	if !x.DType().IsFloat() {
		c.refuse("operand %d is %v, want float or double", i, x.Type())
	}
	return x
}

// stretching returns operand i and refuses integers, and what does not stretch to the shape of y.
func (c *call) stretching(i int, y *graph.Value) *graph.Value {
	c.valid(y)
	b := c.float(i)
	from, to := b.Shape(), y.Shape()
	ok := len(from) <= len(to)
	for j := 0; ok && j < len(from); j++ {
		ok = from[j] == 1 || from[j] == to[len(to)-len(from)+j]
	}
	if !ok {
		c.refuse("operand %d is %v, which does not stretch to %v", i, b.Type(), y.Type())
	}
	return b
}

// rank returns operand i and refuses one of fewer dimensions.
func (c *call) rank(i, least int) *graph.Value {
	x := c.in(i)
	if x.Shape().Rank() < least {
		c.refuse("operand %d is %v, want at least %d dimensions", i, x.Type(), least)
	}
	return x
}

// constInts adds an int64 constant.
func (c *call) constInts(shape graph.Shape, v ...int) *graph.Value {
	k := ofInts(shape, v...)
	return c.g.ConstOf(k.typ, k.data)
}

// infinity is +Inf.
var infinity = math.Inf(1)

func one(v *graph.Value) []*graph.Value { return []*graph.Value{v} }

func always(*onnxpb.Attribute) bool { return true }
