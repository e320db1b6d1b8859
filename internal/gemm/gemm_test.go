package gemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// A problem is one call of Gemm whose matrices lie in larger buffers: before, between and after the rows there are guard
// cells, NaN in A and B (a result that used one would be NaN) and a mark in C.
type problem[T Float] struct {
	transA, transB bool
	m, n, k        int
	a, b, c        []T
	lda, ldb, ldc  int
	beta           T
}

const mark = 12345.5

func newProblem[T Float](transA, transB bool, m, n, k, pad int, beta T, fill func() T) *problem[T] {
	p := &problem[T]{transA: transA, transB: transB, m: m, n: n, k: k, beta: beta}
	matrix := func(rows, cols int, trans bool, guard T) ([]T, int) {
		if trans {
			rows, cols = cols, rows
		}
		ld := cols + pad
		buf := make([]T, rows*ld+pad)
		for i := range buf {
			buf[i] = guard
		}
		for r := range rows {
			for c := range cols {
				buf[r*ld+c] = fill()
			}
		}
		return buf, ld
	}
	p.a, p.lda = matrix(m, k, transA, T(math.NaN()))
	p.b, p.ldb = matrix(k, n, transB, T(math.NaN()))
	p.c, p.ldc = matrix(m, n, false, mark)
	if beta == 0 {
		for i := range m {
			for j := range n {
				p.c[i*p.ldc+j] = T(math.NaN())
			}
		}
	}
	return p
}

func (p *problem[T]) run() {
	Gemm(p.transA, p.transB, p.m, p.n, p.k, p.a, p.lda, p.b, p.ldb, p.beta, p.c, p.ldc)
}

func (p *problem[T]) String() string {
	return fmt.Sprintf("%T transA=%v transB=%v %d×%d×%d ld=%d,%d,%d beta=%v", p.a, p.transA, p.transB, p.m, p.n, p.k, p.lda, p.ldb, p.ldc, p.beta)
}

// reference is the definition, three loops in float64: C and, for error bounds, the sum of the terms' magnitudes.
func (p *problem[T]) reference() (want, magnitude []float64) {
	want, magnitude = make([]float64, p.m*p.n), make([]float64, p.m*p.n)
	for i := range p.m {
		for j := range p.n {
			var sum, mag float64
			if p.beta != 0 {
				sum = float64(p.beta * p.c[i*p.ldc+j])
				mag = math.Abs(sum)
			}
			for l := range p.k {
				term := float64(p.a[at(p.transA, i, l, p.lda)]) * float64(p.b[at(p.transB, l, j, p.ldb)])
				sum += term
				mag += math.Abs(term)
			}
			want[i*p.n+j], magnitude[i*p.n+j] = sum, mag
		}
	}
	return want, magnitude
}

// verify runs p. An element may differ from the definition by eps times the magnitude of its sum.
func (p *problem[T]) verify(t *testing.T, eps float64) {
	t.Helper()
	want, magnitude := p.reference()
	p.run()
	for x, got := range p.c {
		i, j := x/p.ldc, x%p.ldc
		if i >= p.m || j >= p.n {
			if got != mark {
				t.Fatalf("%v: guard cell %d of C is %v", p, x, got)
			}
			continue
		}
		w, tol := want[i*p.n+j], eps*magnitude[i*p.n+j]
		if math.IsNaN(w) != math.IsNaN(float64(got)) || math.IsInf(w, 0) && float64(got) != w || math.Abs(float64(got)-w) > tol {
			t.Fatalf("%v: C[%d,%d] = %v, want %v ± %.3g", p, i, j, got, w, tol)
		}
	}
}

// each calls f for all four transpositions and both beta.
func each(f func(transA, transB bool, beta int)) {
	for bits := range 8 {
		f(bits&1 != 0, bits&2 != 0, bits>>2)
	}
}

// Small integers: every partial sum is an integer below 2²⁴, so that the result must be exact.
func TestExactOnIntegers(t *testing.T) {
	t.Run("float32", exactOnIntegers[float32])
	t.Run("float64", exactOnIntegers[float64])
}

func exactOnIntegers[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	fill := func() T { return T(rng.IntN(9) - 4) }
	shapes := [][3]int{{0, 3, 2}, {3, 0, 2}, {3, 2, 0}, {0, 0, 0}, {1, 1, 1}, {1, 1, 300}, {1, 200, 1}, {70, 1, 1}}
	shapes = append(shapes, [][3]int{{6, 784, 25}, {16, 100, 150}, {6, 25, 784}, {25, 784, 6}}...)                                // layers
	shapes = append(shapes, [][3]int{{64, 192, 256}, {65, 193, 257}, {63, 191, 255}, {130, 385, 3}, {3, 2, 257}, {3, 2, 515}}...) // edges of blocks
	shapes = append(shapes, [][3]int{{5, 1100, 300}, {1, 519, 1025}, {2, 37, 9000}}...)                                           // B from far away
	for range 8 {
		shapes = append(shapes, [3]int{rng.IntN(140), rng.IntN(400), rng.IntN(270)})
	}
	for range 100 {
		shapes = append(shapes, [3]int{rng.IntN(9), rng.IntN(9), rng.IntN(9)})
	}
	for _, s := range shapes {
		each(func(transA, transB bool, beta int) {
			newProblem(transA, transB, s[0], s[1], s[2], 1+rng.IntN(4), T(beta), fill).verify(t, 0)
		})
		newProblem(false, false, s[0], s[1], s[2], 0, 0, fill).verify(t, 0)
	}
	// B that is copied though it could be read where it lies, and two blocks of A.
	newProblem(false, false, 50, 1000, 300, 0, 0, fill).verify(t, 0)
	newProblem(false, false, 350, 1000, 257, 0, 0, fill).verify(t, 0)
	newProblem(true, true, 350, 530, 257, 0, 1, fill).verify(t, 0)
}

