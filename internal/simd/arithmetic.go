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
	numbers := [4]T{center, scale, shift}
	AffineRows(y, x, numbers[:])
}

// AffineRows is Affine of rows of one length. Of the four numbers for each of
// them, the first three are center, scale and shift.
func AffineRows[T Float](y, x, numbers []T) {
	size := rowSize(len(y), len(numbers))
	same(len(y), len(x))
	if s := single(y); size >= short && s != nil && runRows(affineKernel, s, single(x), nil, single(numbers)) {
		return
	}
	for from, row := 0, 0; from < len(y); from, row = from+size, row+4 {
		center, scale, shift := numbers[row], numbers[row+1], numbers[row+2]
		for i := from; i < from+size; i++ {
			y[i] = T((x[i]-center)*scale) + shift
		}
	}
}

// NormGradRows computes rows of dx = scale·(dy − mean − (x − center)·slope), each
// operation rounded: the last step of the gradient of a normalisation. The four
// numbers of a row are center, scale, mean and slope.
func NormGradRows[T Float](dx, x, dy, numbers []T) {
	size := rowSize(len(dx), len(numbers))
	same(len(dx), len(x), len(dy))
	if s := single(dx); size >= short && s != nil && runRows(normGradKernel, s, single(x), single(dy), single(numbers)) {
		return
	}
	for from, row := 0, 0; from < len(dx); from, row = from+size, row+4 {
		center, scale, mean, slope := numbers[row], numbers[row+1], numbers[row+2], numbers[row+3]
		for i := from; i < from+size; i++ {
			dx[i] = scale * (dy[i] - mean - T((x[i]-center)*slope))
		}
	}
}

// rowSize returns the length of the rows of n elements for which there are so many numbers.
func rowSize(n, numbers int) int {
	rows := numbers / 4
	if numbers%4 != 0 || rows == 0 && n > 0 || rows > 0 && n%rows != 0 {
		panic("simd: the elements are no rows of one length, with four numbers each")
	}
	return n / max(1, rows)
}

// runRows runs a kernel of rows, on some rows or on a part of one at a time.
func runRows(k kernel, y, a, b, numbers []float32) bool {
	size := rowSize(len(y), len(numbers))
	for from := 0; from < len(y); {
		left := size - from%size
		n := min(left, block)
		p := args{dst: at(y), a: at(a), b: at(b), c: at(numbers[from/size*4:]), at: from, size: n}
		if left == size && n == size {
			n = min(max(1, block/size)*size, len(y)-from)
		}
		p.end = from + n
		if !run(k, &p) {
			return false
		}
		from += n
	}
	return true
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
