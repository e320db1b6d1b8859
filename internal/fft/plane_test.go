package fft

import (
	"fmt"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/dsp/fourier"

	"neocog/internal/guard"
)

// Planes, whole and with zeros on the right and at the bottom, forward against gonum, and back to what they were.
func TestPlanes(t *testing.T) {
	levels(t, func(t *testing.T, lanes int) {
		for _, size := range [][2]int{{1, 1}, {1, 8}, {5, 1}, {2, 3}, {3, 2}, {4, 4}, {9, 15}, {16, 16}, {12, 30}, {20, 24}, {32, 32}, {64, 64}, {72, 60}, {128, 5}} {
			for _, part := range []float64{1, 0.5, 0.2} {
				for _, side := range []guard.Side{guard.Start, guard.End} {
					rows, cols := max(int(part*float64(size[0])), 1), max(int(part*float64(size[1])), 1)
					if err := planeOnce[float32](size[0], size[1], rows, cols, lanes, side); err != nil {
						t.Fatalf("float32, %d×%d of %v: %v", rows, cols, size, err)
					}
					if err := planeOnce[float64](size[0], size[1], rows, cols, lanes, side); err != nil {
						t.Fatalf("float64, %d×%d of %v: %v", rows, cols, size, err)
					}
				}
			}
		}
	})
}

// planeOnce transforms a plane whose pixels come last to first, which shows that strides may be negative.
func planeOnce[T Float](h, w, rows, cols, lanes int, side guard.Side) error {
	rng := rand.New(rand.NewPCG(uint64(h), uint64(w)))
	p := NewPlane[T](h, w, lanes)
	in, out := draw[T](rows*cols*lanes, rng, side), guard.Make[T](p.Frequencies()*2*lanes, side)
	half, work := guard.Make[T](p.Half(), side), guard.Make[T](p.Work(), side)
	back := guard.Make[T]((h+h%2)*w*lanes, side)
	all := []*guard.Buffer[T]{in, out, half, work, back}
	for _, b := range all {
		defer b.Free()
	}
	from := Real{(rows*cols - 1) * lanes, -cols * lanes, -lanes}
	to := Place{0, lanes, 2 * lanes, 2 * lanes * h}
	const scale = 0.75
	err := guard.Catch(func() {
		p.Rows(half.Slice(), 0, rows, in.Slice(), from, cols, scale, work.Slice())
		p.Columns(out.Slice(), to, half.Slice(), rows, h%2 == 0, work.Slice())
		half.Fill()
		p.ColumnsBack(half.Slice(), out.Slice(), to, work.Slice())
	})
	if err != nil {
		return err
	}
	tolerance := bound[T](h * w)
	errNorm, norm := 0.0, 0.0
	add := func(got, want complex128) {
		norm, errNorm = math.Hypot(norm, cmplx.Abs(want)), math.Hypot(errNorm, cmplx.Abs(got-want))
	}
	for lane := range lanes {
		x := make([]complex128, h*w)
		for y := range rows {
			for c := range cols {
				x[y*w+c] = complex(scale*float64(in.Slice()[from.At+y*from.Row+c*from.Col+lane]), 0)
			}
		}
		for i, want := range transform(x, h, w) {
			if u := i % w; u < p.Width() {
				add(at(out.Slice(), to, u, i/w, lane), want)
			}
		}
	}
	if !(errNorm <= tolerance*norm) {
		return fmt.Errorf("forward, the relative error is %.3g, want at most %.3g", errNorm/norm, tolerance)
	}
	errNorm, norm = 0, 0
	for _, part := range [][2]int{{0, h}, {h / 2, h - h/2}, {h - 1, 1}} {
		first, n := part[0], part[1]
		if err := guard.Catch(func() { p.RowsBack(back.Slice(), half.Slice(), first, n, work.Slice()) }); err != nil {
			return err
		}
		for i, got := range back.Slice()[:n*w*lanes] {
			y, c, want := first+i/(w*lanes), i/lanes%w, 0.0
			if y < rows && c < cols {
				want = scale * float64(h*w) * float64(in.Slice()[from.At+y*from.Row+c*from.Col+i%lanes])
			}
			add(complex(float64(got), 0), complex(want, 0))
		}
	}
	if !(errNorm <= 2*tolerance*norm) {
		return fmt.Errorf("there and back, the relative error is %.3g, want at most %.3g", errNorm/norm, 2*tolerance)
	}
	for _, b := range all {
		if err := b.Check(); err != nil {
			return err
		}
	}
	return nil
}

// transform is the two-dimensional transform of an h×w matrix, by gonum.
func transform(x []complex128, h, w int) []complex128 {
	x = append([]complex128(nil), x...)
	rows, cols := fourier.NewCmplxFFT(w), fourier.NewCmplxFFT(h)
	for y := range h {
		rows.Coefficients(x[y*w:][:w], x[y*w:][:w])
	}
	col := make([]complex128, h)
	for u := range w {
		for y := range h {
			col[y] = x[y*w+u]
		}
		for y, v := range cols.Coefficients(col, col) {
			x[y*w+u] = v
		}
	}
	return x
}
