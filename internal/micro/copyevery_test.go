package micro

import (
	"math/rand/v2"
	"testing"

	"neocog/internal/guard"
)

func TestCopyEvery(t *testing.T) {
	levels(t, func(t *testing.T) {
		copyEvery[float32](t)
		copyEvery[float64](t)
	})
}

// Each element arrives where it belongs, and nothing else is read or written.
func copyEvery[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for step := 1; step <= 3; step++ {
		for rows := range 4 {
			for cols := range 70 {
				for _, side := range []guard.Side{guard.Start, guard.End} {
					lds, ldd := cols*step+rng.IntN(4), cols+rng.IntN(4)
					src := guard.Make[T](max((rows-1)*lds+(cols-1)*step+1, 0), side)
					dst := guard.Make[T](max((rows-1)*ldd+cols, 0), side)
					want := make([]T, len(dst.Slice()))
					for i := range src.Slice() {
						src.Slice()[i] = T(i + 1)
					}
					for i := range want {
						want[i], dst.Slice()[i] = -1, -1
					}
					for i := range rows {
						for j := range cols {
							want[i*ldd+j] = T(i*lds + j*step + 1)
						}
					}
					err := guard.Catch(func() { CopyEvery(dst.Slice(), ldd, src.Slice(), lds, rows, cols, step) })
					if err == nil {
						err = dst.Check()
					}
					if err != nil {
						t.Fatalf("%T, %d×%d, step %d: %v", want, rows, cols, step, err)
					}
					for i, v := range dst.Slice() {
						if v != want[i] {
							t.Fatalf("%T, %d×%d, step %d: element %d is %v, want %v", want, rows, cols, step, i, v, want[i])
						}
					}
					src.Free()
					dst.Free()
				}
			}
		}
	}
}
