package micro

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"neocog/internal/cpu"
)

// levels runs f under each instruction set that this processor has.
func levels(t *testing.T, f func(t *testing.T)) {
	for l := cpu.Portable; l <= cpu.AVX512; l++ {
		t.Run(l.String(), func(t *testing.T) {
			if !cpu.With(l, func() { f(t) }) {
				t.Skipf("this processor only has %v", cpu.Best())
			}
		})
	}
}

// Each micro-kernel by itself, with every number of columns, against plain loops on small integers, where
// every rounding is exact; C lies between guard cells.
func TestKernels(t *testing.T) {
	levels(t, func(t *testing.T) {
		kernelsOf[float32](t)
		kernelsOf[float64](t)
	})
}

func kernelsOf[T Float](t *testing.T) {
	set := For[T]()
	for _, form := range []Form{Rows, Columns, Slide} {
		most := set.Rows()
		if form == Slide {
			most = SlideRows
		}
		for vecs := 1; vecs <= 2; vecs++ {
			for rows := 1; rows <= most; rows++ {
				for cols := (vecs-1)*set.Lanes() + 1; cols <= vecs*set.Lanes(); cols++ {
					for add := range uint64(2) {
						for runs := 1; runs <= 3; runs++ {
							if err := kernelOnce[T](set, form, vecs, rows, cols, runs, add); err != nil {
								t.Fatalf("%T form=%d vecs=%d rows=%d cols=%d runs=%d add=%d: %v", *new(T), form, vecs, rows, cols, runs, add, err)
							}
						}
					}
				}
			}
		}
	}
}

func kernelOnce[T Float](set Set, form Form, vecs, rows, cols, n int, add uint64) error {
	rng := rand.New(rand.NewPCG(uint64(rows), uint64(cols)))
	draw := func(n int) []T {
		x := make([]T, n)
		for i := range x {
			x[i] = T(rng.IntN(17) - 8)
		}
		return x
	}
	const longest = 9
	lda, ldb, ldc := longest+rng.IntN(3), cols+rng.IntN(3), cols+3
	if form == Columns {
		lda = rows + rng.IntN(3)
	}
	sizeA, sizeB := max(rows, longest)*lda, longest*ldb
	if form == Slide {
		sizeB = rows*ldb + longest
	}
	runs := make([]Run, n)
	for r := range runs { // the last one in memory comes first
		runs[r] = Run{bytesOf[T]((n - 1 - r) * sizeA), bytesOf[T]((n - 1 - r) * sizeB), 1 + rng.IntN(longest)}
	}
	// What is read of B's last row ends with the slice.
	read := cols
	if !set.Masked() {
		read = vecs * set.Lanes()
	}
	last := (runs[0].K - 1) * ldb
	if form == Slide {
		last = (rows-1)*ldb + runs[0].K - 1
	}
	a, b, c := draw(n*sizeA), draw((n-1)*sizeB+last+read), draw(rows*ldc)
	want := append([]T(nil), c...)
	for i := range rows {
		for j := range cols {
			sum := T(add) * c[i*ldc+j]
			for r, run := range runs {
				for l := range run.K {
					at, bt := i*lda+l, l*ldb+j
					switch form {
					case Columns:
						at = l*lda + i
					case Slide:
						at, bt = l, i*ldb+l+j
					}
					sum += a[(n-1-r)*sizeA+at] * b[(n-1-r)*sizeB+bt]
				}
			}
			want[i*ldc+j] = sum
		}
	}
	set.Kernel(form, rows, vecs)(&Tile{
		A: unsafe.Pointer(&a[0]), B: unsafe.Pointer(&b[0]), C: unsafe.Pointer(&c[0]),
		SA: bytesOf[T](lda), SB: bytesOf[T](ldb), SC: bytesOf[T](ldc),
		Runs: &runs[0], N: n, Mask: Masks(cols, set.Lanes()), Add: add,
	})
	for i, v := range c {
		if v != want[i] {
			return fmt.Errorf("row %d, column %d is %v, want %v", i/ldc, i%ldc, v, want[i])
		}
	}
	return nil
}

func TestTransposeAndCopy(t *testing.T) {
	levels(t, func(t *testing.T) {
		transposeAndCopy[float32](t)
		transposeAndCopy[float64](t)
	})
}

func transposeAndCopy[T Float](t *testing.T) {
	nan := T(math.NaN())
	for rows := range 40 {
		for cols := range 40 {
			lds, ldd := cols+rows%3, rows+cols%3
			src := make([]T, max((rows-1)*lds+cols, 0))
			for i := range src {
				src[i] = T(i)
			}
			dst := make([]T, cols*ldd+3)
			for i := range dst {
				dst[i] = nan
			}
			Transpose(dst[:max((cols-1)*ldd+rows, 0)], ldd, src, lds, rows, cols)
			for p, v := range dst {
				j, i := p/max(ldd, 1), p%max(ldd, 1)
				if inside := j < cols && i < rows; inside && v != src[i*lds+j] || !inside && v == v {
					t.Fatalf("transpose of %d×%d: element %d is %v", rows, cols, p, v)
				}
			}
			for _, width := range []int{4, 14, 16, 32} {
				size := (cols + width - 1) / width * width * rows
				panels := make([]T, size+3)
				panels[size] = nan
				Copy(panels[:size], width, src, lds, rows, cols)
				for i := range rows {
					for j := range cols {
						if got := panels[(j/width*rows+i)*width+j%width]; got != src[i*lds+j] {
							t.Fatalf("copy of %d×%d into %d: row %d, column %d is %v", rows, cols, width, i, j, got)
						}
					}
				}
				if panels[size] == panels[size] {
					t.Fatalf("copy of %d×%d into %d left the panels", rows, cols, width)
				}
			}
		}
	}
}
