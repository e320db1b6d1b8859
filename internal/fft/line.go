package fft

import (
	"fmt"
	"math"
	"unsafe"
)

// Float is an element type of transforms.
type Float interface{ float32 | float64 }

// A Line is the complex transform of one length.
//
//	out[k] = Σ_j in[j] · exp(−2πi·j·k/n)
//
// With real and imaginary parts exchanged in both Places it is the sum with exp(+2πi·j·k/n).
type Line[T Float] struct {
	n, lanes int
	passes   []pass[T]
}

// A pass makes transforms of length radix·done from those of length done, of which there are radix·rest:
//
//	out(j + done·p, k) = Σ_q ω_radix^{p·q} · ω_{radix·done}^{j·q} · in(j, k + rest·q)      j < done, k < rest, p, q < radix
//
// in(j, k) is element j·radix·rest + k of a line, out(j, k) element j·rest + k.
type pass[T Float] struct {
	radix, done, rest int
	roots             []T // ω^{j·q}, real and imaginary part, for j = 1 … done-1 and q = 1 … radix-1
}

// A Place says where the elements of lines lie in a slice: the real parts of element i of line l are the lanes elements
// from Re + i·Step + l·Line on, the imaginary parts those from Im + i·Step + l·Line on.
type Place struct{ Re, Im, Step, Line int }

// swap exchanges real and imaginary parts.
func (p Place) swap() Place { return Place{p.Im, p.Re, p.Step, p.Line} }

// NewLine returns the transform of length n, which has no prime factor above 5.
func NewLine[T Float](n, lanes int) Line[T] {
	l := Line[T]{n: n, lanes: lanes}
	for done, rest := 1, n; rest > 1; {
		r := radix[T](rest, lanes)
		if r == 0 {
			panic(fmt.Sprintf("fft: no transform of length %d, only 2^a·3^b·5^c", n))
		}
		rest /= r
		l.passes = append(l.passes, newPass[T](r, done, rest))
		done *= r
	}
	return l
}

// radix returns the radix of the next pass where that much is left of a length, or 0. The largest goes first: the first pass
// needs no roots and is the one that leaves zeros out.
func radix[T Float](rest, lanes int) int {
	most := 8
	if fast[T](lanes) == narrow {
		most = 5 // butterflies of six and eight do not fit 16 registers
	}
	for r := min(rest, most); r > 1; r-- {
		// One more pass does for what is left, if any does.
		if q := rest / r; rest%r == 0 && r != 7 && q <= most && q != 7 {
			return r
		}
	}
	for _, r := range []int{8, 4, 6, 5, 3, 2} {
		if r <= most && rest%r == 0 {
			return r
		}
	}
	return 0
}

func newPass[T Float](radix, done, rest int) pass[T] {
	p := pass[T]{radix: radix, done: done, rest: rest}
	for j := 1; j < done; j++ {
		for q := 1; q < radix; q++ {
			re, im := root(j*q, radix*done)
			p.roots = append(p.roots, T(re), T(im))
		}
	}
	return p
}

// root returns exp(−2πi·k/n), as exact as float64 is: the angle is reduced to an eighth of the circle in integers.
func root(k, n int) (re, im float64) {
	k %= n
	eighth := 8 * k / n
	// The angle in units of 2π/8n, from the nearest multiple of a quarter.
	quarter := (eighth + 1) / 2
	im, re = math.Sincos(2 * math.Pi * float64(4*k-quarter*n) / float64(4*n))
	for range quarter {
		re, im = -im, re
	}
	return re, -im
}

// chunk is how many lines should be transformed at a time, so that so many complex vectors of each buffer are in use.
func (l *Line[T]) chunk(vectors int) int { return max(1, vectors/l.n) }

// work is the elements of memory that Run needs for a number of lines.
func (l *Line[T]) work(lines int) int {
	switch len(l.passes) {
	case 0, 1:
		return 0
	case 2:
		return lines * l.n * 2 * l.lanes
	}
	return 2 * lines * l.n * 2 * l.lanes
}

// Run transforms lines. Of each line of in only the first elements are read, the others count as zero. in and out do not overlap.
// With stream the results may go past the caches, until fence.
func (l *Line[T]) run(out []T, to Place, in []T, from Place, lines, elements int, stream bool, work []T) {
	_, _ = out[to.last(lines, l.n)+l.lanes-1], in[from.last(lines, elements)+l.lanes-1]
	_, _ = out[to.first(lines, l.n)], in[from.first(lines, elements)]
	size := unsafe.Sizeof(T(0))
	bytes := func(n int) uintptr { return uintptr(n) * size } // may be negative, modulo 2^64
	var b butterflies
	if len(l.passes) == 0 {
		l.copy(out, to, in, from, lines)
		return
	}
	for i := range l.passes {
		p := &l.passes[i]
		dst, at, past := out, to, stream
		if i < len(l.passes)-1 {
			past = false
			dst, at = work[i%2*lines*l.n*2*l.lanes:][:lines*l.n*2*l.lanes], Place{0, l.lanes, 2 * l.lanes, 2 * l.lanes * l.n}
		}
		b.inQ, b.outP = bytes(p.rest*from.Step), bytes(p.done*p.rest*at.Step)
		b.inK, b.outK = bytes(from.Step), bytes(at.Step)
		b.inJ, b.outJ = bytes(p.radix*p.rest*from.Step), bytes(p.rest*at.Step)
		b.inLine, b.outLine = bytes(from.Line), bytes(at.Line)
		b.inIm, b.outIm = bytes(from.Im-from.Re), bytes(at.Im-at.Re)
		b.lines = lines
		src, sink := unsafe.Pointer(&in[from.Re]), unsafe.Pointer(&dst[at.Re])
		if i == 0 {
			// The last butterflies may have one element less than the first ones.
			full, more := elements/p.rest, elements%p.rest
			if more > 0 {
				b.in, b.out, b.k, b.j = src, sink, more, 1
				run[T](&b, kind{p.radix, full + 1, false, past}, l.lanes)
			}
			if more < p.rest {
				b.in, b.out, b.k, b.j = unsafe.Add(src, more*int(b.inK)), unsafe.Add(sink, more*int(b.outK)), p.rest-more, 1
				run[T](&b, kind{p.radix, full, false, past}, l.lanes)
			}
		} else {
			b.in, b.out, b.k, b.j = src, sink, p.rest, 1
			run[T](&b, kind{p.radix, p.radix, false, past}, l.lanes)
			b.in, b.out, b.j = unsafe.Add(src, int(b.inJ)), unsafe.Add(sink, int(b.outJ)), p.done-1
			b.roots = unsafe.Pointer(&p.roots[0])
			run[T](&b, kind{p.radix, p.radix, true, past}, l.lanes)
		}
		in, from = dst, at
	}
}

// copy is the transform of length 1.
func (l *Line[T]) copy(out []T, to Place, in []T, from Place, lines int) {
	for i := range lines {
		copy(out[to.Re+i*to.Line:][:l.lanes], in[from.Re+i*from.Line:])
		copy(out[to.Im+i*to.Line:][:l.lanes], in[from.Im+i*from.Line:])
	}
}

// first and last return the lowest and the highest index at which a vector begins.
func (p Place) first(lines, elements int) int {
	return min(p.Re, p.Im) + min(0, (elements-1)*p.Step) + min(0, (lines-1)*p.Line)
}

func (p Place) last(lines, elements int) int {
	return max(p.Re, p.Im) + max(0, (elements-1)*p.Step) + max(0, (lines-1)*p.Line)
}
