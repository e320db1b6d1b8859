package gemm

import (
	"math"
	"math/rand/v2"
	"testing"

	"neocog/internal/cpu"
)

// Everything that an epilogue can do, by rows and by columns, on small integers, where every rounding is exact; the sizes
// reach beyond a block in each direction.
func TestEpilogue(t *testing.T) {
	for l := cpu.Portable; l <= cpu.AVX512; l++ {
		cpu.With(l, func() {
			for _, size := range [][3]int{{1, 1, 1}, {3, 5, 0}, {5, 3, 7}, {350, 40, 20}, {20, 1050, 600}} {
				for parts := range 64 {
					epilogue[float32](t, size[0], size[1], size[2], parts)
				}
				epilogue[float64](t, size[0], size[1], size[2], 63)
			}
		})
	}
}

func epilogue[T Float](t *testing.T, m, n, k, parts int) {
	rng := rand.New(rand.NewPCG(uint64(m), uint64(parts)))
	draw := func(n int) []T {
		x := make([]T, n)
		for i := range x {
			x[i] = T(rng.IntN(9) - 4)
		}
		return x
	}
	p := newProblem(false, false, m, n, k, 2, T(rng.IntN(2)), func() T { return T(rng.IntN(5) - 2) })
	channels := m
	e := Epilogue[T]{Columns: parts&1 != 0, ReLU: parts&16 != 0}
	if e.Columns {
		channels = n
	}
	if parts&2 != 0 {
		e.Scale = draw(channels)
	}
	if parts&4 != 0 {
		e.Shift = draw(channels)
	}
	if parts&8 != 0 {
		e.LDR = n + 3
		e.Residual = draw(m * e.LDR)
	}
	if parts&32 != 0 {
		e.Sum, e.SumSquares = make([]float64, channels), make([]float64, channels)
		e.Sum[0], e.SumSquares[channels-1] = 100, 200
	}
	want, _ := p.reference()
	sum, squares := append([]float64(nil), e.Sum...), append([]float64(nil), e.SumSquares...)
	for i := range m {
		for j := range n {
			ch, c := i, &want[i*n+j]
			if e.Columns {
				ch = j
			}
			if e.Scale != nil {
				*c *= float64(e.Scale[ch])
			}
			if e.Shift != nil {
				*c += float64(e.Shift[ch])
			}
			if e.Residual != nil {
				*c += float64(e.Residual[i*e.LDR+j])
			}
			if e.ReLU {
				*c = max(*c, 0)
			}
			if e.Sum != nil {
				sum[ch] += *c
				squares[ch] += *c * *c
			}
		}
	}
	GemmWith(false, false, m, n, k, p.a, p.lda, p.b, p.ldb, p.beta, p.c, p.ldc, e)
	for i := range m {
		for j := range n {
			if got := float64(p.c[i*p.ldc+j]); got != want[i*n+j] {
				t.Fatalf("%v, parts %b: row %d, column %d is %v, want %v", p, parts, i, j, got, want[i*n+j])
			}
		}
	}
	for ch := range e.Sum {
		if e.Sum[ch] != sum[ch] || e.SumSquares[ch] != squares[ch] {
			t.Fatalf("%v, parts %b: the sums of channel %d are %v and %v, want %v and %v", p, parts, ch, e.Sum[ch], e.SumSquares[ch], sum[ch], squares[ch])
		}
	}
}

func TestEpilogueKeepsNaN(t *testing.T) {
	c := []float32{0}
	GemmWith(false, false, 1, 1, 1, []float32{float32(math.NaN())}, 1, []float32{1}, 1, 0, c, 1, Epilogue[float32]{ReLU: true})
	if c[0] == c[0] {
		t.Errorf("max(NaN, 0) is %v, want NaN", c[0])
	}
}

func TestGemmBatch(t *testing.T) {
	// Three products of 2×3 with 3×2 matrices; A is shared.
	a := []float64{1, 2, 3, 4, 5, 6}
	b := []float64{1, 0, 0, 1, 1, 1, 2, 0, 0, 2, 2, 2, 0, 0, 0, 0, 1, 0}
	c := make([]float64, 13)
	c[12] = mark
	GemmBatch(Batch{N: 3, B: 6, C: 4}, false, false, 2, 2, 3, a, 3, b, 2, 0, c, 2)
	want := []float64{4, 5, 10, 11, 8, 10, 20, 22, 3, 0, 6, 0, mark}
	for i := range want {
		if c[i] != want[i] {
			t.Errorf("element %d is %v, want %v", i, c[i], want[i])
		}
	}
	GemmBatch(Batch{}, false, false, 2, 2, 3, a, 3, b, 2, 0, c, 2) // no products
	defer func() {
		if recover() == nil {
			t.Error("products that overlap did not panic")
		}
	}()
	GemmBatch(Batch{N: 2, B: 6, C: 3}, false, false, 2, 2, 3, a, 3, b, 2, 0, c, 2)
}
