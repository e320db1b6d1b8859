package gradcheck

import (
	"context"
	"errors"
	"flag"
	"math"
	"slices"
	"strings"
	"testing"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops"
	"neocog/ops/conv"
	"neocog/vm/kernel"
)

var long = flag.Bool("long", false, "check the gradients of all models and of all forms of all convolution algorithms: some minutes and 3 GiB")

// check fails unless all derivatives of a case are right, and some were compared.
func check(t *testing.T, s Subject, k Case) {
	t.Helper()
	r, err := k.Check(t.Context(), autodiff.Config{Seed: 1})
	if err != nil {
		t.Fatalf("%v, %s: %v", s, k.Title, err)
	}
	if r.Failed > 0 || r.Checked == 0 || !(r.Worst() <= 1) {
		t.Errorf("%v, %s: %d of %d derivatives are wrong, the worst is off by %.2e, tolerance %.2e\n\t%s", s, k.Title, r.Failed, r.Checked, r.Error, r.Tolerance, strings.Join(r.Wrong, "\n\t"))
	}
}

func TestOps(t *testing.T) {
	for _, s := range Ops() {
		for _, k := range s.Cases {
			check(t, s, k)
		}
	}
}

// Every op with a gradient is checked, or the reason is given. That ops.All has every op is a test of package ops.
func TestNoOpIsLeftOut(t *testing.T) {
	cases := coverage(gradientCases())
	var known []string
	for _, op := range ops.All() {
		name := op.Name()
		known = append(known, name)
		_, differentiable := op.(graph.Differentiable)
		covered := len(cases[name]) > 0
		why := noGradient[name]
		switch {
		case differentiable && !covered && why == "":
			t.Errorf("%s has a gradient, but no case in cases.go and no reason in noGradient", name)
		case covered && why != "":
			t.Errorf("%s has cases and a reason why not: %s", name, why)
		case !differentiable && why != "":
			t.Errorf("%s has no gradient, and needs no reason: %s", name, why)
		}
	}
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
	if got := Ops(); len(got) != len(known) {
		t.Errorf("%d ops are checked or excused, there are %d", len(got), len(known))
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

// Every algorithm is there, in all passes that it has.
func TestNoAlgorithmIsLeftOut(t *testing.T) {
	all := Algorithms()
	for i, a := range conv.All() {
		if all[i].Name != a.Name() {
			t.Fatalf("algorithm %d is %s, want %s", i, all[i].Name, a.Name())
		}
		for _, pass := range []conv.Pass{conv.Forward, conv.InputGrad, conv.FilterGrad} {
			if a.Name() == "planar" && pass == conv.FilterGrad {
				continue // it has none
			}
			if !slices.ContainsFunc(all[i].Cases, func(k Case) bool { return strings.HasPrefix(k.Title, pass.String()+", ") }) {
				t.Errorf("%s accepts no form in the pass %v", a.Name(), pass)
			}
		}
	}
}

// Every algorithm in one form for each pass; -long checks all.
func TestAlgorithms(t *testing.T) {
	for _, s := range Algorithms() {
		pass := ""
		for _, k := range s.Cases {
			name, _, _ := strings.Cut(k.Title, ",")
			if *long || name != pass && !strings.Contains(pass, name) {
				pass += name
				check(t, s, k)
			}
		}
	}
}

// Every model is there, and small enough.
func TestNoModelIsLeftOut(t *testing.T) {
	all := Models()
	for i, m := range models.All() {
		if all[i].Name != m.Name || len(all[i].Cases) != 2 {
			t.Errorf("model %d is %s with %d cases, want %s in inference and training", i, all[i].Name, len(all[i].Cases), m.Name)
		}
		side, ok := sides[m.Name]
		if !ok {
			t.Errorf("%s is not in the table of sides", m.Name)
			continue
		}
		for i, train := range []bool{false, true} {
			if _, err := m.At(side[i], side[i], train); err != nil {
				t.Errorf("training %t: %v", train, err)
			}
		}
	}
}

// A model of each kind; -long checks all.
func TestModels(t *testing.T) {
	quick := []string{"lenet5", "twolayer", "fullyconnected", "compact", "convnetjs-cifar10", "nin", "resnet20-cifar10", "squeezenet-1.1", "alphago-128"}
	for _, s := range Models() {
		if *long || slices.Contains(quick, s.Name) {
			for _, k := range s.Cases {
				check(t, s, k)
			}
		}
	}
}

// The check can fail: a wrong gradient is found and counted, and says where it is.
func TestWrongGradientOfAnOp(t *testing.T) {
	wrong := oneInput("Mul", "", floats(2, 2), func(x *graph.Value) *graph.Value { return ops.Mul(x, ops.StopGradient(x)) })
	wrong.once = "one order will do"
	r, err := Case{"wrong", wrong.check}.Check(t.Context(), autodiff.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Failed != 4 || r.Checked != 4 || len(r.Wrong) != 4 || !(r.Worst() > 1) {
		t.Errorf("4 wrong derivatives are reported as %+v", r)
	}
}

// shifted is the direct algorithm with the padding of one pass off by one.
type shifted struct {
	conv.Direct
	pass conv.Pass
}

func (shifted) Name() string { return "test.shifted" }

func (s shifted) Plan(env *kernel.Env, p conv.Problem) (kernel.Plan, error) {
	if p.Pass == s.pass {
		p.Pad[0], p.Pad[2] = p.Pad[2], p.Pad[0]
	}
	return s.Direct.Plan(env, p)
}

// A mistake in one pass is found, whichever; the same one in the other passes would be its gradient, and hide it.
func TestWrongPassOfAnAlgorithm(t *testing.T) {
	p := conv.Problem{DType: graph.Float64, N: 1, C: 2, H: 5, W: 4, K: 2, R: 3, S: 3, Groups: 1, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Pad: [4]int{1, 1, 0, 1}}
	for pass := conv.Forward; pass <= conv.FilterGrad; pass++ {
		p.Pass = pass
		r, err := Case{"shifted", convolution{shifted{pass: pass}, p, false}.check}.Check(t.Context(), autodiff.Config{Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		if r.Failed == 0 {
			t.Errorf("the %v pass with other padding passes", pass)
		}
	}
}

// The gradient of the logits is a ten-thousandth too large.
func TestWrongGradientInAModel(t *testing.T) {
	m, err := models.Find("lenet5")
	if err != nil {
		t.Fatal(err)
	}
	for name, wrong := range map[string]bool{"right": false, "wrong": true} {
		build := m.Build
		off := m
		off.Build = func(b *layers.Builder, x *graph.Value) *graph.Value {
			y := build(b, x)
			return ops.WithGradient(name, []*graph.Value{y}, []*graph.Value{y}, func(_, dy []*graph.Value) []*graph.Value {
				if wrong {
					return []*graph.Value{ops.Scale(dy[0], 1+1e-4)}
				}
				return dy
			})[0]
		}
		r, err := Case{name, network{off, 28, false, 1}.check}.Check(t.Context(), autodiff.Config{Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Failed > 0; got != wrong {
			t.Errorf("%s: %d of %d derivatives are wrong: %v", name, r.Failed, r.Checked, r.Wrong)
		}
	}
}

func TestCheckIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, s := range []Subject{Ops()[0], Algorithms()[0], Models()[0]} {
		if _, err := s.Cases[0].Check(ctx, autodiff.Config{}); !errors.Is(err, context.Canceled) {
			t.Errorf("%v: %v, want that it was cancelled", s, err)
		}
	}
}

// A NaN is the worst, whatever comes after it.
func TestResultsWithNaN(t *testing.T) {
	var r Result
	for _, off := range []float64{1e-9, math.NaN(), 2e-8} {
		r.within(off, 1e-8, func() string { return "wrong" })
	}
	if r.Checked != 3 || r.Failed != 2 || len(r.Wrong) != 2 || r.Error == r.Error {
		t.Errorf("the result is %+v, want 2 of 3 wrong, and NaN", r)
	}
}

// Names say what is meant, whatever their case.
func TestNamesAreUnique(t *testing.T) {
	seen := map[string]Subject{}
	for _, s := range All() {
		key := strings.ToLower(s.Name)
		if other, ok := seen[key]; ok {
			t.Errorf("%v and %v have one name", other, s)
		}
		seen[key] = s
	}
}
