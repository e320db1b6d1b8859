package micro

import (
	"unsafe"

	"neocog/internal/cpu"
)

// A correlation describes one call of correlate512 or correlate256: n elements of y, a multiple of 16, and where x begins
// for each tap, in elements. Where there are fewer taps, the last is repeated.
type correlation struct {
	y, x unsafe.Pointer
	n    int
	at   [correlateTaps]int
	sums [correlateTaps]float32
}

// correlateFast does what there are kernels for, and reports whether there are.
func correlateFast[T Float](sums []T, at []int, y, x []T) bool {
	level := cpu.Current()
	if bytesOf[T](1) != 4 || level == cpu.Portable {
		return false
	}
	c := correlation{y: unsafe.Pointer(&y[0]), x: unsafe.Pointer(unsafe.SliceData(x)), n: len(y)}
	for len(at) > 0 {
		n := min(len(at), correlateTaps)
		for t := range c.at {
			c.at[t] = at[min(t, n-1)]
			_, _ = x[c.at[t]], x[c.at[t]+len(y)-1]
		}
		if level == cpu.AVX512 {
			correlate512(&c)
		} else {
			correlate256(&c)
		}
		for t := range n {
			sums[t] += T(c.sums[t])
		}
		sums, at = sums[n:], at[n:]
	}
	return true
}