// A sum of k products, in whatever order, is off by at most γ = (k+1)u/(1−(k+1)u) times the sum of their magnitudes;
// u is half an ulp of 1, and beta·C is one term more (Higham, Accuracy and Stability of Numerical
// Algorithms, 2nd ed., §3.1). The reference errs in the same way in float64, hence the second term.
func TestRoundingError(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const m, n, k = 67, 201, 333
	gamma := func(u float64) float64 { return (k + 2) * u / (1 - (k+2)*u) }
	each(func(transA, transB bool, beta int) {
		f32 := func() float32 { return float32(rng.NormFloat64()) }
		newProblem(transA, transB, m, n, k, 3, float32(beta), f32).verify(t, gamma(0x1p-24)+gamma(0x1p-53))
		newProblem(transA, transB, m, n, k, 3, float64(beta), rng.NormFloat64).verify(t, 2*gamma(0x1p-53))
	})
}

// A product with zero is a term like others.
func TestNaNAndInfReachC(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, special := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		each(func(transA, transB bool, beta int) {
			for _, zero := range []float32{0, float32(math.Copysign(0, -1)), 1} {
				// the special value in B: column 150 of C sees it
				p := newProblem(transA, transB, 70, 200, 260, 2, float32(beta), func() float32 { return float32(rng.IntN(3)) })
				p.b[at(transB, 257, 150, p.ldb)] = float32(special)
				p.a[at(transA, 66, 257, p.lda)] = zero
				p.verify(t, 0)
				if got := p.c[66*p.ldc+150]; zero == 0 && got == got {
					t.Errorf("%v: 0·%v + … = %v, want NaN", p, special, got)
				}
				// and in A: a row of C does
				p = newProblem(transA, transB, 70, 200, 260, 2, float32(beta), func() float32 { return float32(rng.IntN(3)) })
				p.a[at(transA, 66, 257, p.lda)] = float32(special)
				p.b[at(transB, 257, 150, p.ldb)] = zero
				p.verify(t, 0)
			}
			one := newProblem(transA, transB, 1, 1, 1, 0, float64(beta), func() float64 { return 0 })
			one.b[0] = special
			one.run()
			if one.c[0] == one.c[0] {
				t.Errorf("%v: 0·%v = %v, want NaN", one, special, one.c[0])
			}
		})
	}
}

// The squares of large numbers overflow, the numbers are finite: zero times them is still nothing.
func TestZeroTimesLargeIsZero(t *testing.T) {
	c := []float32{1, 2}
	Gemm(false, false, 1, 2, 1, []float32{0}, 1, []float32{math.MaxFloat32, -math.MaxFloat32}, 2, 1, c, 2)
	if c[0] != 1 || c[1] != 2 {
		t.Errorf("C + 0·large = %v, want [1 2]", c)
	}
}

// Workers take rows, or columns, of C, and B may lie anywhere: the bits must not tell.
func TestBitsDoNotDependOnSplitOrAddress(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	fill := func() float32 { return float32(rng.NormFloat64()) }
	for _, s := range [][3]int{{6, 784, 25}, {67, 201, 333}, {130, 25, 784}, {5, 7, 6}, {5, 1100, 300}} {
		each(func(transA, transB bool, beta int) {
			m, n, k := s[0], s[1], s[2]
			p := newProblem(transA, transB, m, n, k, 1, float32(beta), fill)
			before := append([]float32(nil), p.c...)
			p.run()
			whole := append([]float32(nil), p.c...)

			for _, cut := range []int{1, m / 3, m / 2, m - 1} {
				copy(p.c, before)
				for _, r := range [][2]int{{0, cut}, {cut, m}} {
					lo, hi := r[0], r[1]
					Gemm(transA, transB, hi-lo, n, k, p.a[at(transA, lo, 0, p.lda):], p.lda, p.b, p.ldb, p.beta, p.c[lo*p.ldc:], p.ldc)
				}
				same(t, fmt.Sprintf("%v cut at row %d", p, cut), p.c, whole)
			}
			for _, cut := range []int{1, n / 3, n - 1} {
				copy(p.c, before)
				for _, r := range [][2]int{{0, cut}, {cut, n}} {
					lo, hi := r[0], r[1]
					Gemm(transA, transB, m, hi-lo, k, p.a, p.lda, p.b[at(transB, 0, lo, p.ldb):], p.ldb, p.beta, p.c[lo:], p.ldc)
				}
				same(t, fmt.Sprintf("%v cut at column %d", p, cut), p.c, whole)
			}
			for shift := 1; shift < 4; shift++ {
				copy(p.c, before)
				a, b := moved(p.a, shift), moved(p.b, shift)
				Gemm(transA, transB, m, n, k, a, p.lda, b, p.ldb, p.beta, p.c, p.ldc)
				same(t, fmt.Sprintf("%v moved by %d elements", p, shift), p.c, whole)
			}
		})
	}
}

