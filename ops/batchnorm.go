package ops

import (
	"fmt"
	"math"

	"neocog/graph"
	"neocog/vm/kernel"
)

// BatchNorm normalises each channel of x by its mean and variance over this
// batch, for training, and returns these too. See BatchNormInfer for the other
// half, and RunningStats for what connects them.
//
//	x         float [N, C, ...]; at least [N, C]
//	gamma     [C]     beta [C], elements as x's
//	eps       at least 0, added to the variance; 1e-5 is usual
//	y         same type as x:  γ_c·x̂ + β_c,  x̂ = (x − mean_c)/√(variance_c + eps)
//	mean      [C], over all axes but 1
//	variance  [C], of the population: Σ(x − mean)²/M
//	dx        = γ/√(variance+eps)·(dy − mean(dy) − x̂·mean(dy·x̂))
//	dgamma    = Σ dy·x̂,   dbeta = Σ dy
//
// mean and variance have gradients of their own. With M = N·H·W = 1 the
// variance is 0 and, for eps > 0, y is beta; the mean and variance of nothing are 0.
// Statistics are accumulated in float64, in two passes over x.
//
// Ioffe and Szegedy, “Batch Normalization”, ICML 2015, algorithm 1. ONNX
// BatchNormalization with training_mode 1.
func BatchNorm(x, gamma, beta *graph.Value, eps float64) (y, mean, variance *graph.Value) {
	out := graph.ApplyN(3, batchNorm{eps}, x, gamma, beta)
	return out[0], out[1], out[2]
}

// BatchNormInfer normalises each channel of x by stored statistics.
//
//	x               float [N, C, ...]
//	gamma, beta, mean, variance   [C]
//	y               γ_c·(x − mean_c)/√(variance_c + eps) + β_c
//
// It is made of other ops: one product and one sum for each element of x.
func BatchNormInfer(x, gamma, beta, mean, variance *graph.Value, eps float64) *graph.Value {
	scale := Div(gamma, Sqrt(AddScalar(variance, eps)))
	shift := Sub(beta, Mul(mean, scale))
	return Add(Mul(x, perChannel(scale, x)), perChannel(shift, x))
}

// RunningStats returns the next values of the running statistics that
// BatchNormInfer wants, to be given to Graph.Update.
//
//	x, mean, variance  as BatchNorm took and gave them
//	runMean, runVar    [C], buffers which start at 0 and 1
//	momentum           the weight of this batch, from 0 to 1; 0.1 is usual
//	nextMean           = (1−momentum)·runMean + momentum·mean
//	nextVar            = (1−momentum)·runVar + momentum·variance·M/(M−1)
//
// The running variance is that of the sample, as in PyTorch; ONNX keeps that of
// the population. Where M is 1 the variance, 0, is taken as it is.
func RunningStats(x, mean, variance, runMean, runVar *graph.Value, momentum float64) (nextMean, nextVar *graph.Value) {
	if x.IsValid() && !(momentum >= 0 && momentum <= 1) {
		x.Graph().Errorf("RunningStats", "the momentum is %v, want 0 to 1", momentum)
		return x.Graph().Invalid(), x.Graph().Invalid()
	}
	blend := func(run, batch *graph.Value) *graph.Value {
		return Add(Scale(run, 1-momentum), Scale(batch, momentum))
	}
	return blend(runMean, mean), blend(runVar, graph.Apply(sampleVariance{}, variance, x))
}

// perChannel gives v [C] the rank of x [N, C, ...], so that it broadcasts against x.
func perChannel(v, x *graph.Value) *graph.Value {
	if !v.IsValid() || !x.IsValid() || v.Shape().Rank() != 1 {
		return v
	}
	s := ones(max(2, x.Shape().Rank()))
	s[1] = v.Shape()[0]
	return Reshape(v, s...)
}

// batchNorm has three results: y, mean and variance.
type batchNorm struct{ Eps float64 }

func (batchNorm) Name() string { return "BatchNorm" }

func (batchNorm) Operands() []string { return []string{"x", "gamma", "beta"} }

func (o batchNorm) Infer(in []graph.Type) ([]graph.Type, error) {
	if err := arity(in, 3); err != nil {
		return nil, err
	}
	if err := checkNorm(o.Eps, in[0], []string{"gamma", "beta"}, in[1:]); err != nil {
		return nil, err
	}
	return []graph.Type{in[0], in[1], in[1]}, nil
}

