package vm

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/pkg/errors"

	"neocog/graph"
	"neocog/ops/conv"
	"neocog/vm/kernel"
)

// A Program is a compiled graph. It holds no values and may be used by many
// goroutines; each makes a Machine of its own.
type Program struct {
	user    *graph.Graph   // as built
	g       *graph.Graph   // after the passes
	roots   []*graph.Value // the outputs in user
	outputs []*graph.Value // of g
	inputs  []input
	images  map[*graph.Value]*graph.Value // of the values of user in g; nil for those that are not needed
	consts  map[*graph.Value][]byte
	again   map[*graph.Node]*graph.Node // by node of g that computes something again: the node that did so first
	budget  *Pass                       // what the memory budget changed, nil for nothing
	log     []string
	opts    options
	mu      sync.Mutex
	static  bool          // no value has a symbolic dimension
	tapes   map[int]*tape // by batch size
}

// Compile prepares the outputs of g, and its updates, for running. Mistakes
// made while g was built are returned here. Shapes with a symbolic batch are
// planned when a batch size is first met.
func Compile(g *graph.Graph, outputs []*graph.Value, opts ...Option) (*Program, error) {
	if err := checkGraph(g, outputs); err != nil {
		return nil, err
	}
	p := &Program{user: g, roots: slices.Clone(outputs), opts: collect(opts), tapes: map[int]*tape{}, consts: map[*graph.Value][]byte{}}
	p.g, p.images, p.log = optimise(g, outputs, &p.opts, nil)
	if err := p.g.Check(); err != nil {
		return nil, errors.Wrap(err, "a pass left a faulty graph; this is a bug of Neocog")
	}
	for _, v := range outputs {
		p.outputs = append(p.outputs, p.images[v])
	}
	if err := p.keepWithinBudget(); err != nil {
		return nil, err
	}
	p.inputs = inputsOf(g, p.images)
	p.static = isStatic(p.g)
	for _, n := range p.g.Nodes() {
		if c, ok := n.Op.(graph.ConstOp); ok {
			p.consts[n.Out(0)] = decode(n.Out(0).Type(), c.Data)
		}
		if _, ok := n.Op.(kernel.Op); !ok && !n.IsSource() {
			return nil, &RunError{Node: n, Err: fmt.Errorf("the op cannot run: it has no method Plan")}
		}
	}
	if p.static {
		if _, err := p.tape(0); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// isStatic reports whether no value of g has a symbolic dimension.
func isStatic(g *graph.Graph) bool {
	for _, n := range g.Nodes() {
		for _, v := range n.Outs() {
			if !v.Shape().IsStatic() {
				return false
			}
		}
	}
	return true
}

// checkGraph returns what is wrong with g or the choice of outputs.
func checkGraph(g *graph.Graph, outputs []*graph.Value) error {
	if g == nil {
		return errors.New("the graph is nil")
	}
	if err := g.Err(); err != nil {
		return err
	}
	for i, v := range outputs {
		if v == nil {
			return errors.Errorf("output %d is nil", i)
		}
		if v.Graph() != g {
			// A faulty op without operands reports to a graph of its own.
			if err := v.Graph().Err(); err != nil {
				return err
			}
			return errors.Errorf("output %d belongs to graph %q, not to graph %q", i, v.Graph().Name(), g.Name())
		}
		if !v.IsValid() {
			return errors.Errorf("output %d is invalid", i)
		}
	}
	return nil
}

// env returns what plans may know.
func (o *options) env() *kernel.Env {
	env := &kernel.Env{Workers: o.threads, Settings: map[any]any{}}
	conv.Limit(env.Settings, o.accuracy)
	if o.limited {
		conv.LimitWorkspace(env.Settings, o.workspace)
	}
	if o.times != nil {
		conv.UseTimes(env.Settings, o.times)
	}
	if len(o.conv) > 0 {
		conv.Use(env.Settings, o.conv...)
	}
	return env
}

// Graph returns the graph after the passes, for looking at.
func (p *Program) Graph() *graph.Graph { return p.g }

// Log returns a line for each pass: what it does, and the nodes before and after.
func (p *Program) Log() []string { return p.log }

// ArenaBytes returns the memory that a machine needs for one run at this batch
// size, parameters, constants and inputs apart.
func (p *Program) ArenaBytes(batch int) (int, error) {
	t, err := p.tape(batch)
	if err != nil {
		return 0, err
	}
	return t.arena + p.opts.threads*t.local, nil
}

// Dump writes the tape for this batch size: for each instruction the node, the
// algorithm, the offset of each result in the arena, and its type.
func (p *Program) Dump(w io.Writer, batch int) error {
	t, err := p.tape(batch)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "tape %q batch %d: %d instructions, arena %d bytes\n", p.user.Name(), batch, len(t.code), t.arena)
	for i, in := range t.code {
		if i == t.commit {
			fmt.Fprintln(w, "commit: from here on parameters change")
		}
		var at []string
		for _, v := range in.node.Outs() {
			at = append(at, t.place(v.ID()))
		}
		algo := ""
		if in.plan.Algo != "" {
			algo = " (" + in.plan.Algo + ")"
		}
		if _, err := fmt.Fprintf(w, "%4d  %-24s %v%s\n", i, strings.Join(at, " "), in.node, algo); err != nil {
			return err
		}
	}
	return nil
}

// Algorithms returns how the nodes of the graph that was compiled are computed at a batch size, where there is a choice:
// for convolutions above all. Nodes which share a result have one algorithm; those that are not computed have none.
func (p *Program) Algorithms(batch int) (map[*graph.Node]string, error) {
	t, err := p.tape(batch)
	if err != nil {
		return nil, err
	}
	of, out := p.computes(), map[*graph.Node]string{}
	for _, in := range t.code {
		for _, n := range of[in.node] {
			if in.plan.Algo != "" && n.Op.Name() == in.node.Op.Name() {
				out[n] = in.plan.Algo
			}
		}
	}
	return out, nil
}

// tape returns the plan for a batch size, made once.
func (p *Program) tape(batch int) (*tape, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.tapes[batch]; t != nil {
		return t, nil
	}
	t, err := plan(p, batch)
	if err == nil {
		p.tapes[batch] = t
	}
	return t, err
}
