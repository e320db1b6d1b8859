package micro

import (
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
// columns. mask has a bit for each row. Strides are in bytes.
type transposition struct {
	dst, src             unsafe.Pointer
	toStride, fromStride uintptr
	rows, cols           int
	mask                 uint64
}

// transposeFast writes the transpose of the first columns of src, as many as there is a kernel for, and returns their number.
func transposeFast[T Float](dst []T, ldd int, src []T, lds, rows, cols int) int {
	if bytesOf[T](1) != 4 {
		return 0
	}
	block := 16
	switch cpu.Current() {
	case cpu.Portable:
		return 0
	case cpu.AVX2:
		block = 8
		if cols &^= 7; cols == 0 {
			return 0
		}
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
