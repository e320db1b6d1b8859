package autodiff_test

import (
	"math/rand/v2"
	"testing"

	"gorgonia.org/tensor"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/ops"
)

// A planted is a function with a gradient written by hand, right or with one bug.
type planted struct {
	bug  string
	in   [][]int // shapes
	f    func(in values) *graph.Value
	rule func(in values, y, dy *graph.Value, bad bool) values
}

// or is the wrong value where the bug is in, else the right one.
func or(bad bool, wrong, right *graph.Value) *graph.Value {
	if bad {
		return wrong
	}
	return right
}

// points are tensors whose elements lie between −1.5 and 1.5, at least 0.02 from 0, from 1, from −1 and from one another.
func points(shapes [][]int, seed uint64) []*tensor.Dense {
	rng := rand.New(rand.NewPCG(seed, 1))
	var all []*tensor.Dense
	for _, s := range shapes {
		v := make([]float64, graph.Shape(s).Size())
		pitch := min(0.25, 3/float64(len(v)))
		for i, p := range rng.Perm(len(v)) {
			v[i] = pitch*(float64(p)-float64(len(v)/2)+0.5) + 0.2*pitch*(rng.Float64()-0.5)
		}
		all = append(all, tensor.New(tensor.WithShape(s...), tensor.WithBacking(v)))
	}
	return all
}

// check checks both orders of p; the loss is Σ u·(y + y²/2), so that dy depends on the inputs as well.
func (p planted) check(t *testing.T, bad bool) *autodiff.Report {
	t.Helper()
	rep, err := autodiff.Check(func(in []*graph.Value) *graph.Value {
		y := ops.WithGradient(p.bug, in, values{p.f(in)}, func(y, dy values) values { return p.rule(in, y[0], dy[0], bad) })[0]
		rng := rand.New(rand.NewPCG(7, 7))
		u := make([]float64, y.Shape().Size())
		for i := range u {
			u[i] = rng.NormFloat64()
		}
		return ops.Sum(ops.Mul(graph.Const(y.Graph(), y.Shape(), u...), ops.Add(y, ops.Scale(ops.Square(y), 0.5))))
	}, points(p.in, 3), autodiff.Config{Order: 2})
	if err != nil {
		t.Fatalf("%s: %v", p.bug, err)
	}
	return rep
}

// The checker's own teeth: of fifty bugs each is caught, and none is seen where the gradient is right.
func TestFiftyPlantedBugsAreCaught(t *testing.T) {
	bugs := slicesOf(signs(), missingTerms(), missingFactors(), wrongAxes(), transposed(), offByOne(), boundaries(), broadcasts(), secondOrders())
	if len(bugs) != 50 {
		t.Errorf("%d bugs are planted, want 50", len(bugs))
	}
	seen := map[string]bool{}
	for _, p := range bugs {
		if seen[p.bug] {
			t.Errorf("%s is planted twice", p.bug)
		}
		seen[p.bug] = true
		if rep := p.check(t, true); rep.Err() == nil {
			t.Errorf("not caught: %s; worst ratio %g of %d derivatives", p.bug, rep.Worst, rep.Checked)
		}
		if rep := p.check(t, false); rep.Err() != nil {
			t.Errorf("false alarm, without %s: %v", p.bug, rep.Err())
		}
	}
}

