package gemm

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"

	"neocog/internal/cpu"
)

// Each micro-kernel by itself, with every number of columns that it can mask, against three loops on small integers, where
// every rounding is exact; C lies between guard cells.
func TestMicroKernels(t *testing.T) {
	for _, c := range []struct {
		level cpu.Level
		test  func(t *testing.T)
	}{
		{cpu.AVX512, func(t *testing.T) { kernels[float32](t, &avx512F32); kernels[float64](t, &avx512F64) }},
		{cpu.AVX2, func(t *testing.T) { kernels[float32](t, &avx2F32); kernels[float64](t, &avx2F64) }},
	} {
		t.Run(c.level.String(), func(t *testing.T) {
			if !cpu.With(c.level, func() { c.test(t) }) {
				t.Skipf("this processor only has %v", cpu.Best())
			}
		})
	}
}

func kernels[T Float](t *testing.T, f *family) {
	for columns := range 2 {
		for vecs := 1; vecs <= 2; vecs++ {
			for rows := 1; rows <= f.rows; rows++ {
				for cols := (vecs-1)*f.lanes + 1; cols <= vecs*f.lanes; cols++ {
					if !f.masked && cols < vecs*f.lanes {
						continue
					}
					for _, add := range []uint64{0, 1} {
						if err := kernelOnce[T](f, columns, vecs, rows, cols, add); err != nil {
							t.Fatalf("columns=%d vecs=%d rows=%d cols=%d add=%d: %v", columns, vecs, rows, cols, add, err)
						}
					}
				}
			}
		}
	}
}

func kernelOnce[T Float](f *family, columns, vecs, rows, cols int, add uint64) error {
	rng := rand.New(rand.NewPCG(uint64(rows), uint64(cols)))
	k := 1 + rng.IntN(9)
	lda, ldb, ldc := k+rng.IntN(3), cols+rng.IntN(3), cols+3
	if columns == 1 {
		lda = rows + rng.IntN(3)
	}
	draw := func(n int) []T {
		x := make([]T, n)
		for i := range x {
			x[i] = T(rng.IntN(17) - 8)
		}
		return x
	}
	// The last row of B ends with its last column: a kernel that reads on would leave the slice.
	a, b, c := draw(max(rows, k)*lda), draw((k-1)*ldb+cols), draw(rows*ldc)
	want := append([]T(nil), c...)
	for i := range rows {
		for j := range cols {
			sum := T(add) * c[i*ldc+j]
			for l := range k {
				sum += a[at(columns == 1, i, l, lda)] * b[l*ldb+j]
			}
			want[i*ldc+j] = sum
		}
	}
	tl := &tile{a: unsafe.Pointer(&a[0]), b: unsafe.Pointer(&b[0]), c: unsafe.Pointer(&c[0]), k: k, add: add,
		sa: bytesOf[T](lda), sb: bytesOf[T](ldb), sc: bytesOf[T](ldc), mask: masks(cols, f.lanes)}
	f.kernels[columns][vecs-1][rows-1](tl)
	for i, v := range c {
		if v != want[i] {
			return fmt.Errorf("row %d, column %d is %v, want %v", i/ldc, i%ldc, v, want[i])
		}
	}
	return nil
}
