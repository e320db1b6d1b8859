// Package gemm multiplies dense matrices.
//
// Gemm is a plain function on slices: it starts no goroutines, allocates nothing
// once warm, and gives an element of C the same bits however the caller divides
// the rows and columns of C among calls, wherever the operands lie in memory.
//
// The product is cut into blocks that fit the caches, in the manner of Goto and
// van de Geijn (“Anatomy of High-Performance Matrix Multiplication”, 2008); the
// kernels of internal/micro compute tiles of up to 14×32 (f32) in registers.
// Operands that are read only a few times are not copied first, which is what makes
// small products fast; otherwise A is copied block by block and B panel by panel, and the kernels fetch what comes
// next from memory while they compute. An element's terms are added in their order within blocks of up to 256, as equal as multiples of 16 are,
// and blocks in their order, whatever m, n and the strides are.
//
// NaN and infinities propagate as the formula says: 0·NaN and 0·Inf are NaN. Bits
// depend on the instruction set: fused multiply-adds round once.
package gemm