// checkNorm returns an error unless eps, x and what there is for each channel fit.
func checkNorm(eps float64, x graph.Type, names []string, each []graph.Type) error {
	if !(eps >= 0) || math.IsInf(eps, 0) {
		return fmt.Errorf("eps is %v, want a number of at least 0", eps)
	}
	if err := isFloat(x); err != nil {
		return err
	}
	if x.Shape.Rank() < 2 {
		return fmt.Errorf("x has %d dimensions, want at least 2: [N, C, ...]", x.Shape.Rank())
	}
	want := graph.Of(x.DType, x.Shape[1])
	for i, t := range each {
		if !t.Equal(want) {
			return fmt.Errorf("%s is %v, want %v: one for each channel of x %v", names[i], t, want, x)
		}
	}
	return nil
}

func (o batchNorm) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	l := newChannels(in[0].Shape)
	k, err := kernel.Pick(in[0].DType, batchNormRun[float32](l, o.Eps), batchNormRun[float64](l, o.Eps))
	p := kernel.One(l.count, grainOf(4*l.each()), k)
	p.Local = kernel.SizeOf(graph.Float64, 2*channelBand)
	p.InPlace = []int{1}
	return p, err
}

func (o batchNorm) VJP(n *graph.Node, d []*graph.Value) []*graph.Value {
	x, gamma, mean, variance := n.In(0), n.In(1), n.Out(1), n.Out(2)
	dx := make([]*graph.Value, 3)
	if d[0] != nil {
		dx = graph.ApplyN(3, batchNormGrad(o), x, mean, variance, gamma, d[0])
	}
	plus := func(v *graph.Value) {
		if dx[0] != nil {
			v = Add(dx[0], v)
		}
		dx[0] = v
	}
	// ∂mean/∂x = 1/M, ∂variance/∂x = 2(x − mean)/M
	spread := func(v *graph.Value) *graph.Value {
		return graph.Apply(spreadMean{graph.MakeDims(x.Shape()...)}, perChannel(v, x))
	}
	if d[1] != nil {
		plus(spread(d[1]))
	}
	if d[2] != nil {
		plus(Mul(spread(Scale(d[2], 2)), Sub(x, perChannel(mean, x))))
	}
	return dx
}

// channels is the layout of x [N, C, ...]: n·count rows of size elements.
type channels struct{ n, count, size int }

func newChannels(x graph.Shape) channels { return channels{x[0], x[1], x[2:].Size()} }

// each returns the number of elements of a channel.
func (l channels) each() int { return l.n * l.size }

// channelBand is how many channels a worker treats at a time: few enough to
// accumulate locally, enough to read [N, C] by stretches.
const channelBand = 64

// eachRow calls f for the rows of channels first … end-1, i counting these.
func (l channels) eachRow(first, end int, f func(i, lo, hi int)) {
	for n := range l.n {
		for ch := first; ch < end; ch++ {
			at := (n*l.count + ch) * l.size
			f(ch-first, at, at+l.size)
		}
	}
}

func batchNormRun[T kernel.Float](l channels, eps float64) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		x, gamma, beta := kernel.In[T](c, 0), kernel.In[T](c, 1), kernel.In[T](c, 2)
		y, mean, variance := kernel.Out[T](c, 0), kernel.Out[T](c, 1), kernel.Out[T](c, 2)
		for ; lo < hi; lo += channelBand {
			end := min(hi, lo+channelBand)
			m, v := kernel.Local[float64](c, 0, end-lo), kernel.Local[float64](c, channelBand, end-lo)
			clear(m)
			clear(v)
			if count := float64(l.each()); count > 0 {
				l.eachRow(lo, end, func(i, lo, hi int) { m[i] += total(x[lo:hi]) })
				for i := range m {
					m[i] /= count
				}
				l.eachRow(lo, end, func(i, lo, hi int) { v[i] += squaresAround(x[lo:hi], m[i]) })
				for i := range v {
					v[i] /= count
				}
			}
			for i := range m {
				mean[lo+i], variance[lo+i] = T(m[i]), T(v[i])
				v[i] = float64(gamma[lo+i]) / math.Sqrt(v[i]+eps)
			}
			first := lo
			l.eachRow(lo, end, func(i, lo, hi int) {
				center, scale, shift := T(m[i]), T(v[i]), beta[first+i]
				to := y[lo:hi]
				for j, v := range x[lo:hi] {
					to[j] = (v-center)*scale + shift
				}
			})
		}
	}
}

// squaresAround returns Σ (x − mean)².
func squaresAround[T kernel.Float](x []T, mean float64) float64 {
	var a, b float64
	for ; len(x) >= 2; x = x[2:] {
		d, e := float64(x[0])-mean, float64(x[1])-mean
		a += d * d
		b += e * e
	}
	for _, v := range x {
		d := float64(v) - mean
		a += d * d
	}
	return a + b
}
