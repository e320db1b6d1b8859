//go:build !amd64

package cpu

func peakLoop(Level) (run func(n int64), flops int) { return nil, 0 }
