package fft

import (
	"unsafe"

	"neocog/internal/cpu"
)

// fast says which assembly there is for vectors of so many lanes at the current level.
func fast[T Float](lanes int) int {
	switch bytes := lanes * int(unsafe.Sizeof(T(0))); {
	case unsafe.Sizeof(T(0)) == 8:
		return none
	case bytes == 64 && cpu.Current() == cpu.AVX512:
		return wide
	case bytes == 32 && cpu.Current() == cpu.AVX2:
		return narrow
	}
	return none
}

// number is that of the assembly for k.
func (k kind) number() int {
	n := k.radix<<6 | k.inputs<<2
	if k.twiddled {
		n |= 1
	}
	if k.stream {
		n |= 2
	}
	return n
}

// runFast computes butterflies if there is assembly for them.
func runFast[T Float](b *butterflies, k kind, lanes int) bool {
	level := fast[T](lanes)
	if level == none {
		return false
	}
	// Stores that go past the caches are of whole vectors at their multiples.
	if all := uintptr(b.out) | b.outIm | b.outP | b.outK | b.outJ | b.outLine; all%(uintptr(lanes)*4) != 0 || k.inputs < k.radix {
		k.stream = false
	}
	c := *b
	c.kLeft, c.jLeft = c.k, c.j
	// The kernels step from where the inner loop ended.
	c.inLine -= uintptr(c.j) * c.inJ
	c.outLine -= uintptr(c.j) * c.outJ
	c.inJ -= uintptr(c.k) * c.inK
	c.outJ -= uintptr(c.k) * c.outK
	if level == wide {
		runWide(&c, k)
	} else {
		runNarrow(&c, k)
	}
	return true
}

// pair returns the description of rows of z and of half spectra.
func pair[T Float](z, a, b []T, width, lanes int) pairing {
	vector := 2 * lanes * int(unsafe.Sizeof(T(0)))
	return pairing{
		z: unsafe.Pointer(&z[0]), a: unsafe.Pointer(&a[0]), b: unsafe.Pointer(&b[0]),
		zLine: uintptr(width * vector), halfLine: uintptr(2 * (width/2 + 1) * vector),
		last: uintptr((width - 1) * vector), width: width/2 + 1, pairs: 1,
	}
}

// splitFast is Plane.split if there is assembly for it.
func splitFast[T Float](half, z []T, width, pairs int, scale T, lanes int) bool {
	level := fast[T](lanes)
	if level == none {
		return false
	}
	p := pair(z, half, half[(width/2+1)*2*lanes:], width, lanes)
	p.pairs, p.scale = pairs, float32(scale)
	if level == wide {
		splitWide(&p)
	} else {
		splitNarrow(&p)
	}
	return true
}

// combineFast is Plane.combine if there is assembly for it.
func combineFast[T Float](z, a, b []T, width, pairs, lanes int) bool {
	level := fast[T](lanes)
	if level == none {
		return false
	}
	p := pair(z, a, b, width, lanes)
	p.pairs = pairs
	if level == wide {
		combineWide(&p)
	} else {
		combineNarrow(&p)
	}
	return true
}
