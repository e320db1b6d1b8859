// Package simd holds the loops over float32 that are no matrix product and no
// convolution: arithmetic, activations, sums, rows of a softmax, the steps of
// optimisers, conversions to 16 bits.
//
// Every function here is a plain function on slices. It starts no goroutine,
// allocates nothing, and its doc says what it computes. Slices which belong
// together have one length, and a result may be the very slice of an operand,
// but may not overlap one otherwise; a length that does not fit is a bug of the
// caller and panics.
//
// # Instruction sets
//
// Where element type and machine allow (float32 on amd64) the loops are assembly
// for AVX-512 and for AVX2, written by internal/simd/gen; everywhere else, and
// with NEOCOG_ISA=portable, they are the loops in Go which define the result.
// The bits are those of the Go loops at every level and on every processor: no
// multiplication is fused with an addition, and sums are divided among accumulators
// in the same way everywhere. Only which bits a NaN has is left open. A test holds
// a hash of everything.
//
// Nothing is flushed: subnormal numbers are computed as all others are.
//
// # Accuracy
//
//	| functions                       | computed in | error, float32 |
//	|---------------------------------|-------------|----------------|
//	| Add Sub Mul Div Sqrt            | float32     | 0.5 ulp, as IEEE 754 says |
//	| Axpy Affine, optimiser steps    | float32     | each operation is rounded |
//	| Exp Sigmoid                     | float64     | at most 0.5013 ulp |
//	| Log                             | float64     | at most 0.5000 ulp |
//	| Tanh                            | float64     | at most 0.5035 ulp |
//	| GELU                            | float64     | at most 0.5028 ulp |
//	| Sum SumSquares Dot Moments …    | float64     | that of a float64 sum |
//
// Functions of float32 are polynomials in float64, rounded once. Their errors are
// those found over all float32 there are, by
//
//	go test ./internal/simd -run Exhaustive -exhaustive -v
//
// against package math; the ordinary test measures a sample. Functions of float64
// are those of package math.
package simd
