package train_test

import (
	"context"
	"math"
	"regexp"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/ops"
	"neocog/train"
	"neocog/vm"
)

// The problem of these tests is logistic regression: six points in three
// dimensions, labels ±1, which no plane separates.
var (
	points = []float64{
		1.0, 0.5, -0.3,
		0.2, -1.1, 0.8,
		-0.7, 0.9, 1.4,
		1.3, 0.1, 0.6,
		-0.4, -0.8, -1.2,
		0.9, 0.4, -0.2,
	}
	signs = []float64{1, -1, 1, -1, 1, -1}
	start = []float64{0.3, -0.2, 0.5}
)

const (
	numPoints = 6
	dims      = 3
	lambda    = 0.1 // of the decay of w: the loss then is strongly convex
)

// A logistic is the problem as a graph with one optimiser, and its machine.
type logistic struct {
	g     *graph.Graph
	p     *vm.Program
	m     *vm.Machine
	state *vm.State
	feeds vm.Feeds
	rate  []float64
}

func newLogistic(t *testing.T, o train.Optimizer) *logistic {
	t.Helper()
	g := graph.New(o.Name())
	lr := g.Input("lr", graph.Of(graph.Float64))
	x := graph.Const(g, graph.Shape{numPoints, dims}, points...)
	y := graph.Const(g, graph.Shape{numPoints, 1}, signs...)
	var w, b, loss *graph.Value
	g.Scope("fc", func() {
		w = g.Param("w", graph.Of(graph.Float64, dims, 1), graph.Zeros())
		b = g.Param("b", graph.Of(graph.Float64), graph.Constant(0.1))
		z := ops.Mul(y, ops.Add(ops.MatMul(x, w), b))
		loss = ops.Mean(ops.Log(ops.AddScalar(ops.Exp(ops.Neg(z)), 1)))
		params := []*graph.Value{w, b}
		grads := autodiff.Gradients(loss, params...)
		o.Apply(lr, params, train.L2(lambda, params, grads, []*graph.Value{w}))
	})
	p, err := vm.Compile(g, []*graph.Value{loss})
	if err != nil {
		t.Fatal(err)
	}
	s := vm.NewState(1)
	if err := s.Set("fc/w", tensor.New(tensor.WithShape(dims, 1), tensor.WithBacking(append([]float64(nil), start...)))); err != nil {
		t.Fatal(err)
	}
	m, err := p.NewMachine(s)
	if err != nil {
		t.Fatal(err)
	}
	rate := []float64{0}
	l := &logistic{g, p, m, s, vm.Feeds{lr: tensor.New(tensor.WithShape(), tensor.WithBacking(rate))}, rate}
	return l
}

func (l *logistic) step(t *testing.T, lr float64) (loss float64) {
	t.Helper()
	l.rate[0] = lr
	out, err := l.m.Run(context.Background(), l.feeds)
	if err != nil {
		t.Fatal(err)
	}
	loss, err = vm.Scalar(out[0])
	if err != nil {
		t.Fatal(err)
	}
	return loss
}

// value returns a State's value as numbers.
func (l *logistic) value(t *testing.T, name string) []float64 {
	t.Helper()
	d, err := l.state.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	return d.Float64s()
}

// byHand is the same problem written out: loss and gradient at (w, b).
func byHand(w []float64, b float64) (loss float64, dw []float64, db float64) {
	dw = make([]float64, dims)
	for i := range numPoints {
		x := points[i*dims : (i+1)*dims]
		z := b
		for j := range x {
			z += w[j] * x[j]
		}
		z *= signs[i]
		loss += math.Log(1+math.Exp(-z)) / numPoints
		d := -signs[i] * math.Exp(-z) / (1 + math.Exp(-z)) / numPoints
		for j := range x {
			dw[j] += d * x[j]
		}
		db += d
	}
	for j := range dw {
		dw[j] += lambda * w[j]
	}
	return loss, dw, db
}

