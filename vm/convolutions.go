package vm

import (
	"errors"
	"slices"
	"time"

	"neocog/graph"
	"neocog/ops/conv"
	"neocog/vm/kernel"
)

// A Convolution is what a program computes by one of several algorithms.
type Convolution struct {
	Node       *graph.Node   // of Program.Graph
	Of         []*graph.Node // of the graph that was compiled: what Node computes, with what was fused into it
	Problem    conv.Problem
	Kept       bool   // what an algorithm prepares of the filter is kept from run to run
	Algo       string // that is chosen
	Candidates []Candidate

	pc int // the instruction
}

// A Candidate is an algorithm which might compute a Convolution.
type Candidate struct {
	Algo    string
	Refused string // why it is not taken, whatever it costs; "" if it may be
	// Predicted is the time by the formula of package conv, on two cores of the processor whose constants it has. Of the direct algorithms the
	// first that accepts has one; it is 0 for the others, for those of other packages, and where there is no plan.
	Predicted time.Duration
	// Measured is the median time of Machine.Compare, 0 before.
	Measured  time.Duration
	Workspace int     // bytes for the program's workers: see conv.Workspace
	Bound     float64 // of the relative L2 error: see conv.Bound

	able bool // it has a plan
	plan kernel.Plan
}

// Convolutions returns the convolutions of all passes at a batch size, in the order in which they run, with the algorithms of
// conv.All and WithConv. Those whose errors the class of accuracy does not allow are refused, and yet compared by Machine.Compare.
func (p *Program) Convolutions(batch int) ([]Convolution, error) {
	t, err := p.tape(batch)
	if err != nil {
		return nil, err
	}
	of := p.computes()
	var all []Convolution
	for pc := range t.code {
		in := &t.code[pc]
		problem, ok := in.plan.Problem.(conv.Problem)
		if !ok {
			continue
		}
		c := Convolution{Node: in.node, Of: of[in.node], Problem: problem, Algo: in.plan.Algo, pc: pc}
		c.Kept = in.kept >= 0 || in.keptIns[problem.FilterInput()] && problem.Pass != conv.FilterGrad
		direct := false // one of the direct algorithms has accepted
		for _, a := range slices.Concat(conv.All(), p.opts.conv) {
			if a == nil || slices.ContainsFunc(c.Candidates, func(c Candidate) bool { return c.Algo == a.Name() }) {
				continue
			}
			if _, members := a.(conv.Family); members {
				continue
			}
			found, err := p.candidate(t, in, &c, a)
			if err != nil {
				return nil, err
			}
			if _, own := a.(conv.Estimator); !own {
				if found.able && direct {
					found.Predicted = 0
				}
				direct = direct || found.able
			}
			c.Candidates = append(c.Candidates, found)
		}
		all = append(all, c)
	}
	return all, nil
}

// candidate plans an instruction by algorithm a.
func (p *Program) candidate(t *tape, in *instr, c *Convolution, a conv.Algorithm) (Candidate, error) {
	found := Candidate{Algo: a.Name(), Bound: conv.Bound(a)}
	env := p.opts.env()
	env.Kept = in.keptIns
	conv.Force(env.Settings, a)
	var err error
	found.plan, err = planNode(env, in.node, t.typesOf(in.node.Ins()), t.typesOf(in.node.Outs()))
	var no *conv.Unsupported
	switch {
	case errors.As(err, &no):
		found.Refused = no.Reason
		return found, nil
	case err != nil:
		return found, err
	}
	found.able = true
	found.Workspace = conv.Workspace(found.plan, p.opts.threads)
	found.Predicted = time.Duration(conv.Cost(a, c.Problem, c.Kept) * 1e3)
	switch class := p.opts.accuracy; {
	case found.Bound > class.Bound():
		found.Refused = "its errors are more than accuracy " + class.String() + " allows"
	case c.Problem.DType != graph.Float32 && !slices.Contains(conv.Default().Names(), a.Name()):
		found.Refused = "only direct sums are taken in float64"
	}
	return found, nil
}
