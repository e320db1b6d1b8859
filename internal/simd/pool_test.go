package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"neocog/internal/cpu"
	pages "neocog/internal/guard" // guard is the mark of other tests
)

// pooled returns the three results of the windows, and the places of the maxima, by the definitions.
func pooled(x []float32, at int, divisor float32, w Windows) (greatest, mean, sum []float32, argmax []int32) {
	for o := range max(w.Lines, 1) * w.N {
		l, i := o/w.N, o%w.N
		best, where := float32(0), -1
		var all, rows float32
		for r := range w.Rows {
			var row float32
			for s := range w.Taps {
				k := (l*w.Step+r)*w.Pitch + i*w.Stride + s
				v := x[k]
				all += v
				row += v
				if c := i*w.Stride + s - w.Before; w.Width > 0 && (c < 0 || c >= w.Width) {
					continue
				}
				if where < 0 || v > best || v != v && best == best {
					best, where = v, k
					if w.Width > 0 {
						where = (l*w.Step+r)*w.Width + i*w.Stride + s - w.Before
					}
				}
			}
			rows += row
		}
		greatest, argmax = append(greatest, best), append(argmax, int32(at+where))
		sum, mean = append(sum, all), append(mean, rows/divisor)
	}
	return greatest, mean, sum, argmax
}

// few draws from few numbers, so that windows hold ties.
func few(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = []float32{0, float32(math.Copysign(0, -1)), 1, 1, 2, -inf, inf, nan, -3}[rng.IntN(5+rng.IntN(5))]
	}
	return x
}

// need is the number of elements that the windows take.
func need(w Windows) int {
	return ((max(w.Lines, 1)-1)*w.Step+w.Rows-1)*w.Pitch + (w.N-1)*w.Stride + w.Taps
}

func poolings(rng *rand.Rand) []Windows {
	var all []Windows
	for _, size := range [][2]int{{1, 1}, {2, 2}, {3, 3}, {2, 3}, {7, 7}, {1, 4}, {5, 1}} {
		for stride := 1; stride <= 4; stride++ {
			for n := 1; n <= 40; n++ {
				all = append(all, Windows{N: n, Rows: size[0], Taps: size[1], Stride: stride, Pitch: (n-1)*stride + size[1] + rng.IntN(3)})
			}
		}
	}
	for range 300 { // with padding
		w := Windows{N: 1 + rng.IntN(40), Rows: 1 + rng.IntN(4), Taps: 2 + rng.IntN(5), Stride: 1 + rng.IntN(4)}
		w.Before = rng.IntN(w.Taps)
		w.Width = max(1, (w.N-1)*w.Stride+1-w.Before+rng.IntN(w.Taps))
		w.Pitch = (w.N-1)*w.Stride + w.Taps
		if rng.IntN(2) == 0 {
			w.Pitch = max(w.Pitch, w.Before+w.Width) + rng.IntN(2)
		} else if rng.IntN(2) == 0 {
			w.Width = w.Pitch
		}
		all = append(all, w)
	}
	for i := range all {
		if rng.IntN(2) == 0 {
			all[i].Lines, all[i].Step = 1+rng.IntN(4), rng.IntN(4)
		}
	}
	return append(all,
		Windows{Lines: 3000, Step: 2, N: 20, Rows: 2, Taps: 2, Stride: 2, Pitch: 40},
		Windows{N: 9, Rows: 3, Taps: 3, Stride: 1, Pitch: 1},
		Windows{N: 20000, Rows: 2, Taps: 2, Stride: 2, Pitch: 40000},
		Windows{N: 20000, Rows: 3, Taps: 3, Stride: 1, Pitch: 20002})
}

// TestPool compares every function with its definition at every level: all tails, ties, NaN, −0, nothing beside the
// operands touched.
func TestPool(t *testing.T) {
	for l := cpu.Portable; l <= cpu.AVX512; l++ {
		t.Run(l.String(), func(t *testing.T) {
			if !cpu.With(l, func() { testPool(t) }) {
				t.Skipf("this processor only has %v", cpu.Best())
			}
		})
	}
}

