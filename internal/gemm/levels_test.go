package gemm

import (
	"testing"

	"neocog/internal/cpu"
)

// TestEveryLevel runs the tests under each instruction set that the processor
// has, not only the one that it would pick.
func TestEveryLevel(t *testing.T) {
	for l := cpu.Portable; l <= cpu.AVX512; l++ {
		t.Run(l.String(), func(t *testing.T) {
			ran := cpu.With(l, func() {
				TestExactOnIntegers(t)
				TestRoundingError(t)
				TestNaNAndInfReachC(t)
				TestZeroTimesLargeIsZero(t)
				TestBitsDoNotDependOnSplitOrAddress(t)
				TestCachesDoNotChangeBits(t)
				TestNoAllocation(t)
			})
			if !ran {
				t.Skipf("this processor only has %v", cpu.Best())
			}
		})
	}
}
