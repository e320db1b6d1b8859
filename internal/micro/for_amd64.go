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

// copyFast is Copy if there is a kernel for panels of that width, and reports that.
func copyFast[T Float](dst []T, width int, src []T, lds, rows, cols int) bool {
	if bytesOf[T](width) != 128 || cpu.Current() != cpu.AVX512 {
		return false
	}
	_, _ = src[(rows-1)*lds+cols-1], dst[(cols+width-1)/width*rows*width-1]
	c := copying{
		dst: unsafe.Pointer(&dst[0]), src: unsafe.Pointer(&src[0]), ld: bytesOf[T](lds), panel: bytesOf[T](rows * width),
		rows: rows, mask: Masks(32, 16),
	}
	if c.panels = cols / width; c.panels > 0 {
		copy512(&c)
	}
	if done := cols / width * width; done < cols {
		c.panels, c.mask = 1, Masks(int(bytesOf[T](cols-done))/4, 16)
		c.dst, c.src = unsafe.Pointer(&dst[done*rows]), unsafe.Pointer(&src[done])
		copy512(&c)
	}
	return true
}
