package micro

import "unsafe"

// Float is an element type that kernels compute with.
type Float interface{ float32 | float64 }

// Form is how A lies in memory.
type Form int

// The forms; see the package's doc.
const (
	Rows Form = iota
	Columns
	Slide
)

// SlideRows is the largest number of rows of a tile of the form Slide, in every Set.
const SlideRows = 6

// A Run is a stretch of terms: where they begin, in bytes from Tile.A and Tile.B,
// and how many there are.
type Run struct {
	A, B uintptr
	K    int // at least 1
}

// Round is the number of terms for which a kernel fetches a row of Tile.Next.
const Round = 4

// A Tile describes one call of a kernel. Strides are in bytes.
type Tile struct {
	A, B, C    unsafe.Pointer
	SA, SB, SC uintptr
	Runs       *Run // N of them, one after the other
	N          int  // at least 1
	Mask       [2]uint64
	Add        uint64 // 1 adds the sum to C, 0 writes it

	// Next is what will be needed soon, as rows that are SNext apart. Kernels of the form Columns fetch one row, as wide as a tile, into the
	// second cache for each whole Round of terms; not where they mask B's last vector, nor in portable Go. Any address will do.
	Next  unsafe.Pointer
	SNext uintptr

	// NextC is the tile of C which comes next, or nil. Kernels that fetch Next fetch its rows before, SC apart and as many as this
	// tile has; then they do not fetch C, which the call before this one should have done.
	NextC unsafe.Pointer
}

// Masks returns Tile.Mask for a number of columns, with lanes in a vector.
func Masks(cols, lanes int) [2]uint64 {
	first := min(cols, lanes)
	return [2]uint64{1<<first - 1, 1<<(cols-first) - 1}
}

// A Set is the kernels of one level for one element type.
type Set struct{ *kernels }

// kernels are the data of a Set: its largest tile, and the functions by form,
// vectors and rows, less one each.
type kernels struct {
	rows, lanes int
	masked      bool
	run         [3][2][]func(*Tile)
}

// Rows is the largest number of rows of a tile of the forms Rows and Columns.
func (s Set) Rows() int { return s.rows }

// Lanes is the number of elements of a vector.
func (s Set) Lanes() int { return s.lanes }

// Width is the largest number of columns of a tile: two vectors.
func (s Set) Width() int { return 2 * s.lanes }

// Masked reports whether columns of B beyond the mask are not read.
func (s Set) Masked() bool { return s.masked }

// Kernel returns the function for tiles of that many rows and vectors, the
// latter 1 or 2.
func (s Set) Kernel(form Form, rows, vecs int) func(*Tile) { return s.run[form][vecs-1][rows-1] }

// MaxRows bounds Rows of every Set, MaxWidth the Width.
const (
	MaxRows  = 14
	MaxWidth = 32
)

func bytesOf[T Float](n int) uintptr {
	var z T
	return uintptr(n) * unsafe.Sizeof(z)
}

// tiles are kept for the next Take, one for each worker that ever computed at the
// same time as others: a call through a function value lets its argument escape, so that
// a Tile on the stack would be an allocation.
var tiles = make(chan *Tile, 256)

// Take returns a Tile for this worker, with anything in it.
func Take() *Tile {
	select {
	case t := <-tiles:
		return t
	default:
		return new(Tile)
	}
}

// Put gives t back.
func Put(t *Tile) {
	*t = Tile{} // it must not keep anyone's memory alive
	select {
	case tiles <- t:
	default:
	}
}
