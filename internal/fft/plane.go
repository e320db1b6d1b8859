package fft

import "unsafe"

// A Plane is the real transform of H×W vectors.
type Plane[T Float] struct {
	H, W  int
	lanes int
	rows  Line[T]
	cols  Line[T]
}

// NewPlane returns the transform of planes of H×W, which have no prime factor above 5.
func NewPlane[T Float](h, w, lanes int) *Plane[T] {
	return &Plane[T]{H: h, W: w, lanes: lanes, rows: NewLine[T](w, lanes), cols: NewLine[T](h, lanes)}
}

// Smooth returns the smallest number from n on without a prime factor above 5.
func Smooth(n int) int {
	for ; ; n++ {
		m := n
		for _, p := range []int{2, 3, 5} {
			for m%p == 0 {
				m /= p
			}
		}
		if m == 1 {
			return n
		}
	}
}

// lengths are the sizes up to 64 that two passes transform, or one.
var lengths = [...]int{1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 15, 16, 18, 20, 24, 25, 30, 32, 36, 40, 48, 64}

// Length returns the smallest length from n on that is transformed fast: by two passes up to 64, then any without a prime factor above 5.
func Length(n int) int {
	for _, l := range lengths {
		if l >= n {
			return l
		}
	}
	return Smooth(n)
}

// Width is the frequencies of a row of the half spectrum.
func (p *Plane[T]) Width() int { return p.W/2 + 1 }

// Frequencies is the number of frequencies: (u, v) has the number u·H + v.
func (p *Plane[T]) Frequencies() int { return p.Width() * p.H }

// Half is the elements of a half spectrum: rows of W/2+1 complex vectors, one row more than the plane has.
func (p *Plane[T]) Half() int { return (p.H + 1) * p.halfRow() }

func (p *Plane[T]) halfRow() int { return p.Width() * 2 * p.lanes }

// half is the place of the columns of a half spectrum.
func (p *Plane[T]) half(column int) Place {
	return Place{column * 2 * p.lanes, column*2*p.lanes + p.lanes, p.halfRow(), 2 * p.lanes}
}

// What stays in the first cache: of rows two buffers, of columns one.
const (
	rowVectors = 96
	colVectors = 192
)

// Work is the elements of scratch memory that the methods take.
func (p *Plane[T]) Work() int {
	pairs := p.rows.chunk(rowVectors)
	return max(pairs*p.W*2*p.lanes+p.rows.work(pairs), p.cols.work(p.cols.chunk(colVectors)))
}

// Real says where a plane lies: vector (y, x) is the elements from At + y·Row + x·Col on.
type Real struct{ At, Row, Col int }

// Rows transforms n rows of a plane, of which all but the first cols elements are zero, and multiplies them by scale. They become rows y … y+n-1 of half; one more
// row may be overwritten with anything.
func (p *Plane[T]) Rows(half []T, y, n int, in []T, from Real, cols int, scale T, work []T) {
	chunk := p.rows.chunk(rowVectors)
	size := chunk * p.W * 2 * p.lanes
	z, work := work[:size], work[size:]
	at := Place{0, p.lanes, 2 * p.lanes, p.W * 2 * p.lanes}
	transform := func(row, pairs, im int) {
		p.rows.run(z, at, in, Place{from.At + row*from.Row, from.At + (row+im)*from.Row, from.Col, 2 * from.Row}, pairs, cols, false, work)
		p.split(half[(y+row)*p.halfRow():], z, pairs, scale)
	}
	for row := 0; row+1 < n; {
		pairs := min(chunk, (n-row)/2)
		transform(row, pairs, 1)
		row += 2 * pairs
	}
	if n%2 == 1 {
		transform(n-1, 1, 0)
	}
}

// Columns transforms the columns of half, whose rows from n on are zero, to their place in out, at which lines are columns. stream says that
// out is too large for the caches: the results then go past them, which saves loading what they overwrite.
func (p *Plane[T]) Columns(out []T, to Place, half []T, n int, stream bool, work []T) {
	for u := 0; u < p.Width(); u += p.cols.chunk(colVectors) {
		cols := min(p.cols.chunk(colVectors), p.Width()-u)
		at := Place{to.Re + u*to.Line, to.Im + u*to.Line, to.Step, to.Line}
		p.cols.run(out, at, half, p.half(u), cols, n, stream, work)
	}
	if stream {
		fence()
	}
}

