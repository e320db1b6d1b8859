package conv_test

import (
	"errors"
	"math"
	"testing"
	"unsafe"

	"neocog/internal/cpu"
	"neocog/ops/conv"
	"neocog/vm/kernel"
)

// Workers prepare filters at the same time: no element may be written by two items, not even one that nobody reads. Blocked once sent the taps that see
// nothing, as dx of a single row with stride 2 has them, to one row of a panel.
func TestFiltersArePreparedWithoutOverlap(t *testing.T) {
	strided := plain
	strided.N, strided.C, strided.H, strided.K, strided.Stride, strided.Pad = 1, 20, 1, 36, [2]int{2, 2}, [4]int{1, 1, 1, 1}
	dense := strided
	dense.H, dense.Stride = 8, [2]int{1, 1}
	met := map[string]bool{}
	for l := cpu.Portable; l <= cpu.Best(); l++ {
		cpu.With(l, func() {
			for _, p := range []conv.Problem{strided, dense} {
				for p.Pass = conv.Forward; p.Pass <= conv.InputGrad; p.Pass++ {
					for _, a := range conv.All() {
						plan, err := a.Plan(&kernel.Env{}, p)
						var no *conv.Unsupported
						if errors.As(err, &no) || err == nil && plan.Prepare.Steps == 0 {
							continue
						}
						if err != nil {
							t.Fatal(err)
						}
						met[a.Name()] = true
						if first, second, i := overlap(p, plan); i >= 0 {
							t.Errorf("%s at %v, %v: items %d and %d both write element %d", a.Name(), l, p, first, second, i)
						}
					}
				}
			}
		})
	}
	for _, name := range []string{"blocked", "winograd F(4×4,3×3)", "fft 16×16"} {
		if !met[name] {
			t.Errorf("%s prepares nothing", name)
		}
	}
}

// overlap returns two items of a plan's only step of preparation that write the same element, and which, or -1.
func overlap(p conv.Problem, plan kernel.Plan) (first, second, element int) {
	c, step := callOf(p, plan), plan.Steps[0]
	all := unsafe.Slice((*float32)(c.Prepared), plan.Prepare.Bytes/4)
	writer := make([]int, len(all)) // its number, from 1 on
	for item := range step.N {
		for i := range all {
			all[i] = float32(math.NaN())
		}
		step.Run(c, item, item+1)
		for i, v := range all {
			switch {
			case v != v:
			case writer[i] > 0:
				return writer[i] - 1, item, i
			default:
				writer[i] = item + 1
			}
		}
	}
	return 0, 0, -1
}
