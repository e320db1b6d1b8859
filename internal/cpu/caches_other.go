//go:build !amd64

package cpu

func detect() Caches { return ofSystem() }
