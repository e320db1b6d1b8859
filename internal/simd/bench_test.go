package simd

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"neocog/internal/cpu"
)

// BenchmarkLoops measures every loop in the first-level cache and beyond the last
// one, at every level: portable is the loop in Go.
func BenchmarkLoops(b *testing.B) {
	for _, c := range loops {
		for _, n := range []int{2048, 1 << 23} {
			rng := rand.New(rand.NewPCG(1, 1))
			y := make([]float32, n)
			var in [][]float32
			streams := 1
			for i := range c.ins {
				m := n
				if c.one[i] {
					m = 1
				} else {
					streams++
				}
				x := make([]float32, m)
				for j := range x {
					x[j] = float32(rng.NormFloat64())
				}
				in = append(in, x)
			}
			for l := cpu.Portable; l <= cpu.Best(); l++ {
				b.Run(benchmarkName("loop", c.name, n, l), func(b *testing.B) {
					b.SetBytes(int64(4 * n * streams))
					b.ReportAllocs()
					cpu.With(l, func() {
						for b.Loop() {
							c.run(y, in)
						}
					})
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/elem")
				})
			}
		}
	}
}

func benchmarkName(kind, name string, n int, l cpu.Level) string {
	return fmt.Sprintf("%s=%s/n=%d/isa=%v", kind, name, n, l)
}
