package ops_test

import (
	"math"
	"strings"
	"testing"

	"neocog/graph"
	"neocog/ops"
	"neocog/ops/opstest"
)

// lossOf computes f of two float64 tensors of one shape.
func lossOf(t *testing.T, f func(a, b *graph.Value) *graph.Value, a, b []float64) []float64 {
	t.Helper()
	typ := graph.Of(graph.Float64, len(a))
	y, err := evaluate(func(in values) *graph.Value { return f(in[0], in[1]) }, opstest.Dense(typ, a), opstest.Dense(typ, b))
	if err != nil {
		t.Fatal(err)
	}
	return y
}

// labelled computes f of x and constant labels, and the gradient with respect to x.
func labelled(t *testing.T, f func(x, labels *graph.Value) *graph.Value, shape []int, x []float64, labels ...int64) (loss, dx []float64) {
	t.Helper()
	of := func(x *graph.Value) *graph.Value {
		s := append(graph.Shape{shape[0]}, shape[2:]...)
		return f(x, graph.Const(x.Graph(), s, labels...))
	}
	return shaped(t, of, shape, x...), shaped(t, gradientGraph(of), shape, x...)
}

// nll is NLLLoss with those choices.
func nll(c ops.NLL) func(logp, labels *graph.Value) *graph.Value {
	return func(logp, labels *graph.Value) *graph.Value { return ops.NLLLoss(logp, labels, c) }
}

func TestNLLLossWithWeights(t *testing.T) {
	nan := math.NaN()
	logp := []float64{-1, -2, -3, -4, -5, -6, nan, nan, nan}
	weighted := func(c ops.NLL) func(logp, labels *graph.Value) *graph.Value {
		return func(logp, labels *graph.Value) *graph.Value {
			c.Weights = graph.Const(logp.Graph(), graph.Shape{3}, 0.5, 2, 4)
			return ops.NLLLoss(logp, labels, c)
		}
	}
	at := []int{3, 3}
	for _, c := range []struct {
		name     string
		f        func(logp, labels *graph.Value) *graph.Value
		label    int64 // of the last example, to ignore
		loss, dx []float64
	}{
		{"mean", nll(ops.NLL{Ignore: []int{-1}}), -1, []float64{4}, []float64{0, -0.5, 0, 0, 0, -0.5, 0, 0, 0}},
		{"sum", nll(ops.NLL{Ignore: []int{9}, Reduction: ops.SumOfLosses}), 9, []float64{8}, []float64{0, -1, 0, 0, 0, -1, 0, 0, 0}},
		{"each", nll(ops.NLL{Ignore: []int{7, 0}, Reduction: ops.EachLoss}), 0, []float64{2, 6, 0}, []float64{0, -1, 0, 0, 0, -1, 0, 0, 0}},
		{"weighted mean", weighted(ops.NLL{Ignore: []int{-5}}), -5, []float64{28. / 6}, []float64{0, -2. / 6, 0, 0, 0, -4. / 6, 0, 0, 0}},
		{"weighted sum", weighted(ops.NLL{Ignore: []int{0}, Reduction: ops.SumOfLosses}), 0, []float64{28}, []float64{0, -2, 0, 0, 0, -4, 0, 0, 0}},
		{"weighted each", weighted(ops.NLL{Ignore: []int{0}, Reduction: ops.EachLoss}), 0, []float64{4, 24, 0}, []float64{0, -2, 0, 0, 0, -4, 0, 0, 0}},
	} {
		loss, dx := labelled(t, c.f, at, logp, 1, 2, c.label)
		alike(t, c.name, loss, c.loss...)
		alike(t, c.name+", gradient", dx, c.dx...)
	}
	loss, _ := labelled(t, nll(ops.NLL{Ignore: []int{1}}), []int{1, 3}, logp[:3], 1)
	alike(t, "the mean of nothing", loss, nan)
}

