package micro

import (
	"unsafe"

	"neocog/internal/cpu"
)

// Complex returns the complex kernels for T at the current level.
func Complex[T Float]() ComplexSet {
	wide := unsafe.Sizeof(T(0)) == 8
	switch cpu.Current() {
	case cpu.AVX512:
		if wide {
			return ComplexSet{&avx512C64}
		}
		return ComplexSet{&avx512C32}
	case cpu.AVX2:
		if wide {
			return ComplexSet{&avx2C64}
		}
		return ComplexSet{&avx2C32}
	}
	return ComplexSet{portableComplexOf[T]()}
}
