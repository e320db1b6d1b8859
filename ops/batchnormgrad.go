package ops

import (
	"math"

	"neocog/graph"
	"neocog/internal/simd"
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

func (o batchNormGrad) Plan(env *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	l, d := newChannels(in[0].Shape), in[0].DType
	sums, err := kernel.Pick(d, batchNormGradSums[float32](l), batchNormGradSums[float64](l))
	if err != nil {
		return kernel.Plan{}, err
	}
	combine, err := kernel.Pick(d, batchNormGradCombine[float32](l, o.Eps), batchNormGradCombine[float64](l, o.Eps))
	if err != nil {
		return kernel.Plan{}, err
	}
	rows, err := kernel.Pick(d, batchNormGradRun[float32](l), batchNormGradRun[float64](l))
	p := l.plan(env, d, sums, combine, rows)
	p.Local = kernel.SizeOf(d, 2*l.gathered())
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

// batchNormGradSums computes Σ dy and Σ dy·(x − mean) of each part.
func batchNormGradSums[T kernel.Float](l channels) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		x, mean, dy := kernel.In[T](c, 0), kernel.In[T](c, 1), kernel.In[T](c, 4)
		localX, localDy := kernel.Local[T](c, 0, l.gathered()), kernel.Local[T](c, l.gathered(), l.gathered())
		sums := kernel.Shared[float64](c, 0, 2*hi)
		for i := lo; i < hi; {
			w, n := l.band(i, hi)
			x, dy := gather(l, x, i, w, n, localX), gather(l, dy, i, w, n, localDy)
			for k := range w {
				sums[2*(i+k)], sums[2*(i+k)+1] = simd.Moments(x[k*n:(k+1)*n], dy[k*n:(k+1)*n], float64(mean[(i+k)%l.count]))
			}
			i += w
		}
	}
}

// batchNormGradCombine adds the parts of each channel. It leaves what the rows
// want: mean, γ·r, d̄y and r·mean(dy·x̂), for r = 1/√(variance+eps).
func batchNormGradCombine[T kernel.Float](l channels, eps float64) kernel.Kernel {
	parts := l.parts()
	count := float64(max(1, l.each()))
	return func(c *kernel.Call, lo, hi int) {
		mean, variance, gamma := kernel.In[T](c, 1), kernel.In[T](c, 2), kernel.In[T](c, 3)
		dgamma, dbeta := kernel.Out[T](c, 1), kernel.Out[T](c, 2)
		sums, numbers := kernel.Shared[float64](c, 0, 2*parts*l.count), rowNumbers[T](l, c)
		for ch := lo; ch < hi; ch++ {
			plain, moment := 0.0, 0.0
			for p := range parts {
				i := 2 * (p*l.count + ch)
				plain += sums[i]
				moment += sums[i+1]
			}
			r := 1 / math.Sqrt(float64(variance[ch])+eps)
			dbeta[ch], dgamma[ch] = T(plain), T(moment*r)
			row := numbers[4*ch : 4*ch+4]
			row[0], row[1], row[2], row[3] = mean[ch], T(float64(gamma[ch])*r), T(plain/count), T(moment*r*r/count)
		}
	}
}

// batchNormGradRun computes rows of dx.
func batchNormGradRun[T kernel.Float](l channels) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		x, dy, dx, numbers := kernel.In[T](c, 0), kernel.In[T](c, 4), kernel.Out[T](c, 0), rowNumbers[T](l, c)
		for i := lo; i < hi; {
			ch := i % l.count
			w := min(l.count-ch, hi-i)
			at, end := i*l.size, (i+w)*l.size
			simd.NormGradRows(dx[at:end], x[at:end], dy[at:end], numbers[4*ch:4*(ch+w)])
			i += w
		}
	}
}
