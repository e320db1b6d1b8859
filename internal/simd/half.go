package simd

import "math"

// Numbers of 16 bits are kept as uint16: float16 of IEEE 754 (1 bit for the sign, 5
// for the exponent, 10 for the fraction) and bfloat16 (1, 8, 7), which is the upper
// half of a float32. To 16 bits everything is rounded to the nearest, ties to even;
// what is too large becomes infinite, what is too small subnormal or 0. A NaN stays
// NaN, made quiet, with the upper bits of its fraction.

// ToFloat16 converts x to float16.
func ToFloat16(y []uint16, x []float32) {
	same(len(y), len(x))
	for i := convert(toFloat16Kernel, len(x), args{dst: at(y), a: at(x)}); i < len(x); i++ {
		y[i] = float16(x[i])
	}
}

// FromFloat16 converts x from float16, exactly.
func FromFloat16(y []float32, x []uint16) {
	same(len(y), len(x))
	for i := convert(fromFloat16Kernel, len(x), args{dst: at(y), a: at(x)}); i < len(x); i++ {
		y[i] = fromFloat16(x[i])
	}
}

// ToBfloat16 converts x to bfloat16.
func ToBfloat16(y []uint16, x []float32) {
	same(len(y), len(x))
	for i := convert(toBfloat16Kernel, len(x), args{dst: at(y), a: at(x)}); i < len(x); i++ {
		y[i] = bfloat16(x[i])
	}
}

// FromBfloat16 converts x from bfloat16, exactly.
func FromBfloat16(y []float32, x []uint16) {
	same(len(y), len(x))
	for i := convert(fromBfloat16Kernel, len(x), args{dst: at(y), a: at(x)}); i < len(x); i++ {
		y[i] = math.Float32frombits(uint32(x[i]) << 16)
	}
}

// convert runs a kernel on the elements that fill vectors, and returns how many of n
// these are: AVX2 has no masks for 16 bits.
func convert(k kernel, n int, p args) int {
	p.end = n &^ 15
	if !run(k, &p) {
		return 0
	}
	return n &^ 15
}

func float16(v float32) uint16 {
	b := math.Float32bits(v)
	sign, a := uint16(b>>16)&0x8000, b&0x7fffffff
	switch {
	case a > 0x7f800000:
		return sign | 0x7e00 | uint16(a>>13)&0x3ff
	case a >= 0x477ff000: // halfway from the largest number to the next, 65520
		return sign | 0x7c00
	case a >= 0x38800000: // 2⁻¹⁴, the smallest normal number: the exponent loses 112
		return sign | uint16((a-112<<23+0xfff+a>>13&1)>>13)
	}
	// A subnormal number is a multiple of 2⁻²⁴, and so are the float32 from ½ to 1.
	return sign | uint16(math.Float32bits(math.Float32frombits(a)+0.5)-math.Float32bits(0.5))
}

func fromFloat16(h uint16) float32 {
	sign, a := uint32(h&0x8000)<<16, uint32(h&0x7fff)
	switch {
	case a > 0x7c00:
		return math.Float32frombits(sign | 0x7fc00000 | a<<13)
	case a == 0x7c00:
		return math.Float32frombits(sign | 0x7f800000)
	case a >= 0x400:
		return math.Float32frombits(sign | (a<<13 + 112<<23))
	}
	return math.Float32frombits(sign | math.Float32bits(float32(a)*0x1p-24))
}

func bfloat16(v float32) uint16 {
	b := math.Float32bits(v)
	if v != v {
		return uint16(b>>16) | 0x40
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}
