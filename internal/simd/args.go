package simd

import "unsafe"

// args is what a kernel is given: up to four streams of elements, of which it
// treats elements at … at+n-1, and numbers that are the same for all of them.
type args struct {
	dst, a, b, c unsafe.Pointer
	at, n        int
	end          int // the elements of a stream
	size         int // of a row
	f            [8]float32
	s            [4]float64
}

// block is how many elements one call of a kernel treats at most: the garbage
// collector waits for a kernel to return, so that none may take long. It is a
// multiple of the accumulators of every sum.
const block = 1 << 14

// next moves on to the next block and reports whether there is one.
func (p *args) next() bool {
	p.at += p.n
	p.n = min(p.end-p.at, block)
	return p.n > 0
}

// at returns the address of the elements of x, which is nil where there is none.
func at[T any](x []T) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(x)) }

// Float is an element type of functions and sums.
type Float interface{ float32 | float64 }

// Number is an element type of arithmetic.
type Number interface {
	float32 | float64 | int32 | int64
}

// single returns x itself where its elements are float32, else nil.
func single[T Number](x []T) []float32 {
	s, _ := any(x).([]float32)
	return s
}

// same panics unless every operand has n elements.
func same(n int, operands ...int) {
	for _, m := range operands {
		if m != n {
			panic("simd: operands and result have different lengths")
		}
	}
}