// ColumnsBack transforms columns of frequencies back to half.
func (p *Plane[T]) ColumnsBack(half []T, in []T, from Place, work []T) {
	for u := 0; u < p.Width(); u += p.cols.chunk(colVectors) {
		cols := min(p.cols.chunk(colVectors), p.Width()-u)
		at := Place{from.Re + u*from.Line, from.Im + u*from.Line, from.Step, from.Line}
		p.cols.run(half, p.half(u).swap(), in, at.swap(), cols, p.H, false, work)
	}
}

// RowsBack transforms rows y … y+n-1 of half back, to rows of W vectors, of which there must be room for an even number.
func (p *Plane[T]) RowsBack(out []T, half []T, y, n int, work []T) {
	chunk := p.rows.chunk(rowVectors)
	size := chunk * p.W * 2 * p.lanes
	z, work := work[:size], work[size:]
	row, width := p.halfRow(), p.W*p.lanes
	from := Place{p.lanes, 0, 2 * p.lanes, 2 * width}
	transform := func(r, pairs, second int) {
		p.combine(z, half[(y+r)*row:], half[(y+r+second)*row:], pairs)
		p.rows.run(out, Place{(r + 1) * width, r * width, p.lanes, 2 * width}, z, from, pairs, p.W, false, work)
	}
	for r := 0; r+1 < n; {
		pairs := min(chunk, (n-r)/2)
		transform(r, pairs, 1)
		r += 2 * pairs
	}
	if n%2 == 1 {
		transform(n-1, 1, 0)
	}
}

// A pairing describes one call of split or combine, on pairs of rows. z is rows of complex vectors, a and b the rows of
// half spectra.
type pairing struct {
	z, a, b         unsafe.Pointer
	zLine, halfLine uintptr // bytes from one pair to the next
	last            uintptr // bytes from a row of z to its last vector
	width, pairs    int     // vectors of a half spectrum
	scale           float32 // of split
}

// split tells the spectra of two real rows apart, which were transformed as z = a + i·b.
//
//	a[u] = (z[u] + conj z[−u])·scale/2      b[u] = (z[u] − conj z[−u])·scale/2i
func (p *Plane[T]) split(half, z []T, pairs int, scale T) {
	v := 2 * p.lanes
	half, z = half[:2*pairs*p.halfRow()], z[:pairs*p.W*v]
	scale /= 2
	if splitFast(half, z, p.W, pairs, scale, p.lanes) {
		return
	}
	for pair := range pairs {
		a, b := half[2*pair*p.halfRow():][:p.halfRow()], half[(2*pair+1)*p.halfRow():][:p.halfRow()]
		z := z[pair*p.W*v:][:p.W*v]
		for u := range p.Width() {
			x, y := z[u*v:][:v], z[(p.W-u)%p.W*v:][:v]
			a, b := a[u*v:][:v], b[u*v:][:v]
			for l := range p.lanes {
				i := l + p.lanes
				a[l], a[i] = T((x[l]+y[l])*scale), T((x[i]-y[i])*scale)
				b[l], b[i] = T((x[i]+y[i])*scale), T((y[l]-x[l])*scale)
			}
		}
	}
}

// combine makes z = a + i·b of pairs of rows, a and b beginning with the first pair.
func (p *Plane[T]) combine(z, a, b []T, pairs int) {
	v, row := 2*p.lanes, p.halfRow()
	z, a, b = z[:pairs*p.W*v], a[:(2*pairs-1)*row], b[:(2*pairs-1)*row]
	if combineFast(z, a, b, p.W, pairs, p.lanes) {
		return
	}
	for pair := range pairs {
		z, a, b := z[pair*p.W*v:], a[2*pair*row:], b[2*pair*row:]
		for u := range p.Width() {
			a, b := a[u*v:][:v], b[u*v:][:v]
			x, y := z[u*v:][:v], z[(p.W-u)%p.W*v:][:v]
			for l := range p.lanes {
				i := l + p.lanes
				ar, ai, br, bi := a[l], a[i], b[l], b[i]
				y[l], y[i] = ar+bi, br-ai
				x[l], x[i] = ar-bi, ai+br
			}
		}
	}
}
