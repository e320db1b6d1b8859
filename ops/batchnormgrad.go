package ops

import (
	"math"

	"neocog/graph"
	"neocog/vm/kernel"
)

// batchNormGrad is the gradient of y of BatchNorm with respect to x, gamma and
// beta. What mean and variance contribute to that of x is in it.
//
//	x [N, C, ...]   mean, variance, gamma [C]   dy like x   →   dx like x, dgamma, dbeta [C]
type batchNormGrad struct{ Eps float64 }

func (batchNormGrad) Name() string { return "BatchNormGrad" }

func (batchNormGrad) Operands() []string { return []string{"x", "mean", "variance", "gamma", "dy"} }

func (o batchNormGrad) Infer(in []graph.Type) ([]graph.Type, error) {
	if err := arity(in, 5); err != nil {
		return nil, err
	}
	if err := checkNorm(o.Eps, in[0], o.Operands()[1:4], in[1:4]); err != nil {
		return nil, err
	}
	if _, err := sameFloat([]graph.Type{in[0], in[4]}, 2); err != nil {
		return nil, err
	}
	return []graph.Type{in[0], in[3], in[3]}, nil
}

func (o batchNormGrad) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	l := newChannels(in[0].Shape)
	k, err := kernel.Pick(in[0].DType, batchNormGradRun[float32](l, o.Eps), batchNormGradRun[float64](l, o.Eps))
	p := kernel.One(l.count, grainOf(4*l.each()), k)
	p.Local = kernel.SizeOf(graph.Float64, 2*channelBand)
	p.InPlace = []int{5}
	return p, err
}

// VJP takes mean and variance as inputs of their own. With r = 1/√(variance+eps),
// x̂ = (x − mean)·r, a bar for means over a channel, Σ for sums over it, and h,
// hγ, hβ given, it differentiates
//
//	L = Σ h·γ·r·(dy − d̄y − x̂·mean(dy·x̂)) + hγ·Σ dy·x̂ + hβ·Σ dy
//
// e being ∂L/∂x̂ and q the sum in dγ:
//
//	q   = Σ h·(dy − d̄y − x̂·mean(dy·x̂))           ∂γ  = r·q
//	e   = hγ·dy − γ·r·(h·mean(dy·x̂) + dy·mean(h·x̂))
//	∂x  = e·r         ∂mean = −Σ e·r         ∂variance = −r³/2·(Σ e·(x − mean) + γ·q)
//	∂dy = γ·r·(h − h̄ − x̂·mean(h·x̂)) + hγ·x̂ + hβ
func (o batchNormGrad) VJP(n *graph.Node, d []*graph.Value) []*graph.Value {
	x, mean, variance, gamma, dy := n.In(0), n.In(1), n.In(2), n.In(3), n.In(4)
	h, hGamma, hBeta := orZeros(d[0], dy), perChannel(orZeros(d[1], gamma), x), perChannel(orZeros(d[2], gamma), x)
	axes := axesButChannels(x)
	mul3 := func(a, b, c *graph.Value) *graph.Value { return Mul(Mul(a, b), c) }

	root := Sqrt(AddScalar(variance, o.Eps))
	r1 := Div(OnesLike(root), root) // [C]
	r, g := perChannel(r1, x), perChannel(gamma, x)
	centred := Sub(x, perChannel(mean, x))
	xhat := Mul(centred, r)
	dyMean, dyHat := MeanKeep(dy, axes...), MeanKeep(Mul(dy, xhat), axes...)
	hMean, hHat := MeanKeep(h, axes...), MeanKeep(Mul(h, xhat), axes...)
	gr := Mul(g, r)

	q := Sum(Mul(h, Sub(Sub(dy, dyMean), Mul(xhat, dyHat))), axes...) // [C]
	e := Sub(Mul(hGamma, dy), Mul(gr, Add(Mul(h, dyHat), Mul(dy, hHat))))
	dx := Mul(e, r)
	dMean := Neg(Sum(dx, axes...))
	dVariance := Scale(mul3(Mul(r1, r1), r1, Add(Sum(Mul(e, centred), axes...), Mul(gamma, q))), -0.5)
	dGamma := Mul(r1, q)
	ddy := Add(Mul(gr, Sub(Sub(h, hMean), Mul(xhat, hHat))), Add(Mul(hGamma, xhat), hBeta))
	return []*graph.Value{dx, dMean, dVariance, dGamma, ddy}
}

// orZeros returns d, or zeros of the type of like where d is nil.
func orZeros(d, like *graph.Value) *graph.Value {
	if d == nil {
		return ZerosLike(like)
	}
	return d
}

// axesButChannels returns all axes of x but 1.
func axesButChannels(x *graph.Value) []int {
	axes := []int{0}
	for i := 2; i < x.Shape().Rank(); i++ {
		axes = append(axes, i)
	}
	return axes
}

func batchNormGradRun[T kernel.Float](l channels, eps float64) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		x, mean, variance, gamma, dy := kernel.In[T](c, 0), kernel.In[T](c, 1), kernel.In[T](c, 2), kernel.In[T](c, 3), kernel.In[T](c, 4)
		dx, dgamma, dbeta := kernel.Out[T](c, 0), kernel.Out[T](c, 1), kernel.Out[T](c, 2)
		count := float64(max(1, l.each()))
		for ; lo < hi; lo += channelBand {
			first, end := lo, min(hi, lo+channelBand)
			plain, hat := kernel.Local[float64](c, 0, end-lo), kernel.Local[float64](c, channelBand, end-lo)
			clear(plain)
			clear(hat)
			l.eachRow(lo, end, func(i, lo, hi int) {
				s, t := momentsAround(x[lo:hi], dy[lo:hi], float64(mean[first+i]))
				plain[i] += s
				hat[i] += t
			})
			for i := range plain {
				r := 1 / math.Sqrt(float64(variance[first+i])+eps)
				dbeta[first+i], dgamma[first+i] = T(plain[i]), T(hat[i]*r)
				plain[i] /= count
				hat[i] *= r * r / count
			}
			l.eachRow(lo, end, func(i, lo, hi int) {
				ch := first + i
				center, a, b := mean[ch], T(plain[i]), T(hat[i])
				scale := T(float64(gamma[ch]) / math.Sqrt(float64(variance[ch])+eps))
				from, to := dy[lo:hi], dx[lo:hi]
				for j, v := range x[lo:hi] {
					to[j] = scale * (from[j] - a - (v-center)*b)
				}
			})
		}
	}
}

// momentsAround returns Σ dy and Σ dy·(x − mean).
func momentsAround[T kernel.Float](x, dy []T, mean float64) (sum, moment float64) {
	for i, v := range dy {
		sum += float64(v)
		moment += float64(v) * (float64(x[i]) - mean)
	}
	return sum, moment
}
