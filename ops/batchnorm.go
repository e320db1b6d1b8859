package ops

import (
	"fmt"
	"math"

	"neocog/graph"
	"neocog/internal/simd"
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
// Statistics are accumulated in float64, the variance from distances to the means
// of parts of a channel.
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

func (o batchNorm) Plan(env *kernel.Env, in, out []graph.Type) (kernel.Plan, error) {
	return o.PlanThen(env, in, out, nil)
}

func (o batchNorm) PlanThen(env *kernel.Env, in, _ []graph.Type, then kernel.Kernel) (kernel.Plan, error) {
	l, d := newChannels(in[0].Shape), in[0].DType
	sums, err := kernel.Pick(d, batchNormSums[float32](l), batchNormSums[float64](l))
	if err != nil {
		return kernel.Plan{}, err
	}
	statistics, err := kernel.Pick(d, batchNormStatistics[float32](l, o.Eps), batchNormStatistics[float64](l, o.Eps))
	if err != nil {
		return kernel.Plan{}, err
	}
	normalise, err := kernel.Pick(d, batchNormRun[float32](l, then), batchNormRun[float64](l, then))
	p := l.plan(env, d, sums, statistics, normalise)
	p.Local = kernel.SizeOf(d, l.gathered())
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
//
// What is summed over a channel is summed over parts of it first: part i is rows()
// images of channel i mod count. Workers share the parts.
type channels struct{ n, count, size int }

func newChannels(x graph.Shape) channels { return channels{x[0], x[1], x[2:].Size()} }

// each returns the number of elements of a channel.
func (l channels) each() int { return l.n * l.size }

// rows returns the number of rows in a part, which are 1024 elements if one row is
// not; the last part may have fewer.
func (l channels) rows() int { return max(1, min(l.n, 1024/max(1, l.size))) }

// parts returns the number of parts of a channel.
func (l channels) parts() int { return (l.n + l.rows() - 1) / l.rows() }

// partBand is how many parts of neighbouring channels are gathered in one go.
const partBand = 16

// gathered returns how many elements gather copies: none where a part is one row.
func (l channels) gathered() int {
	if l.rows() == 1 {
		return 0
	}
	return partBand * l.rows() * l.size
}

// band returns how many parts from i on, before part hi, gather takes, and how many
// elements each of them has.
func (l channels) band(i, hi int) (parts, elements int) {
	rows := min(l.rows(), l.n-i/l.count*l.rows())
	return min(partBand, hi-i, l.count-i%l.count), rows * l.size
}

// gather returns the elements of w parts of x from part i on, of n elements each,
// one after the other: where they lie if they are one row each, else in local.
func gather[T kernel.Float](l channels, x []T, i, w, n int, local []T) []T {
	first := (i/l.count*l.rows()*l.count + i%l.count) * l.size
	if n == l.size {
		return x[first : first+w*n]
	}
	for at := 0; at < n; at += l.size {
		from := x[first+at*l.count:][:w*l.size]
		if l.size == 1 {
			for k, v := range from {
				local[k*n+at] = v
			}
			continue
		}
		for k := range w {
			copy(local[k*n+at:k*n+at+l.size], from[k*l.size:])
		}
	}
	return local
}

// plan returns the plan of three kernels: over the parts of all channels, over the
// channels, over the rows. The first leaves two sums for each part, in float64, to the
// second, the second four numbers of type d for each channel to the third.
//
// Where there are channels for all workers, each does all three for some channels at a time, whose elements the third then finds in the cache.
// The sums are the same.
func (l channels) plan(env *kernel.Env, d graph.DType, parts, each, rows kernel.Kernel) kernel.Plan {
	p := kernel.Plan{
		Steps: []kernel.Step{
			{N: l.parts() * l.count, Grain: grainOf(2 * l.rows() * l.size), Run: parts},
			{N: l.count, Grain: grainOf(2 * l.parts()), Run: each},
			{N: l.n * l.count, Grain: grainOf(l.size), Run: rows},
		},
		Shared: kernel.SizeOf(graph.Float64, 2*l.parts()*l.count) + kernel.SizeOf(d, 4*l.count),
	}
	if l.count < 4*env.Workers {
		return p
	}
	band := max(1, min(partBand, channelBytes/max(1, kernel.SizeOf(d, l.each()))))
	p.Steps = []kernel.Step{{N: l.count, Grain: grainOf(4 * l.each()), Run: func(c *kernel.Call, lo, hi int) {
		for ; lo < hi; lo += band {
			w := min(band, hi-lo)
			for i := range l.parts() {
				parts(c, i*l.count+lo, i*l.count+lo+w)
			}
			each(c, lo, lo+w)
			for i := range l.n {
				rows(c, i*l.count+lo, i*l.count+lo+w)
			}
		}
	}}}
	return p
}

// channelBytes is how much of a tensor may be worked on at a time, so that it and another stay in the second cache.
const channelBytes = 1 << 19

// rowNumbers returns the four numbers for each channel.
func rowNumbers[T kernel.Float](l channels, c *kernel.Call) []T {
	size := graph.DTypeOf[T]().Size()
	return kernel.Shared[T](c, kernel.SizeOf(graph.Float64, 2*l.parts()*l.count)/size, 4*l.count)
}

// batchNormSums computes for each part its sum, and the sum of the squares of the
// distances from its own mean.
func batchNormSums[T kernel.Float](l channels) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		x, local := kernel.In[T](c, 0), kernel.Local[T](c, 0, l.gathered())
		sums := kernel.Shared[float64](c, 0, 2*hi)
		for i := lo; i < hi; {
			w, n := l.band(i, hi)
			v := gather(l, x, i, w, n, local)
			for k := range w {
				part := v[k*n : (k+1)*n]
				sum := simd.Sum(part)
				sums[2*(i+k)], sums[2*(i+k)+1] = sum, simd.SumSquares(part, sum/float64(n))
			}
			i += w
		}
	}
}

