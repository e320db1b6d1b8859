package micro

import (
	"math/rand/v2"
	"slices"
	"testing"

	"neocog/internal/guard"
)

// On small integers every order of the additions gives the same sums. Nothing beside the stretches is read.
func TestCorrelate(t *testing.T) {
	levels(t, func(t *testing.T) {
		correlateOnce[float32](t)
		correlateOnce[float64](t)
	})
}

func correlateOnce[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	draw := func(n int, side guard.Side) *guard.Buffer[T] {
		b := guard.Make[T](n, side)
		for i := range b.Slice() {
			b.Slice()[i] = T(rng.IntN(17) - 8)
		}
		return b
	}
	for taps := range 21 {
		for _, blocks := range []int{0, 1, 2, 5} {
			for _, side := range []guard.Side{guard.Start, guard.End} {
				n, beyond := blocks*CorrelateBlock, rng.IntN(30)
				y, x, sums := draw(n, side), draw(n+beyond, side), draw(taps, side)
				at := make([]int, taps)
				for i := range at {
					at[i] = rng.IntN(beyond + 1)
				}
				want := slices.Clone(sums.Slice())
				for i, from := range at {
					for j, v := range y.Slice() {
						want[i] += v * x.Slice()[from+j]
					}
				}
				if err := guard.Catch(func() { Correlate(sums.Slice(), at, y.Slice(), x.Slice()) }); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(sums.Slice(), want) {
					t.Fatalf("%T, %d taps of %d: %v, want %v", want, taps, n, sums.Slice(), want)
				}
				for _, b := range []*guard.Buffer[T]{y, x, sums} {
					if err := b.Check(); err != nil {
						t.Fatal(err)
					}
					b.Free()
				}
			}
		}
	}
}

// A stretch that leaves x is a bug of the caller, and panics before a kernel reads.
func TestCorrelateBeyondX(t *testing.T) {
	levels(t, func(t *testing.T) {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		Correlate(make([]float32, 1), []int{1}, make([]float32, 16), make([]float32, 16, 64)[:16])
	})
}
