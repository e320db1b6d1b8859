package convtest

import (
	"math/rand/v2"

	"neocog/ops/conv"
	"neocog/vm/kernel"
)

// data are the operands of a problem in all passes.
type data struct{ x, w, b, dy []float64 }

func makeData(p conv.Problem, element func() float64) data {
	xn, wn, yn := p.Lens()
	make1 := func(n int) []float64 {
		s := make([]float64, n)
		for i := range s {
			s[i] = element()
		}
		return s
	}
	return data{make1(xn), make1(wn), make1(p.K), make1(yn)}
}

// integers returns −3 … 3: sums of 2^20 products are exact in float32.
func integers(r *rand.Rand) func() float64 {
	return func() float64 { return float64(r.IntN(7) - 3) }
}

// normals returns normal numbers which are float32 numbers too.
func normals(r *rand.Rand) func() float64 {
	return func() float64 { return float64(float32(r.NormFloat64())) }
}

// ins returns the inputs of a pass, as conv.Algorithm lists them.
func (d data) ins(p conv.Problem) [][]float64 {
	switch p.Pass {
	case conv.InputGrad:
		return [][]float64{d.w, d.dy}
	case conv.FilterGrad:
		return [][]float64{d.x, d.dy}
	}
	if p.Bias {
		return [][]float64{d.x, d.w, d.b}
	}
	return [][]float64{d.x, d.w}
}

// oracle is the definition: one loop over all products of the pass, those with padding too if padding. With out it returns the
// sums of the absolute values, mag, and the number of terms of the longest sum.
func oracle(p conv.Problem, d data, padding bool) (out, mag []float64, terms int) {
	xn, wn, yn := p.Lens()
	P, Q := p.Out()
	cg, kg := p.C/p.Groups, p.K/p.Groups
	out = make([]float64, [...]int{yn, xn, wn}[p.Pass])
	mag = make([]float64, len(out))
	count := make([]int, len(out))
	add := func(i int, a, b float64) {
		out[i] += a * b
		mag[i] += abs(a * b)
		count[i]++
		terms = max(terms, count[i])
	}
	for n := range p.N {
		for k := range p.K {
			for c := range cg {
				for r := range p.R {
					for s := range p.S {
						for o := range P * Q {
							h := o/Q*p.Stride[0] - p.Pad[0] + r*p.Dilation[0]
							w := o%Q*p.Stride[1] - p.Pad[1] + s*p.Dilation[1]
							inside := h >= 0 && h < p.H && w >= 0 && w < p.W
							xi := ((n*p.C+k/kg*cg+c)*p.H+h)*p.W + w
							wi := ((k*cg+c)*p.R+r)*p.S + s
							yi := (n*p.K+k)*P*Q + o
							if !inside && !padding {
								continue
							}
							x := 0.0
							if inside {
								x = d.x[xi]
							}
							switch {
							case p.Pass == conv.Forward:
								add(yi, d.w[wi], x)
							case p.Pass == conv.FilterGrad:
								add(wi, d.dy[yi], x)
							case inside:
								add(xi, d.w[wi], d.dy[yi])
							}
						}
					}
				}
			}
			if p.Bias {
				for o := range P * Q {
					add((n*p.K+k)*P*Q+o, d.b[k], 1)
				}
			}
		}
	}
	return out, mag, terms
}

func abs(v float64) float64 { return max(v, -v) }

func convert[T kernel.Float](s []float64) []T {
	out := make([]T, len(s))
	for i, v := range s {
		out[i] = T(v)
	}
	return out
}
