package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"neocog/internal/cpu"
)

var (
	nan = float32(math.NaN())
	inf = float32(math.Inf(1))
)

// special are the numbers at which formulas go wrong.
var special = []float32{
	0, float32(math.Copysign(0, -1)), 1, -1, nan, inf, -inf, math.MaxFloat32, -math.MaxFloat32,
	math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32, 0x1p-126, -0x1p-126, 0x1.fffffcp-127, 0.5, -0.5, 1e-20, -1e20,
}

// draw returns n numbers of all sizes, specials among them.
func draw(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		switch rng.IntN(8) {
		case 0:
			x[i] = special[rng.IntN(len(special))]
		case 1:
			x[i] = math.Float32frombits(rng.Uint32())
		default:
			x[i] = float32(4 * rng.NormFloat64())
		}
	}
	return x
}

// equal reports whether x and y have the same bits, or are both NaN.
func same32(x, y float32) bool {
	return math.Float32bits(x) == math.Float32bits(y) || x != x && y != y
}

// lengths are those of the tests: every tail, several blocks.
func lengths() []int {
	var n []int
	for i := range 131 {
		n = append(n, i)
	}
	return append(n, 1000, 4096, 2*block+37)
}

// levels runs f at every level of this processor above Portable.
func levels(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	for l := cpu.AVX2; l <= cpu.AVX512; l++ {
		t.Run(l.String(), func(t *testing.T) {
			if !cpu.With(l, func() { f(t) }) {
				t.Skipf("this processor only has %v", cpu.Best())
			}
		})
	}
}

// portable runs f at level Portable.
func portable(f func()) { cpu.With(cpu.Portable, f) }

const guard = 12345.5

// fenced returns a slice of n elements, off elements into an array, with 32 guard cells
// before and after, and a function which says whether a guard was written.
func fenced(n, off int) (x []float32, err func() error) {
	all := make([]float32, off+32+n+32)
	for i := range all {
		all[i] = guard
	}
	x = all[off+32 : off+32+n : off+32+n]
	return x, func() error {
		for i, v := range all {
			if v != guard && (i < off+32 || i >= off+32+n) {
				return fmt.Errorf("element %d of %d is written", i-off-32, n)
			}
		}
		return nil
	}
}

// A loop is a function of some operands which has a result of their length.
type loop struct {
	name string
	ins  int
	one  [3]bool // operands of one element
	run  func(y []float32, x [][]float32)
}

// TestLoops compares every loop, at every level, with the loop in Go: all tails,
// unaligned, in place, between guard cells.
func TestLoops(t *testing.T) {
	for _, c := range loops {
		t.Run(c.name, func(t *testing.T) {
			levels(t, func(t *testing.T) {
				rng := rand.New(rand.NewPCG(1, uint64(len(c.name))))
				for _, n := range lengths() {
					c.check(t, rng, n, rng.IntN(17), -1)
					for i := range c.ins {
						if !c.one[i] {
							c.check(t, rng, n, rng.IntN(17), i)
						}
					}
				}
			})
		})
	}
}

// check compares one length, the result lying off elements into an array, or where operand place lies.
func (c *loop) check(t *testing.T, rng *rand.Rand, n, off, place int) {
	t.Helper()
	var in, ref [][]float32
	for i := range c.ins {
		m := n
		if c.one[i] {
			m = 1
		}
		x := draw(rng, m+i) // the more operands, the farther from any alignment
		in, ref = append(in, x[i:]), append(ref, append([]float32{}, x[i:]...))
	}
	before := draw(rng, n)
	want := append([]float32{}, before...)
	y, err := fenced(n, off)
	copy(y, before)
	if place >= 0 {
		copy(y, in[place])
		in[place] = y
		want = ref[place]
	}
	portable(func() { c.run(want, ref) })
	c.run(y, in)
	if e := err(); e != nil {
		t.Fatal(e)
	}
	for i := range want {
		if !same32(y[i], want[i]) {
			t.Fatalf("n=%d, in place of %d, element %d: got %g (%#x), want %g (%#x)", n, place, i, y[i], math.Float32bits(y[i]), want[i], math.Float32bits(want[i]))
		}
	}
}

// TestNothingAllocates runs every loop once more.
func TestNothingAllocates(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, c := range loops {
		in := [][]float32{draw(rng, 100), draw(rng, 100), draw(rng, 100)}
		for i := range in {
			if c.one[i] {
				in[i] = in[i][:1]
			}
		}
		y := draw(rng, 100)
		for l := cpu.Portable; l <= cpu.Best(); l++ {
			cpu.With(l, func() {
				if n := testing.AllocsPerRun(10, func() { c.run(y, in) }); n != 0 {
					t.Errorf("%s, %v: %v allocations", c.name, l, n)
				}
			})
		}
	}
}
