package simd

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"neocog/internal/cpu"
)

// TestBitsAreTheSameEverywhere hashes what everything here computes. The hash holds
// for every instruction set and every processor; it changes only where a formula
// or the order of a sum does.
func TestBitsAreTheSameEverywhere(t *testing.T) {
	const want = "ddc4da508e83ec62"
	for l := cpu.Portable; l <= cpu.Best(); l++ {
		cpu.With(l, func() {
			if got := hashOfEverything(); got != want {
				t.Errorf("%v: the hash is %s, want %s", l, got, want)
			}
		})
	}
}

func hashOfEverything() string {
	rng := rand.New(rand.NewPCG(8, 8))
	const n = block + 1003
	// All kinds of numbers, exact on every machine.
	numbers := func() []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(rng.IntN(1<<20)-1<<19) / (1 << 16)
			if i%16 == 0 {
				x[i] = math.Float32frombits(rng.Uint32())
			}
		}
		return x
	}
	small := func() []float32 {
		x := numbers()
		for i := range x {
			if i%16 == 0 {
				x[i] = 1
			}
		}
		return x
	}
	h := sha256.New()
	put := func(x ...float32) {
		for _, v := range x {
			if v != v {
				v = nan
			}
			_ = binary.Write(h, binary.LittleEndian, math.Float32bits(v))
		}
	}
	for _, c := range loops {
		var in [][]float32
		for i := range c.ins {
			in = append(in, numbers())
			if c.one[i] {
				in[i] = in[i][1:2]
			}
		}
		y := numbers()
		c.run(y, in)
		put(y...)
	}
	for _, c := range reductions {
		a, b := c.f(small(), small())
		_ = binary.Write(h, binary.LittleEndian, []float64{a, b})
	}
	for _, c := range optimisers {
		w, m, v, g := numbers(), small(), small(), numbers()
		c.f(w, m, v, g)
		put(w...)
		put(m...)
		put(v...)
	}
	acc := make([]float64, n)
	Accumulate(acc, small())
	Accumulate(acc, small())
	_ = binary.Write(h, binary.LittleEndian, acc)
	for _, c := range halves {
		y, x := make([]uint16, n), numbers()
		c.to(y, x)
		c.from(x, y)
		put(x...)
	}
	r := make([]uint32, n&^3)
	Philox(r, [4]uint32{1, 2, 3, 4}, [2]uint32{5, 6})
	_ = binary.Write(h, binary.LittleEndian, r)
	return fmt.Sprintf("%x", h.Sum(nil)[:8])
}
