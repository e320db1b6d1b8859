package micro

import (
	"math/rand/v2"
	"slices"
	"testing"

	"neocog/internal/guard"
)

// TransposeEach is Transpose for each matrix, and touches nothing else.
func TestTransposeEach(t *testing.T) {
	levels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		for range 300 {
			rows, cols, n := rng.IntN(20), rng.IntN(40), rng.IntN(4)
			ldd, lds := rows+rng.IntN(3), cols+rng.IntN(3)
			toNext, fromNext := cols*ldd+rng.IntN(5), rows*lds+rng.IntN(5)
			for _, side := range []guard.Side{guard.Start, guard.End} {
				src := make([]float32, n*fromNext)
				for i := range src {
					src[i] = float32(i)
				}
				from, to := guard.Copy(src, side), guard.Copy(make([]float32, n*toNext), side)
				want := make([]float32, n*toNext)
				for m := range n {
					Transpose(want[m*toNext:], ldd, src[m*fromNext:], lds, rows, cols)
				}
				err := guard.Catch(func() { TransposeEach(to.Slice(), toNext, ldd, from.Slice(), fromNext, lds, rows, cols, n) })
				if err != nil || !slices.Equal(to.Slice(), want) {
					t.Fatalf("%d matrices of %d×%d, strides %d and %d: %v", n, rows, cols, lds, ldd, err)
				}
				from.Free()
				to.Free()
			}
		}
	})
}
