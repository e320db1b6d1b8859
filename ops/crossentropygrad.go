package ops

import (
	"fmt"

	"neocog/graph"
	"neocog/internal/simd"
	"neocog/vm/kernel"
)

// crossEntropyGrad is the gradient of SoftmaxCrossEntropy with respect to the
// logits: dloss·(p·Σ_c t_c − t)/N, t being the smoothed target.
//
//	p [N, C]   labels as those of the loss   dloss scalar   →   dlogits [N, C]
type crossEntropyGrad struct{ CrossEntropy }

func (crossEntropyGrad) Name() string { return "SoftmaxCrossEntropyGrad" }

func (crossEntropyGrad) Operands() []string { return []string{"p", "labels", "dloss"} }

func (o crossEntropyGrad) Infer(in []graph.Type) ([]graph.Type, error) {
	if err := arity(in, 3); err != nil {
		return nil, err
	}
	if err := o.check("p", in[0], in[1]); err != nil {
		return nil, err
	}
	if want := graph.Of(in[0].DType); !in[2].Equal(want) {
		return nil, fmt.Errorf("dloss is %v, want %v", in[2], want)
	}
	return in[:1], nil
}

func (o crossEntropyGrad) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	n, classes := in[0].Shape[0], in[0].Shape[1]
	k, err := pickLabels(in[0].DType, in[1].DType,
		crossEntropyGradRun[float32, int32](o, n, classes), crossEntropyGradRun[float32, int64](o, n, classes), crossEntropyGradRun[float32, float32](o, n, classes),
		crossEntropyGradRun[float64, int32](o, n, classes), crossEntropyGradRun[float64, int64](o, n, classes), crossEntropyGradRun[float64, float64](o, n, classes))
	p := kernel.One(n, grainOf(classes), k)
	p.InPlace = []int{1}
	return p, err
}

// VJP differentiates q·g, where q = p·Σ_c t_c − t and g = dloss/N, given h:
//
//	dp = h·g·Σ_c t_c    dt_j = g·(Σ_c h_c·p_c − h_j)    ddloss = Σ h·q/N
func (o crossEntropyGrad) VJP(n *graph.Node, d []*graph.Value) []*graph.Value {
	p, labels, dloss, h := n.In(0), n.In(1), n.In(2), d[0]
	hg := Mul(h, shareOfRows(dloss, p))
	dp := hg
	var dlabels *graph.Value
	if labels.DType().IsFloat() {
		keep := 1 - o.Smoothing
		dp = Mul(hg, AddScalar(Scale(SumKeep(labels, 1), keep), o.Smoothing))
		dlabels = Scale(Sub(SumKeep(Mul(hg, p), 1), hg), keep)
	}
	unit := graph.Apply(o, p, labels, OnesLike(dloss))
	return []*graph.Value{dp, dlabels, Sum(Mul(h, unit))}
}

func crossEntropyGradRun[T kernel.Float, L kernel.Number](o crossEntropyGrad, rows, classes int) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		p, labels, y := kernel.In[T](c, 0), kernel.In[L](c, 1), kernel.Out[T](c, 0)
		g := float64(kernel.In[T](c, 2)[0]) / float64(rows)
		for n := lo; n < hi; n++ {
			t := targetOf(c, o.CrossEntropy, labels, n, classes)
			from, to := p[n*classes:(n+1)*classes], y[n*classes:(n+1)*classes]
			if k := t.class; k >= 0 {
				top := T((float64(from[k]) - t.of(k)) * g)
				simd.AffineWide(to, from, t.floor, g, 0)
				to[k] = top
				continue
			}
			sum := t.sum(classes)
			for j, v := range from {
				to[j] = T(g * (float64(v)*sum - t.of(j)))
			}
		}
	}
}
