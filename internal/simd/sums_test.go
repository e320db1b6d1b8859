package simd

import (
	"math"
	"math/rand/v2"
	"testing"

	"neocog/internal/cpu"
)

func init() {
	loops = append(loops,
		one("ExpScale", func(y, x []float32) { ExpScale(y, x, 1.5, 0.3) }),
		one("AffineWide", func(y, x []float32) { AffineWide(y, x, 0.1, 1.7, -0.3) }),
	)
}

// reductions are the functions that give a number or two.
var reductions = []struct {
	name string
	f    func(x, y []float32) (float64, float64)
}{
	{"Sum", func(x, _ []float32) (float64, float64) { return Sum(x), 0 }},
	{"SumSquares", func(x, _ []float32) (float64, float64) { return SumSquares(x, 0.3), 0 }},
	{"Dot", func(x, y []float32) (float64, float64) { return Dot(x, y), 0 }},
	{"Moments", func(x, y []float32) (float64, float64) { return Moments(x, y, 0.3) }},
	{"SumExp", func(x, _ []float32) (float64, float64) { return SumExp(x, 8), 0 }},
	{"Greatest", func(x, _ []float32) (float64, float64) { return float64(Greatest(x)), 0 }},
	{"Least", func(x, _ []float32) (float64, float64) { return float64(Least(x)), 0 }},
}

// Every reduction has the bits of the loop in Go: all tails, unaligned, with
// infinities about it that must not be read.
func TestReductions(t *testing.T) {
	for _, c := range reductions {
		t.Run(c.name, func(t *testing.T) {
			levels(t, func(t *testing.T) {
				rng := rand.New(rand.NewPCG(2, 2))
				for _, n := range lengths() {
					for _, odd := range []bool{false, true} {
						off := rng.IntN(17)
						x, y := surrounded(rng, n, off, odd), surrounded(rng, n, off+1, odd)
						v, w := c.f(x, y)
						var wantV, wantW float64
						portable(func() { wantV, wantW = c.f(x, y) })
						if !same64(v, wantV) || !same64(w, wantW) {
							t.Fatalf("n=%d, odd=%t: got %v, %v, want %v, %v", n, odd, v, w, wantV, wantW)
						}
					}
				}
			})
		})
	}
}

func same64(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) || x != x && y != y }

// surrounded returns n elements between infinities, specials among them if odd.
func surrounded(rng *rand.Rand, n, off int, odd bool) []float32 {
	all := make([]float32, off+n+32)
	for i := range all {
		all[i] = inf
	}
	x := all[off : off+n : off+n]
	for i := range x {
		x[i] = float32(4 * rng.NormFloat64())
	}
	if odd && n > 0 {
		x[rng.IntN(n)] = special[rng.IntN(len(special))]
	}
	return x
}

// The loops in Go against plain sums; the order of the sum of n terms moves it by
// less than n·2⁻⁵³ of the sum of their sizes.
func TestReductionsAgreeWithDefinitions(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for _, n := range []int{0, 1, 31, 33, 1000, 3*block + 5} {
		x, y := surrounded(rng, n, 0, false), surrounded(rng, n, 0, false)
		var sum, size, squares, dot, moment, exps float64
		greatest, least := -inf, inf
		for i, v := range x {
			a, b := float64(v), float64(y[i])
			sum += a
			size += math.Abs(a) + math.Abs(a*b) + a*a + math.Abs(b)
			squares += (a - 2) * (a - 2)
			dot += a * b
			moment += b * (a - 2)
			exps += math.Exp(a - 3)
			greatest, least = max(greatest, v), min(least, v)
		}
		near := func(name string, got, want, tol float64) {
			t.Helper()
			if math.Abs(got-want) > tol {
				t.Errorf("%s of %d is %v, want %v", name, n, got, want)
			}
		}
		tol := float64(n) * 0x1p-53 * (4*size + 4*float64(n))
		near("Sum", Sum(x), sum, tol)
		near("SumSquares", SumSquares(x, 2), squares, tol)
		near("Dot", Dot(x, y), dot, tol)
		_, m := Moments(x, y, 2)
		near("Moments", m, moment, tol)
		near("SumExp", SumExp(x, 3), exps, 1e-9*exps) // the error of exp
		if g, l := Greatest(x), Least(x); g != greatest || l != least {
			t.Errorf("extremes of %d are %v, %v; want %v, %v", n, l, g, least, greatest)
		}
		// The same in float64.
		wide := make([]float64, n)
		for i, v := range x {
			wide[i] = float64(v)
		}
		if a, b := Sum(x), Sum(wide); a != b {
			t.Errorf("Sum of f64 is %v, of f32 %v", b, a)
		}
		near("SumExp of f64", SumExp(wide, 3), exps, tol)
	}
}

func TestExtremesAtOddPlaces(t *testing.T) {
	minus0 := float32(math.Copysign(0, -1))
	for l := cpu.Portable; l <= cpu.Best(); l++ {
		cpu.With(l, func() {
			for n := 1; n < 200; n++ {
				x := make([]float32, n)
				for i := range x {
					x[i] = minus0
				}
				if math.Signbit(float64(Greatest(x))) || math.Signbit(float64(Least(x))) {
					t.Fatalf("%v, n=%d: the extreme of -0 is -0", l, n)
				}
				for i := range x {
					x[i] = nan
					if g, m := Greatest(x), Least(x); g == g || m == m {
						t.Fatalf("%v, n=%d: NaN at %d is lost: %v, %v", l, n, i, g, m)
					}
					x[i] = -1
					if g, m := Greatest(x), Least(x); m != -1 || n > 1 && g != 0 {
						t.Fatalf("%v, n=%d: extremes with -1 at %d are %v, %v", l, n, i, m, g)
					}
					x[i] = 1
					if g, m := Greatest(x), Least(x); g != 1 || n > 1 && m != 0 {
						t.Fatalf("%v, n=%d: extremes with 1 at %d are %v, %v", l, n, i, m, g)
					}
					x[i] = minus0
				}
			}
		})
	}
}

func TestAccumulate(t *testing.T) {
	levels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(4, 4))
		for _, n := range lengths() {
			x := surrounded(rng, n, rng.IntN(17), true)
			all := make([]float64, n+40)
			for i := range all {
				all[i] = rng.NormFloat64()
			}
			want := append([]float64{}, all...)
			Accumulate(all[20:20+n], x)
			portable(func() { Accumulate(want[20:20+n], x) })
			for i := range all {
				if !same64(all[i], want[i]) {
					t.Fatalf("n=%d: element %d is %v, want %v", n, i-20, all[i], want[i])
				}
			}
		}
	})
}

func BenchmarkReductions(b *testing.B) {
	for _, c := range reductions {
		for _, n := range []int{10, 2048, 1 << 23} {
			rng := rand.New(rand.NewPCG(1, 1))
			x, y := surrounded(rng, n, 0, false), surrounded(rng, n, 0, false)
			for l := cpu.Portable; l <= cpu.Best(); l++ {
				b.Run(benchmarkName("reduction", c.name, n, l), func(b *testing.B) {
					b.ReportAllocs()
					cpu.With(l, func() {
						for b.Loop() {
							c.f(x, y)
						}
					})
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/elem")
				})
			}
		}
	}
}
