//go:build !amd64

package cpu

// Best returns the highest level that the processor and the operating system have.
func Best() Level { return Portable }
