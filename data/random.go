package data

import (
	"math"
	"math/bits"
	"math/rand/v2"
)

// Streams keep the uses of one seed apart: the same seed may shuffle a set, order the epochs of a loader
// and draw digits without any of them repeating the numbers of another.
const (
	streamShuffled uint64 = 0x5348 << 48
	streamEpoch    uint64 = 0x4550 << 48
	streamLabel    uint64 = 0x4c41 << 48
	streamImage    uint64 = 0x494d << 48
	streamAugment  uint64 = 0x4155 << 48
)

// permute fills indices with a permutation of 0..len-1 that depends only on (seed, stream).
// It is the Fisher–Yates shuffle (Durstenfeld, CACM Algorithm 235) on PCG-DXSM. The range reduction ⌊u·n/2⁶⁴⌋ is
// written out so that the order cannot change with the library; its bias is below n/2⁶⁴.
func permute(indices []int, seed, stream uint64) {
	var pcg rand.PCG
	pcg.Seed(seed, stream)
	for i := range indices {
		indices[i] = i
	}
	for i := len(indices) - 1; i > 0; i-- {
		j, _ := bits.Mul64(pcg.Uint64(), uint64(i+1))
		indices[i], indices[j] = indices[j], indices[i]
	}
}

// source draws the numbers of one sample.
type source struct{ pcg rand.PCG }

func (s *source) seed(seed, stream uint64) { s.pcg.Seed(seed, stream) }

// below returns 0..n-1.
func (s *source) below(n int) int {
	j, _ := bits.Mul64(s.pcg.Uint64(), uint64(n))
	return int(j)
}

// between returns a number in [lo, hi).
func (s *source) between(lo, hi float64) float64 {
	u := float64(s.pcg.Uint64()>>11) * 0x1p-53
	return lo + mul(u, hi-lo)
}

// mul rounds the product before it can be fused with a following addition, which Go allows and some
// processors do (spec, "Floating-point operators"). Without it the same seed would give other bits on arm64.
func mul(a, b float64) float64 { return float64(a * b) }

// normal returns a number from the standard normal distribution, rounded to 2⁻²⁰ lest it depend on the last bit of a
// logarithm. Marsaglia and Bray, "A Convenient Method for Generating Normal Variables", 1964.
func (s *source) normal() float64 {
	for {
		x, y := s.between(-1, 1), s.between(-1, 1)
		if r := mul(x, x) + mul(y, y); r > 0 && r < 1 {
			return float64(rounded(x*math.Sqrt(-2*math.Log(r)/r))) / (1 << matrixBits)
		}
	}
}

// gamma returns a number from the gamma distribution with shape a. Marsaglia and Tsang, "A Simple Method for Generating
// Gamma Variables", 2000; their section 6 for a below 1.
func (s *source) gamma(a float64) float64 {
	scale := 1.0
	if a < 1 {
		scale = math.Pow(s.between(0, 1), 1/a)
		a++
	}
	d := a - 1./3
	c := 1 / math.Sqrt(9*d)
	for {
		x := s.normal()
		v := 1 + mul(c, x)
		if v <= 0 {
			continue
		}
		v = v * v * v
		if u := s.between(0, 1); math.Log(u) < x*x/2+d-d*v+d*math.Log(v) {
			return d * v * scale
		}
	}
}

// beta returns a number from the beta distribution with both parameters a, rounded to 2⁻²⁰.
func (s *source) beta(a float64) float64 {
	x, y := s.gamma(a), s.gamma(a)
	if x+y == 0 { // both too small for a float64: one of them is all
		return float64(s.below(2))
	}
	return float64(rounded(x/(x+y))) / (1 << matrixBits)
}
