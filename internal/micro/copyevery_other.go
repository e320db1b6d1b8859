//go:build !amd64

package micro

func copyEveryFast[T Float](dst []T, ldd int, src []T, lds, rows, cols, step int) bool { return false }
