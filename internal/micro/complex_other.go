//go:build !amd64

package micro

// Complex returns the complex kernels for T at the current level.
func Complex[T Float]() ComplexSet { return ComplexSet{portableComplexOf[T]()} }
