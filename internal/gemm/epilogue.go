package gemm

import (
	"fmt"

	"neocog/internal/simd"
)

// An Epilogue is what becomes of the elements of a product, in this order:
//
//	c = op(A)·op(B) + beta·C
//	c = c·Scale[ch] + Shift[ch]
//	c = c + Residual
//	c = max(c, 0)                        with ReLU; NaN stays NaN
//	Sum[ch] += c, SumSquares[ch] += c²
//
// where ch, the channel, is the row of C, or its column with Columns. What is nil is left out; the zero
// Epilogue does nothing. Each operation is rounded; the sums are taken in float64, for parts of a row and in
// an order that depend on m, n and k alone, but not for all divisions of C among calls.
type Epilogue[T Float] struct {
	Columns         bool
	Scale, Shift    []T
	Residual        []T // laid out as C, with leading dimension LDR
	LDR             int
	ReLU            bool
	Sum, SumSquares []float64
}

// check panics unless e fits an m×n matrix.
func (e *Epilogue[T]) check(m, n int) {
	channels, what := m, "rows"
	if e.Columns {
		channels, what = n, "columns"
	}
	for _, v := range []struct {
		name string
		len  int
		is   bool
	}{
		{"Scale", len(e.Scale), e.Scale != nil},
		{"Shift", len(e.Shift), e.Shift != nil},
		{"Sum", len(e.Sum), e.Sum != nil},
		{"SumSquares", len(e.SumSquares), e.SumSquares != nil},
	} {
		if v.is && v.len != channels {
			panic(fmt.Sprintf("gemm: %s has %d elements for %d %s", v.name, v.len, channels, what))
		}
	}
	if e.Residual != nil {
		check("Residual", false, m, n, len(e.Residual), e.LDR)
	}
}

// none reports whether there is nothing to do.
func (e *Epilogue[T]) none() bool {
	return e.Scale == nil && e.Shift == nil && e.Residual == nil && !e.ReLU && e.Sum == nil && e.SumSquares == nil
}

// apply finishes the m×n block of C that begins at row i0, column j0, of which c is the first element.
func (e *Epilogue[T]) apply(c []T, ldc, i0, j0, m, n int) {
	if e.none() {
		return
	}
	for i := range m {
		row := c[i*ldc:][:n]
		switch {
		case e.Columns:
			if e.Scale != nil {
				simd.Mul(row, row, e.Scale[j0:][:n])
			}
			if e.Shift != nil {
				simd.Add(row, row, e.Shift[j0:][:n])
			}
		case e.Scale != nil || e.Shift != nil:
			scale, shift := T(1), T(0)
			if e.Scale != nil {
				scale = e.Scale[i0+i]
			}
			if e.Shift != nil {
				shift = e.Shift[i0+i]
			}
			simd.Affine(row, row, 0, scale, shift)
		}
		if e.Residual != nil {
			simd.Add(row, row, e.Residual[(i0+i)*e.LDR+j0:][:n])
		}
		if e.ReLU {
			simd.ReLU(row, row)
		}
		e.sum(row, i0+i, j0)
	}
}

// sum adds a part of row i to the sums of its channels.
func (e *Epilogue[T]) sum(row []T, i, j0 int) {
	if !e.Columns {
		if e.Sum != nil {
			e.Sum[i] += simd.Sum(row)
		}
		if e.SumSquares != nil {
			e.SumSquares[i] += simd.SumSquares(row, 0)
		}
		return
	}
	if e.Sum != nil {
		simd.Accumulate(e.Sum[j0:][:len(row)], row)
	}
	if e.SumSquares != nil {
		for j, v := range row {
			e.SumSquares[j0+j] += float64(v) * float64(v)
		}
	}
}
