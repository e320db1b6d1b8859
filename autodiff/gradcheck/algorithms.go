package gradcheck

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"gorgonia.org/tensor"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/ops"
	"neocog/ops/conv"
	"neocog/vm"
	"neocog/vm/kernel"
)

// forms are the convolutions in which algorithms are checked. Most algorithms are for some of them only.
var forms = []struct {
	title string
	p     conv.Problem
}{
	{"3×3, padding 1", conv.Problem{N: 2, C: 3, H: 6, W: 7, K: 4, R: 3, S: 3, Pad: [4]int{1, 1, 1, 1}}},
	{"3×3, bias, padding 2 0 1 1", conv.Problem{N: 2, C: 2, H: 5, W: 6, K: 3, R: 3, S: 3, Pad: [4]int{2, 0, 1, 1}, Bias: true}},
	{"3×3, 20 channels, 18 filters", conv.Problem{N: 1, C: 20, H: 4, W: 5, K: 18, R: 3, S: 3, Pad: [4]int{1, 1, 1, 1}}},
	{"3×3, 2 groups of 16 channels", conv.Problem{N: 1, C: 32, H: 3, W: 4, K: 32, R: 3, S: 3, Groups: 2, Pad: [4]int{1, 1, 1, 1}}},
	{"3×3, depthwise", conv.Problem{N: 2, C: 4, H: 5, W: 5, K: 4, R: 3, S: 3, Groups: 4, Pad: [4]int{1, 1, 1, 1}}},
	{"3×3, stride 2 by 1", conv.Problem{N: 2, C: 3, H: 7, W: 6, K: 4, R: 3, S: 3, Stride: [2]int{2, 1}, Pad: [4]int{1, 1, 1, 1}}},
	{"3×3, stride 2, 20 channels, rest unseen", conv.Problem{N: 1, C: 20, H: 8, W: 8, K: 18, R: 3, S: 3, Stride: [2]int{2, 2}, Pad: [4]int{1, 0, 0, 0}}},
	{"3×2, dilation 2 by 3", conv.Problem{N: 1, C: 2, H: 7, W: 8, K: 3, R: 3, S: 2, Dilation: [2]int{2, 3}, Pad: [4]int{1, 1, 1, 1}}},
	{"5×5, padding 2", conv.Problem{N: 1, C: 3, H: 7, W: 6, K: 3, R: 5, S: 5, Pad: [4]int{2, 2, 2, 2}}},
	{"11×11, padding 5", conv.Problem{N: 1, C: 2, H: 12, W: 12, K: 2, R: 11, S: 11, Pad: [4]int{5, 5, 5, 5}}},
	{"1×3", conv.Problem{N: 2, C: 3, H: 4, W: 9, K: 4, R: 1, S: 3, Pad: [4]int{0, 1, 0, 1}}},
	{"3×1", conv.Problem{N: 2, C: 3, H: 9, W: 4, K: 4, R: 3, S: 1, Pad: [4]int{1, 0, 1, 0}}},
	{"1×5, padding 2", conv.Problem{N: 1, C: 3, H: 3, W: 9, K: 3, R: 1, S: 5, Pad: [4]int{0, 2, 0, 2}}},
	{"5×1, padding 2", conv.Problem{N: 1, C: 3, H: 9, W: 3, K: 3, R: 5, S: 1, Pad: [4]int{2, 0, 2, 0}}},
	{"1×1, 20 channels, 40 filters", conv.Problem{N: 2, C: 20, H: 6, W: 7, K: 40, R: 1, S: 1}},
	{"1×1, stride 2, 20 channels, 40 filters", conv.Problem{N: 2, C: 20, H: 8, W: 9, K: 40, R: 1, S: 1, Stride: [2]int{2, 2}}},
	{"1×1, 128 channels, 128 filters, 132 pixels", conv.Problem{N: 1, C: 128, H: 11, W: 12, K: 128, R: 1, S: 1}},
	{"the size of the image", conv.Problem{N: 3, C: 3, H: 4, W: 5, K: 6, R: 4, S: 5}},
}

