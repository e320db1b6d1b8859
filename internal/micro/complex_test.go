package micro

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"

	"neocog/internal/guard"
)

// Each complex kernel by itself, against plain loops on small integers, where every rounding is exact; A, B and C lie beside
// memory that cannot be touched.
func TestComplexKernels(t *testing.T) {
	levels(t, func(t *testing.T) {
		complexKernelsOf[float32](t)
		complexKernelsOf[float64](t)
	})
}

func complexKernelsOf[T Float](t *testing.T) {
	set := Complex[T]()
	for _, form := range []Form{Rows, Columns} {
		for rows := 1; rows <= min(set.Rows(), set.Lanes()); rows++ {
			for add := range uint64(2) {
				for runs := 1; runs <= 3; runs++ {
					for _, side := range []guard.Side{guard.Start, guard.End} {
						if err := complexOnce[T](set, form, rows, runs, add, side); err != nil {
							t.Fatalf("%T form=%d rows=%d runs=%d add=%d, flush with the %v: %v", *new(T), form, rows, runs, add, side, err)
						}
					}
				}
			}
		}
	}
}

// complexOnce multiplies blocks of A, in runs of fewer and fewer terms, by rows of B.
func complexOnce[T Float](set ComplexSet, form Form, rows, n int, add uint64, side guard.Side) error {
	rng := rand.New(rand.NewPCG(uint64(rows), uint64(n)))
	size, lanes := unsafe.Sizeof(T(0)), set.Lanes()
	draw := func(n int) *guard.Buffer[T] {
		x := make([]T, n)
		for i := range x {
			x[i] = T(rng.IntN(7) - 3)
		}
		return guard.Copy(x, side)
	}
	// A's blocks by run and row (by run and term, in the form Columns), B's by run and term, so many for each run.
	blocks := max(rows, lanes)
	a, b, c := draw(n*blocks*2*lanes), draw(n*lanes*2*lanes), draw(rows*2*lanes)
	defer a.Free()
	defer b.Free()
	defer c.Free()
	var runs []Run
	want := make([]complex128, rows*lanes)
	for i := range want {
		if at := i/lanes*2*lanes + i%lanes; add == 1 {
			want[i] = complex(float64(c.Slice()[at]), float64(c.Slice()[at+lanes]))
		}
	}
	for r := range n {
		k := max(lanes-r, 1)
		runs = append(runs, Run{A: uintptr(r*blocks*2*lanes) * size, B: uintptr(r*lanes*2*lanes) * size, K: k})
		for i := range want {
			for l := range k {
				block, at := i/lanes, l
				if form == Columns {
					block, at = at, block
				}
				x, y := a.Slice()[(r*blocks+block)*2*lanes+at:], b.Slice()[(r*lanes+l)*2*lanes+i%lanes:]
				want[i] += complex(float64(x[0]), float64(x[lanes])) * complex(float64(y[0]), -float64(y[lanes]))
			}
		}
	}
	tile := &Tile{
		A: unsafe.Pointer(&a.Slice()[0]), B: unsafe.Pointer(&b.Slice()[0]), C: unsafe.Pointer(&c.Slice()[0]),
		SA: uintptr(2*lanes) * size, SB: uintptr(2*lanes) * size, SC: uintptr(2*lanes) * size, Runs: &runs[0], N: n, Add: add,
	}
	if err := guard.Catch(func() { set.Kernel(form, rows)(tile) }); err != nil {
		return err
	}
	for i, w := range want {
		at := i/lanes*2*lanes + i%lanes
		if got := complex(float64(c.Slice()[at]), float64(c.Slice()[at+lanes])); got != w {
			return fmt.Errorf("element %d of row %d is %v, want %v", i%lanes, i/lanes, got, w)
		}
	}
	for _, buffer := range []*guard.Buffer[T]{a, b, c} {
		if err := buffer.Check(); err != nil {
			return err
		}
	}
	return nil
}
