package ops

import (
	"fmt"

	"neocog/graph"
	"neocog/vm/kernel"
)

// And tells where both a and b are true, with NumPy's broadcasting.
//
//	a, b  bool [...]
//	y     bool, the shape in which a and b meet
//
// There is no gradient. ONNX And.
func And(a, b *graph.Value) *graph.Value { return graph.Apply(and{}, a, b) }

// Or tells where a or b is true, as And does where both are. ONNX Or.
func Or(a, b *graph.Value) *graph.Value { return graph.Apply(or{}, a, b) }

// Xor tells where exactly one of a and b is true, as And does where both are. ONNX Xor.
func Xor(a, b *graph.Value) *graph.Value { return graph.Apply(xor{}, a, b) }

// Not tells where x, bool [...], is false. There is no gradient. ONNX Not.
func Not(x *graph.Value) *graph.Value { return graph.Apply(not{}, x) }

type and struct{}

func (and) Name() string { return "And" }

func (and) Operands() []string { return operandsAB }

func (and) Infer(in []graph.Type) ([]graph.Type, error) { return inferLogic(in) }

func (and) Plan(_ *kernel.Env, in, out []graph.Type) (kernel.Plan, error) {
	return planLogic(in, out, func(a, b bool) bool { return a && b }), nil
}

type or struct{}

func (or) Name() string { return "Or" }

func (or) Operands() []string { return operandsAB }

func (or) Infer(in []graph.Type) ([]graph.Type, error) { return inferLogic(in) }

func (or) Plan(_ *kernel.Env, in, out []graph.Type) (kernel.Plan, error) {
	return planLogic(in, out, func(a, b bool) bool { return a || b }), nil
}

type xor struct{}

func (xor) Name() string { return "Xor" }

func (xor) Operands() []string { return operandsAB }

func (xor) Infer(in []graph.Type) ([]graph.Type, error) { return inferLogic(in) }

func (xor) Plan(_ *kernel.Env, in, out []graph.Type) (kernel.Plan, error) {
	return planLogic(in, out, func(a, b bool) bool { return a != b }), nil
}

type not struct{}

func (not) Name() string { return "Not" }

func (not) Infer(in []graph.Type) ([]graph.Type, error) {
	if err := arity(in, 1); err != nil {
		return nil, err
	}
	return in, isBool("x", in[0])
}

func (not) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	p := kernel.One(in[0].Shape.Size(), kernel.Grain, func(c *kernel.Call, lo, hi int) {
		x, y := kernel.In[bool](c, 0)[lo:hi], kernel.Out[bool](c, 0)[lo:hi]
		for i, v := range x {
			y[i] = !v
		}
	})
	p.InPlace = []int{1}
	return p, nil
}

func isBool(name string, t graph.Type) error {
	if t.DType != graph.Bool {
		return fmt.Errorf("%s is %v, want a tensor of bool; ops.Cast makes one, true for all but 0", name, t)
	}
	return nil
}

func inferLogic(in []graph.Type) ([]graph.Type, error) {
	if err := arity(in, 2); err != nil {
		return nil, err
	}
	for i, t := range in {
		if err := isBool(operandsAB[i], t); err != nil {
			return nil, err
		}
	}
	return inferCompare(in, true)
}

func planLogic(in, out []graph.Type, f func(a, b bool) bool) kernel.Plan {
	return kernel.One(out[0].Shape.Size(), kernel.Grain, binaryRun(binaryNest(in, out), func(y, a, b []bool) {
		stepA, stepB := strideOf(a, y), strideOf(b, y)
		for i := range y {
			y[i] = f(a[i*stepA], b[i*stepB])
		}
	}))
}
