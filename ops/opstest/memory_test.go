package opstest_test

import (
	"unsafe"

	"neocog/vm/kernel"
)

// after returns the memory of one element at index i of s, which may lie outside.
func after[T kernel.Float](s []T, i int) []T {
	var z T
	return unsafe.Slice((*T)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(s)), i*int(unsafe.Sizeof(z)))), 1)
}

// restore undoes the writing of element i: it puts there what fills the scratch
// memory, which is what filled the result, or what the input holds, in place.
func restore[T kernel.Float](y []T, i int, c *kernel.Call) {
	y[i] = kernel.Shared[T](c, 0, 1)[0]
}