func slicesOf(groups ...[]planted) []planted {
	var all []planted
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

var (
	two23 = [][]int{{2, 3}, {2, 3}}
	one33 = [][]int{{3, 3}}
	two33 = [][]int{{3, 3}, {3, 3}}
	one34 = [][]int{{3, 4}}
	image = [][]int{{1, 2, 4, 4}}
	conv  = [][]int{{2, 2, 4, 4}, {2, 2, 3, 3}}
)

// inner is Σ a·b over axis 1, kept.
func inner(a, b *graph.Value) *graph.Value { return ops.SumKeep(ops.Mul(a, b), 1) }

func signs() []planted {
	return []planted{
		{"sign: of the subtrahend", two23, func(in values) *graph.Value { return ops.Sub(in[0], in[1]) },
			func(in values, y, dy *graph.Value, bad bool) values { return values{dy, or(bad, dy, ops.Neg(dy))} }},
		{"sign: of the reciprocal", one34, func(in values) *graph.Value { return ops.Div(ops.OnesLike(in[0]), ops.AddScalar(in[0], 3)) },
			func(in values, y, dy *graph.Value, bad bool) values {
				d := ops.Mul(dy, ops.Square(y))
				return values{or(bad, d, ops.Neg(d))}
			}},
		{"sign: 1+y for 1−y of the sigmoid", one34, func(in values) *graph.Value { return ops.Sigmoid(in[0]) },
			func(in values, y, dy *graph.Value, bad bool) values {
				return values{ops.Mul(dy, ops.Mul(y, or(bad, ops.AddScalar(y, 1), ops.OneMinus(y))))}
			}},
		{"sign: of the sum in log-softmax", one34, func(in values) *graph.Value { return ops.LogSoftmax(in[0], 1) },
			func(in values, y, dy *graph.Value, bad bool) values {
				s := ops.Mul(ops.Exp(y), ops.SumKeep(dy, 1))
				return values{or(bad, ops.Add(dy, s), ops.Sub(dy, s))}
			}},
		{"sign: of the divisor's gradient", two23, func(in values) *graph.Value { return ops.Div(in[0], ops.AddScalar(in[1], 3)) },
			func(in values, y, dy *graph.Value, bad bool) values {
				da := ops.Div(dy, ops.AddScalar(in[1], 3))
				db := ops.Mul(da, y)
				return values{da, or(bad, db, ops.Neg(db))}
			}},
	}
}

func missingTerms() []planted {
	unit := func(x *graph.Value) *graph.Value { return ops.Div(x, ops.NormL2Keep(x, 1)) }
	centred := func(x *graph.Value) *graph.Value { return ops.Sub(x, ops.MeanKeep(x, 1)) }
	return []planted{
		{"missing: the second factor", two23, func(in values) *graph.Value { return ops.Mul(in[0], in[1]) },
			func(in values, y, dy *graph.Value, bad bool) values {
				return values{ops.Mul(dy, in[1]), or(bad, nil, ops.Mul(dy, in[0]))}
			}},
		{"missing: a term of the product rule", one34, func(in values) *graph.Value { return ops.Mul(in[0], ops.Tanh(in[0])) },
			func(in values, y, dy *graph.Value, bad bool) values {
				h := ops.Tanh(in[0])
				d := ops.Mul(in[0], ops.OneMinus(ops.Square(h)))
				return values{ops.Mul(dy, or(bad, d, ops.Add(d, h)))}
			}},
		{"missing: the projection of softmax", one34, func(in values) *graph.Value { return ops.Softmax(in[0], 1) },
			func(in values, y, dy *graph.Value, bad bool) values {
				return values{ops.Mul(y, or(bad, dy, ops.Sub(dy, inner(dy, y))))}
			}},
		{"missing: the mean's part", one34, func(in values) *graph.Value { return centred(in[0]) },
			func(in values, y, dy *graph.Value, bad bool) values { return values{or(bad, dy, centred(dy))} }},
		{"missing: the norm's part", one34, func(in values) *graph.Value { return unit(in[0]) },
			func(in values, y, dy *graph.Value, bad bool) values {
				return values{ops.Div(or(bad, dy, ops.Sub(dy, ops.Mul(y, inner(dy, y)))), ops.NormL2Keep(in[0], 1))}
			}},
		{"missing: the residual path", one34, func(in values) *graph.Value { return ops.Add(in[0], ops.Exp(in[0])) },
			func(in values, y, dy *graph.Value, bad bool) values {
				d := ops.Mul(dy, ops.Exp(in[0]))
				return values{or(bad, d, ops.Add(d, dy))}
			}},
		{"missing: one of two uses", one34, func(in values) *graph.Value { return ops.Concat(0, ops.Square(in[0]), in[0]) },
			func(in values, y, dy *graph.Value, bad bool) values {
				d := ops.Scale(ops.Mul(in[0], ops.Slice(dy, 0, 0, 3)), 2)
				return values{or(bad, d, ops.Add(d, ops.Slice(dy, 0, 3, 6)))}
			}},
	}
}

func missingFactors() []planted {
	pool := ops.Pool{Size: [2]int{2, 2}}
	return []planted{
		{"factor: 2 of the square", one34, func(in values) *graph.Value { return ops.Square(in[0]) },
			func(in values, y, dy *graph.Value, bad bool) values {
				d := ops.Mul(dy, in[0])
				return values{or(bad, d, ops.Scale(d, 2))}
			}},
		{"factor: 1/n of the mean", one34, func(in values) *graph.Value { return ops.MeanKeep(in[0], 1) },
			func(in values, y, dy *graph.Value, bad bool) values {
				d := ops.BroadcastTo(dy, 3, 4)
				return values{or(bad, d, ops.Scale(d, 0.25))}
			}},
		{"factor: of the inner function", one34, func(in values) *graph.Value { return ops.Sigmoid(ops.Scale(in[0], 3)) },
			func(in values, y, dy *graph.Value, bad bool) values {
				d := ops.Mul(dy, ops.Mul(y, ops.OneMinus(y)))
				return values{or(bad, d, ops.Scale(d, 3))}
			}},
		{"factor: 1/2 of the root", one34, func(in values) *graph.Value { return ops.Sqrt(ops.AddScalar(in[0], 3)) },
			func(in values, y, dy *graph.Value, bad bool) values {
				d := ops.Div(dy, y)
				return values{or(bad, d, ops.Scale(d, 0.5))}
			}},
		{"factor: y for y² of tanh", one34, func(in values) *graph.Value { return ops.Tanh(in[0]) },
			func(in values, y, dy *graph.Value, bad bool) values {
				return values{ops.Mul(dy, ops.OneMinus(or(bad, y, ops.Square(y))))}
			}},
		{"factor: 1/4 of a pool's window", image, func(in values) *graph.Value { return ops.AvgPool2D(in[0], pool) },
			func(in values, y, dy *graph.Value, bad bool) values {
				d := upsampled(dy)
				return values{or(bad, d, ops.Scale(d, 0.25))}
			}},
		{"factor: a thousandth too much", one34, func(in values) *graph.Value { return ops.Exp(in[0]) },
			func(in values, y, dy *graph.Value, bad bool) values {
				return values{or(bad, ops.Scale(ops.Mul(dy, y), 1.001), ops.Mul(dy, y))}
			}},
	}
}

// upsampled doubles [1,2,2,2] to [1,2,4,4].
func upsampled(x *graph.Value) *graph.Value {
	return ops.Reshape(ops.BroadcastTo(ops.Reshape(x, 1, 2, 2, 1, 2, 1), 1, 2, 2, 2, 2, 2), 1, 2, 4, 4)
}

func wrongAxes() []planted {
	return []planted{
		{"axis: softmax's sum", one33, func(in values) *graph.Value { return ops.Softmax(in[0], 1) },
			func(in values, y, dy *graph.Value, bad bool) values {
				p := ops.Mul(dy, y)
				return values{ops.Mul(y, ops.Sub(dy, or(bad, ops.SumKeep(p, 0), ops.SumKeep(p, 1))))}
			}},
		{"axis: a sum's, spread along the other", one33, func(in values) *graph.Value { return ops.Sum(in[0], 1) },
			func(in values, y, dy *graph.Value, bad bool) values {
				return values{ops.BroadcastTo(or(bad, ops.Reshape(dy, 1, 3), ops.Reshape(dy, 3, 1)), 3, 3)}
			}},
		{"axis: a cumulative sum's, not backwards", one34, func(in values) *graph.Value { return ops.CumSum(in[0], 1, ops.Cumulation{}) },
			func(in values, y, dy *graph.Value, bad bool) values {
				return values{ops.CumSum(dy, 1, ops.Cumulation{Reverse: !bad})}
			}},
		{"axis: the bias is one for each row", [][]int{{3, 3}, {3}}, func(in values) *graph.Value { return ops.Add(in[0], in[1]) },
			func(in values, y, dy *graph.Value, bad bool) values {
				return values{dy, or(bad, ops.Sum(dy, 1), ops.Sum(dy, 0))}
			}},
		{"axis: the parts of a concatenation", two23, func(in values) *graph.Value { return ops.Concat(0, in...) },
			func(in values, y, dy *graph.Value, bad bool) values {
				a, b := ops.Slice(dy, 0, 0, 2), ops.Slice(dy, 0, 2, 4)
				return values{or(bad, b, a), or(bad, a, b)}
			}},
	}
}

func transposed() []planted {
	product := func(in values) *graph.Value { return ops.MatMul(in[0], in[1]) }
	return []planted{
		{"transposed: b is not", two33, product, func(in values, y, dy *graph.Value, bad bool) values {
			return values{ops.MatMul(dy, or(bad, in[1], ops.Transpose(in[1]))), ops.MatMul(ops.Transpose(in[0]), dy)}
		}},
		{"transposed: a is not", two33, product, func(in values, y, dy *graph.Value, bad bool) values {
			return values{ops.MatMul(dy, ops.Transpose(in[1])), ops.MatMul(or(bad, in[0], ops.Transpose(in[0])), dy)}
		}},
		{"transposed: the result", two33, product, func(in values, y, dy *graph.Value, bad bool) values {
			da := ops.MatMul(dy, ops.Transpose(in[1]))
			return values{or(bad, ops.Transpose(da), da), ops.MatMul(ops.Transpose(in[0]), dy)}
		}},
		{"transposed: the order of the factors", two33, product, func(in values, y, dy *graph.Value, bad bool) values {
			b := ops.Transpose(in[1])
			return values{or(bad, ops.MatMul(b, dy), ops.MatMul(dy, b)), ops.MatMul(ops.Transpose(in[0]), dy)}
		}},
		{"transposed: the inputs are exchanged", two33, product, func(in values, y, dy *graph.Value, bad bool) values {
			da, db := ops.MatMul(dy, ops.Transpose(in[1])), ops.MatMul(ops.Transpose(in[0]), dy)
			return values{or(bad, db, da), or(bad, da, db)}
		}},
		{"transposed: by the permutation, not its inverse", [][]int{{2, 2, 2}}, func(in values) *graph.Value { return ops.Transpose(in[0], 1, 2, 0) },
			func(in values, y, dy *graph.Value, bad bool) values {
				return values{or(bad, ops.Transpose(dy, 1, 2, 0), ops.Transpose(dy, 2, 0, 1))}
			}},
	}
}

func offByOne() []planted {
	same := ops.Conv{Pad: [4]int{1, 1, 1, 1}}
	swap := func(x *graph.Value) *graph.Value { return ops.Transpose(x, 1, 0, 2, 3) }
	f := func(in values) *graph.Value { return ops.Conv2D(in[0], in[1], same) }
	dx := func(in values, dy *graph.Value, pad [4]int) *graph.Value {
		return ops.ConvTranspose2D(dy, in[1], ops.ConvTranspose{Pad: pad})
	}
	dw := func(in values, dy *graph.Value, pad [4]int) *graph.Value {
		return swap(ops.Conv2D(swap(in[0]), swap(dy), ops.Conv{Pad: pad}))
	}
	flipped := func(w *graph.Value) *graph.Value {
		backwards := graph.Const(w.Graph(), graph.Shape{3}, int64(2), int64(1), int64(0))
		return ops.Gather(ops.Gather(w, backwards, 2), backwards, 3)
	}
	right, moved := same.Pad, [4]int{0, 1, 2, 1}
	pad := func(p ops.Pool, counted bool) ops.Pool { p.CountPad = counted; return p }
	pool := ops.Pool{Size: [2]int{2, 2}, Stride: [2]int{2, 2}, Pad: [4]int{1, 1, 1, 1}}
	return []planted{
		{"off by one: the padding of dx", conv, f, func(in values, y, dy *graph.Value, bad bool) values {
			return values{or(bad, dx(in, dy, moved), dx(in, dy, right)), dw(in, dy, right)}
		}},
		{"off by one: the padding of dw", conv, f, func(in values, y, dy *graph.Value, bad bool) values {
			return values{dx(in, dy, right), or(bad, dw(in, dy, moved), dw(in, dy, right))}
		}},
		{"off by one: the filter of dx is not flipped", conv, f, func(in values, y, dy *graph.Value, bad bool) values {
			w := or(bad, flipped(in[1]), in[1])
			return values{dx(values{in[0], w}, dy, right), dw(in, dy, right)}
		}},
		{"off by one: channels of dx for filters", conv, f, func(in values, y, dy *graph.Value, bad bool) values {
			w := or(bad, swap(in[1]), in[1])
			return values{dx(values{in[0], w}, dy, right), dw(in, dy, right)}
		}},
		{"off by one: where padding ends", one34, func(in values) *graph.Value { return ops.Pad(in[0], []int{1, 1}, []int{1, 1}, 0) },
			func(in values, y, dy *graph.Value, bad bool) values {
				rows := ops.Slice(dy, 0, 1, 4)
				return values{or(bad, ops.Slice(rows, 1, 0, 4), ops.Slice(rows, 1, 1, 5))}
			}},
		{"off by one: where a slice began", one34, func(in values) *graph.Value { return ops.Slice(in[0], 1, 1, 3) },
			func(in values, y, dy *graph.Value, bad bool) values {
				return values{or(bad, ops.Pad(dy, []int{0, 0}, []int{0, 2}, 0), ops.Pad(dy, []int{0, 1}, []int{0, 1}, 0))}
			}},
		{"off by one: padding counts in the mean", image, func(in values) *graph.Value { return ops.AvgPool2D(in[0], pool) },
			func(in values, y, dy *graph.Value, bad bool) values {
				back := func(p ops.Pool) *graph.Value {
					return autodiff.VJP(values{ops.AvgPool2D(in[0], p)}, values{dy}, in[0])[0]
				}
				return values{or(bad, back(pad(pool, true)), back(pad(pool, false)))}
			}},
		{"off by one: the index of a gathered row", [][]int{{4, 3}}, func(in values) *graph.Value { return ops.Gather(in[0], rows(in[0], 0, 2, 2), 0) },
			func(in values, y, dy *graph.Value, bad bool) values {
				return values{or(bad, scattered(in[0], dy, ops.ScatterAdd, 1, 3, 3), scattered(in[0], dy, ops.ScatterAdd, 0, 2, 2))}
			}},
	}
}

func rows(x *graph.Value, at ...int64) *graph.Value {
	return graph.Const(x.Graph(), graph.Shape{len(at)}, at...)
}

// scattered is zeros like x with the rows of dy put where they are from.
func scattered(x, dy *graph.Value, how ops.Scatter, at ...int64) *graph.Value {
	all := ops.BroadcastTo(ops.Reshape(rows(x, at...), len(at), 1), dy.Shape()...)
	return ops.ScatterElements(ops.ZerosLike(x), all, dy, 0, how)
}

func boundaries() []planted {
	above := func(x *graph.Value, least float64) *graph.Value {
		return ops.Less(x.Graph().Scalar(graph.Float64, least), x)
	}
	masked := func(cond, dy *graph.Value) *graph.Value { return ops.Where(cond, dy, ops.ZerosLike(dy)) }
	relu := func(in values) *graph.Value { return ops.ReLU(in[0]) }
	clip := func(in values) *graph.Value { return ops.Clip(in[0], -0.6, 0.6) }
	return []planted{
		{"boundary: of ReLU at 0.5", one34, relu, func(in values, y, dy *graph.Value, bad bool) values {
			return values{or(bad, masked(above(in[0], 0.5), dy), masked(above(in[0], 0), dy))}
		}},
		{"boundary: none of ReLU", one34, relu, func(in values, y, dy *graph.Value, bad bool) values {
			return values{or(bad, dy, masked(above(in[0], 0), dy))}
		}},
		{"boundary: only the upper of a clip", one34, clip, func(in values, y, dy *graph.Value, bad bool) values {
			upper := ops.Not(above(in[0], 0.6))
			return values{masked(or(bad, upper, ops.And(upper, above(in[0], -0.6))), dy)}
		}},
		{"boundary: step for sign of the absolute value", one34, func(in values) *graph.Value { return ops.Abs(in[0]) },
			func(in values, y, dy *graph.Value, bad bool) values {
				return values{or(bad, masked(above(in[0], 0), dy), ops.Mul(dy, ops.Sign(in[0])))}
			}},
		{"boundary: the slope on the other side", one34, func(in values) *graph.Value { return ops.LeakyReLU(in[0], 0.1) },
			func(in values, y, dy *graph.Value, bad bool) values {
				a, b := dy, ops.Scale(dy, 0.1)
				return values{ops.Where(above(in[0], 0), or(bad, b, a), or(bad, a, b))}
			}},
		{"boundary: the condition is not turned around", two23, func(in values) *graph.Value { return ops.Maximum(in[0], in[1]) },
			func(in values, y, dy *graph.Value, bad bool) values {
				less := ops.Less(in[0], in[1])
				return values{masked(ops.Not(less), dy), masked(or(bad, ops.Not(less), less), dy)}
			}},
	}
}

func broadcasts() []planted {
	row, scalar, channel := [][]int{{3, 4}, {4}}, [][]int{{3, 4}, {}}, [][]int{{2, 3, 2, 2}, {3, 1, 1}}
	product := func(in values) *graph.Value { return ops.Mul(in[0], in[1]) }
	return []planted{
		{"broadcast: the mean for the sum", row, product, func(in values, y, dy *graph.Value, bad bool) values {
			d := ops.Mul(dy, in[0])
			return values{ops.Mul(dy, in[1]), or(bad, ops.Mean(d, 0), ops.Sum(d, 0))}
		}},
		{"broadcast: the first row for the sum", row, product, func(in values, y, dy *graph.Value, bad bool) values {
			d := ops.Mul(dy, in[0])
			return values{ops.Mul(dy, in[1]), or(bad, ops.Reshape(ops.Slice(d, 0, 0, 1), 4), ops.Sum(d, 0))}
		}},
		{"broadcast: a scalar's sum leaves out a row", scalar, product, func(in values, y, dy *graph.Value, bad bool) values {
			d := ops.Mul(dy, in[0])
			return values{ops.Mul(dy, in[1]), ops.Sum(or(bad, ops.Slice(d, 0, 0, 2), d))}
		}},
		{"broadcast: channels summed over one image", channel, product, func(in values, y, dy *graph.Value, bad bool) values {
			d := ops.Mul(dy, in[0])
			return values{ops.Mul(dy, in[1]), ops.Reshape(ops.Sum(or(bad, ops.Slice(d, 0, 0, 1), d), 0, 2, 3), 3, 1, 1)}
		}},
	}
}

// secondOrders are right in the first order.
func secondOrders() []planted {
	return []planted{
		{"second order: the result is held constant", one34, func(in values) *graph.Value { return ops.Exp(in[0]) },
			func(in values, y, dy *graph.Value, bad bool) values {
				return values{ops.Mul(dy, or(bad, ops.StopGradient(y), y))}
			}},
		{"second order: what comes in is held constant", one34, func(in values) *graph.Value { return ops.Tanh(in[0]) },
			func(in values, y, dy *graph.Value, bad bool) values {
				return values{ops.Mul(or(bad, ops.StopGradient(dy), dy), ops.OneMinus(ops.Square(y)))}
			}},
	}
}