func testPool(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, w := range poolings(rng) {
		for round := range 4 {
			side := pages.Side(round % 2)
			x := pages.Copy(few(rng, need(w)), side)
			if round >= 2 {
				copy(x.Slice(), draw(rng, need(w)))
			}
			for i := range x.Slice() {
				if c := i%max(w.Pitch, 1) - w.Before; w.Width > 0 && (c < 0 || c >= w.Width) {
					x.Slice()[i] = -inf
				}
			}
			at, divisor := rng.IntN(1000), float32(1+rng.IntN(9))
			greatest, mean, sum, argmax := pooled(x.Slice(), at, divisor, w)
			y, places := pages.Make[float32](max(w.Lines, 1)*w.N, side), pages.Make[int32](max(w.Lines, 1)*w.N, side)
			compare := func(what string, want []float32, run func()) {
				t.Helper()
				err := pages.Catch(run)
				if err == nil {
					err = y.Check()
				}
				if err != nil {
					t.Fatalf("%s, %+v: %v", what, w, err)
				}
				for i, v := range want {
					if !same32(y.Slice()[i], v) {
						t.Fatalf("%s, %+v: element %d is %v, want %v", what, w, i, y.Slice()[i], v)
					}
				}
			}
			compare("MaxPool", greatest, func() { MaxPool(y.Slice(), places.Slice(), x.Slice(), at, w) })
			for i, k := range argmax {
				if got := places.Slice()[i]; got != k {
					t.Fatalf("MaxPool, %+v: the place of element %d is %d, want %d", w, i, got, k)
				}
			}
			if err := places.Check(); err != nil {
				t.Fatalf("MaxPool, %+v: %v", w, err)
			}
			compare("MeanPool", mean, func() { MeanPool(y.Slice(), x.Slice(), divisor, w) })
			if w.Stride == 1 {
				compare("SumPool", sum, func() { SumPool(y.Slice(), x.Slice(), w) })
			}
			x.Free()
			y.Free()
			places.Free()
		}
	}
}

func TestPoolMistakes(t *testing.T) {
	w := Windows{N: 3, Rows: 2, Taps: 2, Pitch: 8, Stride: 2}
	x, y, k := make([]float32, 14), make([]float32, 3), make([]int32, 3)
	MaxPool(y, k, x, 0, w)
	for name, run := range map[string]func(){
		"x too short":     func() { MaxPool(y, k, x[1:], 0, w) },
		"y too short":     func() { MeanPool(y[1:], x, 4, w) },
		"too few places":  func() { MaxPool(y, k[1:], x, 0, w) },
		"a line too many": func() { MaxPool(y, k, x, 0, Windows{Lines: 2, Step: 1, N: 3, Rows: 2, Taps: 2, Pitch: 8, Stride: 2}) },
		"no taps":         func() { MeanPool(y, x, 4, Windows{N: 3, Rows: 2, Pitch: 8, Stride: 2}) },
		"sum of stride":   func() { SumPool(y, x, w) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			run()
		}()
	}
}

func BenchmarkPool(b *testing.B) {
	for _, c := range []struct{ size, stride, n int }{{2, 2, 14}, {2, 2, 112}, {3, 2, 55}, {3, 1, 26}, {3, 3, 37}} {
		w := Windows{N: c.n, Rows: c.size, Taps: c.size, Stride: c.stride, Pitch: c.n*c.stride + 2}
		rng := rand.New(rand.NewPCG(1, 1))
		x := make([]float32, need(w))
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		y, k := make([]float32, w.N), make([]int32, w.N)
		for l := cpu.Portable; l <= cpu.Best(); l++ {
			for name, run := range map[string]func(){
				"max":  func() { MaxPool(y, k, x, 0, w) },
				"mean": func() { MeanPool(y, x, 9, w) },
			} {
				b.Run(fmt.Sprintf("pool=%s/size=%d/stride=%d/n=%d/isa=%v", name, c.size, c.stride, c.n, l), func(b *testing.B) {
					cpu.With(l, func() {
						for b.Loop() {
							run()
						}
					})
				})
			}
		}
	}
}
