// Package micro holds the innermost loops of matrix products and convolutions:
// the micro-kernels, and the copies that bring operands into their order.
//
// A micro-kernel computes a small tile of C in registers, the sum of products
// of columns of A and rows of B:
//
//	C(i,:) = Σ_runs Σ_{l<k} A(i,l)·B(l,:)   (+ C(i,:) if Add)      i < rows
//
// A run is a stretch of terms of which A and B each lie at a constant stride; a
// Run has their offsets from Tile.A and Tile.B. A plain product is one run. A
// convolution without a matrix of columns is one for each tap of the filter, and
// its gradients are others of the same kind.
//
//	| form    | A(i,l) in a run       | B(l,:) in a run | used for                                     |
//	|---------|-----------------------|-----------------|----------------------------------------------|
//	| Rows    | A + i·SA + l elements | B + l·SB        | row-major A; pixels in blocks of channels     |
//	| Columns | A + l·SA + i elements | B + l·SB        | packed panels, transposed matrices, weights  |
//
// In all forms row i of C is at C + i·SC. The form Slide is for one filter that slides over an image, where each row of
// the tile sees rows of B of its own, and A is a single row:
//
//	C(i,:) = Σ_runs Σ_{l<k} A(l)·B(i,l,:)       A + l elements, B + i·SB + l elements
//
// For returns the Set of kernels of an element type at the current level of
// package cpu, which says how many rows and lanes a tile may have:
//
//	| level    | float32 | float64 | B's last columns                        |
//	|----------|---------|---------|-----------------------------------------|
//	| AVX-512  | 14×32   | 14×16   | masked: not read beyond Mask            |
//	| AVX2     | 6×16    | 6×8     | read as whole vectors: B must be padded |
//	| portable | 2×4     | 2×4     | likewise                                |
//
// C is never read or written beyond Mask. Terms are added in the order of the
// runs and of l in them, one after the other for each element, by fused
// multiply-adds except in portable Go: the bits of an element depend on its own
// operands and on how its terms are cut into calls, not on rows, vectors and addresses.
//
// The portable kernels are the specification of the others, which are written
// by micro/gen.
package micro
