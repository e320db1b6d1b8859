package winograd

import (
	"unsafe"

	"neocog/internal/cpu"
)

// runFast runs a kernel in assembly, for float32, if the level has one.
func runFast(k Kernel, c *Call) bool {
	switch cpu.Current() {
	case cpu.AVX512:
		if c.Lanes != Lanes {
			return false
		}
		run512(k, c)
		return true
	case cpu.AVX2:
		if c.Lanes != Lanes {
			return false
		}
		second := *c
		second.Dst, second.Src = unsafe.Add(c.Dst, 32), unsafe.Add(c.Src, 32)
		if c.Bias != nil {
			second.Bias = unsafe.Add(c.Bias, 32)
		}
		run256(k, c)
		run256(k, &second)
		return true
	}
	return false
}
