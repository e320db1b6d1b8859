package data

import (
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