// rules are the optimisers as loops: each takes step t (from 1) of one weight,
// whose slots are s.
var rules = []struct {
	o    train.Optimizer
	lr   float64 // with which the loss falls well in 200 steps
	step func(w, g, lr float64, t int, s *[3]float64) float64
	rate func(w, g []float64) float64 // the factor of lr for a tensor of weights; nil means 1
}{
	{train.SGD{}, 0.5, func(w, g, lr float64, _ int, _ *[3]float64) float64 {
		return w - lr*g
	}, nil},
	{train.Momentum{}, 0.1, func(w, g, lr float64, _ int, s *[3]float64) float64 {
		s[0] = 0.9*s[0] - lr*g
		return w + s[0]
	}, nil},
	{train.Momentum{Mu: 0.5}, 0.1, func(w, g, lr float64, _ int, s *[3]float64) float64 {
		s[0] = 0.5*s[0] - lr*g
		return w + s[0]
	}, nil},
	{train.Nesterov{}, 0.1, func(w, g, lr float64, _ int, s *[3]float64) float64 {
		old := s[0]
		s[0] = 0.9*s[0] - lr*g
		return w - 0.9*old + (1+0.9)*s[0]
	}, nil},
	{train.RMSProp{}, 0.01, func(w, g, lr float64, _ int, s *[3]float64) float64 {
		s[0] = 0.9*s[0] + (1-0.9)*g*g
		return w - lr*g/(math.Sqrt(s[0])+1e-8)
	}, nil},
	{train.Adam{}, 0.05, func(w, g, lr float64, t int, s *[3]float64) float64 {
		s[0] = 0.9*s[0] + (1-0.9)*g
		s[1] = 0.999*s[1] + (1-0.999)*g*g
		m, v := s[0]/(1-math.Pow(0.9, float64(t))), s[1]/(1-math.Pow(0.999, float64(t)))
		return w - lr*m/(math.Sqrt(v)+1e-8)
	}, nil},
	{train.AdaGrad{}, 0.5, func(w, g, lr float64, _ int, s *[3]float64) float64 {
		s[0] += g * g
		return w - lr*g/(math.Sqrt(s[0])+1e-8)
	}, nil},
	{train.AdaDelta{}, 10, adaDelta(0.95, 1e-6), nil},
	{train.AdaDelta{Rho: 0.8, Eps: 1e-3}, 1, adaDelta(0.8, 1e-3), nil},
	{train.AdamW{}, 0.05, adamW(0), nil},
	{train.AdamW{Decay: 0.2}, 0.05, adamW(0.2), nil},
	{train.LARS{Trust: 0.1}, 0.5, func(w, g, lr float64, _ int, s *[3]float64) float64 {
		s[0] = 0.9*s[0] - lr*g
		return w + s[0]
	}, func(w, g []float64) float64 { return 0.1 * length(w) / (length(g) + 1e-8) }},
	{train.LARS{Mu: 0.5, Decay: 0.3}, 0.5, func(w, g, lr float64, _ int, s *[3]float64) float64 {
		s[0] = 0.5*s[0] - lr*(g+0.3*w)
		return w + s[0]
	}, func(w, g []float64) float64 { return 0.001 * length(w) / (length(g) + 0.3*length(w) + 1e-8) }},
	{train.Lookahead{Inner: train.SGD{}}, 0.5, func(w, g, lr float64, t int, s *[3]float64) float64 {
		return lookahead(w, w-lr*g, t, 5, 0.5, s)
	}, nil},
	{train.Lookahead{Steps: 3, Alpha: 0.8}, 0.1, func(w, g, lr float64, t int, s *[3]float64) float64 {
		s[0] = 0.9*s[0] - lr*g
		return lookahead(w, w+s[0], t, 3, 0.8, s)
	}, nil},
	{train.Lookahead{Steps: 1}, 0.1, func(w, g, lr float64, t int, s *[3]float64) float64 {
		s[0] = 0.9*s[0] - lr*g
		return lookahead(w, w+s[0], t, 1, 0.5, s)
	}, nil},
}

func adaDelta(rho, eps float64) func(w, g, lr float64, t int, s *[3]float64) float64 {
	return func(w, g, lr float64, _ int, s *[3]float64) float64 {
		s[0] = rho*s[0] + (1-rho)*g*g
		step := g * math.Sqrt(s[1]+eps) / math.Sqrt(s[0]+eps)
		s[1] = rho*s[1] + (1-rho)*step*step
		return w - lr*step
	}
}

func adamW(decay float64) func(w, g, lr float64, t int, s *[3]float64) float64 {
	return func(w, g, lr float64, t int, s *[3]float64) float64 {
		s[0] = 0.9*s[0] + (1-0.9)*g
		s[1] = 0.999*s[1] + (1-0.999)*g*g
		m, v := s[0]/(1-math.Pow(0.9, float64(t))), s[1]/(1-math.Pow(0.999, float64(t)))
		return w - lr*decay*w - lr*m/(math.Sqrt(v)+1e-8)
	}
}

// lookahead is algorithm 1: the slow weight is s[2], which is the first one when t is 1.
func lookahead(w, fast float64, t, k int, alpha float64, s *[3]float64) float64 {
	if t == 1 {
		s[2] = w
	}
	if t%k != 0 {
		return fast
	}
	s[2] += alpha * (fast - s[2])
	return s[2]
}

func length(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	return math.Sqrt(sum)
}

