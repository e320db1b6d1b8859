package bench

import (
	"unsafe"

	"neocog/graph"
	"neocog/vm/kernel"
)

// A vector is the memory of one tensor of floats: one of the two slices.
type vector struct {
	f32 []float32
	f64 []float64
}

// newVector returns n zeros of type d.
func newVector(d graph.DType, n int) vector {
	if d == graph.Float64 {
		return vector{f64: unsafe.Slice((*float64)(pointer(8*n)), n)}
	}
	return vector{f32: unsafe.Slice((*float32)(pointer(4*n)), n)}
}

// pointer returns bytes of memory at a multiple of 64, each page of which has been written to.
func pointer(bytes int) unsafe.Pointer {
	const align = 64
	b := make([]byte, bytes+align)
	for i := 0; i < len(b); i += 4096 {
		b[i] = 0
	}
	return unsafe.Pointer(&b[-int(uintptr(unsafe.Pointer(&b[0])))&(align-1)])
}

// random returns n numbers from -1 up to 1, multiples of 2⁻²³ and so exact in either type. They depend on seed and n alone.
func random(d graph.DType, n int, seed uint64) vector {
	v := newVector(d, n)
	state := seed
	for i := range n {
		// SplitMix64: Steele, Lea and Flood, “Fast Splittable Pseudorandom Number Generators”, 2014.
		state += 0x9e3779b97f4a7c15
		z := state
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		x := float64(int64(z^z>>31)>>40) * 0x1p-23
		if v.f64 != nil {
			v.f64[i] = x
		} else {
			v.f32[i] = float32(x)
		}
	}
	return v
}

func (v vector) len() int { return len(v.f32) + len(v.f64) }

func (v vector) at(i int) float64 {
	if v.f64 != nil {
		return v.f64[i]
	}
	return float64(v.f32[i])
}

func (v vector) buf() kernel.Buf {
	if v.f64 != nil {
		return kernel.Buf{Ptr: unsafe.Pointer(unsafe.SliceData(v.f64)), Len: len(v.f64)}
	}
	return kernel.Buf{Ptr: unsafe.Pointer(unsafe.SliceData(v.f32)), Len: len(v.f32)}
}

// doubles returns the first n elements as float64.
func (v vector) doubles(n int) vector {
	if v.f64 != nil {
		return vector{f64: v.f64[:n]}
	}
	d := newVector(graph.Float64, n)
	for i, x := range v.f32[:n] {
		d.f64[i] = float64(x)
	}
	return d
}

// compare returns how far the first elements of v are from all of want, and which part of v these are.
func (v vector) compare(want []float64) (rel, part float64, err error) {
	var d difference
	for i, w := range want {
		d.add(v.at(i), w)
	}
	rel, err = d.relL2()
	if v.len() == 0 {
		return rel, 1, err
	}
	return rel, float64(len(want)) / float64(v.len()), err
}
