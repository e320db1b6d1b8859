package vm

import (
	"fmt"
	"unsafe"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/vm/kernel"
)

// Interpret computes the outputs node by node, each into memory of its own,
// with one worker, with the reference algorithm wherever there is a choice and
// without any pass: slow and obvious, the oracle for the tape. It performs the
// graph's updates on s like a run, unless NoUpdates or As is given.
//
// With As(graph.Float64) it computes everything in float64, though the graph
// says float32: the measure of what rounding costs.
func Interpret(g *graph.Graph, outputs []*graph.Value, s *State, feeds Feeds, opts ...Option) ([]*tensor.Dense, error) {
	o := collect(opts)
	if o.as != graph.Invalid && !o.as.IsFloat() {
		return nil, errors.Errorf("As wants Float32 or Float64, got %v", o.as)
	}
	o.noUpdates = o.noUpdates || o.as != graph.Invalid
	if err := checkGraph(g, outputs); err != nil {
		return nil, err
	}
	if s == nil {
		return nil, errors.New("the state is nil")
	}
	o.noPasses = true
	pruned, images, _ := optimise(g, outputs, &o, nil)
	inputs := inputsOf(g, images)
	batch, err := batchOf(g, inputs, feeds, isStatic(pruned))
	if err != nil {
		return nil, err
	}
	env := o.env()
	env.Reference = true
	retype := func(t graph.Type) graph.Type {
		if t = t.Bind(batch); t.DType.IsFloat() && o.as != graph.Invalid {
			t.DType = o.as
		}
		return t
	}
	params := map[*graph.Value]*variable{}
	for _, n := range pruned.Nodes() {
		if _, ok := n.Op.(graph.ParamOp); ok {
			if params[n.Out(0)], err = s.ensure(n.Out(0)); err != nil {
				return nil, err
			}
		}
	}
	s.mu.Lock() // what is obvious may exclude all others
	defer s.mu.Unlock()
	mem := make([][]byte, pruned.NumValues())
	for _, in := range inputs {
		if in.image != nil {
			typ := in.image.Type().Bind(batch)
			b := alloc(typ.Bytes())
			gather(b, feeds[in.user], typ)
			mem[in.image.ID()] = cast(b, typ, retype(typ).DType)
		}
	}
	for _, n := range pruned.Nodes() {
		switch op := n.Op.(type) {
		case graph.InputOp:
		case graph.ParamOp:
			p := params[n.Out(0)]
			mem[n.Out(0).ID()] = cast(p.mem, p.typ, retype(p.typ).DType)
		case graph.ConstOp:
			t := n.Out(0).Type()
			mem[n.Out(0).ID()] = cast(decode(t, op.Data), t, retype(t).DType)
		default:
			in := make([]graph.Type, len(n.Ins()))
			bufs := make([][]byte, len(n.Ins()))
			for i, v := range n.Ins() {
				in[i], bufs[i] = retype(v.Type()), mem[v.ID()]
			}
			out := make([]graph.Type, len(n.Outs()))
			for i, v := range n.Outs() {
				out[i] = retype(v.Type())
			}
			results, err := evaluate(env, n, in, out, bufs)
			if err != nil {
				return nil, err
			}
			for i, v := range n.Outs() {
				mem[v.ID()] = results[i]
			}
		}
	}
	out := make([]*tensor.Dense, len(outputs))
	for i, v := range outputs {
		b := mem[images[v].ID()]
		c := alloc(len(b)) // two outputs may be one value, and a parameter is not given away
		copy(c, b)
		out[i] = dense(retype(v.Type()), c)
	}
	interpretUpdates(pruned, params, mem)
	return out, nil
}

func interpretUpdates(g *graph.Graph, params map[*graph.Value]*variable, mem [][]byte) {
	next := make([][]byte, len(g.Updates()))
	for i, u := range g.Updates() {
		next[i] = append([]byte(nil), mem[u.Next.ID()]...)
	}
	for i, u := range g.Updates() {
		copy(params[u.Param].mem, next[i])
	}
}

