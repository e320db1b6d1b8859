package graph

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"neocog/internal/nearest"
)

// Parse reads a graph from its text form, see Graph.String, so that
// Parse(g.String(), ops…) is g again. The ops that may occur are given by one
// value of each, whose attributes do not matter; package ops lists its own as
// ops.All(). Types are inferred anew and must be those of the text. An error
// names the line.
func Parse(src string, ops ...Op) (*Graph, error) {
	p := &parser{g: New(""), ops: map[string]Op{}, ids: map[string]*Value{}}
	for _, op := range ops {
		p.ops[op.Name()] = op
		p.names = append(p.names, op.Name())
	}
	header := false
	for i, line := range strings.Split(src, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "//") {
			continue
		}
		var err error
		if !header {
			err, header = p.header(line), true
		} else if rest, ok := strings.CutPrefix(line, "update "); ok {
			err = p.update(rest)
		} else {
			err = p.node(line)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	if !header {
		return nil, fmt.Errorf("the text is empty, want a line such as graph \"name\" first")
	}
	return p.g, nil
}

type parser struct {
	g     *Graph
	ops   map[string]Op
	names []string
	ids   map[string]*Value
}

func (p *parser) header(line string) (err error) {
	rest, ok := strings.CutPrefix(line, "graph ")
	if ok {
		p.g.name, err = strconv.Unquote(strings.TrimSpace(rest))
	}
	if !ok || err != nil {
		return fmt.Errorf("%q is no header, want graph \"name\"", line)
	}
	return nil
}

func (p *parser) value(id string) (*Value, error) {
	if v := p.ids[id]; v != nil {
		return v, nil
	}
	return nil, fmt.Errorf("%s is used before it is defined", id)
}

func (p *parser) update(s string) error {
	param, next, ok := strings.Cut(s, " = ")
	if !ok {
		return fmt.Errorf("%q is no update, want update %%1 = %%2", s)
	}
	a, err := p.value(strings.TrimSpace(param))
	if err != nil {
		return err
	}
	b, err := p.value(strings.TrimSpace(next))
	if err != nil {
		return err
	}
	before := p.g.faults
	p.g.Update(a, b)
	if p.g.faults > before {
		return p.g.errs[len(p.g.errs)-1].Err
	}
	return nil
}

// node parses one line: results = op inputs types remarks.
func (p *parser) node(line string) error {
	left, right, ok := strings.Cut(line, " = ")
	if !ok {
		return fmt.Errorf("%q is no node, want something like %%2 = ReLU %%1 f32[N,10]", line)
	}
	results := strings.Fields(left)
	tokens := tokenizer{right}
	name, attrs, _ := strings.Cut(tokens.next(), "{")
	op, source, err := p.op(name, attrs, &tokens)
	if err != nil {
		return err
	}
	var in []*Value
	for strings.HasPrefix(tokens.rest, "%") {
		v, err := p.value(tokens.next())
		if err != nil {
			return err
		}
		in = append(in, v)
	}
	var types []Type
	for range results {
		t, err := parseType(tokens.next())
		if err != nil {
			return err
		}
		types = append(types, t)
	}
	n, err := p.make(op, source, in, types)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for i, r := range results {
		if want := n.out[i].String(); r != want {
			return fmt.Errorf("result %s, want %s: results are numbered in order", r, want)
		}
		p.ids[r] = n.out[i]
	}
	return p.remarks(n, &tokens)
}

// op returns the op called name; the sources read their own arguments.
func (p *parser) op(name, attrs string, tokens *tokenizer) (op Op, source bool, err error) {
	switch name {
	case "Input", "Param", "Buffer", "Const":
		if attrs != "" {
			return nil, true, fmt.Errorf("%s has no attributes", name)
		}
	}
	switch name {
	case "Input", "Param", "Buffer":
		label, err := strconv.Unquote(tokens.next())
		if err != nil {
			return nil, true, fmt.Errorf("%s has no quoted name", name)
		}
		if name == "Input" {
			return InputOp{label}, true, nil
		}
		init, err := parseInit(tokens.next())
		return ParamOp{label, init, name == "Buffer"}, true, err
	case "Const":
		// The elements can only be read once the type is known.
		return ConstOp{tokens.next()}, true, nil
	}
	prototype := p.ops[name]
	if prototype == nil {
		return nil, false, nearest.Unknown("op", name, p.names)
	}
	op, err = parseAttributes(prototype, attrs)
	return op, false, err
}

func (p *parser) make(op Op, source bool, in []*Value, types []Type) (*Node, error) {
	g := p.g
	if !source {
		given := make([]Type, len(in))
		for i, v := range in {
			given[i] = v.typ
		}
		out, err := infer(op, given)
		if err != nil {
			return nil, err
		}
		if len(out) != len(types) {
			return nil, fmt.Errorf("the line has %d results, the op %d", len(types), len(out))
		}
		for i := range out {
			if !out[i].Equal(types[i]) {
				return nil, fmt.Errorf("result %d is %v by the text, %v by inference", i, types[i], out[i])
			}
		}
		return g.append(op, in, out, Pos{}), nil
	}
	if len(types) != 1 || len(in) > 0 {
		return nil, fmt.Errorf("want one result and no input")
	}
	before := g.faults
	var v *Value
	switch op := op.(type) {
	case ConstOp:
		data, err := parseConst(op.Data, types[0])
		if err != nil {
			return nil, err
		}
		v = g.source("Const", ConstOp{data}, types[0], Pos{})
	case ParamOp:
		v = g.param(op, types[0], Pos{})
	case InputOp:
		if v = g.source("Input", op, types[0], Pos{}); v.IsValid() {
			g.inputs = append(g.inputs, v)
		}
	}
	if g.faults > before {
		return nil, g.errs[len(g.errs)-1].Err
	}
	return v.node, nil
}

func parseConst(s string, t Type) (string, error) {
	if !t.Shape.IsStatic() {
		return "", errSymbolicConst(t.Shape)
	}
	n := t.Shape.Size()
	if b, ok := strings.CutPrefix(s, "base64("); ok {
		data, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(b, ")"))
		if err != nil {
			return "", fmt.Errorf("the constant's base64 is damaged: %w", err)
		}
		if t.DType == Bool && strings.Trim(string(data), "\x00\x01") != "" {
			return "", errors.New("the constant has bytes other than 0 and 1, type bool wants those")
		}
		if len(data) != t.Bytes() {
			return "", fmt.Errorf("the constant has %d bytes, type %v wants %d", len(data), t, t.Bytes())
		}
		return string(data), nil
	}
	s, opened := strings.CutPrefix(s, "(")
	s, closed := strings.CutSuffix(s, ")")
	if !opened || !closed {
		return "", errors.New("the constant has no elements, want them as (1 2 3) or base64(…)")
	}
	elems := strings.Fields(s)
	if len(elems) != n {
		return "", fmt.Errorf("the constant has %d elements, type %v wants %d", len(elems), t, n)
	}
	var b strings.Builder
	for _, e := range elems {
		data, err := parseElement(e, t.DType)
		if err != nil {
			return "", fmt.Errorf("%q is no %v", e, t.DType)
		}
		b.WriteString(data)
	}
	return b.String(), nil
}

