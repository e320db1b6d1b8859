package bench

import (
	"slices"

	"neocog/graph"
	"neocog/internal/cpu"
	"neocog/ops/conv"
	"neocog/vm/kernel"
)

// Passes are the names of the passes of a convolution by conv.Pass: forward, gradient of the data, gradient of the weights.
var Passes = [...]string{conv.Forward: "fwd", conv.InputGrad: "dgrad", conv.FilterGrad: "wgrad"}

// checkFLOPs is the most that a check computes, unless one image or one filter takes more.
const checkFLOPs = 1 << 34

// Conv returns the case of a convolution by the algorithm of that name in conv.All; "" leaves the choice to
// conv.Choose.
func Conv(name string, p conv.Problem, algo string) Case {
	return Case{
		Name: name, Shape: FormatConv(p), Pass: Passes[p.Pass], Algo: algo, DType: p.DType,
		prepare: func(c Case, threads int) (*subject, error) { return prepareConv(p, algo, threads, c.Prepared) },
	}
}

func prepareConv(p conv.Problem, algo string, threads int, prepared bool) (*subject, error) {
	if err := fits(p); err != nil {
		return nil, err
	}
	// By name, and no other: a network leaves gradients that it refuses to others.
	env, asked := &kernel.Env{Workers: threads, Settings: map[any]any{}, Kept: keptFilter(p, prepared)}, algo
	for _, a := range slices.Concat(conv.All(), conv.Families()) {
		if a.Name() == algo {
			conv.Only(env.Settings, a)
			asked = ""
		}
	}
	plan, err := conv.Choose(env, asked, p)
	if err != nil {
		return nil, err
	}
	first, second, result := operandsOf(p)
	in := []vector{random(p.DType, first, 1), random(p.DType, second, 2)}
	out := newVector(p.DType, result)
	l := newLoop(plan, threads, in, out)
	return &subject{
		algo: plan.Algo, flops: p.FLOPs(), workspace: l.workspace(), run: l.run, keep: l.keep, close: l.close,
		check: func() (rel, part float64, err error) {
			want, err := exact(p, in, threads, checkFLOPs)
			if err != nil {
				return 0, 0, err
			}
			return out.compare(want)
		},
	}, nil
}

// keptFilter returns the kernel.Env.Kept of a program whose filter stays the same, if kept.
func keptFilter(p conv.Problem, kept bool) []bool {
	inputs := make([]bool, 3)
	if p.Pass != conv.FilterGrad {
		inputs[p.FilterInput()] = kept
	}
	return inputs
}

// operandsOf returns the numbers of elements of what p's pass reads and writes.
func operandsOf(p conv.Problem) (first, second, result int) {
	x, w, y := p.Lens()
	switch p.Pass {
	case conv.InputGrad:
		return w, y, x
	case conv.FilterGrad:
		return x, y, w
	}
	return x, w, y
}

// exact returns the first elements of the result of p, computed in float64 by about so many operations at most.
func exact(p conv.Problem, in []vector, threads int, most int64) ([]float64, error) {
	part, gather := partOf(p, most)
	part.DType = graph.Float64
	first, second, result := operandsOf(part)
	operands := []vector{in[0].doubles(first), {}}
	if gather {
		operands[1] = firstFilters(in[1], p, part)
	} else {
		operands[1] = in[1].doubles(second)
	}
	out := newVector(graph.Float64, result)
	var err error
	cpu.With(cpu.Best(), func() {
		var plan kernel.Plan
		if plan, err = (conv.Im2col{}).Plan(&kernel.Env{}, part); err != nil {
			return
		}
		l := newLoop(plan, threads, operands, out)
		defer l.close()
		err = l.run(once())
	})
	return out.f64, err
}

// partOf returns the part of p that a check computes, whose result is the beginning of p's. gather says that dy is not: it
// has fewer filters for each image.
func partOf(p conv.Problem, most int64) (part conv.Problem, gather bool) {
	fits := func(n int) int {
		return max(1, min(n, int(float64(n)*float64(most)/float64(p.FLOPs()))))
	}
	part = p
	switch {
	case p.FLOPs() <= most:
	case p.Pass != conv.FilterGrad:
		part.N = fits(p.N)
	case p.Groups == 1:
		part.K = fits(p.K)
		gather = true
	}
	return part, gather
}

// firstFilters returns those channels of dy that part has.
func firstFilters(dy vector, p, part conv.Problem) vector {
	P, Q := p.Out()
	d := newVector(graph.Float64, part.N*part.K*P*Q)
	for n := range part.N {
		from, to := n*p.K*P*Q, d.f64[n*part.K*P*Q:][:part.K*P*Q]
		for i := range to {
			to[i] = dy.at(from + i)
		}
	}
	return d
}
