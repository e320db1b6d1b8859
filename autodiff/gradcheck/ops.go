package gradcheck

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/ops"
	"neocog/vm"
)

// Ops returns every op of package ops, by name, with the functions in which it is checked: those made for it or, for
// ops which only gradients have, the gradients of functions in which they occur, or the gradients of those. All derivatives by all
// elements of all inputs are compared, of first and second order.
func Ops() []Subject {
	cases := coverage(gradientCases())
	var all []Subject
	for _, op := range ops.All() {
		s := Subject{Kind: Op, Name: op.Name()}
		for _, k := range cases[op.Name()] {
			s.Cases = append(s.Cases, Case{k.String(), k.check})
		}
		if len(s.Cases) == 0 {
			s.Why = cmp.Or(noGradient[op.Name()], "no gradient: it is piecewise constant or works on integers")
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Subject) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

func (k gradientCase) check(_ context.Context, c autodiff.Config) (Result, error) {
	c.Order = 2
	if k.once != "" {
		c.Order = 1
	}
	c.Options = []vm.Option{vm.Threads(1)} // the tensors are tiny
	rep, err := autodiff.Check(k.scalar(c.Seed), k.tensors(c.Seed), c)
	if err != nil {
		return Result{}, err
	}
	return resultOf(rep), nil
}

// coverage lists by op the cases which check it: those made for it or, for ops which only gradients have,
// the gradients of cases in which they occur, or the gradients of those.
func coverage(cases []gradientCase) map[string][]gradientCase {
	by := map[string][]gradientCase{}
	for _, k := range cases {
		by[k.op] = append(by[k.op], k)
	}
	level := slices.Clone(cases)
	for range 2 {
		before := maps.Clone(by)
		for i, k := range level {
			d := k.derivative()
			for _, op := range d.opsOf() {
				if before[op] == nil {
					by[op] = append(by[op], d)
				}
			}
			level[i] = d
		}
	}
	return by
}

// opsOf returns the names of the ops in k's function, each once, in order.
func (k gradientCase) opsOf() []string {
	g := graph.New("case")
	k.scalar(0)(k.inputs(g))
	var names []string
	for _, n := range g.Nodes() {
		if !slices.Contains(names, n.Op.Name()) {
			names = append(names, n.Op.Name())
		}
	}
	return names
}