// batchNormStatistics combines the parts of each channel. Their squares are about
// other means than the channel's: n elements with mean m add n·(m − mean)². Chan,
// Golub and LeVeque, “Algorithms for Computing the Sample Variance”, 1983.
func batchNormStatistics[T kernel.Float](l channels, eps float64) kernel.Kernel {
	parts, rows := l.parts(), l.rows()
	return func(c *kernel.Call, lo, hi int) {
		gamma, beta, outMean, outVariance := kernel.In[T](c, 1), kernel.In[T](c, 2), kernel.Out[T](c, 1), kernel.Out[T](c, 2)
		sums, numbers := kernel.Shared[float64](c, 0, 2*parts*l.count), rowNumbers[T](l, c)
		for ch := lo; ch < hi; ch++ {
			mean, variance := 0.0, 0.0
			if count := float64(l.each()); count > 0 {
				for p := range parts {
					mean += sums[2*(p*l.count+ch)]
				}
				mean /= count
				for p := range parts {
					n := float64(min(rows, l.n-p*rows) * l.size)
					i := 2 * (p*l.count + ch)
					d := sums[i]/n - mean
					variance += sums[i+1] + n*d*d
				}
				variance /= count
			}
			outMean[ch], outVariance[ch] = T(mean), T(variance)
			row := numbers[4*ch : 4*ch+4]
			row[0], row[1], row[2], row[3] = T(mean), T(float64(gamma[ch])/math.Sqrt(variance+eps)), beta[ch], 0
		}
	}
}

// batchNormRun normalises rows, and does with them what comes then, if anything.
func batchNormRun[T kernel.Float](l channels, then kernel.Kernel) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		x, y, numbers := kernel.In[T](c, 0), kernel.Out[T](c, 0), rowNumbers[T](l, c)
		for i := lo; i < hi; {
			ch := i % l.count
			w := min(l.count-ch, hi-i)
			at, end := i*l.size, (i+w)*l.size
			simd.AffineRows(y[at:end], x[at:end], numbers[4*ch:4*(ch+w)])
			if then != nil {
				then(c, at, end)
			}
			i += w
		}
	}
}
