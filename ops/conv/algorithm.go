package conv

import (
	"fmt"
	"slices"

	"neocog/internal/nearest"
	"neocog/vm/kernel"
)

// An Algorithm computes convolutions in one particular way.
//
// Plan is called once for each Problem. It returns the plan, or an *Unsupported
// which says why this algorithm cannot do p, upon which the next one is asked.
// The plan's kernels find the buffers so, all of element type p.DType:
//
//	| pass       | In                 | Out |
//	|------------|--------------------|-----|
//	| Forward    | x, w, b if p.Bias  | y   |
//	| InputGrad  | w, dy              | dx  |
//	| FilterGrad | x, dy              | dw  |
//
// Outputs and scratch memory hold garbage, which may be NaN, before the first step.
// Any extent but those of the filter may be 0, the batch in particular: an empty
// sum is 0, so that dw of an empty batch is written too. The results must have
// the same bits for every grouping of the items of a step; see package kernel.
type Algorithm interface {
	// Name is what ops.Conv.Algo, dumps and profiles call the algorithm, such as
	// "im2col"; parameters are part of it: "winograd F(2×2,3×3)".
	Name() string
	Plan(env *kernel.Env, p Problem) (kernel.Plan, error)
}

// Unsupported is the error of an Algorithm which cannot do a Problem.
type Unsupported struct {
	Algorithm string
	Problem   Problem
	Reason    string
}

// Error returns, for instance,
//
//	pointwise cannot do forward f32 x[1,3,8,8] w[4,3,3,3]: only 1×1 filters
func (u *Unsupported) Error() string {
	return fmt.Sprintf("%s cannot do %v: %s", u.Algorithm, u.Problem, u.Reason)
}

// Refuse returns the *Unsupported error of a.
func Refuse(a Algorithm, p Problem, format string, args ...any) error {
	return &Unsupported{a.Name(), p, fmt.Sprintf(format, args...)}
}

// Algorithms is an ordered list: the first which accepts a Problem computes it.
type Algorithms []Algorithm

// Names returns the names in order.
func (l Algorithms) Names() []string {
	names := make([]string, len(l))
	for i, a := range l {
		names[i] = a.Name()
	}
	return names
}

// Default returns the direct algorithms of this package, and im2col, in the order in which they are
// asked: each refuses what a later one does faster. The last one accepts every Problem and is the reference.
func Default() Algorithms {
	return Algorithms{Dense{}, Planar{}, Pointwise{}, Blocked{}, Im2col{}, Direct{}}
}

// All returns every algorithm of this package: those of Default, and after them those that are taken where they
// are asked for by name or cost less.
func All() Algorithms { return slices.Concat(Default(), Winograds(), ffts(), Algorithms{Strassen{}}) }

// Find returns the algorithm of All or Families that has this name.
func Find(name string) (Algorithm, error) {
	known := slices.Concat(All(), Families())
	for _, a := range known {
		if a.Name() == name {
			return a, nil
		}
	}
	return nil, nearest.Unknown("convolution algorithm", name, known.Names())
}