// Each optimiser takes the steps of its formula, with a rate that changes at
// every step. The tape and the loop round differently, by some 1e-16 a step; the
// problem is convex and does not blow that up. 1e-12 leaves room for the factor
// 1/√v̂ of the adaptive ones.
func TestOptimizersFollowTheirFormulas(t *testing.T) {
	for _, r := range rules {
		t.Run(r.o.Name(), func(t *testing.T) {
			l := newLogistic(t, r.o)
			w, b := append([]float64(nil), start...), 0.1
			var slots [dims + 1][3]float64
			for step := 1; step <= 40; step++ {
				lr := r.lr / math.Sqrt(float64(step))
				want, dw, db := byHand(w, b)
				own := lr
				if r.rate != nil {
					own *= r.rate(w, dw)
				}
				for j := range w {
					w[j] = r.step(w[j], dw[j], own, step, &slots[j])
				}
				b = r.step(b, db, lr, step, &slots[dims])
				if got := l.step(t, lr); !(math.Abs(got-want) <= 1e-12) {
					t.Fatalf("step %d: loss %v, want %v", step, got, want)
				}
				got := append(l.value(t, "fc/w"), l.value(t, "fc/b")...)
				for j, want := range append(append([]float64(nil), w...), b) {
					if !(math.Abs(got[j]-want) <= 1e-12) {
						t.Fatalf("step %d: weight %d is %.17g, want %.17g, %.1e apart", step, j, got[j], want, math.Abs(got[j]-want))
					}
				}
			}
		})
	}
}

// With a rate that falls to nothing every optimiser ends at the minimum, where
// the gradient with decay vanishes; one with a decay of its own has another minimum.
func TestOptimizersConverge(t *testing.T) {
	best := minimum()
	for _, r := range rules {
		if decays(r.o) {
			continue
		}
		t.Run(r.o.Name(), func(t *testing.T) {
			l := newLogistic(t, r.o)
			for step := range 3000 {
				l.step(t, r.lr*math.Pow(0.997, float64(step)))
			}
			got := append(l.value(t, "fc/w"), l.value(t, "fc/b")...)
			for j, want := range best {
				if !(math.Abs(got[j]-want) <= 1e-3) {
					t.Errorf("weight %d ends at %v, the minimum is at %v", j, got[j], want)
				}
			}
		})
	}
}

func decays(o train.Optimizer) bool {
	switch o := o.(type) {
	case train.AdamW:
		return o.Decay > 0
	case train.LARS:
		return o.Decay > 0
	}
	return false
}

// minimum returns w and b at the least loss, by gradient descent to rounding.
func minimum() []float64 {
	w, b := append([]float64(nil), start...), 0.1
	for range 200000 {
		_, dw, db := byHand(w, b)
		for j := range w {
			w[j] -= 0.5 * dw[j]
		}
		b -= 0.5 * db
	}
	return append(w, b)
}

// Parameters and slots are overwritten where they lie: the last node of each
// update writes to the parameter's own memory, and nothing is copied.
func TestOptimizersWriteInPlace(t *testing.T) {
	for _, r := range rules {
		t.Run(r.o.Name(), func(t *testing.T) {
			l := newLogistic(t, r.o)
			var dump strings.Builder
			if err := l.p.Dump(&dump, 0); err != nil {
				t.Fatal(err)
			}
			got := 0 // results that lie in a parameter; operands are not called so
			for _, line := range strings.Split(dump.String(), "\n") {
				got += len(regexp.MustCompile(`param %\d+ `).FindAllString(line, -1))
			}
			if want := len(l.g.Updates()); got != want {
				t.Errorf("%d results are written to a parameter or slot in place, want %d, one for each update:\n%s", got, want, &dump)
			}
		})
	}
}

func TestOptimizerSlotsAreNamedAfterTheirParameters(t *testing.T) {
	want := map[string][]string{
		"sgd":      {},
		"momentum": {"opt/fc/w/v", "opt/fc/b/v"},
		"nesterov": {"opt/fc/w/v", "opt/fc/b/v"},
		"rmsprop":  {"opt/fc/w/s", "opt/fc/b/s"},
		"adagrad":  {"opt/fc/w/s", "opt/fc/b/s"},
		"adadelta": {"opt/fc/w/s", "opt/fc/w/d", "opt/fc/b/s", "opt/fc/b/d"},
		"lars":     {"opt/fc/w/v", "opt/fc/b/v"},
		"adamw":    {"opt/adam/beta1=0.9", "opt/adam/beta2=0.999", "opt/fc/w/m", "opt/fc/w/v", "opt/fc/b/m", "opt/fc/b/v"},
		"adam":     {"opt/adam/beta1=0.9", "opt/adam/beta2=0.999", "opt/fc/w/m", "opt/fc/w/v", "opt/fc/b/m", "opt/fc/b/v"},
	}
	for _, o := range train.Optimizers() {
		var got []string
		for _, b := range newLogistic(t, o).g.Buffers() {
			got = append(got, b.Node().Op.(graph.ParamOp).Label)
		}
		if g, w := strings.Join(got, " "), strings.Join(want[o.Name()], " "); g != w {
			t.Errorf("%s keeps %q, want %q", o.Name(), g, w)
		}
		if found, err := train.FindOptimizer(o.Name()); err != nil || found != o {
			t.Errorf("FindOptimizer(%q) = %v, %v", o.Name(), found, err)
		}
	}
}

