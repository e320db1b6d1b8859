package simd

import (
	"math"
	"unsafe"
)

// Windows are the windows of a pooling along one axis, all of them inside of the
// image: element r, s of window i is
//
//	x[r·Pitch + i·Stride + s]      r = 0 … Rows−1, s = 0 … Taps−1
//
// Numbers are at least 1, Pitch, Before and Width at least 0.
type Windows struct {
	N          int // windows
	Rows, Taps int
	Pitch      int
	Stride     int
	// Of each row, Before elements and those from Before+Width on are padding, for maxima:
	// −Inf, which never wins. The image, which indices are about, has rows of Width elements. 0 stands
	// for Pitch: no padding.
	Before, Width int
}

// need is the number of elements of x.
func (w Windows) need() int { return (w.Rows-1)*w.Pitch + (w.N-1)*w.Stride + w.Taps }

// check panics unless x elements hold the windows, and y is their number.
func (w Windows) check(x, y int) {
	if w.N < 1 || w.Rows < 1 || w.Taps < 1 || w.Stride < 1 || w.Pitch < 0 || w.Before < 0 || w.Width < 0 || w.N != y || x < w.need() {
		panic("simd: windows without elements, outside of the image or other than the results")
	}
}

// MaxPool computes the largest element of each window and its place: at, which is that
// of the first row of the image in x, plus its index in the image. Of equal
// elements the first wins, in the order of r, then s; a NaN wins over every
// number, the first one of several. In every window there must be an element of the image
// in the first row.
func MaxPool[T Float](y []T, argmax []int32, x []T, at int, w Windows) {
	w.check(len(x), len(y))
	same(len(y), len(argmax))
	if w.Width == 0 {
		w.Width = w.Pitch
	}
	if w.N >= fewWindows && w.run(maxPoolDense, single(y), argmax, single(x), at-w.Before, 0) {
		return
	}
	for i := range y {
		first, taps := i*w.Stride, w.Taps
		if before := w.Before - first; before > 0 {
			first, taps = w.Before, taps-before
		}
		if w.Before > 0 || w.Width < w.Pitch {
			taps = min(taps, w.Before+w.Width-first)
		}
		k := first + firstMax(x[first:], w.Rows, taps, w.Pitch)
		y[i] = x[k]
		if w.Before > 0 || w.Width != w.Pitch {
			k -= w.Before + k/w.Pitch*(w.Pitch-w.Width)
		}
		argmax[i] = int32(at + k)
	}
}

// firstMax returns where the first of the largest elements of a window lies. Which one wins is as good as random,
// so that a branch for each would be mispredicted half of the time: the value is found first, with the processor's own
// maximum, then the place, by a conditional move, from the last element to the first.
func firstMax[T Float](x []T, rows, taps, pitch int) (at int) {
	best := x[0]
	for r := range rows {
		for _, v := range x[r*pitch : r*pitch+taps] {
			best = max(best, v)
		}
	}
	if best != best {
		return firstNaN(x, rows, taps, pitch)
	}
	for r := rows - 1; r >= 0; r-- {
		row := x[r*pitch : r*pitch+taps]
		for s := len(row) - 1; s >= 0; s-- {
			k := r*pitch + s
			if row[s] == best {
				at = k
			}
		}
	}
	return at
}

func firstNaN[T Float](x []T, rows, taps, pitch int) int {
	for r := range rows {
		for s, v := range x[r*pitch : r*pitch+taps] {
			if v != v {
				return r*pitch + s
			}
		}
	}
	panic("simd: no NaN in a window whose maximum is one")
}

// MeanPool computes the sum of each window, divided by divisor. Rows are added up
// one by one, then the sums of the rows.
func MeanPool[T Float](y, x []T, divisor T, w Windows) {
	w.check(len(x), len(y))
	if w.N >= fewWindows && w.run(meanPoolDense, single(y), nil, single(x), 0, float32(divisor)) {
		return
	}
	for i := range y {
		var sum T
		for r := range w.Rows {
			var row T
			for _, v := range x[i*w.Stride+r*w.Pitch:][:w.Taps] {
				row += v
			}
			sum += row
		}
		y[i] = sum / divisor
	}
}

// SumPool computes the sum of each window, the elements added up one after another.
// The windows lie side by side: Stride is 1.
func SumPool[T Float](y, x []T, w Windows) {
	w.check(len(x), len(y))
	if w.Stride != 1 {
		panic("simd: sums of windows which are not side by side")
	}
	if w.N >= fewWindows && w.run(sumPoolDense, single(y), nil, single(x), 0, 0) {
		return
	}
	for i := range y {
		var sum T
		for r := range w.Rows {
			for _, v := range x[i+r*w.Pitch:][:w.Taps] {
				sum += v
			}
		}
		y[i] = sum
	}
}

// A poolKernel is the number of a loop in assembly: what becomes of the windows
// plus how they lie in memory.
type poolKernel int

const (
	maxPoolDense poolKernel = iota
	maxPoolPairs
	maxPoolStrided
	meanPoolDense
	meanPoolPairs
	meanPoolStrided
	sumPoolDense
)

// poolArgs is what a kernel of pooling is given.
type poolArgs struct {
	x, y, argmax  unsafe.Pointer
	n, rows, taps int
	pitch         int // bytes from row to row
	stride        int
	at, start     int32 // the places of x, and of the first element that is no padding
	jump          int32 // from behind the taps of a row to those of the next, of places
	divisor       float32
}

// fewWindows is the number of windows below which the loop in Go is faster.
const fewWindows = 3

// run performs the kernel of which k is the one for stride 1, and reports whether there
// is such a kernel. The place of x is at.
func (w Windows) run(k poolKernel, y []float32, argmax []int32, x []float32, at int, divisor float32) bool {
	if x == nil || max(w.Stride, w.Pitch) > math.MaxInt32/64 {
		return false
	}
	if w.Stride == 2 {
		k++
	} else if w.Stride > 2 {
		k += 2
	}
	p := poolArgs{rows: w.Rows, taps: w.Taps, pitch: 4 * w.Pitch, stride: w.Stride, start: int32(at + w.Before), jump: int32(w.Width - w.Taps), divisor: divisor}
	// The garbage collector waits for a kernel to return: none may take long.
	for most := max(1, 4*block/(w.Rows*w.Taps)); len(y) > 0; {
		n := min(len(y), most)
		p.x, p.y, p.n, p.at = unsafe.Pointer(&x[0]), unsafe.Pointer(&y[0]), n, int32(at)
		if argmax != nil {
			p.argmax = unsafe.Pointer(&argmax[0])
			argmax = argmax[n:]
		}
		if !runPool(k, &p) {
			return false
		}
		if y = y[n:]; len(y) > 0 {
			x, at = x[n*w.Stride:], at+n*w.Stride
		}
	}
	return true
}
