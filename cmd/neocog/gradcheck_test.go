package main

import (
	"slices"
	"testing"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/ops"
	"neocog/vm/kernel"
)

// Every op with a gradient is checked, or the reason is given.
func TestEveryGradientIsChecked(t *testing.T) {
	cases := coverage(gradientCases())
	for _, op := range ops.All() {
		name := op.Name()
		_, differentiable := op.(graph.Differentiable)
		covered := len(cases[name]) > 0
		why := noGradient[name]
		switch {
		case differentiable && !covered && why == "":
			t.Errorf("%s has a gradient, but no case in gradcheck_cases.go and no reason in noGradient", name)
		case covered && why != "":
			t.Errorf("%s has cases and a reason why not: %s", name, why)
		case !differentiable && why != "":
			t.Errorf("%s has no gradient, and needs no reason: %s", name, why)
		}
	}
	known := opNames()
	for _, k := range gradientCases() {
		if !slices.Contains(known, k.op) {
			t.Errorf("case %q is for %s, which is no op", k.title, k.op)
		}
	}
	for name := range noGradient {
		if !slices.Contains(known, name) {
			t.Errorf("noGradient names %s, which is no op", name)
		}
	}
}

// A case checks the op it is filed under, and each float input of a case is varied.
func TestCasesContainTheirOp(t *testing.T) {
	for _, k := range gradientCases() {
		if !slices.Contains(k.opsOf(), k.op) {
			t.Errorf("case %q of %s has only the ops %v", k.title, k.op, k.opsOf())
		}
		g := graph.New("case")
		if loss := k.scalar(1)(k.inputs(g)); g.Err() != nil || !loss.IsValid() {
			t.Errorf("case %q of %s: %v", k.title, k.op, g.Err())
		}
	}
}

// The check can fail: a wrong gradient is found and counted, and says where it is.
func TestGradcheckFindsAWrongGradient(t *testing.T) {
	wrong := oneInput("Mul", "", floats(2, 2), func(x *graph.Value) *graph.Value { return ops.Mul(x, graph.Apply(detach{}, x)) })
	wrong.once = "one order will do"
	v, failed, err := wrong.check("Mul", autodiff.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if v.OK || failed != 4 || v.Checked != 4 || len(v.Wrong) != 4 || !(v.Worst > 1) {
		t.Errorf("4 wrong derivatives are reported as %+v, %d failed", v, failed)
	}
}

// detach is its input, with a gradient that says it were constant.
type detach struct{}

func (detach) Name() string                                   { return "test.Detach" }
func (detach) Infer(in []graph.Type) ([]graph.Type, error)    { return in[:1], nil }
func (detach) VJP(*graph.Node, []*graph.Value) []*graph.Value { return []*graph.Value{nil} }
func (detach) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return kernel.One(in[0].Shape.Size(), 0, func(c *kernel.Call, lo, hi int) {
		copy(kernel.Out[float64](c, 0)[lo:hi], kernel.In[float64](c, 0)[lo:hi])
	}), nil
}
