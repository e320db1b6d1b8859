//go:build !amd64

package simd

func run(kernel, *args) bool { return false }
