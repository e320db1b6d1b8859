package simd

import "neocog/internal/cpu"

// runPool performs kernel k and reports whether there is such a kernel: at level Portable there is none.
func runPool(k poolKernel, p *poolArgs) bool {
	switch cpu.Current() {
	case cpu.AVX512:
		runPool512(k, p)
	case cpu.AVX2:
		runPool256(k, p)
	default:
		return false
	}
	return true
}
