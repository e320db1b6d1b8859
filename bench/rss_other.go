//go:build !linux

package bench

func resetPeak() {}

// peakRSS returns 0: not known here.
func peakRSS() int64 { return 0 }

// availableMemory returns 0: not known here.
func availableMemory() int64 { return 0 }