func TestOptimizerMistakes(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(lr, w, dw *graph.Value)
		want string
	}{
		{"fewer gradients", func(lr, w, _ *graph.Value) { train.SGD{}.Apply(lr, []*graph.Value{w}, nil) },
			"sgd: got 1 parameters and 0 gradients, want a gradient for each"},
		{"momentum of 1", func(lr, w, dw *graph.Value) {
			train.Momentum{Mu: 1}.Apply(lr, []*graph.Value{w}, []*graph.Value{dw})
		}, "momentum: Mu is 1, want a number between 0 and 1"},
		{"negative epsilon", func(lr, w, dw *graph.Value) {
			train.RMSProp{Eps: -1}.Apply(lr, []*graph.Value{w}, []*graph.Value{dw})
		}, "rmsprop: Eps is -1, want a positive number"},
		{"beta", func(lr, w, dw *graph.Value) {
			train.Adam{Beta2: 2}.Apply(lr, []*graph.Value{w}, []*graph.Value{dw})
		}, "adam: Beta2 is 2, want a number between 0 and 1"},
		{"decay", func(lr, w, dw *graph.Value) {
			train.AdamW{Decay: -1}.Apply(lr, []*graph.Value{w}, []*graph.Value{dw})
		}, "adamw: Decay is -1, want at least 0"},
		{"adamw names itself", func(lr, w, dw *graph.Value) {
			train.AdamW{Beta1: 3}.Apply(lr, []*graph.Value{w}, []*graph.Value{dw})
		}, "adamw: Beta1 is 3, want a number between 0 and 1"},
		{"trust", func(lr, w, dw *graph.Value) {
			train.LARS{Trust: -1}.Apply(lr, []*graph.Value{w}, []*graph.Value{dw})
		}, "lars: Trust is -1, want a positive number"},
		{"steps", func(lr, w, dw *graph.Value) {
			train.Lookahead{Steps: -2}.Apply(lr, []*graph.Value{w}, []*graph.Value{dw})
		}, "lookahead: Steps is -2, want a positive number"},
		{"alpha", func(lr, w, dw *graph.Value) {
			train.Lookahead{Alpha: 1.5}.Apply(lr, []*graph.Value{w}, []*graph.Value{dw})
		}, "lookahead: Alpha is 1.5, want a number between 0 and 1"},
		{"clip by value", func(_, _, dw *graph.Value) { train.ClipValue(0, []*graph.Value{dw}) },
			"clip by value: the limit is 0, want a positive number"},
		{"clip by norm", func(_, _, dw *graph.Value) { train.ClipNorm(-1, []*graph.Value{dw}) },
			"clip by norm: the limit is -1, want a positive number"},
		{"average", func(_, w, _ *graph.Value) { train.Average(1, []*graph.Value{w}) },
			"average: Beta is 1, want a number between 0 and 1"},
		{"no parameter", func(lr, w, dw *graph.Value) {
			train.SGD{}.Apply(lr, []*graph.Value{dw}, []*graph.Value{dw})
		}, "sgd: %2 is no parameter"},
		{"twice", func(lr, w, dw *graph.Value) {
			train.SGD{}.Apply(lr, []*graph.Value{w, w}, []*graph.Value{dw, dw})
		}, "the parameter has an update already"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := graph.New("t")
			lr := g.Input("lr", graph.Of(graph.Float32))
			w := g.Param("w", graph.Of(graph.Float32, 2), graph.Zeros())
			dw := ops.Neg(w)
			c.do(lr, w, dw)
			if err := g.Err(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
	if _, err := train.FindOptimizer("nestrov"); err == nil || !strings.Contains(err.Error(), `unknown optimizer "nestrov", did you mean nesterov`) {
		t.Errorf("FindOptimizer(nestrov): %v", err)
	}
}

// Two losses over two groups of parameters, each with a rule of its own.
func TestRulesMayBeAppliedTwice(t *testing.T) {
	for _, o := range train.Optimizers() {
		g := graph.New("groups")
		lr := g.Input("lr", graph.Of(graph.Float64))
		for _, name := range []string{"a", "b"} {
			w := g.Param(name, graph.Of(graph.Float64, 3), graph.Normal(0, 1))
			o.Apply(lr, []*graph.Value{w}, autodiff.Gradients(ops.Sum(ops.Mul(w, w)), w))
		}
		if err := g.Err(); err != nil {
			t.Errorf("%s: %v", o.Name(), err)
		}
	}
}
