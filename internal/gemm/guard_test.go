package gemm

import (
	"math/rand/v2"
	"testing"

	"neocog/internal/cpu"
	"neocog/internal/guard"
)

// Nothing outside of the operands is read or written: each lies flush against a page that nobody may touch, at its
// end and then at its start, under each instruction set.
func TestTouchesOperandsOnly(t *testing.T) {
	for l := cpu.Portable; l <= cpu.AVX512; l++ {
		t.Run(l.String(), func(t *testing.T) {
			ran := cpu.With(l, func() {
				t.Run("float32", touchesOperandsOnly[float32])
				t.Run("float64", touchesOperandsOnly[float64])
			})
			if !ran {
				t.Skipf("this processor only has %v", cpu.Best())
			}
		})
	}
}

func touchesOperandsOnly[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	fill := func() T { return T(rng.IntN(9) - 4) }
	shapes := [][3]int{{0, 3, 2}, {3, 0, 2}, {3, 2, 0}, {1, 1, 1}, {6, 784, 25}, {65, 193, 257}, {3, 2, 515}, {70, 385, 3}, {130, 1, 9}, {1, 130, 9}}
	for d := 1; d <= 33; d++ { // every tail of every vector and tile
		shapes = append(shapes, [3]int{d, 34 - d, 1 + d*5%19}, [3]int{1 + d*7%31, d, d}, [3]int{d, 48 + d, 2})
	}
	for range 20 {
		shapes = append(shapes, [3]int{rng.IntN(140), rng.IntN(300), rng.IntN(270)})
	}
	for i, s := range shapes {
		each(func(transA, transB bool, beta int) {
			for _, side := range []guard.Side{guard.End, guard.Start} {
				p := newProblem(transA, transB, s[0], s[1], s[2], i%2*rng.IntN(20), T(beta), fill)
				a := guard.Copy(p.a[:extent(transA, p.m, p.k, p.lda)], side)
				b := guard.Copy(p.b[:extent(transB, p.k, p.n, p.ldb)], side)
				c := guard.Copy(p.c[:extent(false, p.m, p.n, p.ldc)], side)
				p.a, p.b, p.c = a.Slice(), b.Slice(), c.Slice()
				if err := guard.Catch(func() { p.verify(t, 0) }); err != nil {
					t.Fatalf("%v, at the %v: %v", p, side, err)
				}
				for name, buf := range map[string]*guard.Buffer[T]{"A": a, "B": b, "C": c} {
					if err := buf.Check(); err != nil {
						t.Fatalf("%v, at the %v of %s: %v", p, side, name, err)
					}
					buf.Free()
				}
			}
		})
	}
}

// extent is the number of elements from the first to the last of a matrix.
func extent(trans bool, rows, cols, ld int) int {
	if trans {
		rows, cols = cols, rows
	}
	if rows == 0 || cols == 0 {
		return 0
	}
	return (rows-1)*ld + cols
}
