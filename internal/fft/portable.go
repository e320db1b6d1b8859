package fft

import (
	"math"
	"unsafe"
)

// butterflies describes one call of a pass: lines of j times k butterflies. Strides are in bytes; in and out point to the
// real parts of the first element, the imaginary parts lie inIm and outIm bytes from there. q and p count the elements of one butterfly.
type butterflies struct {
	in, out         unsafe.Pointer
	inIm, outIm     uintptr
	inQ, outP       uintptr
	inK, outK       uintptr
	inJ, outJ       uintptr
	inLine, outLine uintptr
	k, j, lines     int
	roots           unsafe.Pointer // (radix−1) complex numbers for each j
	kLeft, jLeft    int            // counters of the assembly
}

// The levels of assembly.
const (
	none   = iota
	narrow // 256 bits
	wide   // 512 bits
)

// A kind of butterflies is a radix and how many of the first elements are not zero.
type kind struct {
	radix, inputs int
	twiddled      bool // with roots
	stream        bool // the results should go past the caches
}

// run computes butterflies.
func run[T Float](b *butterflies, k kind, lanes int) {
	if !runFast[T](b, k, lanes) {
		portable[T](b, k.radix, k.inputs, k.twiddled, lanes)
	}
}

// portable is the specification: one lane after the other.
func portable[T Float](b *butterflies, radix, inputs int, twiddled bool, lanes int) {
	size := unsafe.Sizeof(T(0))
	var x [8][2]T
	for line := range uintptr(b.lines) {
		for j := range uintptr(b.j) {
			var roots []T
			if twiddled {
				roots = unsafe.Slice((*T)(b.roots), b.j*2*(radix-1))[int(j)*2*(radix-1):]
			}
			for k := range uintptr(b.k) {
				from := line*b.inLine + j*b.inJ + k*b.inK
				to := unsafe.Add(b.out, line*b.outLine+j*b.outJ+k*b.outK)
				for lane := range uintptr(lanes) {
					for q := range inputs {
						at := unsafe.Add(b.in, from+uintptr(q)*b.inQ+lane*size)
						re, im := *(*T)(at), *(*T)(unsafe.Add(at, b.inIm))
						if twiddled && q > 0 {
							wr, wi := roots[2*q-2], roots[2*q-1]
							re, im = T(re*wr)-T(im*wi), T(re*wi)+T(im*wr)
						}
						x[q] = [2]T{re, im}
					}
					for q := inputs; q < radix; q++ {
						x[q] = [2]T{}
					}
					butterfly(&x, radix)
					for p := range radix {
						at := unsafe.Add(to, uintptr(p)*b.outP+lane*size)
						*(*T)(at), *(*T)(unsafe.Add(at, b.outIm)) = x[p][0], x[p][1]
					}
				}
			}
		}
	}
}

// butterfly transforms the first elements of x, as many as radix says, in place.
func butterfly[T Float](x *[8][2]T, radix int) {
	switch radix {
	case 2:
		x[0], x[1] = sum(x[0], x[1]), diff(x[0], x[1])
	case 3:
		x[0], x[1], x[2] = three(x[0], x[1], x[2])
	case 4:
		x[0], x[1], x[2], x[3] = four(x[0], x[1], x[2], x[3])
	case 5:
		s1, d1 := sum(x[1], x[4]), diff(x[1], x[4])
		s2, d2 := sum(x[2], x[3]), diff(x[2], x[3])
		m1 := [2]T{x[0][0] + T(s1[0]*T(cos51)) + T(s2[0]*T(cos52)), x[0][1] + T(s1[1]*T(cos51)) + T(s2[1]*T(cos52))}
		m2 := [2]T{x[0][0] + T(s1[0]*T(cos52)) + T(s2[0]*T(cos51)), x[0][1] + T(s1[1]*T(cos52)) + T(s2[1]*T(cos51))}
		e1 := [2]T{T(d1[1]*T(sin51)) + T(d2[1]*T(sin52)), -T(d1[0]*T(sin51)) - T(d2[0]*T(sin52))}
		e2 := [2]T{T(d1[1]*T(sin52)) - T(d2[1]*T(sin51)), -T(d1[0]*T(sin52)) + T(d2[0]*T(sin51))}
		x[0] = sum(x[0], sum(s1, s2))
		x[1], x[4] = sum(m1, e1), diff(m1, e1)
		x[2], x[3] = sum(m2, e2), diff(m2, e2)
	case 6:
		a0, a1, a2 := three(x[0], x[2], x[4])
		b0, b1, b2 := three(x[3], x[5], x[1])
		x[0], x[3] = sum(a0, b0), diff(a0, b0)
		x[4], x[1] = sum(a1, b1), diff(a1, b1)
		x[2], x[5] = sum(a2, b2), diff(a2, b2)
	case 8:
		a0, a1, a2, a3 := four(x[0], x[2], x[4], x[6])
		b0, b1, b2, b3 := four(x[1], x[3], x[5], x[7])
		x[0], x[4] = sum(a0, b0), diff(a0, b0)
		x[2], x[6] = sum(a2, turn(b2)), diff(a2, turn(b2))
		// b1·exp(−iπ/4) and b3·exp(−3iπ/4), but for the factor √½
		c, d := [2]T{b1[0] + b1[1], b1[1] - b1[0]}, [2]T{b3[1] - b3[0], -(b3[0] + b3[1])}
		for i := range 2 {
			c[i], d[i] = T(c[i]*T(math.Sqrt2/2)), T(d[i]*T(math.Sqrt2/2))
		}
		x[1], x[5] = sum(a1, c), diff(a1, c)
		x[3], x[7] = sum(a3, d), diff(a3, d)
	}
}

// Cosines and sines of 2π/5 and 4π/5, the sine of 2π/3.
const (
	sin3  = 0.86602540378443864676372317075293618347140262690519031402790348972596650845440
	cos51 = 0.30901699437494742410229341718281905886015458990288143106772431135263023140945
	cos52 = -0.80901699437494742410229341718281905886015458990288143106772431135263023140945
	sin51 = 0.95105651629515357211643933337938214340569863412575022244730564443015317008036
	sin52 = 0.58778525229247312916870595463907276859765243764314599107227248075727847416235
)

// three is the butterfly of radix 3.
func three[T Float](x0, x1, x2 [2]T) (y0, y1, y2 [2]T) {
	s, d := sum(x1, x2), diff(x1, x2)
	m := [2]T{x0[0] - T(s[0]/2), x0[1] - T(s[1]/2)}
	e := [2]T{T(d[1] * T(sin3)), -T(d[0] * T(sin3))} // −i·sin(2π/3)·d
	return sum(x0, s), sum(m, e), diff(m, e)
}

// four is the butterfly of radix 4.
func four[T Float](x0, x1, x2, x3 [2]T) (y0, y1, y2, y3 [2]T) {
	a, b, c, d := sum(x0, x2), diff(x0, x2), sum(x1, x3), turn(diff(x1, x3))
	return sum(a, c), sum(b, d), diff(a, c), diff(b, d)
}

// turn multiplies by −i.
func turn[T Float](x [2]T) [2]T { return [2]T{x[1], -x[0]} }

func sum[T Float](x, y [2]T) [2]T  { return [2]T{x[0] + y[0], x[1] + y[1]} }
func diff[T Float](x, y [2]T) [2]T { return [2]T{x[0] - y[0], x[1] - y[1]} }
