package convtest

import (
	"math"
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

// oracle is the definition: one loop over all products of the pass, those with padding too if padding.
func oracle(p conv.Problem, d data, padding bool) []float64 {
	xn, wn, yn := p.Lens()
	P, Q := p.Out()
	cg, kg := p.C/p.Groups, p.K/p.Groups
	out := make([]float64, [...]int{yn, xn, wn}[p.Pass])
	for n := range p.N {
		for k := range p.K {
			for c := range cg {
				for r := range p.R {
					for s := range p.S {
						wi := ((k*cg+c)*p.R+r)*p.S + s
						for o := range P {
							h := o*p.Stride[0] - p.Pad[0] + r*p.Dilation[0]
							w := s*p.Dilation[1] - p.Pad[1]
							xi := ((n*p.C+k/kg*cg+c)*p.H+h)*p.W + w
							yi := ((n*p.K+k)*P + o) * Q
							for range Q {
								inside := h >= 0 && h < p.H && w >= 0 && w < p.W
								x := 0.0
								if inside {
									x = d.x[xi]
								}
								switch {
								case !inside && !padding:
								case p.Pass == conv.Forward:
									out[yi] += d.w[wi] * x
								case p.Pass == conv.FilterGrad:
									out[wi] += d.dy[yi] * x
								case inside:
									out[xi] += d.w[wi] * d.dy[yi]
								}
								w, xi, yi = w+p.Stride[1], xi+p.Stride[1], yi+1
							}
						}
					}
				}
			}
			if p.Bias {
				for o := range P * Q {
					out[(n*p.K+k)*P*Q+o] += d.b[k]
				}
			}
		}
	}
	return out
}

// each returns f of every element of d.
func (d data) each(f func(float64) float64) data {
	apply := func(s []float64) []float64 {
		out := make([]float64, len(s))
		for i, v := range s {
			out[i] = f(v)
		}
		return out
	}
	return data{apply(d.x), apply(d.w), apply(d.b), apply(d.dy)}
}

// answers are what the oracle says of one pass, whatever the element type is.
type answers struct {
	whole, real []float64
	mag         []float64 // the sums of the absolute values of real's products
	terms       int       // of the longest sum; products with padding, which are 0, add no error
	specials    []special
}

// A special is a NaN or an infinity in one place of an input of whole, and the results with products with padding and without.
type special struct {
	input, element int
	value          float64
	want, bare     []float64
}

func newAnswers(p conv.Problem, whole, real data, seed uint64) *answers {
	a := &answers{whole: oracle(p, whole, true), real: oracle(p, real, true), mag: oracle(p, real.each(math.Abs), true)}
	for _, n := range oracle(p, real.each(func(float64) float64 { return 1 }), true) {
		a.terms = max(a.terms, int(n))
	}
	rnd := rand.New(rand.NewPCG(seed, 2))
	for j, in := range whole.ins(p) {
		if len(in) == 0 {
			continue
		}
		i := rnd.IntN(len(in))
		old := in[i]
		for _, v := range []float64{math.NaN(), math.Inf(1)} {
			in[i] = v
			a.specials = append(a.specials, special{j, i, v, oracle(p, whole, true), oracle(p, whole, false)})
		}
		in[i] = old
	}
	return a
}

func convert[T kernel.Float](s []float64) []T {
	out := make([]T, len(s))
	for i, v := range s {
		out[i] = T(v)
	}
	return out
}
