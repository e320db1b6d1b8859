package simd

import (
	"math"
	"math/rand/v2"
	"testing"

	"neocog/internal/cpu"
)

// halves are the two formats: bits of the fraction, smallest exponent, largest number.
var halves = []struct {
	name     string
	to       func([]uint16, []float32)
	from     func([]float32, []uint16)
	fraction int
	least    int
	greatest float64
}{
	{"float16", ToFloat16, FromFloat16, 10, -14, 65504},
	{"bfloat16", ToBfloat16, FromBfloat16, 7, -126, 0x1.fep127},
}

// All 65536 numbers of either format have the value which the definition gives, and
// come back from float32; a NaN comes back quiet.
func TestEveryHalf(t *testing.T) {
	const n = 1 << 16
	h, back, x := make([]uint16, n), make([]uint16, n), make([]float32, n)
	for i := range h {
		h[i] = uint16(i)
	}
	for _, c := range halves {
		for l := cpu.Portable; l <= cpu.Best(); l++ {
			cpu.With(l, func() {
				c.from(x, h)
				c.to(back, x)
			})
			quiet := uint16(1) << (c.fraction - 1)
			for i, v := range h {
				sign, e, f := 1-2*float64(v>>15), int(v&0x7fff)>>c.fraction, float64(v&(1<<c.fraction-1))
				inf := 1<<(15-c.fraction) - 1
				var want float64
				switch {
				case e == 0:
					want = sign * math.Ldexp(f, c.least-c.fraction)
				case e < inf:
					want = sign * math.Ldexp(f+math.Ldexp(1, c.fraction), c.least+e-1-c.fraction)
				case f == 0:
					want = math.Inf(int(sign))
				default:
					if x[i] == x[i] || back[i] != v|quiet {
						t.Fatalf("%s, %v: NaN %#x is %g and comes back as %#x", c.name, l, v, x[i], back[i])
					}
					continue
				}
				if float64(x[i]) != want || math.Signbit(float64(x[i])) != (sign < 0) {
					t.Fatalf("%s, %v: %#x is %g, want %g", c.name, l, v, x[i], want)
				}
				if back[i] != v {
					t.Fatalf("%s, %v: %#x comes back as %#x", c.name, l, v, back[i])
				}
			}
		}
	}
}

// A dense sample of float32 is rounded to the nearest, ties to even.
func TestRoundingToHalf(t *testing.T) {
	const n = 1 << 12
	x, y, back := make([]float32, n), make([]uint16, n), make([]float32, n)
	for _, c := range halves {
		for l := cpu.Portable; l <= cpu.Best(); l++ {
			cpu.With(l, func() {
				// The second step hits ties: numbers whose lower 12 bits are 0.
				for _, step := range []uint64{7919, 1 << 12} {
					for b := uint64(0); b < 1<<32; b += n * step {
						for i := range x {
							x[i] = math.Float32frombits(uint32(b + uint64(i)*step))
						}
						c.to(y, x)
						c.from(back, y)
						for i, v := range x {
							want := rounded(float64(v), c.fraction, c.least, c.greatest)
							if got := float64(back[i]); got != want && (got == got || want == want) || math.Signbit(got) != math.Signbit(float64(v)) {
								t.Fatalf("%s, %v: %g becomes %g, want %g", c.name, l, v, got, want)
							}
						}
					}
				}
			})
		}
	}
}

func rounded(v float64, fraction, least int, greatest float64) float64 {
	if v == 0 || v != v || math.IsInf(v, 0) {
		return v
	}
	_, e := math.Frexp(v)
	ulp := math.Ldexp(1, max(e-1, least)-fraction)
	if r := math.RoundToEven(v/ulp) * ulp; math.Abs(r) <= greatest {
		return r
	}
	return math.Copysign(math.Inf(1), v)
}

// All lengths, between guard cells, with the bits of the loop in Go, NaN included.
func TestHalfLoops(t *testing.T) {
	levels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(6, 6))
		for _, c := range halves {
			for _, n := range lengths() {
				x := draw(rng, n)
				all, want := make([]uint16, n+40), make([]uint16, n+40)
				c.to(all[20:20+n], x)
				portable(func() { c.to(want[20:20+n], x) })
				for i := range all {
					if all[i] != want[i] {
						t.Fatalf("to %s, n=%d: element %d is %#x, want %#x", c.name, n, i-20, all[i], want[i])
					}
				}
				y, err := fenced(n, rng.IntN(17))
				z := make([]float32, n)
				for i := range want {
					want[i] = uint16(rng.Uint32())
				}
				c.from(y, want[20:20+n])
				if err := err(); err != nil {
					t.Fatal(err)
				}
				portable(func() { c.from(z, want[20:20+n]) })
				for i := range z {
					if !same32(y[i], z[i]) {
						t.Fatalf("from %s, n=%d: element %d is %g, want %g", c.name, n, i, y[i], z[i])
					}
				}
			}
		}
	})
}

func BenchmarkHalf(b *testing.B) {
	const n = 1 << 16
	x, h := make([]float32, n), make([]uint16, n)
	for i := range x {
		x[i] = float32(i) * 1e-3
	}
	for _, c := range halves {
		for l := cpu.Portable; l <= cpu.Best(); l++ {
			for kind, f := range map[string]func(){"to": func() { c.to(h, x) }, "from": func() { c.from(x, h) }} {
				b.Run(benchmarkName(kind, c.name, n, l), func(b *testing.B) {
					b.SetBytes(6 * n)
					b.ReportAllocs()
					cpu.With(l, func() {
						for b.Loop() {
							f()
						}
					})
				})
			}
		}
	}
}
