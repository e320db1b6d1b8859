package simd

import (
	"math"
	"unsafe"
)

// Windows are the windows of a pooling, in lines of N: element r, s of window i of line l is
//
//	x[(l·Step + r)·Pitch + i·Stride + s]      r = 0 … Rows−1, s = 0 … Taps−1
//
// and its result y[l·N + i].
type Windows struct {
	Lines, Step int // Step rows from one line to the next; without Lines there is one
	N           int // windows of a line
	Rows, Taps  int
	Pitch       int // elements from one row to the next
	Stride      int // elements from one window to the next
	// Of each row, Before elements and those from Before+Width on are padding, for maxima:
	// −Inf, which never wins. The image, which indices are about, has rows of Width elements. 0 stands
	// for Pitch: no padding.
	Before, Width int
}

// normal fills in what 0 stands for. It panics unless x elements hold the windows, and y is
// their number.
func (w *Windows) normal(x, y int) {
	w.Lines = max(w.Lines, 1)
	if w.Width == 0 {
		w.Width = w.Pitch
	}
	if min(w.Step, w.Before, w.Width) < 0 || min(w.N, w.Rows, w.Taps, w.Pitch, w.Stride) < 1 {
		panic("simd: windows without elements")
	}
	if w.Lines*w.N != y || ((w.Lines-1)*w.Step+w.Rows-1)*w.Pitch+(w.N-1)*w.Stride+w.Taps > x {
		panic("simd: windows outside of the image, or other than the results")
	}
}

// MaxPool computes the largest element of each window and its place: at, which is that
// of the first row of the image in x, plus its index in the image. Of equal
// elements the first wins, in the order of r, then s; a NaN wins over every
// number, the first one of several. In every window there must be an element of the image
// in the first row.
func MaxPool[T Float](y []T, argmax []int32, x []T, at int, w Windows) {
	w.normal(len(x), len(y))
	same(len(y), len(argmax))
	if w.N >= fewWindows && w.run(maxPoolDense, single(y), argmax, single(x), at, 0) {
		return
	}
	for i := range y {
		row, first, taps := i/w.N*w.Step, i%w.N*w.Stride, w.Taps
		if before := w.Before - first; before > 0 {
			first, taps = w.Before, taps-before
		}
		if w.Before > 0 || w.Width < w.Pitch {
			taps = min(taps, w.Before+w.Width-first)
		}
		k := row*w.Pitch + first
		k += firstMax(x[k:], w.Rows, taps, w.Pitch)
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
	w.normal(len(x), len(y))
	if w.N >= fewWindows && w.run(meanPoolDense, single(y), nil, single(x), 0, float32(divisor)) {
		return
	}
	for i := range y {
		var sum T
		window := x[i/w.N*w.Step*w.Pitch+i%w.N*w.Stride:]
		for r := range w.Rows {
			var row T
			for _, v := range window[r*w.Pitch : r*w.Pitch+w.Taps] {
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
	w.normal(len(x), len(y))
	if w.Stride != 1 {
		panic("simd: sums of windows which are not side by side")
	}
	if w.N >= fewWindows && w.run(sumPoolDense, single(y), nil, single(x), 0, 0) {
		return
	}
	for i := range y {
		var sum T
		window := x[i/w.N*w.Step*w.Pitch+i%w.N:]
		for r := range w.Rows {
			for _, v := range window[r*w.Pitch : r*w.Pitch+w.Taps] {
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

// poolArgs is what a kernel of pooling is given. It moves x, at and start from line to line.
type poolArgs struct {
	x, y, argmax  unsafe.Pointer
	lines, n      int
	rows, taps    int
	pitch, line   int // bytes from row to row, and from line to line
	stride        int
	at, start     int32 // the places of x, and of the first element that is no padding
	jump, further int32 // of places: from behind the taps of a row to those of the next; from line to line
	divisor       float32
}

// fewWindows is the number of windows below which the loop in Go is faster.
const fewWindows = 3

// run performs the kernel of which k is the one for stride 1, and reports whether there
// is such a kernel. The place of the first row of the image is at.
func (w *Windows) run(k poolKernel, y []float32, argmax []int32, x []float32, at int, divisor float32) bool {
	if x == nil || max(w.Stride, w.Pitch) > math.MaxInt32/64 {
		return false
	}
	if w.Stride == 2 {
		k++
	} else if w.Stride > 2 {
		k += 2
	}
	p := poolArgs{
		rows: w.Rows, taps: w.Taps, pitch: 4 * w.Pitch, line: 4 * w.Step * w.Pitch, stride: w.Stride,
		jump: int32(w.Width - w.Taps), further: int32(w.Step * w.Width), divisor: divisor,
	}
	// The garbage collector waits for a kernel to return: none may take long.
	most := max(1, 4*block/(w.Rows*w.Taps))
	lines := max(1, most/w.N)
	for l := 0; l < w.Lines; l += lines {
		for i := 0; i < w.N; i += p.n {
			p.n = min(most, w.N-i)
			p.x, p.y = unsafe.Pointer(&x[l*w.Step*w.Pitch+i*w.Stride]), unsafe.Pointer(&y[l*w.N+i])
			if argmax != nil {
				p.argmax = unsafe.Pointer(&argmax[l*w.N+i])
			}
			p.start = int32(at + l*w.Step*w.Width)
			p.at = p.start + int32(i*w.Stride-w.Before)
			p.lines = min(lines, w.Lines-l)
			if !runPool(k, &p) {
				return false
			}
		}
	}
	return true
}
