package simd

import (
	"math/rand/v2"
	"testing"

	"neocog/internal/cpu"
)

// optimisers are the steps, and the same steps made of single operations.
var optimisers = []struct {
	name    string
	f, want func(w, m, v, g []float32)
}{
	{"Momentum", func(w, _, v, g []float32) { Momentum(w, v, g, 0.1, 0.9) }, func(w, _, v, g []float32) {
		d := make([]float32, len(g))
		Mul(d, g, []float32{0.1})
		Mul(v, v, []float32{0.9})
		Sub(v, v, d)
		Add(w, w, v)
	}},
	{"Nesterov", func(w, _, v, g []float32) { Nesterov(w, v, g, 0.1, 0.9) }, func(w, _, v, g []float32) {
		d, e := make([]float32, len(g)), make([]float32, len(g))
		Mul(d, g, []float32{0.1})
		Mul(v, v, []float32{0.9})
		Sub(v, v, d)
		Mul(e, v, []float32{0.9})
		Sub(d, d, e)
		Sub(w, w, d)
	}},
	{"RMSProp", func(w, _, v, g []float32) { RMSProp(w, v, g, 0.1, 0.9, 1e-3) }, func(w, _, v, g []float32) {
		d, e := make([]float32, len(g)), make([]float32, len(g))
		mean(v, d, g, g, 0.9)
		Sqrt(e, v)
		Add(e, e, []float32{1e-3})
		Mul(d, g, []float32{0.1})
		Div(d, d, e)
		Sub(w, w, d)
	}},
	{"Adam", func(w, m, v, g []float32) { Adam(w, m, v, g, 0.1, 0.3, 0.9, 0.999, 1e-3) }, func(w, m, v, g []float32) {
		adamOf(w, m, v, g)
	}},
	{"AdamW", func(w, m, v, g []float32) { AdamW(w, m, v, g, 0.1, 0.3, 0.9, 0.999, 1e-3, 0.01) }, func(w, m, v, g []float32) {
		d := make([]float32, len(g))
		Mul(d, w, []float32{0.01})
		Sub(w, w, d)
		adamOf(w, m, v, g)
	}},
}

// mean computes m' = ρ·m + (1−ρ)·a·b.
func mean(m, t, a, b []float32, rho float64) {
	Mul(t, a, b)
	Mul(t, t, []float32{float32(1 - rho)})
	Mul(m, m, []float32{float32(rho)})
	Add(m, m, t)
}

func adamOf(w, m, v, g []float32) {
	d, e := make([]float32, len(g)), make([]float32, len(g))
	mean(m, d, g, []float32{1}, 0.9)
	mean(v, d, g, g, 0.999)
	Sqrt(e, v)
	Div(e, e, []float32{0.3})
	Add(e, e, []float32{1e-3})
	Mul(d, m, []float32{0.1})
	Div(d, d, e)
	Sub(w, w, d)
}

// A step has the bits of its operations one by one, at every level, and writes
// nothing else.
func TestSteps(t *testing.T) {
	for _, c := range optimisers {
		for l := cpu.Portable; l <= cpu.AVX512; l++ {
			t.Run(c.name+"/"+l.String(), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(5, 5))
				ran := cpu.With(l, func() {
					for _, n := range lengths() {
						g := draw(rng, n)
						var got, want [3][]float32
						var errs [3]func() error
						for i := range got {
							want[i] = draw(rng, n)
							got[i], errs[i] = fenced(n, rng.IntN(17))
							copy(got[i], want[i])
						}
						c.f(got[0], got[1], got[2], g)
						portable(func() { c.want(want[0], want[1], want[2], g) })
						for i := range got {
							if err := errs[i](); err != nil {
								t.Fatal(err)
							}
							for j := range want[i] {
								if !same32(got[i][j], want[i][j]) {
									t.Fatalf("n=%d, %c[%d]: got %g, want %g", n, "wmv"[i], j, got[i][j], want[i][j])
								}
							}
						}
					}
				})
				if !ran {
					t.Skipf("this processor only has %v", cpu.Best())
				}
			})
		}
	}
}

func TestStepsOfFloat64(t *testing.T) {
	w, m, v := []float64{1, 2}, []float64{0, 0}, []float64{0, 0}
	// At the first step m'/(1−β₁) is g and √v'/√(1−β₂) is |g|: w moves by lr.
	Adam(w, m, v, []float64{3, -4}, 0.1/(1-0.5), 0.5, 0.5, 0.75, 0)
	if w[0] != 0.9 || w[1] != 2.1 {
		t.Errorf("Adam's first step gives %v, want 0.9, 2.1", w)
	}
}

func TestStepsDoNotAllocate(t *testing.T) {
	x := [4][]float32{make([]float32, 100), make([]float32, 100), make([]float32, 100), make([]float32, 100)}
	for _, c := range optimisers {
		if n := testing.AllocsPerRun(10, func() { c.f(x[0], x[1], x[2], x[3]) }); n != 0 {
			t.Errorf("%s: %v allocations", c.name, n)
		}
	}
}

func BenchmarkSteps(b *testing.B) {
	const n = 1 << 18
	x := [4][]float32{make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)}
	for i := range x[3] {
		x[3][i] = 1 + float32(i%7)
	}
	for _, c := range optimisers {
		for kind, f := range map[string]func(w, m, v, g []float32){c.name: c.f, c.name + " by operations": c.want} {
			for l := cpu.Portable; l <= cpu.Best(); l++ {
				b.Run(benchmarkName("step", kind, n, l), func(b *testing.B) {
					b.ReportAllocs()
					cpu.With(l, func() {
						for b.Loop() {
							f(x[0], x[1], x[2], x[3])
						}
					})
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/elem")
				})
			}
		}
	}
}
