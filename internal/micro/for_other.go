//go:build !amd64

package micro

// For returns the kernels for T at the current level.
func For[T Float]() Set { return Set{portableOf[T]()} }

func transposeFast[T Float](dst []T, ldd int, src []T, lds, rows, cols int) int { return 0 }

func copyFast[T Float](dst []T, width int, src []T, lds, rows, cols int) int { return 0 }

func transposeToFast[T Float](dst []T, at []int, src []T, lds, rows, cols int) int { return 0 }

func transposeFromFast[T Float](dst []T, ldd int, src []T, at []int, cols int) int { return 0 }
