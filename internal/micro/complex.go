package micro

import "unsafe"

// A ComplexSet is the kernels of one level for products of complex matrices, whose elements lie as blocks: the real parts of
// Lanes neighbours, then their imaginary parts.
//
//	C(i,:) = Σ_runs Σ_{l<k} A(i,l)·conj(B(l,:))   (+ C(i,:) if Add)      i < rows
//
// In a Tile, B's rows and C's are one block each, and written as a whole: Mask counts for nothing. The real part of A(i,l) lies as the
// forms Rows and Columns say, the imaginary part Lanes elements further; so a run has at most Lanes terms in the
// form Rows, and a tile as many rows in the form Columns.
//
//	| level    | float32        | float64       |
//	|----------|----------------|---------------|
//	| AVX-512  | 14 × 16        | 14 × 8        |
//	| AVX2     | 6 × 8          | 6 × 4         |
//	| portable | 4 × 4          | 4 × 4         |
//
// The four real products of a complex one are taken one after the other, as fused multiply-adds
// except in portable Go; the terms of a sum in the order of the runs.
type ComplexSet struct{ *complexKernels }

// complexKernels are the data of a ComplexSet; run is by form and rows, less one.
type complexKernels struct {
	rows, lanes int
	run         [2][]func(*Tile)
}

// Rows is the largest number of rows of a tile.
func (s ComplexSet) Rows() int { return s.rows }

// Lanes is the number of complex elements of a block.
func (s ComplexSet) Lanes() int { return s.lanes }

// Kernel returns the function for tiles of that many rows, of the form Rows or Columns.
func (s ComplexSet) Kernel(form Form, rows int) func(*Tile) { return s.run[form][rows-1] }

var (
	portableComplexF32 = newPortableComplex[float32]()
	portableComplexF64 = newPortableComplex[float64]()
)

func newPortableComplex[T Float]() complexKernels {
	p := complexKernels{rows: 4, lanes: 4}
	for _, form := range []Form{Rows, Columns} {
		for rows := 1; rows <= p.rows; rows++ {
			p.run[form] = append(p.run[form], func(t *Tile) { portableComplex[T](t, form, rows, p.lanes) })
		}
	}
	return p
}

func portableComplexOf[T Float]() *complexKernels {
	if unsafe.Sizeof(T(0)) == 4 {
		return &portableComplexF32
	}
	return &portableComplexF64
}

// portableComplex computes two columns of a row at a time. The conversions keep compilers from fusing.
func portableComplex[T Float](t *Tile, form Form, rows, lanes int) {
	size := unsafe.Sizeof(T(0))
	row, term := t.SA, size
	if form == Columns {
		row, term = term, row
	}
	imag := uintptr(lanes) * size
	for i := range uintptr(rows) {
		for j := uintptr(0); j < imag; j += 2 * size {
			var r0, i0, r1, i1 T
			for _, run := range unsafe.Slice(t.Runs, t.N) {
				a, b := unsafe.Add(t.A, run.A+i*row), unsafe.Add(t.B, run.B+j)
				for l := 0; ; {
					ar, ai := *(*T)(a), *(*T)(unsafe.Add(a, imag))
					br, bi := *(*T)(b), *(*T)(unsafe.Add(b, imag))
					r0 += T(ar * br)
					i0 -= T(ar * bi)
					r0 += T(ai * bi)
					i0 += T(ai * br)
					br, bi = *(*T)(unsafe.Add(b, size)), *(*T)(unsafe.Add(b, imag+size))
					r1 += T(ar * br)
					i1 -= T(ar * bi)
					r1 += T(ai * bi)
					i1 += T(ai * br)
					if l++; l == run.K {
						break // before the pointers leave the operands
					}
					a, b = unsafe.Add(a, term), unsafe.Add(b, t.SB)
				}
			}
			c := unsafe.Add(t.C, i*t.SC+j)
			for k, sum := range [4]T{r0, r1, i0, i1} {
				at := (*T)(unsafe.Add(c, uintptr(k/2)*imag+uintptr(k%2)*size))
				if t.Add != 0 {
					sum += *at
				}
				*at = sum
			}
		}
	}
}