// evaluate runs one node by itself. Results and scratch memory start as NaN, so
// that what a kernel forgets to write is seen.
func evaluate(env *kernel.Env, n *graph.Node, in, out []graph.Type, bufs [][]byte) (results [][]byte, err error) {
	p, err := planNode(env, n, in, out)
	if err != nil {
		return nil, err
	}
	results = make([][]byte, len(out))
	if p.View {
		results[0] = bufs[0]
		return results, nil
	}
	var fault kernel.Fault
	c := kernel.Call{Fault: &fault}
	add := func(b []byte, t graph.Type) int32 {
		c.Bufs = append(c.Bufs, kernel.Buf{Ptr: pointer(b), Len: t.Shape.Size()})
		return int32(len(c.Bufs) - 1)
	}
	for i, t := range in {
		c.Ins = append(c.Ins, add(bufs[i], t))
	}
	for i, t := range out {
		results[i] = poison(t.Bytes())
		c.Outs = append(c.Outs, add(results[i], t))
	}
	c.Scratch, c.Local, c.Prepared = pointer(poison(p.Shared)), pointer(poison(p.Local)), pointer(poison(p.Prepare.Bytes))
	for _, s := range p.Steps {
		if err := guarded(n, p.Algo, func() { s.Run(&c, 0, s.N) }); err != nil {
			return nil, err
		}
		if err := fault.Take(); err != nil {
			return nil, &RunError{Node: n, Algo: p.Algo, Err: err}
		}
	}
	return results, nil
}

// guarded runs f and turns a panic into an error naming the node.
func guarded(n *graph.Node, algo string, f func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &RunError{Node: n, Algo: algo, Err: errors.Errorf("the kernel panicked: %v", r)}
		}
	}()
	f()
	return nil
}

// planNode asks the node's op for its plan, and checks what it says.
func planNode(env *kernel.Env, n *graph.Node, in, out []graph.Type) (p kernel.Plan, err error) {
	op, ok := n.Op.(kernel.Op)
	if !ok {
		return p, &RunError{Node: n, Err: fmt.Errorf("the op cannot run: it has no method Plan")}
	}
	defer func() {
		if r := recover(); r != nil {
			err = &RunError{Node: n, Err: errors.Errorf("its Plan panicked: %v", r)}
		}
	}()
	if p, err = op.Plan(env, in, out); err != nil {
		return p, &RunError{Node: n, Err: err}
	}
	for i, j := range p.InPlace {
		if i >= len(out) || j > len(in) {
			return p, &RunError{Node: n, Err: fmt.Errorf("its plan may write result %d over input %d; it has %d inputs and %d results", i, j-1, len(in), len(out))}
		}
	}
	if p.View && (len(out) != 1 || len(in) < 1 || in[0].DType != out[0].DType || in[0].Bytes() != out[0].Bytes()) {
		return p, &RunError{Node: n, Err: fmt.Errorf("its plan is a view, but %v does not hold what %v holds", out, in)}
	}
	return p, nil
}

// poison returns n bytes which are NaN as floats and -1 as integers.
func poison(n int) []byte {
	b := alloc(n)
	for i := range b {
		b[i] = 0xff
	}
	return b
}

// decode returns the elements of a constant in the machine's byte order.
func decode(t graph.Type, data string) []byte {
	b := alloc(len(data))
	copy(b, data)
	swap(b, t.DType.Size())
	return b
}

// encode is the inverse of decode.
func encode(t graph.Type, mem []byte) string {
	b := append([]byte(nil), mem...)
	swap(b, t.DType.Size())
	return string(b)
}

// swap reverses each element of size bytes on a big-endian machine.
func swap(b []byte, size int) {
	one := uint16(1)
	if *(*byte)(unsafe.Pointer(&one)) == 1 {
		return
	}
	for e := 0; e < len(b); e += size {
		for i, j := e, e+size-1; i < j; i, j = i+1, j-1 {
			b[i], b[j] = b[j], b[i]
		}
	}
}

// cast returns mem, which has type t, with elements of type d.
func cast(mem []byte, t graph.Type, d graph.DType) []byte {
	if t.DType == d {
		return mem
	}
	c := alloc(graph.Type{DType: d, Shape: t.Shape}.Bytes())
	if d == graph.Float64 {
		convert(as[float64](c), as[float32](mem))
	} else {
		convert(as[float32](c), as[float64](mem))
	}
	return c
}
