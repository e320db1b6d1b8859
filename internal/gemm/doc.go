// Package gemm multiplies dense matrices which lie in slices, row by row, without allocating and without starting
// goroutines: whoever has workers gives each of them rows of C.
//
// Every element of C has the same bits however the caller splits m and n, whatever the leading dimensions,
// and wherever the slices lie in memory: an element depends on its row of A, its column of B, beta and its old
// value only. So a product split over any number of workers is the same product.
//
// NaN and infinities propagate as the formula says: 0·NaN and 0·Inf are NaN.
//
// The loops inside a block are those of gonum's BLAS.
package gemm
