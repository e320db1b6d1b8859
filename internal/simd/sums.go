package simd

import "math"

// Sums are taken in float64. Of each block of 16384 elements, element i is added
// to accumulator i mod 32, or i mod 16; the upper half of the accumulators is
// added to the lower half until one is left, and the blocks' sums are added in
// turn. So the bits depend on the elements alone.

// Sum returns Σ x.
func Sum[T Float](x []T) float64 {
	if s := single(x); s != nil {
		p := args{a: at(s), end: len(s)}
		if run(sumKernel, &p) {
			return p.s[2]
		}
	}
	total := 0.0
	for len(x) > 0 {
		b := x[:min(block, len(x))]
		x = x[len(b):]
		var acc [32]float64
		for ; len(b) >= len(acc); b = b[len(acc):] {
			for i, v := range b[:len(acc)] {
				acc[i] += float64(v)
			}
		}
		for i, v := range b {
			acc[i] += float64(v)
		}
		total += fold(acc[:])
	}
	return total
}

// SumSquares returns Σ (x − center)².
func SumSquares[T Float](x []T, center float64) float64 {
	if s := single(x); s != nil {
		p := args{a: at(s), end: len(s), s: [4]float64{center}}
		if run(squaresKernel, &p) {
			return p.s[2]
		}
	}
	total := 0.0
	for len(x) > 0 {
		b := x[:min(block, len(x))]
		x = x[len(b):]
		var acc [32]float64
		for ; len(b) > 0; b = b[min(len(acc), len(b)):] {
			for i, v := range b[:min(len(acc), len(b))] {
				d := float64(v) - center
				acc[i] += float64(d * d)
			}
		}
		total += fold(acc[:])
	}
	return total
}

// Dot returns Σ x·y.
func Dot[T Float](x, y []T) float64 {
	same(len(x), len(y))
	if s := single(x); s != nil {
		p := args{a: at(s), b: at(single(y)), end: len(s)}
		if run(dotKernel, &p) {
			return p.s[2]
		}
	}
	total := 0.0
	for len(x) > 0 {
		n := min(block, len(x))
		var acc [32]float64
		for i, v := range x[:n] {
			acc[i%len(acc)] += float64(float64(v) * float64(y[i]))
		}
		total += fold(acc[:])
		x, y = x[n:], y[n:]
	}
	return total
}

// Moments returns Σ dy and Σ dy·(x − center).
func Moments[T Float](x, dy []T, center float64) (sum, moment float64) {
	same(len(x), len(dy))
	if s := single(x); s != nil {
		p := args{a: at(s), b: at(single(dy)), end: len(s), s: [4]float64{center}}
		if run(momentsKernel, &p) {
			return p.s[2], p.s[3]
		}
	}
	for len(x) > 0 {
		n := min(block, len(x))
		var plain, moved [16]float64
		for i, v := range dy[:n] {
			plain[i%len(plain)] += float64(v)
			moved[i%len(moved)] += float64(float64(v) * (float64(x[i]) - center))
		}
		sum += fold(plain[:])
		moment += fold(moved[:])
		x, dy = x[n:], dy[n:]
	}
	return sum, moment
}

// SumExp returns Σ e^(x − top), for a top that is at least the greatest element.
func SumExp[T Float](x []T, top float64) float64 {
	e := math.Exp
	if s := single(x); s != nil {
		p := args{a: at(s), end: len(s), s: [4]float64{top}}
		if run(sumExpKernel, &p) {
			return p.s[2]
		}
		e = exp
	}
	total := 0.0
	for len(x) > 0 {
		n := min(block, len(x))
		var acc [16]float64
		for i, v := range x[:n] {
			acc[i%len(acc)] += e(float64(v) - top)
		}
		total += fold(acc[:])
		x = x[n:]
	}
	return total
}

// fold returns the sum of the accumulators, which it overwrites. Their number is a
// power of two.
func fold(acc []float64) float64 {
	for n := len(acc) / 2; n > 0; n /= 2 {
		for i := range n {
			acc[i] += acc[i+n]
		}
	}
	return acc[0]
}

// ExpScale computes y = e^(x − top)·scale, the product in float64.
func ExpScale[T Float](y, x []T, top, scale float64) {
	same(len(y), len(x))
	e := math.Exp
	if s := single(y); s != nil {
		p := args{dst: at(s), a: at(single(x)), end: len(s), s: [4]float64{top, scale}}
		if run(expScaleKernel, &p) {
			return
		}
		e = exp
	}
	for i, v := range x {
		y[i] = T(e(float64(v)-top) * scale)
	}
}

// AffineWide computes y = (x − center)·scale + shift in float64, rounded once.
func AffineWide[T Float](y, x []T, center, scale, shift float64) {
	same(len(y), len(x))
	if s := single(y); s != nil {
		p := args{dst: at(s), a: at(single(x)), end: len(s), s: [4]float64{center, scale, shift}}
		if run(affineWideKernel, &p) {
			return
		}
	}
	for i, v := range x {
		y[i] = T(float64((float64(v)-center)*scale) + shift)
	}
}

// Accumulate computes acc = acc + x: row after row, the sums of columns.
func Accumulate[T Float](acc []float64, x []T) {
	same(len(acc), len(x))
	if s := single(x); s != nil {
		p := args{dst: at(acc), a: at(s), end: len(s)}
		if run(accumulateKernel, &p) {
			return
		}
	}
	for i, v := range x {
		acc[i] += float64(v)
	}
}

// Greatest returns the greatest element: NaN if there is one, 0 rather than −0,
// and −Inf of no elements.
func Greatest[T Float](x []T) T {
	m := T(math.Inf(-1))
	if s := single(x); s != nil {
		p := args{a: at(s), end: len(s), f: [8]float32{float32(m)}}
		if run(greatestKernel, &p) {
			return T(p.f[0]) + 0
		}
	}
	for _, v := range x {
		m = max(m, v)
	}
	return m + 0
}

// Least returns the least element: NaN if there is one, 0 rather than −0, and
// +Inf of no elements.
func Least[T Float](x []T) T {
	m := T(math.Inf(1))
	if s := single(x); s != nil {
		p := args{a: at(s), end: len(s), f: [8]float32{float32(m)}}
		if run(leastKernel, &p) {
			return T(p.f[0]) + 0
		}
	}
	for _, v := range x {
		m = min(m, v)
	}
	return m + 0
}
