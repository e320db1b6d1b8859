package micro

import (
	"slices"
	"unsafe"

	"neocog/internal/cpu"
)

// For returns the kernels for T at the current level.
func For[T Float]() Set {
	wide := unsafe.Sizeof(T(0)) == 8
	switch cpu.Current() {
	case cpu.AVX512:
		if wide {
			return Set{&avx512F64}
		}
		return Set{&avx512F32}
	case cpu.AVX2:
		if wide {
			return Set{&avx2F64}
		}
		return Set{&avx2F32}
	}
	return Set{portableOf[T]()}
}

// A transposition describes one call of transpose512 or transpose256: up to 16 or 8 rows of cols elements become
// columns. mask has a bit for each row. Strides are in bytes. In the forms To and From the columns, or rows, lie at's elements from dst,
// or src.
type transposition struct {
	dst, src             unsafe.Pointer
	toStride, fromStride uintptr
	rows, cols           int
	mask                 uint64
	at                   *int
}

// transposeFast writes the transpose of the first columns of src, as many as there is a kernel for, and returns their number.
func transposeFast[T Float](dst []T, ldd int, src []T, lds, rows, cols int) int {
	block, cols := transposeBlock[T](cols)
	if cols == 0 {
		return 0
	}
	_, _ = src[(rows-1)*lds+cols-1], dst[(cols-1)*ldd+rows-1]
	for i := 0; i < rows; i += block {
		n := min(block, rows-i)
		t := transposition{
			dst: unsafe.Pointer(&dst[i]), src: unsafe.Pointer(&src[i*lds]),
			toStride: bytesOf[T](ldd), fromStride: bytesOf[T](lds), rows: n, cols: cols, mask: 1<<n - 1,
		}
		if block == 16 {
			transpose512(&t)
		} else {
			transpose256(&t)
		}
	}
	return cols
}

// transposeToFast does the same for TransposeTo.
func transposeToFast[T Float](dst []T, at []int, src []T, lds, rows, cols int) int {
	block, cols := transposeBlock[T](cols)
	if cols == 0 {
		return 0
	}
	_, _ = src[(rows-1)*lds+cols-1], dst[slices.Max(at[:cols])+rows-1]
	for i := 0; i < rows; i += block {
		n := min(block, rows-i)
		t := transposition{
			dst: unsafe.Pointer(&dst[i]), src: unsafe.Pointer(&src[i*lds]), at: &at[0],
			fromStride: bytesOf[T](lds), rows: n, cols: cols, mask: 1<<n - 1,
		}
		if block == 16 {
			transpose512To(&t)
		} else {
			transpose256To(&t)
		}
	}
	return cols
}

// transposeFromFast does the same for TransposeFrom.
func transposeFromFast[T Float](dst []T, ldd int, src []T, at []int, cols int) int {
	block, cols := transposeBlock[T](cols)
	if cols == 0 {
		return 0
	}
	_, _ = src[slices.Max(at)+cols-1], dst[(cols-1)*ldd+len(at)-1]
	for i := 0; i < len(at); i += block {
		n := min(block, len(at)-i)
		t := transposition{
			dst: unsafe.Pointer(&dst[i]), src: unsafe.Pointer(&src[0]), at: &at[i],
			toStride: bytesOf[T](ldd), rows: n, cols: cols, mask: 1<<n - 1,
		}
		if block == 16 {
			transpose512From(&t)
		} else {
			transpose256From(&t)
		}
	}
	return cols
}

// transposeBlock returns the rows of a block, and how many of the columns there is a kernel for.
func transposeBlock[T Float](cols int) (rows, some int) {
	switch level := cpu.Current(); {
	case bytesOf[T](1) != 4 || level == cpu.Portable:
		return 0, 0
	case level == cpu.AVX2:
		return 8, cols &^ 7
	}
	return 16, cols
}

// A copying describes one call of copy512: rows, ld bytes apart, into panels which begin
// panel bytes apart. mask has a bit for each column that exists, by vector, the same for all panels.
type copying struct {
	dst, src     unsafe.Pointer
	ld, panel    uintptr
	rows, panels int
	mask         [2]uint64
}

// copyFast copies the first columns of src, as many as there is a kernel for, and returns their number: all, none,
// or those of whole panels.
func copyFast[T Float](dst []T, width int, src []T, lds, rows, cols int) int {
	c := copying{ld: bytesOf[T](lds), panel: bytesOf[T](rows * width), rows: rows, panels: cols / width, mask: Masks(32, 16)}
	whole := c.panels * width
	switch bytes := bytesOf[T](width); {
	case bytes == 128 && cpu.Current() == cpu.AVX512:
		_, _ = src[(rows-1)*lds+cols-1], dst[(cols+width-1)/width*rows*width-1]
		if whole > 0 {
			c.dst, c.src = unsafe.Pointer(&dst[0]), unsafe.Pointer(&src[0])
			copy512(&c)
		}
		if whole < cols {
			c.panels, c.mask = 1, Masks(int(bytesOf[T](cols-whole))/4, 16)
			c.dst, c.src = unsafe.Pointer(&dst[whole*rows]), unsafe.Pointer(&src[whole])
			copy512(&c)
		}
		return cols
	case bytes == 64 && cpu.Current() == cpu.AVX2 && whole > 0:
		_, _ = src[(rows-1)*lds+whole-1], dst[whole*rows-1]
		c.dst, c.src = unsafe.Pointer(&dst[0]), unsafe.Pointer(&src[0])
		copy256(&c)
		return whole
	}
	return 0
}
