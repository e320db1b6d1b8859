package micro

import "unsafe"

// portableOf returns the specification.
func portableOf[T Float]() *kernels {
	if unsafe.Sizeof(T(0)) == 4 {
		return &portableF32
	}
	return &portableF64
}

var (
	portableF32 = newPortable[float32]()
	portableF64 = newPortable[float64]()
)

func newPortable[T Float]() kernels {
	p := kernels{rows: 2, lanes: 2}
	for vecs := 1; vecs <= 2; vecs++ {
		for _, form := range []Form{Rows, Columns} {
			for rows := 1; rows <= p.rows; rows++ {
				p.run[form][vecs-1] = append(p.run[form][vecs-1], func(t *Tile) { portable[T](t, form, rows, vecs) })
			}
		}
		for rows := 1; rows <= SlideRows; rows++ {
			p.run[Slide][vecs-1] = append(p.run[Slide][vecs-1], func(t *Tile) { portableSlide[T](t, rows, vecs) })
		}
	}
	return p
}

// portable is a 2×4 tile, as much as fits the registers. A row or a vector that the
// tile lacks repeats the first one, and is not stored. The conversions keep compilers from
// fusing: every architecture gives the same bits.
func portable[T Float](t *Tile, form Form, rows, vecs int) {
	size := unsafe.Sizeof(T(0))
	row, term := t.SA, size
	if form == Columns {
		row, term = term, row
	}
	if rows == 1 {
		row = 0
	}
	second := 2 * size
	if vecs == 1 {
		second = 0
	}
	var c00, c01, c02, c03, c10, c11, c12, c13 T
	for _, run := range unsafe.Slice(t.Runs, t.N) {
		a, b := unsafe.Add(t.A, run.A), unsafe.Add(t.B, run.B)
		for l := 0; ; {
			a0, a1 := *(*T)(a), *(*T)(unsafe.Add(a, row))
			b0, b1 := *(*T)(b), *(*T)(unsafe.Add(b, size))
			c00 += T(a0 * b0)
			c10 += T(a1 * b0)
			c01 += T(a0 * b1)
			c11 += T(a1 * b1)
			b2, b3 := *(*T)(unsafe.Add(b, second)), *(*T)(unsafe.Add(b, second+size))
			c02 += T(a0 * b2)
			c12 += T(a1 * b2)
			c03 += T(a0 * b3)
			c13 += T(a1 * b3)
			if l++; l == run.K {
				break // before the pointers leave the operands
			}
			a, b = unsafe.Add(a, term), unsafe.Add(b, t.SB)
		}
	}
	sums := [2][4]T{{c00, c01, c02, c03}, {c10, c11, c12, c13}}
	for i := range rows {
		storePortable(t, uintptr(i), sums[i][:2*vecs])
	}
}

// portableSlide is the form Slide, four columns at a time.
func portableSlide[T Float](t *Tile, rows, vecs int) {
	size := unsafe.Sizeof(T(0))
	second := 2 * size
	if vecs == 1 {
		second = 0
	}
	for i := range rows {
		var sums [4]T
		for _, run := range unsafe.Slice(t.Runs, t.N) {
			a := unsafe.Slice((*T)(unsafe.Add(t.A, run.A)), run.K)
			b := unsafe.Add(t.B, run.B+uintptr(i)*t.SB)
			for l, w := range a {
				at := unsafe.Add(b, uintptr(l)*size)
				sums[0] += T(w * *(*T)(at))
				sums[1] += T(w * *(*T)(unsafe.Add(at, size)))
				sums[2] += T(w * *(*T)(unsafe.Add(at, second)))
				sums[3] += T(w * *(*T)(unsafe.Add(at, second+size)))
			}
		}
		storePortable(t, uintptr(i), sums[:2*vecs])
	}
}

// storePortable writes a row of C, or adds to it.
func storePortable[T Float](t *Tile, i uintptr, sums []T) {
	for j, sum := range sums {
		if t.Mask[j/2]>>(j%2)&1 == 0 {
			continue
		}
		c := (*T)(unsafe.Add(t.C, i*t.SC+uintptr(j)*unsafe.Sizeof(T(0))))
		if t.Add != 0 {
			sum += *c
		}
		*c = sum
	}
}
