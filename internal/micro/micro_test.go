package micro

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"

	"neocog/internal/cpu"
	"neocog/internal/guard"
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
// every rounding is exact. A, B and C lie flush against pages that nobody may touch, at their end and then at their start.
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
							for _, side := range []guard.Side{guard.End, guard.Start} {
								if err := kernelOnce[T](set, form, vecs, rows, cols, runs, add, side); err != nil {
									t.Fatalf("%T form=%d vecs=%d rows=%d cols=%d runs=%d add=%d, guarded at the %v: %v",
										*new(T), form, vecs, rows, cols, runs, add, side, err)
								}
							}
						}
					}
				}
			}
		}
	}
}

func kernelOnce[T Float](set Set, form Form, vecs, rows, cols, n int, add uint64, side guard.Side) error {
	rng := rand.New(rand.NewPCG(uint64(rows), uint64(cols)))
	draw := func(n int) []T {
		x := make([]T, n)
		for i := range x {
			x[i] = T(rng.IntN(17) - 8)
		}
		return x
	}
	const longest = 9
	lda, ldb, ldc := longest+rng.IntN(3), cols+rng.IntN(3), cols+rng.IntN(3)
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
	lastA, lastB := (rows-1)*lda+runs[0].K, (runs[0].K-1)*ldb
	switch form {
	case Columns:
		lastA = (runs[0].K-1)*lda + rows
	case Slide:
		lastA, lastB = runs[0].K, (rows-1)*ldb+runs[0].K-1
	}
	bufs := [3]*guard.Buffer[T]{
		guard.Copy(draw((n-1)*sizeA+lastA), side), guard.Copy(draw((n-1)*sizeB+lastB+read), side), guard.Copy(draw((rows-1)*ldc+cols), side),
	}
	a, b, c := bufs[0].Slice(), bufs[1].Slice(), bufs[2].Slice()
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
	var next unsafe.Pointer
	if rng.IntN(2) == 1 {
		next = unsafe.Pointer(&c[0])
	}
	err := guard.Catch(func() {
		set.Kernel(form, rows, vecs)(&Tile{
			A: unsafe.Pointer(&a[0]), B: unsafe.Pointer(&b[0]), C: unsafe.Pointer(&c[0]),
			SA: bytesOf[T](lda), SB: bytesOf[T](ldb), SC: bytesOf[T](ldc),
			Runs: &runs[0], N: n, Mask: Masks(cols, set.Lanes()), Add: add, NextC: next,
		})
	})
	if err != nil {
		return err
	}
	for i, v := range c {
		if v != want[i] {
			return fmt.Errorf("row %d, column %d is %v, want %v", i/ldc, i%ldc, v, want[i])
		}
	}
	for i, buf := range bufs {
		if err := buf.Check(); err != nil {
			return fmt.Errorf("%c: %w", 'A'+i, err)
		}
		buf.Free()
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
	for _, side := range []guard.Side{guard.End, guard.Start} {
		for rows := range 40 {
			for cols := range 40 {
				lds, ldd := cols+rows%3, rows+cols%3
				src := guard.Make[T](max((rows-1)*lds+cols, 0), side)
				for i := range src.Slice() {
					src.Slice()[i] = T(i)
				}
				transposeOnce(t, src.Slice(), lds, ldd, rows, cols, side)
				transposePlacesOnce(t, src.Slice(), lds, rows, cols, side)
				for _, width := range []int{4, 14, 16, 32} {
					copyOnce(t, src.Slice(), lds, width, rows, cols, side)
				}
				src.Free()
			}
		}
	}
}

// transposeOnce checks one transposition; src[i] is i, and the destination is full of NaN.
func transposeOnce[T Float](t *testing.T, src []T, lds, ldd, rows, cols int, side guard.Side) {
	dst := guard.Make[T](max((cols-1)*ldd+rows, 0), side)
	defer dst.Free()
	err := guard.Catch(func() { Transpose(dst.Slice(), ldd, src, lds, rows, cols) })
	if err == nil {
		err = dst.Check()
	}
	if err != nil {
		t.Fatalf("transpose of %d×%d, guarded at the %v: %v", rows, cols, side, err)
	}
	if rows == 0 || cols == 0 {
		return
	}
	for p, v := range dst.Slice() {
		j, i := p/ldd, p%ldd
		if inside := i < rows; inside && v != src[i*lds+j] || !inside && v == v {
			t.Fatalf("transpose of %d×%d: element %d is %v", rows, cols, p, v)
		}
	}
}

// transposePlacesOnce checks transpositions to and from places in reverse order, with room between them.
func transposePlacesOnce[T Float](t *testing.T, src []T, lds, rows, cols int, side guard.Side) {
	if rows == 0 || cols == 0 {
		return
	}
	pitch := rows + cols%2
	to := make([]int, cols)
	for j := range to {
		to[j] = (cols - 1 - j) * pitch
	}
	dst := guard.Make[T]((cols-1)*pitch+rows, side)
	defer dst.Free()
	err := guard.Catch(func() { TransposeTo(dst.Slice(), to, src, lds, rows) })
	if err == nil {
		err = dst.Check()
	}
	if err != nil {
		t.Fatalf("transpose of %d×%d to places, guarded at the %v: %v", rows, cols, side, err)
	}
	for p, v := range dst.Slice() {
		j, i := cols-1-p/pitch, p%pitch
		if inside := i < rows; inside && v != src[i*lds+j] || !inside && v == v {
			t.Fatalf("transpose of %d×%d to places: element %d is %v", rows, cols, p, v)
		}
	}

	from := make([]int, rows)
	for i := range from {
		from[i] = (rows - 1 - i) * lds
	}
	back := guard.Make[T]((cols-1)*pitch+rows, side)
	defer back.Free()
	err = guard.Catch(func() { TransposeFrom(back.Slice(), pitch, src, from, cols) })
	if err == nil {
		err = back.Check()
	}
	if err != nil {
		t.Fatalf("transpose of %d×%d from places, guarded at the %v: %v", rows, cols, side, err)
	}
	for p, v := range back.Slice() {
		j, i := p/pitch, p%pitch
		if inside := i < rows; inside && v != src[(rows-1-i)*lds+j] || !inside && v == v {
			t.Fatalf("transpose of %d×%d from places: element %d is %v", rows, cols, p, v)
		}
	}
}

// copyOnce checks one copy into panels.
func copyOnce[T Float](t *testing.T, src []T, lds, width, rows, cols int, side guard.Side) {
	dst := guard.Make[T]((cols+width-1)/width*width*rows, side)
	defer dst.Free()
	err := guard.Catch(func() { Copy(dst.Slice(), width, src, lds, rows, cols) })
	if err == nil {
		err = dst.Check()
	}
	if err != nil {
		t.Fatalf("copy of %d×%d into %d, guarded at the %v: %v", rows, cols, width, side, err)
	}
	for i := range rows {
		for j := range cols {
			if got := dst.Slice()[(j/width*rows+i)*width+j%width]; got != src[i*lds+j] {
				t.Fatalf("copy of %d×%d into %d: row %d, column %d is %v", rows, cols, width, i, j, got)
			}
		}
	}
}
