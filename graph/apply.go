package graph

import (
	"errors"
	"fmt"
	"slices"
)

// Apply applies an op with one result and returns that. See ApplyN.
func Apply(op Op, in ...*Value) *Value {
	return apply(op, 1, in, here())[0]
}

// ApplyN applies an op with n results and returns them. A mistake is recorded
// in the graph with the caller's line, and the results are invalid; results of
// invalid inputs are invalid too, without another report.
func ApplyN(n int, op Op, in ...*Value) []*Value {
	return apply(op, n, in, here())
}

func apply(op Op, n int, in []*Value, pos Pos) []*Value {
	g, ok := graphOf(in)
	if op == nil {
		op = invalidOp{}
		g.report(&Error{Pos: pos, Op: "Apply", Scope: g.scopeName(), Err: errors.New("the op is nil"), Operands: operands(op, in)})
		ok, in = false, nil
	}
	faulty := func(err error) []*Value {
		if err != nil {
			g.report(&Error{Pos: pos, Op: op.Name(), Scope: g.scopeName(), Err: err, Operands: operands(op, in)})
		}
		out := make([]*Value, n)
		for i := range out {
			out[i] = g.invalid(op, pos)
		}
		return out
	}
	if !ok {
		g.orphans(op.Name(), pos, in...)
		return faulty(nil)
	}
	types := make([]Type, len(in))
	for i, v := range in {
		if v.Graph() != g {
			return faulty(fmt.Errorf("operand %d belongs to graph %q, operand 0 to graph %q", i, v.Graph().name, g.name))
		}
		types[i] = v.typ
	}
	out, err := infer(op, types)
	if err == nil && len(out) != n {
		err = fmt.Errorf("Infer gives %d results, the caller wants %d", len(out), n)
	}
	if err != nil {
		return faulty(err)
	}
	return slices.Clone(g.append(op, slices.Clone(in), out, pos).out) // callers may write to what they get
}

// graphOf returns the graph of the operands and whether all of them are valid.
// Where no operand names a graph, a graph of its own receives the report, so
// that the mistake surfaces when the result is used.
func graphOf(in []*Value) (g *Graph, ok bool) {
	ok = len(in) > 0
	for _, v := range in {
		// A faulty value may stand in a graph that nobody looks at.
		if v != nil && (g == nil || !ok && v.IsValid()) {
			g = v.Graph()
		}
		ok = ok && v.IsValid()
	}
	if g == nil {
		g = New("")
		if len(in) == 0 {
			g.Errorf("Apply", "an op without inputs belongs to no graph; use Input, Param or Const")
		}
	}
	return g, ok
}

// infer calls op.Infer and checks what it returns. A panic in Infer, which may
// be a user's, becomes an error.
func infer(op Op, in []Type) (out []Type, err error) {
	defer func() {
		if r := recover(); r != nil {
			out, err = nil, fmt.Errorf("its Infer panicked: %v", r)
		}
	}()
	out, err = op.Infer(in)
	if err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, errors.New("its Infer gives no result")
	}
	for i, t := range out {
		if err := t.check(); err != nil {
			return nil, fmt.Errorf("result %d: %w", i, err)
		}
	}
	return out, nil
}

func operands(op Op, in []*Value) []string {
	var labels []string
	if o, ok := op.(Operander); ok {
		labels = o.Operands()
	}
	lines := make([]string, 0, len(in))
	for i, v := range in {
		label := ""
		if i < len(labels) {
			label = labels[i]
		}
		lines = append(lines, describe(label, v))
	}
	return lines
}