func parseElement(s string, d DType) (data string, err error) {
	switch d {
	case Int32:
		v, err := strconv.ParseInt(s, 10, 32)
		return encode([]int32{int32(v)}), err
	case Int64:
		v, err := strconv.ParseInt(s, 10, 64)
		return encode([]int64{v}), err
	case Bool:
		if s != "0" && s != "1" {
			return "", errors.New("want 0 or 1")
		}
		return encode([]bool{s == "1"}), nil
	}
	v, err := strconv.ParseFloat(s, floatBits(d))
	return encodeFloat(d, v), err
}

// floatBits returns the precision for strconv of the elements of d.
func floatBits(d DType) int {
	if d == Float32 {
		return 32
	}
	return 64
}

// remarks reads what follows the types: ∂%origin, "scope", position.
func (p *parser) remarks(n *Node, tokens *tokenizer) error {
	if id, ok := strings.CutPrefix(tokens.rest, "∂"); ok {
		tokens.rest = id
		v, err := p.value(tokens.next())
		if err != nil {
			return err
		}
		n.Origin = v.node
	}
	if strings.HasPrefix(tokens.rest, `"`) {
		scope, err := strconv.Unquote(tokens.next())
		if err != nil {
			return fmt.Errorf("the scope is not quoted well")
		}
		n.Scope = scope
	}
	n.Pos.text = tokens.rest
	return nil
}

// tokenizer cuts fields off the front of a line.
type tokenizer struct{ rest string }

func (t *tokenizer) next() string {
	t.rest = strings.TrimLeft(t.rest, " ")
	n := fieldLen(t.rest)
	field := t.rest[:n]
	t.rest = strings.TrimLeft(t.rest[n:], " ")
	return field
}
