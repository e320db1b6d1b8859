package winograd

import (
	"unsafe"

	"neocog/internal/toomcook"
)

// Float is an element type that kernels compute with.
type Float interface{ float32 | float64 }

// Lanes is the most elements of a vector, and how many float32 a Call must have.
const Lanes = 16

// A Call describes the transforms of some tiles, which lie at constant strides; all strides are in bytes.
//
// Element (i, j) of a tile is a vector at Src + i·SrcRow + j·SrcCol, its result (i, j) one at Dst + i·DstRow + j·DstCol. In one dimension
// element i is at Src + i·SrcRow, result j at Dst + j·DstCol. Kernels change the call.
type Call struct {
	Dst, Src                unsafe.Pointer
	DstRow, DstCol, DstNext uintptr // Next: from one tile to the next
	SrcRow, SrcCol, SrcNext uintptr
	Bias                    unsafe.Pointer // a vector, for Output only
	N                       int            // tiles, at least 1
	Lanes                   int            // elements of a vector
}

// A Set is the kernels of an algorithm, by toomcook.Role.
type Set [toomcook.FilterGrad + 1]Kernel

// For returns the kernels of f in two dimensions, or with line in one, if there are any.
func For(f toomcook.Form, line bool) (s Set, ok bool) {
	for role := range toomcook.FilterGrad + 1 {
		k, ok := numbers[toomcook.Transform{Form: f, Role: role, Line: line}.Name()]
		if !ok {
			return s, false
		}
		s[role] = k
	}
	return s, true
}

// numbers are the kernels by name.
var numbers = func() map[string]Kernel {
	m := map[string]Kernel{}
	for i, t := range toomcook.Transforms() {
		m[t.Name()] = Kernel(i)
	}
	return m
}()

// Run transforms the tiles of c.
func Run[T Float](k Kernel, c *Call) {
	if unsafe.Sizeof(T(0)) == 4 && runFast(k, c) {
		return
	}
	runPortable[T](k, c)
}
