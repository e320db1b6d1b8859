package simd

import "math"

// Add computes y = a + b. Each of a and b has the length of y, or is one element
// which stands for all. Integers wrap around.
func Add[T Number](y, a, b []T) {
	if broadcast(addKernel, addVSKernel, addVSKernel, true, single(y), single(a), single(b)) {
		return
	}
	switch sameOrOne(len(y), len(a), len(b)) {
	case oneA:
		v := a[0]
		for i, w := range b {
			y[i] = v + w
		}
	case oneB:
		w := b[0]
		for i, v := range a {
			y[i] = v + w
		}
	default:
		for i, v := range a {
			y[i] = v + b[i]
		}
	}
}

// Sub computes y = a − b, for operands as those of Add.
func Sub[T Number](y, a, b []T) {
	if broadcast(subKernel, subSVKernel, subVSKernel, false, single(y), single(a), single(b)) {
		return
	}
	switch sameOrOne(len(y), len(a), len(b)) {
	case oneA:
		v := a[0]
		for i, w := range b {
			y[i] = v - w
		}
	case oneB:
		w := b[0]
		for i, v := range a {
			y[i] = v - w
		}
	default:
		for i, v := range a {
			y[i] = v - b[i]
		}
	}
}

// Mul computes y = a·b, element by element, for operands as those of Add.
func Mul[T Number](y, a, b []T) {
	if broadcast(mulKernel, mulVSKernel, mulVSKernel, true, single(y), single(a), single(b)) {
		return
	}
	switch sameOrOne(len(y), len(a), len(b)) {
	case oneA:
		v := a[0]
		for i, w := range b {
			y[i] = v * w
		}
	case oneB:
		w := b[0]
		for i, v := range a {
			y[i] = v * w
		}
	default:
		for i, v := range a {
			y[i] = v * b[i]
		}
	}
}

// Div computes y = a/b, for operands as those of Add.
func Div[T Float](y, a, b []T) {
	if broadcast(divKernel, divSVKernel, divVSKernel, false, single(y), single(a), single(b)) {
		return
	}
	switch sameOrOne(len(y), len(a), len(b)) {
	case oneA:
		v := a[0]
		for i, w := range b {
			y[i] = v / w
		}
	case oneB:
		w := b[0]
		for i, v := range a {
			y[i] = v / w
		}
	default:
		for i, v := range a {
			y[i] = v / b[i]
		}
	}
}

// Which of two operands is one element that stands for many.
const (
	neither = iota
	oneA
	oneB
)

// sameOrOne says which of two operands of lengths a and b stands for n elements.
func sameOrOne(n, a, b int) int {
	switch {
	case a == n && b == n:
		return neither
	case a == 1 && b == n:
		return oneA
	case a == n && b == 1:
		return oneB
	}
	panic("simd: an operand has neither the length of the result nor one element")
}

// short is the length below which the loop in Go is no slower than the call of a
// kernel, for arithmetic.
const short = 8

// broadcast runs the kernel for the lengths of a and b: vv for two vectors, sv where
// a is one element, vs where b is. Where the operands commute, vs serves for both.
func broadcast(vv, sv, vs kernel, commute bool, y, a, b []float32) bool {
	if len(y) < short {
		return false
	}
	p := args{dst: at(y), a: at(a), b: at(b), end: len(y)}
	switch sameOrOne(len(y), len(a), len(b)) {
	case oneA:
		if commute {
			p.a, p.b = p.b, p.a
		}
		return run(sv, &p)
	case oneB:
		return run(vs, &p)
	}
	return run(vv, &p)
}

// Max computes y = max(a, b), element by element: NaN if either is NaN, and 0
// for a 0 and a −0.
func Max[T Float](y, a, b []T) {
	if pair(maxKernel, y, a, b) {
		return
	}
	for i, v := range a {
		y[i] = max(v, b[i])
	}
}

// Min computes y = min(a, b), element by element: NaN if either is NaN, and −0
// for a 0 and a −0.
func Min[T Float](y, a, b []T) {
	if pair(minKernel, y, a, b) {
		return
	}
	for i, v := range a {
		y[i] = min(v, b[i])
	}
}

// Neg computes y = −x; the signs of zeros and NaN change too.
func Neg[T Number](y, x []T) {
	if each(negKernel, y, x) {
		return
	}
	for i, v := range x {
		y[i] = -v
	}
}

// Abs computes y = |x|; NaN loses its sign too.
func Abs[T Float](y, x []T) {
	if each(absKernel, y, x) {
		return
	}
	for i, v := range x {
		y[i] = T(math.Abs(float64(v)))
	}
}

// Sqrt computes y = √x: NaN for a negative number, −0 for −0.
func Sqrt[T Float](y, x []T) {
	if each(sqrtKernel, y, x) {
		return
	}
	for i, v := range x {
		y[i] = T(math.Sqrt(float64(v)))
	}
}

// Axpy computes y = y + a·x, product and sum rounded each.
func Axpy[T Float](a T, x, y []T) {
	same(len(y), len(x))
	if s := single(y); s != nil {
		p := args{dst: at(s), a: at(single(x)), end: len(y), f: [8]float32{float32(a)}}
		if run(axpyKernel, &p) {
			return
		}
	}
	for i, v := range x {
		y[i] += T(a * v)
	}
}

// Affine computes y = (x − center)·scale + shift, each operation rounded.
func Affine[T Float](y, x []T, center, scale, shift T) {
	same(len(y), len(x))
	if s := single(y); len(s) >= short {
		p := args{dst: at(s), a: at(single(x)), end: len(y), f: [8]float32{float32(center), float32(scale), float32(shift)}}
		if run(affineKernel, &p) {
			return
		}
	}
	for i, v := range x {
		y[i] = T((v-center)*scale) + shift
	}
}

// ReLU computes y = max(x, 0): 0 for −0, and NaN stays NaN.
func ReLU[T Float](y, x []T) {
	if each(reluKernel, y, x) {
		return
	}
	for i, v := range x {
		y[i] = max(v, 0)
	}
}

// ReLUGrad computes dx = dy where y > 0, else 0; where y is NaN, so is dx.
func ReLUGrad[T Float](dx, y, dy []T) {
	if pair(reluGradKernel, dx, y, dy) {
		return
	}
	for i, v := range y {
		switch {
		case v > 0:
			dx[i] = dy[i]
		case v != v:
			dx[i] = v
		default:
			dx[i] = 0
		}
	}
}

// each runs the kernel of one operand where the elements are float32.
func each[T Number](k kernel, y, x []T) bool {
	same(len(y), len(x))
	s := single(y)
	if s == nil {
		return false
	}
	p := args{dst: at(s), a: at(single(x)), end: len(y)}
	return run(k, &p)
}

// pair runs the kernel of two operands where the elements are float32.
func pair[T Number](k kernel, y, a, b []T) bool {
	same(len(y), len(a), len(b))
	s := single(y)
	if s == nil {
		return false
	}
	p := args{dst: at(s), a: at(single(a)), b: at(single(b)), end: len(y)}
	return run(k, &p)
}