func TestLosses(t *testing.T) {
	inf := math.Inf(1)
	half := func(x, y *graph.Value) *graph.Value { return ops.Huber(x, y, 0.5) }
	alike(t, "MSE", lossOf(t, ops.MSE, []float64{1, 2, 3}, []float64{1, 0, 6}), 13./3)
	alike(t, "MSE of nothing", lossOf(t, ops.MSE, nil, nil), math.NaN())
	alike(t, "Huber", lossOf(t, half, []float64{0.25, 2, -3, 0.5}, []float64{0, 0, 0, 0}), (0.03125+0.875+1.375+0.125)/4)
	alike(t, "BCE", lossOf(t, ops.BCE, []float64{0.25, 0.25}, []float64{1, 0}), -(math.Log(0.25)+math.Log(0.75))/2)
	alike(t, "BCE of certainty", lossOf(t, ops.BCE, []float64{0, 1}, []float64{1, 1}), -math.Log(1e-12)/2)
	alike(t, "BCEWithLogits", lossOf(t, ops.BCEWithLogits, []float64{2}, []float64{0.75}), 0.75*math.Log1p(math.Exp(-2))+0.25*math.Log1p(math.Exp(2)))
	alike(t, "BCEWithLogits, right and far", lossOf(t, ops.BCEWithLogits, []float64{-40, 40}, []float64{0, 1}), math.Exp(-40))
	alike(t, "BCEWithLogits, wrong and far", lossOf(t, ops.BCEWithLogits, []float64{1000}, []float64{0}), 1000)
	alike(t, "Hinge", lossOf(t, ops.Hinge, []float64{2, 0.5, -1}, []float64{1, 1, 1}), (0+0.5+2)/3.)
	for _, dp := range gradientOf(t, func(p *graph.Value) *graph.Value { return ops.BCE(p, ops.OnesLike(p)) }, 0, 1) {
		if dp != dp || math.Abs(dp) == inf {
			t.Errorf("the gradient of BCE at its ends is %v", dp)
		}
	}

	logp := []float64{-1, -2, -3, -4, -5, -6}
	loss, dx := labelled(t, nll(ops.NLL{}), []int{2, 3}, logp, 2, 0)
	alike(t, "NLLLoss", loss, 3.5)
	alike(t, "NLLLoss's gradient", dx, 0, 0, -0.5, -0.5, 0, 0)
	loss, _ = labelled(t, nll(ops.NLL{}), []int{1, 2, 3}, logp, 1, 0, 1)
	alike(t, "NLLLoss of an image", loss, (4+2+6)/3.)

	// CS231n, “Linear Classification”: scores 13, −7, 11, label 0, margin 10: loss 8. The second row, by the
	// same notes' exercise: cat 3.2, car 5.1, frog −1.7, label 0, margin 1: loss 2.9.
	svm := func(margin float64) func(x, labels *graph.Value) *graph.Value {
		return func(x, labels *graph.Value) *graph.Value { return ops.MulticlassSVM(x, labels, margin) }
	}
	loss, dx = labelled(t, svm(10), []int{1, 3}, []float64{13, -7, 11}, 0)
	alike(t, "MulticlassSVM", loss, 8)
	alike(t, "MulticlassSVM's gradient", dx, -1, 0, 1)
	loss, _ = labelled(t, svm(1), []int{1, 3}, []float64{3.2, 5.1, -1.7}, 0)
	if math.Abs(loss[0]-2.9) > 1e-14 {
		t.Errorf("the loss of the cat is %v, want 2.9", loss[0])
	}
}

