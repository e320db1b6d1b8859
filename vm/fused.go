package vm

import (
	"fmt"
	"slices"
	"strings"

	"neocog/graph"
	"neocog/vm/kernel"
)

// fused is some element-wise ops in one: each block of elements goes through all of them
// while it is in the cache, and of their results only those are written which somebody else reads.
//
//	operands   each of the results' shape, or stretched to it: see kernel.Fits
//	results    of one type
//
// It has no gradient: it is made from nodes which have theirs already.
type fused struct {
	Ops  string // their names
	body *fusedBody
}

type fusedBody struct {
	kernel.Pointwise
	operands int
	// over is by result the operand that it may overwrite, -1 for none.
	over []int
}

func newFused(body *fusedBody) fused { return fused{body.names(), body} }

// names are those of its ops.
func (b *fusedBody) names() string {
	var names []string
	for _, s := range b.Steps {
		names = append(names, s.Op.Name())
	}
	return strings.Join(names, " ")
}

// overwrites reports whether result o may be written where operand v lies: whether no step reads v after the
// one which computes o.
func (b *fusedBody) overwrites(o, v int) bool {
	for _, s := range b.Steps[b.Outs[o]-b.operands+1:] {
		if slices.Contains(s.In, v) {
			return false
		}
	}
	return true
}

func (fused) Name() string { return "Fused" }

func (f fused) Infer(in []graph.Type) ([]graph.Type, error) {
	if len(in) != f.body.operands {
		return nil, fmt.Errorf("got %d operands, want %d", len(in), f.body.operands)
	}
	types := append([]graph.Type(nil), in...)
	for _, s := range f.body.Steps {
		args := make([]graph.Type, len(s.In))
		for i, v := range s.In {
			args[i] = types[v]
		}
		out, err := s.Op.Infer(args)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Op.Name(), err)
		}
		types = append(types, out[0])
	}
	var out []graph.Type
	for _, v := range f.body.Outs {
		out = append(out, types[v])
	}
	return out, nil
}

func (f fused) Plan(env *kernel.Env, in, out []graph.Type) (kernel.Plan, error) {
	operands := make([]kernel.Operand, len(in))
	for i, t := range in {
		operands[i] = kernel.Operand{From: i, Type: t}
	}
	loop, err := f.body.Loop(env, out[0], operands)
	if err != nil {
		return kernel.Plan{}, err
	}
	p := kernel.One(out[0].Shape.Size(), kernel.Grain, loop.Run)
	p.Local = loop.Local(0)
	for _, v := range f.body.over {
		p.InPlace = append(p.InPlace, v+1)
	}
	return p, nil
}
