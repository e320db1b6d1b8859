package gemm

import (
	"fmt"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// Float is an element type that Gemm can multiply.
type Float interface{ float32 | float64 }

// Gemm computes C = op(A)·op(B) + beta·C.
//
//	op(A)  m×k   A is m×k, or k×m if transA;  A[i,l] = a[i·lda+l]
//	op(B)  k×n   B is k×n, or n×k if transB
//	C      m×n   must not overlap A or B
//
// beta is 0, and then C is only written (its old content, be it NaN, does not matter), or 1. With k = 0 the product
// is zero; with m = 0 or n = 0 there is nothing to do. A leading dimension is at least the number of
// columns; what lies between the columns and the leading dimension is neither read nor written. Sizes
// that do not fit are a bug of the caller and panic.
func Gemm[T Float](transA, transB bool, m, n, k int, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int) {
	check("A", transA, m, k, len(a), lda)
	check("B", transB, k, n, len(b), ldb)
	check("C", false, m, n, len(c), ldc)
	if beta != 0 && beta != 1 {
		panic(fmt.Sprintf("gemm: beta is %v, want 0 or 1", beta))
	}

	if m > 0 && n > 0 && k > 0 && blocked(transA, transB, m, n, k, a, lda, b, ldb, beta == 1, c, ldc) {
		return
	}
	if beta == 0 && n > 0 {
		for i := range m {
			clear(c[i*ldc : i*ldc+n])
		}
	}
	if m == 0 || n == 0 || k == 0 {
		return
	}
	var panel []T
	if transB {
		panel = takePanel[T]()
		defer putPanel(panel)
	}
	for j := 0; j < n; j += blockN {
		jn := min(blockN, n-j)
		for l := 0; l < k; l += blockK {
			ln := min(blockK, k-l)
			bb, ldbb, dot := b[at(transB, l, j, ldb):], ldb, false
			switch {
			case !transB:
			case transA: // gonum's loop for two transposes takes long strides through B
				bb, ldbb = packTransposed(panel, jn, ln, bb, ldb), blockN
			default:
				bb, ldbb, dot = packRows(panel, jn, ln, bb, ldb), blockK, true
			}
			for i := 0; i < m; i += blockM {
				im := min(blockM, m-i)
				ab, cb := a[at(transA, i, l, lda):], c[i*ldc+j:]
				multiply(transA, dot, im, jn, ln, ab, lda, bb, ldbb, cb, ldc)
				if !dot {
					zeroTimes(transA, im, jn, ln, ab, lda, bb, ldbb, cb, ldc)
				}
			}
		}
	}
}

// A block of C is blockM×blockN and takes its sum blockK terms at a time. gonum starts goroutines for four or more 64×64
// blocks of C, so three is the most that stays on this goroutine. Of the shapes that do, this one was the fastest or
// close to it for each shape of BenchmarkGemm (AMD EPYC, Zen 5, Go 1.26.8), beside 64×64, 64×128 and 128×64 with 64 to 1024 terms.
const (
	blockM = 64
	blockN = 192
	blockK = 256
)

var blasImpl gonum.Implementation

// at is the index of element row, col of a matrix, or of its transpose.
func at(trans bool, row, col, ld int) int {
	if trans {
		row, col = col, row
	}
	return row*ld + col
}

// multiply adds one block's product to C. All of gonum's loops here add the terms of an element in the order of l,
// except that the one for transB forms four partial sums, by the position of a term in B's row relative to a
// 16-byte boundary of memory; packRows makes that position a matter of l.
func multiply[T Float](transA, transB bool, m, n, k int, a []T, lda int, b []T, ldb int, c []T, ldc int) {
	switch c := any(c).(type) {
	case []float32:
		blasImpl.Sgemm(trans(transA), trans(transB), m, n, k, 1, any(a).([]float32), lda, any(b).([]float32), ldb, 1, c, ldc)
	case []float64:
		blasImpl.Dgemm(trans(transA), trans(transB), m, n, k, 1, any(a).([]float64), lda, any(b).([]float64), ldb, 1, c, ldc)
	}
}

func trans(t bool) blas.Transpose {
	if t {
		return blas.Trans
	}
	return blas.NoTrans
}

// zeroTimes adds the terms that gonum leaves out, those with A[i,l] = 0. They matter where B is NaN or infinite. Such
// rows of B are rare and so are zeros in a filter, so that this costs about 4/n of the product, and with
// zeros in A about 1/m more.
func zeroTimes[T Float](transA bool, m, n, k int, a []T, lda int, b []T, ldb int, c []T, ldc int) {
	if transA && !hasZero(k, m, a, lda) || !transA && !hasZero(m, k, a, lda) {
		return
	}
	for l := range k {
		row := b[l*ldb : l*ldb+n]
		if d := squares(row); d-d == 0 { // finite, hence all of row is
			continue
		}
		for i := range m {
			zero := a[at(transA, i, l, lda)]
			if zero != 0 {
				continue
			}
			cr := c[i*ldc : i*ldc+n]
			for j, v := range row {
				cr[j] += zero * v
			}
		}
	}
}

func hasZero[T Float](rows, cols int, a []T, lda int) bool {
	for i := range rows {
		for _, v := range a[i*lda : i*lda+cols] {
			if v == 0 {
				return true
			}
		}
	}
	return false
}

// squares returns Σ x².
func squares[T Float](x []T) T {
	switch x := any(x).(type) {
	case []float32:
		return T(blasImpl.Sdot(len(x), x, 1, x, 1))
	case []float64:
		return T(blasImpl.Ddot(len(x), x, 1, x, 1))
	}
	panic("unreachable")
}

// check panics unless a matrix, whose transpose is rows×cols if trans, fits with leading dimension ld into size elements.
func check(name string, trans bool, rows, cols, size, ld int) {
	if trans {
		rows, cols = cols, rows
	}
	if rows < 0 || cols < 0 {
		panic(fmt.Sprintf("gemm: %s is %d×%d", name, rows, cols))
	}
	if ld < cols {
		panic(fmt.Sprintf("gemm: %s is %d×%d, but its leading dimension is %d", name, rows, cols, ld))
	}
	if rows == 0 || cols == 0 {
		return
	}
	if need := (rows-1)*ld + cols; size < need {
		panic(fmt.Sprintf("gemm: %s is %d×%d with leading dimension %d, which takes %d elements, but the slice has %d",
			name, rows, cols, ld, need, size))
	}
}