// Algorithms returns every algorithm of package conv, with the forms and passes of convolution that it accepts in
// float64, which all of them compute. In each case one pass is the algorithm's, and the two others are conv.Direct's, so that no mistake
// of one pass can hide behind the same mistake of another.
func Algorithms() []Subject {
	var all []Subject
	for _, a := range conv.All() {
		s := Subject{Kind: Algorithm, Name: a.Name()}
		for _, f := range forms {
			p := f.p
			p.DType, p.Groups = graph.Float64, max(p.Groups, 1)
			for i := range 2 {
				p.Stride[i], p.Dilation[i] = max(p.Stride[i], 1), max(p.Dilation[i], 1)
			}
			bias := p.Bias
			for pass := conv.Forward; pass <= conv.FilterGrad; pass++ {
				p.Pass, p.Bias = pass, bias && pass == conv.Forward
				if _, err := a.Plan(&kernel.Env{}, p); err != nil {
					continue // most are for some forms only; a test wants each to accept one in each pass
				}
				k := convolution{a, p, bias}
				s.Cases = append(s.Cases, Case{fmt.Sprintf("%v, %s", pass, f.title), k.check})
			}
		}
		if len(s.Cases) == 0 {
			s.Why = "not checked: it accepts none of the forms"
		}
		all = append(all, s)
	}
	return all
}

// A convolution is a pass of an algorithm in one form.
type convolution struct {
	a    conv.Algorithm
	p    conv.Problem
	bias bool // the function has one, whatever the pass
}

// only is one pass of an algorithm; it counts what it plans.
type only struct {
	conv.Algorithm
	pass    conv.Pass
	planned int
}

func (o *only) Plan(env *kernel.Env, p conv.Problem) (kernel.Plan, error) {
	if p.Pass != o.pass {
		return kernel.Plan{}, conv.Refuse(o, p, "only its pass %v is checked", o.pass)
	}
	plan, err := o.Algorithm.Plan(env, p)
	if err == nil {
		o.planned++
	}
	return plan, err
}

// check differentiates Σ u·(y + y²/2), twice: y is forward, its gradient takes the other passes, and the second
// derivative, for the square's sake, all of them.
func (k convolution) check(_ context.Context, c autodiff.Config) (Result, error) {
	p := k.p
	one := &only{Algorithm: k.a, pass: p.Pass}
	c.Order, c.MaxElements, c.Directions = 2, 24, 4
	c.Options = []vm.Option{vm.Threads(1), vm.WithConv(one, conv.Direct{})}
	rng := rand.New(rand.NewPCG(c.Seed, 3))
	at := []*tensor.Dense{
		floats(p.N, p.C, p.H, p.W).draw(rng),
		floats(p.K, p.C/p.Groups, p.R, p.S).draw(rng),
		floats(p.K).draw(rng),
	}
	if !k.bias {
		at = at[:2]
	}
	cfg := ops.Conv{Stride: p.Stride, Pad: p.Pad, Dilation: p.Dilation, Groups: p.Groups, Round: ops.Floor}
	f := func(in []*graph.Value) *graph.Value {
		var y *graph.Value
		if k.bias {
			y = ops.Conv2DBias(in[0], in[1], in[2], cfg)
		} else {
			y = ops.Conv2D(in[0], in[1], cfg)
		}
		u := floats(y.Shape()...).draw(rand.New(rand.NewPCG(c.Seed, 4)))
		y = ops.Add(y, ops.Scale(ops.Square(y), 0.5))
		return ops.Sum(ops.Mul(y, graph.Const(y.Graph(), y.Shape(), u.Float64s()...)))
	}
	rep, err := autodiff.Check(f, at, c)
	if err != nil {
		return Result{}, err
	}
	if one.planned == 0 {
		return Result{}, errors.New("the algorithm was not taken")
	}
	return resultOf(rep), nil
}
