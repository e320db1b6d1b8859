package cpu

//go:noescape
func fma512(n int64)

//go:noescape
func fma256(n int64)

// peakLoop returns a function which performs n rounds of float32 multiply-adds at level l, and the operations of a
// round; nil where the level has no such instructions.
func peakLoop(l Level) (run func(n int64), flops int) {
	switch l {
	case AVX512:
		return fma512, 24 * 16 * 2
	case AVX2:
		return fma256, 12 * 8 * 2
	}
	return nil, 0
}
