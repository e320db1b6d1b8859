package micro

import (
	"unsafe"

	"neocog/internal/cpu"
)

// A rowCopy describes one call of copyRows512 or copyEven512. Strides are in bytes. The masks are of what is left after whole vectors of results:
// of the results, and of the one or two vectors of elements that they are among.
type rowCopy struct {
	dst, src            unsafe.Pointer
	toStride, rowStride uintptr
	rows, vectors       int
	mask                uint64
	from                [2]uint64
}

// copyEveryFast does what there are kernels for, and reports whether there are: a short row takes a call of copy longer than its elements.
func copyEveryFast[T Float](dst []T, ldd int, src []T, lds, rows, cols, step int) bool {
	if bytesOf[T](1) != 4 || cpu.Current() != cpu.AVX512 || step > 2 {
		return false
	}
	_, _ = src[(rows-1)*lds+(cols-1)*step], dst[(rows-1)*ldd+cols-1]
	rest := cols % 16
	c := rowCopy{
		dst: unsafe.Pointer(&dst[0]), src: unsafe.Pointer(&src[0]), toStride: bytesOf[T](ldd), rowStride: bytesOf[T](lds),
		rows: rows, vectors: cols / 16, mask: 1<<rest - 1,
	}
	if step == 1 {
		copyRows512(&c)
		return true
	}
	if rest > 0 {
		c.from = Masks(2*rest-1, 16)
	}
	copyEven512(&c)
	return true
}
