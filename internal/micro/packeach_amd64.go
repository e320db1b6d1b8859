package micro

import (
	"unsafe"

	"neocog/internal/cpu"
)

// transposeEachFast transposes as many matrices as there is a kernel for, all or none, and returns their number.
func transposeEachFast[T Float](dst []T, toNext, ldd int, src []T, fromNext, lds, rows, cols, n int) int {
	if bytesOf[T](1) != 4 || cpu.Current() != cpu.AVX512 {
		return 0
	}
	_, _ = src[(n-1)*fromNext+(rows-1)*lds+cols-1], dst[(n-1)*toNext+(cols-1)*ldd+rows-1]
	t := transposition{toStride: bytesOf[T](ldd), fromStride: bytesOf[T](lds), cols: cols}
	for i := 0; i < rows; i += 16 {
		t.rows = min(16, rows-i)
		t.mask = 1<<t.rows - 1
		for m := range n {
			t.dst, t.src = unsafe.Pointer(&dst[m*toNext+i]), unsafe.Pointer(&src[m*fromNext+i*lds])
			transpose512(&t)
		}
	}
	return n
}