func TestLossesRefuse(t *testing.T) {
	f := func(g *graph.Graph, shape ...int) *graph.Value {
		return g.Input("f"+graph.Shape(shape).String(), graph.Of(graph.Float32, shape...))
	}
	labels := func(g *graph.Graph, shape ...int) *graph.Value {
		return g.Input("labels", graph.Of(graph.Int64, shape...))
	}
	for want, build := range map[string]func(g *graph.Graph) *graph.Value{
		"MSE: x is f32[N], t is f32[N,1], want the same type": func(g *graph.Graph) *graph.Value {
			return ops.MSE(f(g, graph.Batch), f(g, graph.Batch, 1))
		},
		"Hinge: x: got i64[2], want a tensor of f32 or f64":         func(g *graph.Graph) *graph.Value { l := labels(g, 2); return ops.Hinge(l, l) },
		"Huber: delta is 0, want a finite number above 0":           func(g *graph.Graph) *graph.Value { x := f(g, 2); return ops.Huber(x, x, 0) },
		"NLLLoss: labels are i64[3], want classes i32[4] or i64[4]": func(g *graph.Graph) *graph.Value { return ops.NLLLoss(f(g, 4, 3), labels(g, 3), ops.NLL{}) },
		"NLLLoss: logp is f32[4], want floats [N, C, ...]":          func(g *graph.Graph) *graph.Value { return ops.NLLLoss(f(g, 4), labels(g, 4), ops.NLL{}) },
		"NLLLoss: weights are f32[4], want f32[3]: one for each class": func(g *graph.Graph) *graph.Value {
			return ops.NLLLoss(f(g, 4, 3), labels(g, 4), ops.NLL{Weights: f(g, 4)})
		},
		"NLLLoss: there is no Reduction(3)":                            func(g *graph.Graph) *graph.Value { return ops.NLLLoss(f(g, 4, 3), labels(g, 4), ops.NLL{Reduction: 3}) },
		"MulticlassSVM: the margin is -1":                              func(g *graph.Graph) *graph.Value { return ops.MulticlassSVM(f(g, 4, 3), labels(g, 4), -1) },
		"MulticlassSVM: scores has 3 dimensions, want 2: [N, C]":       func(g *graph.Graph) *graph.Value { return ops.MulticlassSVM(f(g, 4, 3, 2), labels(g, 4, 2), 1) },
		"LayerNorm: gamma is f32[3], want the last extents of x f32[2": func(g *graph.Graph) *graph.Value { c := f(g, 3); return ops.LayerNorm(f(g, 2, 4), c, c, 0) },
		"RMSNorm: eps is -1, want a number of at least 0":              func(g *graph.Graph) *graph.Value { return ops.RMSNorm(f(g, 2, 4), f(g, 4), -1) },
		"GroupNorm: 3 groups do not divide the 4 channels":             func(g *graph.Graph) *graph.Value { c := f(g, 4); return ops.GroupNorm(f(g, 2, 4, 2), 3, c, c, 0) },
		"InstanceNorm: x has 2 dimensions, want at least 3":            func(g *graph.Graph) *graph.Value { c := f(g, 4); return ops.InstanceNorm(f(g, 2, 4), c, c, 0) },
		"Standardise: x is f32[2,N]: its extents from axis 1 on must be known": func(g *graph.Graph) *graph.Value {
			return ops.Standardise(f(g, 2, graph.Batch), 1, 0)
		},
	} {
		g := graph.New("refuse")
		y := build(g)
		if err := g.Err(); y.IsValid() || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
	if ops.MSE(nil, nil).IsValid() || ops.NLLLoss(nil, nil, ops.NLL{}).IsValid() || ops.LayerNorm(nil, nil, nil, 0).IsValid() || ops.GroupNorm(nil, 1, nil, nil, 0).IsValid() {
		t.Error("the loss of nothing is valid")
	}
}

// Each normalisation must be BatchNorm of the parts that it is about.
func TestNormsAreBatchNormsOfTheirParts(t *testing.T) {
	const n, c, size, eps = 2, 6, 4, 0.01
	x := make([]float64, n*c*size)
	for i := range x {
		x[i] = math.Sin(float64(7*i)) * float64(i%5)
	}
	shape := []int{n, c, 2, 2}
	parts := func(count int) func(x *graph.Value) *graph.Value { // of all images
		return func(x *graph.Value) *graph.Value {
			one := ops.Full(x.Graph(), graph.Of(graph.Float64, count), 1)
			y, _, _ := ops.BatchNorm(ops.Reshape(x, 1, count, n*c*size/count), one, ops.ZerosLike(one), eps)
			return y
		}
	}
	ones := func(x *graph.Value, shape ...int) (gamma, beta *graph.Value) {
		gamma = ops.Full(x.Graph(), graph.Of(graph.Float64, shape...), 1)
		return gamma, ops.ZerosLike(gamma)
	}
	for name, p := range map[string]struct {
		count int
		f     func(x *graph.Value) *graph.Value
	}{
		"LayerNorm":    {n, func(x *graph.Value) *graph.Value { g, b := ones(x, c, 2, 2); return ops.LayerNorm(x, g, b, eps) }},
		"InstanceNorm": {n * c, func(x *graph.Value) *graph.Value { g, b := ones(x, c); return ops.InstanceNorm(x, g, b, eps) }},
		"GroupNorm":    {n * 3, func(x *graph.Value) *graph.Value { g, b := ones(x, c); return ops.GroupNorm(x, 3, g, b, eps) }},
	} {
		want := shaped(t, parts(p.count), shape, x...)
		for i, got := range shaped(t, p.f, shape, x...) {
			if !(math.Abs(got-want[i]) <= 1e-13) { // of at most 3
				t.Errorf("%s: element %d is %v, want %v", name, i, got, want[i])
			}
		}
	}
	rms := shaped(t, func(x *graph.Value) *graph.Value {
		return ops.RMSNorm(x, graph.Const(x.Graph(), graph.Shape{2}, 1.0, 2), 0)
	}, []int{1, 2}, 3, 4)
	alike(t, "RMSNorm", rms, 3/math.Sqrt(12.5), 8/math.Sqrt(12.5))
}
