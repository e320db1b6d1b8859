package simd

import "neocog/internal/cpu"

// run performs kernel k on all elements of p and reports whether there is such a
// kernel: at level Portable there is none.
func run(k kernel, p *args) bool {
	switch cpu.Current() {
	case cpu.AVX512:
		for p.next() {
			run512(k, p)
		}
	case cpu.AVX2:
		for p.next() {
			run256(k, p)
		}
	default:
		return false
	}
	return true
}
