package gemm

import (
	"fmt"

	"neocog/internal/micro"
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
	GemmWith(transA, transB, m, n, k, a, lda, b, ldb, beta, c, ldc, Epilogue[T]{})
}

// A Batch is a number of products of the same shape and the distances, in elements, from the operands of one
// to those of the next. A distance of 0 is an operand that all share; C must not.
type Batch struct{ N, A, B, C int }

// GemmBatch computes the products of a batch one after the other, each as Gemm does.
func GemmBatch[T Float](batch Batch, transA, transB bool, m, n, k int, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int) {
	if batch.N > 1 && m > 0 && n > 0 && batch.C < (m-1)*ldc+n {
		panic(fmt.Sprintf("gemm: products of a batch are %d elements apart, but each has %d", batch.C, (m-1)*ldc+n))
	}
	for i := range batch.N {
		Gemm(transA, transB, m, n, k, a[i*batch.A:], lda, b[i*batch.B:], ldb, beta, c[i*batch.C:], ldc)
	}
}

// GemmWith is Gemm with an epilogue, which meets each element of C once its sum is complete, while it is in the cache.
func GemmWith[T Float](transA, transB bool, m, n, k int, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int, e Epilogue[T]) {
	check("A", transA, m, k, len(a), lda)
	check("B", transB, k, n, len(b), ldb)
	check("C", false, m, n, len(c), ldc)
	e.check(m, n)
	if beta != 0 && beta != 1 {
		panic(fmt.Sprintf("gemm: beta is %v, want 0 or 1", beta))
	}

	if m == 0 || n == 0 {
		return
	}
	if k == 0 {
		if beta == 0 {
			for i := range m {
				clear(c[i*ldc : i*ldc+n])
			}
		}
		e.apply(c, ldc, 0, 0, m, n)
		return
	}
	w := takeWorkspace()
	set := micro.For[T]()
	terms := (k + blocks(k) - 1) / blocks(k)
	terms = (terms + 15) &^ 15 // what is transposed for panels goes 16 at a time
	most := set.Rows() * max(aBytes()/int(bytesOf[T](set.Rows()*terms)), 1)
	strip, far := n, m <= fewPanels*set.Rows() && bytesOf[T](k*n) > farBytes
	if far && transB {
		strip = set.Width()
	} else if far {
		strip = finishColumns
	}
	for j0 := 0; j0 < n; j0 += strip {
		columns := min(strip, n-j0)
		for l := 0; l < k; l += terms {
			last := l+terms >= k
			g := block[T]{set: set, w: w, n: columns, k: min(terms, k-l), add: beta == 1 || l > 0}
			g.takeB(transB, far, m, b[at(transB, l, j0, ldb):], ldb)
			for i := 0; i < m; i += most {
				g.m = min(most, m-i)
				g.takeA(transA, a[at(transA, i, l, lda):], lda)
				switch i1, l1 := i+most, l+terms; {
				case i1 < m:
					g.nextA = after(transA, a, lda, i1, l, min(most, m-i1), g.k)
				case !last:
					g.nextA = after(transA, a, lda, 0, l1, min(most, m), min(terms, k-l1))
				default:
					g.nextA = ahead[T]{}
				}
				if !last || e.none() {
					g.multiply(c[i*ldc+j0:], ldc, 0, columns)
					continue
				}
				for j := 0; j < columns; j += finishColumns {
					jn := min(j+finishColumns, columns)
					g.multiply(c[i*ldc+j0:], ldc, j, jn)
					e.apply(c[i*ldc+j0+j:], ldc, i, j0+j, g.m, jn-j)
				}
			}
		}
	}
	putWorkspace(w)
}

// after is the block of A with rows i … and terms l …, as it lies in memory.
func after[T Float](trans bool, a []T, lda, i, l, rows, terms int) ahead[T] {
	if trans {
		rows, terms = terms, rows
	}
	return ahead[T]{matrix: a[at(trans, i, l, lda):], ld: lda, rows: rows, cols: terms}
}

// blocks returns how many blocks the k terms of an element are cut into.
func blocks(k int) int { return (k + blockL - 1) / blockL }

// at is the index of element row, col of a matrix, or of its transpose.
func at(trans bool, row, col, ld int) int {
	if trans {
		row, col = col, row
	}
	return row*ld + col
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
