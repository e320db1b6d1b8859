//go:build !amd64

package simd

func runPool(poolKernel, *poolArgs) bool { return false }
