package micro

// CorrelateBlock is what the length of y in Correlate is a multiple of.
const CorrelateBlock = 16

// correlateTaps is the number of sums that a kernel computes together.
const correlateTaps = 9

// Correlate adds the sums of products of y and stretches of x as long as y:
//
//	sums[t] += Σ_i y[i] · x[at[t]+i]
//
// y's length is a multiple of CorrelateBlock. The order of the additions depends on that length and on the level alone; on AVX2
// and AVX-512 products of float32 are not rounded.
func Correlate[T Float](sums []T, at []int, y, x []T) {
	if len(y)%CorrelateBlock != 0 {
		panic("micro: Correlate wants whole blocks")
	}
	if len(y) == 0 || correlateFast(sums, at, y, x) {
		return
	}
	for t, from := range at {
		_ = x[from+len(y)-1]
		sums[t] += dot(y, x[from:])
	}
}

// dot is the sum of products, in four parts.
func dot[T Float](y, x []T) T {
	var s [4]T
	x = x[:len(y)]
	for i := 0; i+4 <= len(y); i += 4 {
		a, b := (*[4]T)(y[i:]), (*[4]T)(x[i:])
		s[0] += a[0] * b[0]
		s[1] += a[1] * b[1]
		s[2] += a[2] * b[2]
		s[3] += a[3] * b[3]
	}
	return (s[0] + s[2]) + (s[1] + s[3])
}
