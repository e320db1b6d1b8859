package fft

import (
	"fmt"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/dsp/fourier"

	"neocog/internal/cpu"
	"neocog/internal/guard"
)

// levels runs f under each instruction set that this processor has, with the lanes for which there are kernels.
func levels(t *testing.T, f func(t *testing.T, lanes int)) {
	for l := cpu.Portable; l <= cpu.AVX512; l++ {
		t.Run(l.String(), func(t *testing.T) {
			lanes := [...]int{cpu.Portable: 3, cpu.AVX2: 8, cpu.AVX512: 16}[l]
			if !cpu.With(l, func() { f(t, lanes) }) {
				t.Skipf("this processor only has %v", cpu.Best())
			}
		})
	}
}

// smooth are the lengths up to n without a prime factor above 5.
func smooth(n int) (all []int) {
	for i := Smooth(1); i <= n; i = Smooth(i + 1) {
		all = append(all, i)
	}
	return all
}

// bound is what the relative L2 error of a transform may be: each pass rounds a few times, and errors add up like their root.
func bound[T Float](n int) float64 {
	u := 0x1p-53
	if _, single := any(T(0)).(float32); single {
		u = 0x1p-24
	}
	return 4 * u * math.Sqrt(math.Log2(float64(n))+1)
}

// draw returns n normal numbers beside memory that cannot be touched.
func draw[T Float](n int, rng *rand.Rand, side guard.Side) *guard.Buffer[T] {
	x := make([]T, n)
	for i := range x {
		x[i] = T(rng.NormFloat64())
	}
	return guard.Copy(x, side)
}

func TestLines(t *testing.T) {
	levels(t, func(t *testing.T, lanes int) {
		for _, n := range append(smooth(100), 128, 160, 225, 256, 512) {
			for _, lines := range []int{1, 3} {
				for _, elements := range []int{1, (n + 2) / 3, n/2 + 1, n - 1, n} {
					for _, side := range []guard.Side{guard.Start, guard.End} {
						elements := max(min(elements, n), 1)
						if err := lineOnce[float32](n, lanes, lines, elements, side); err != nil {
							t.Fatalf("float32, %d lines of %d, %d elements: %v", lines, n, elements, err)
						}
						if err := lineOnce[float64](n, lanes, lines, elements, side); err != nil {
							t.Fatalf("float64, %d lines of %d, %d elements: %v", lines, n, elements, err)
						}
					}
				}
			}
		}
	})
}

// lineOnce transforms lines whose elements lie one after the other to ones whose elements lie across, last to first.
func lineOnce[T Float](n, lanes, lines, elements int, side guard.Side) error {
	rng := rand.New(rand.NewPCG(uint64(n), uint64(elements)))
	in, out := draw[T](lines*elements*2*lanes, rng, side), guard.Make[T](lines*n*2*lanes, side)
	defer in.Free()
	defer out.Free()
	l := NewLine[T](n, lanes)
	work := guard.Make[T](l.work(lines), side)
	defer work.Free()
	from := Place{lanes, 0, 2 * lanes, elements * 2 * lanes}
	to := Place{(n - 1) * lines * 2 * lanes, (n-1)*lines*2*lanes + lanes, -lines * 2 * lanes, 2 * lanes}
	if err := guard.Catch(func() { l.run(out.Slice(), to, in.Slice(), from, lines, elements, n%2 == 0, work.Slice()) }); err != nil {
		return err
	}
	oracle, errNorm, norm := fourier.NewCmplxFFT(n), 0.0, 0.0
	for line := range lines {
		for lane := range lanes {
			x := make([]complex128, n)
			for i := range elements {
				x[i] = at(in.Slice(), from, line, i, lane)
			}
			for i, want := range oracle.Coefficients(nil, x) {
				norm = math.Hypot(norm, cmplx.Abs(want))
				errNorm = math.Hypot(errNorm, cmplx.Abs(at(out.Slice(), to, line, i, lane)-want))
			}
		}
	}
	if !(errNorm <= bound[T](n)*norm) {
		return fmt.Errorf("the relative error is %.3g, want at most %.3g", errNorm/norm, bound[T](n))
	}
	for _, b := range []*guard.Buffer[T]{in, out, work} {
		if err := b.Check(); err != nil {
			return err
		}
	}
	return nil
}

// at returns one number of one line.
func at[T Float](s []T, p Place, line, i, lane int) complex128 {
	o := line*p.Line + i*p.Step + lane
	return complex(float64(s[p.Re+o]), float64(s[p.Im+o]))
}

func TestRootsAreExact(t *testing.T) {
	for _, c := range []struct {
		k, n   int
		re, im float64
	}{{0, 7, 1, 0}, {3, 12, 0, -1}, {5, 10, -1, 0}, {9, 12, 0, 1}, {16, 16, 1, 0}, {1, 6, 0.5, -math.Sqrt(3) / 2}} {
		re, im := root(c.k, c.n)
		if math.Abs(re-c.re) > 0x1p-53 || math.Abs(im-c.im) > 0x1p-53 {
			t.Errorf("root %d of %d is %g%+gi, want %g%+gi", c.k, c.n, re, im, c.re, c.im)
		}
	}
}

// A length is fast if it has at most two passes, of any radix.
func TestLength(t *testing.T) {
	for n := 1; n <= 64; n++ {
		if l := Length(n); l < n || len(NewLine[float64](l, 1).passes) > 2 {
			t.Errorf("Length(%d) = %d, which takes %d passes", n, l, len(NewLine[float64](l, 1).passes))
		}
	}
	if got := Length(71); got != 72 {
		t.Errorf("Length(71) = %d, want 72", got)
	}
}

func TestSmooth(t *testing.T) {
	for _, c := range [][2]int{{1, 1}, {7, 8}, {11, 12}, {31, 32}, {71, 72}, {77, 80}, {513, 540}} {
		if got := Smooth(c[0]); got != c[1] {
			t.Errorf("Smooth(%d) = %d, want %d", c[0], got, c[1])
		}
	}
}