// A processor with small caches has blocks of fewer rows, and the same results.
func TestCachesDoNotChangeBits(t *testing.T) {
	defer func(f func() int) { aBytes = f }(aBytes)
	rng := rand.New(rand.NewPCG(9, 10))
	each(func(transA, transB bool, beta int) {
		p := newProblem(transA, transB, 131, 150, 300, 1, float32(beta), func() float32 { return float32(rng.NormFloat64()) })
		before := append([]float32(nil), p.c...)
		aBytes = func() int { return 1 << 30 }
		p.run()
		whole := append([]float32(nil), p.c...)
		for _, bytes := range []int{1 << 16, 1} {
			aBytes = func() int { return bytes }
			copy(p.c, before)
			p.run()
			same(t, fmt.Sprintf("%v with blocks of %d bytes", p, bytes), p.c, whole)
		}
	})
}

func moved(x []float32, by int) []float32 {
	return append(make([]float32, by, by+len(x)), x...)[by:]
}

func same(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Fatalf("%s: element %d is %x, want %x", what, i, got[i], want[i])
		}
	}
}

// gonum's parallel path makes a channel and goroutines: no allocation means that it is never taken.
func TestNoAllocation(t *testing.T) {
	each(func(transA, transB bool, beta int) {
		p32 := newProblem(transA, transB, 130, 400, 200, 0, float32(beta), func() float32 { return 1 })
		p64 := newProblem(transA, transB, 130, 400, 200, 0, float64(beta), func() float64 { return 0 })
		if n := testing.AllocsPerRun(5, func() { p32.run(); p64.run() }); n != 0 {
			t.Errorf("%v: %v allocations, want 0", p32, n)
		}
	})
}

func TestMisfitsPanic(t *testing.T) {
	x := make([]float64, 12)
	for _, c := range []struct {
		name, want string
		call       func()
	}{
		{"short A", "A is 3×4 with leading dimension 5, which takes 14 elements, but the slice has 12", func() { Gemm(false, false, 3, 1, 4, x, 5, x, 1, 0, x, 1) }},
		{"short B", "B is 5×3 with leading dimension 3, which takes 15 elements, but the slice has 12", func() { Gemm(false, true, 1, 5, 3, x, 3, x, 3, 0, x, 5) }},
		{"narrow C", "C is 2×3, but its leading dimension is 2", func() { Gemm(false, false, 2, 3, 1, x, 1, x, 3, 0, x, 2) }},
		{"negative", "A is -1×2", func() { Gemm(false, false, -1, 2, 2, x, 2, x, 2, 0, x, 2) }},
		{"beta", "beta is 0.5, want 0 or 1", func() { Gemm(false, false, 1, 1, 1, x, 1, x, 1, 0.5, x, 1) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer func() {
				if r := fmt.Sprint(recover()); !strings.Contains(r, c.want) {
					t.Errorf("panic says %q, want %q", r, c.want)
				}
			}()
			c.call()
		})
	}
}

// Shapes of the first two convolutions of LeNet-5, a middle one, and VGG's second. The last row of cases has an A that went
// through ReLU: half of it is zero, and B must be looked at.
func BenchmarkGemm(b *testing.B) {
	for _, c := range []struct {
		name           string
		transA, transB bool
		relu           bool
	}{
		{"trans=nn/a=dense", false, false, false},
		{"trans=nt/a=dense", false, true, false},
		{"trans=tn/a=dense", true, false, false},
		{"trans=tt/a=dense", true, true, false},
		{"trans=nn/a=relu", false, false, true},
	} {
		for _, s := range [][3]int{{6, 784, 25}, {16, 100, 150}, {120, 784, 256}, {64, 50176, 576}} {
			m, n, k := s[0], s[1], s[2]
			b.Run(fmt.Sprintf("dtype=f32/%s/m=%d/n=%d/k=%d", c.name, m, n, k), func(b *testing.B) {
				p := newProblem(c.transA, c.transB, m, n, k, 0, 0, func() float32 { return 1 })
				want := float32(k)
				if c.relu {
					for i := range p.a {
						p.a[i] = float32(i % k % 2)
					}
					want = float32(k / 2)
				}
				b.ReportAllocs()
				for b.Loop() {
					p.run()
				}
				if got := p.c[m*n-1]; got != want {
					b.Fatalf("C[%d,%d] = %v, want %v", m-1, n-1, got, want)
				}
				b.ReportMetric(2*float64(m)*float64(n)*float64(k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}
