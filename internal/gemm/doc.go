// Package gemm multiplies dense matrices.
//
// Gemm is a plain function on slices: it starts no goroutines, allocates nothing
// once warm, and gives an element of C the same bits however the caller divides
// the rows and columns of C among calls, wherever the operands lie in memory.
//
// On amd64 with AVX2 or AVX-512 the product is cut into blocks that fit the
// caches, in the manner of Goto and van de Geijn (“Anatomy of High-Performance
// Matrix Multiplication”, 2008), and micro-kernels in assembly, written by
// internal/gemm/gen, compute tiles of up to 14×32 (f32) in registers. Operands
// that are read only a few times are not copied first, which is what makes small
// products fast. Everywhere else, and with NEOCOG_ISA=portable, the kernels are
// those of gonum, called on blocks which stay on the calling goroutine.
//
// NaN and infinities propagate as the formula says: 0·NaN and 0·Inf are NaN. Bits
// depend on the instruction set: fused multiply-adds round once.
package gemm
