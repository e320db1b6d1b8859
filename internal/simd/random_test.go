package simd

import (
	"math/rand/v2"
	"slices"
	"testing"

	"neocog/internal/cpu"
)

// The first vectors of Random123's known-answer tests for Philox 4×32-10.
func TestPhiloxKnownAnswers(t *testing.T) {
	const ones = ^uint32(0)
	for _, c := range []struct {
		counter [4]uint32
		key     [2]uint32
		want    [4]uint32
	}{
		{[4]uint32{}, [2]uint32{}, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{[4]uint32{ones, ones, ones, ones}, [2]uint32{ones, ones}, [4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
	} {
		r := make([]uint32, 4)
		if Philox(r, c.counter, c.key); !slices.Equal(r, c.want[:]) {
			t.Errorf("Philox(%x, %x) = %x, want %x", c.counter, c.key, r, c.want)
		}
	}
}

// Block after block, counters carrying from word to word, between guard cells.
func TestPhilox(t *testing.T) {
	for l := cpu.Portable; l <= cpu.Best(); l++ {
		cpu.With(l, func() {
			for _, first := range []uint64{0, 5, 1<<32 - 70, 1<<32 - 3, 1<<63 + 7} {
				for _, n := range []int{0, 4, 60, 64, 68, 128, 300, 1024, 2*block + 4} {
					key := [2]uint32{17, uint32(n)}
					all := make([]uint32, n+16)
					Philox(all[8:8+n], [4]uint32{uint32(first), uint32(first >> 32), 3, 4}, key)
					for i, v := range all {
						var want uint32
						if i >= 8 && i < 8+n {
							m := first + uint64((i-8)/4)
							want = philox([4]uint32{uint32(m), uint32(m >> 32), 3, 4}, key)[(i-8)%4]
						}
						if v != want {
							t.Fatalf("%v, from block %d, n=%d: number %d is %x, want %x", l, first, n, i-8, v, want)
						}
					}
				}
			}
		})
	}
}

func TestDrop(t *testing.T) {
	levels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(7, 7))
		for _, n := range lengths() {
			x, r, want := draw(rng, n), make([]uint32, n), make([]float32, n)
			const threshold = 0x80000001
			for i := range r {
				r[i] = []uint32{0, threshold - 1, threshold, threshold + 1, ^uint32(0), rng.Uint32()}[rng.IntN(6)]
			}
			y, err := fenced(n, rng.IntN(17))
			Drop(y, x, r, threshold, 1.25)
			if err := err(); err != nil {
				t.Fatal(err)
			}
			portable(func() { Drop(want, x, r, threshold, 1.25) })
			for i, v := range x {
				if r[i] < threshold && y[i] != 0 || r[i] >= threshold && !same32(y[i], v*1.25) || !same32(y[i], want[i]) {
					t.Fatalf("n=%d: %g at %#x becomes %g, in Go %g", n, v, r[i], y[i], want[i])
				}
			}
			if Drop(x, x, r, threshold, 1.25); !slices.EqualFunc(x, y, same32) {
				t.Fatalf("n=%d: in place the result is another", n)
			}
		}
	})
}

func BenchmarkPhilox(b *testing.B) {
	r := make([]uint32, 1024)
	for l := cpu.Portable; l <= cpu.Best(); l++ {
		b.Run(benchmarkName("random", "Philox", len(r), l), func(b *testing.B) {
			b.SetBytes(int64(4 * len(r)))
			b.ReportAllocs()
			cpu.With(l, func() {
				for b.Loop() {
					Philox(r, [4]uint32{}, [2]uint32{1, 2})
				}
			})
		})
	}
}
