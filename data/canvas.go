package data

import "math"

// A canvas is an image under change. Geometry and colours are collected and carried out when the pixels are needed.
type canvas struct {
	c    int
	pix  []byte // the pixels so far, in planes; not ours to write unless owned
	h, w int    // of pix

	// Geometry to come: chain maps points of an image of nh rows and nw columns to points of pix.
	chain  []link
	nh, nw int

	tint   tint // colours to come, after the geometry
	border Border

	rand    source
	colours *colours // of the set; nil where no step asks for them
	owned   bool
	buffers [2][]byte // one of them is pix, where it is owned
	sums    []uint32
	fills   []uint32 // the levels beyond the edge, by channel
	lenses  []lens   // which chain points to
	bends   field    // likewise
	fieldX  []float64
	fieldY  []float64
	blurred []float64
	kernel  []float64
}

// A link maps a point first by bend, where there is one, then by the matrix.
type link struct {
	matrix
	bend bend
}

// A bend is a map of points that is no matrix.
type bend interface {
	at(x, y float64) (float64, float64)
}

// A matrix maps (x, y) to (a·x + b·y + c, d·x + e·y + f). Pixel (row i, column j) is the square with the centre
// (j + ½, i + ½).
type matrix struct{ a, b, c, d, e, f float64 }

func (m matrix) at(x, y float64) (float64, float64) {
	return mul(m.a, x) + mul(m.b, y) + m.c, mul(m.d, x) + mul(m.e, y) + m.f
}

// times returns the matrix that maps by n first.
func (m matrix) times(n matrix) matrix {
	return matrix{
		mul(m.a, n.a) + mul(m.b, n.d), mul(m.a, n.b) + mul(m.b, n.e), mul(m.a, n.c) + mul(m.b, n.f) + m.c,
		mul(m.d, n.a) + mul(m.e, n.d), mul(m.d, n.b) + mul(m.e, n.e), mul(m.d, n.c) + mul(m.e, n.f) + m.f,
	}
}

func (k *canvas) begin(image []byte, c, h, w int) {
	k.c, k.pix, k.h, k.w, k.owned = c, image, h, w, false
	k.chain, k.lenses, k.nh, k.nw = k.chain[:0], k.lenses[:0], h, w
	k.tint, k.border = identityTint, BorderBlack
}

// move adds a matrix from points of an image of h rows and w columns to those of the image so far.
func (k *canvas) move(m matrix, h, w int) {
	k.flushTint()
	if n := len(k.chain); n > 0 && k.chain[n-1].bend == nil {
		k.chain[n-1].matrix = k.chain[n-1].times(m)
	} else {
		k.chain = append(k.chain, link{matrix: m})
	}
	k.nh, k.nw = h, w
}

// turn adds a linear map about the centre of the image.
func (k *canvas) turn(a, b, d, e float64) {
	x, y := float64(k.nw)/2, float64(k.nh)/2
	k.move(matrix{a, b, x - mul(a, x) - mul(b, y), d, e, y - mul(d, x) - mul(e, y)}, k.nh, k.nw)
}

// warp adds a map that is no matrix.
func (k *canvas) warp(b bend) {
	k.flushTint()
	if n := len(k.chain); n > 0 && k.chain[n-1].bend == nil {
		k.chain[n-1].bend = b
	} else {
		k.chain = append(k.chain, link{matrix{a: 1, e: 1}, b})
	}
}

// flush carries out what is to come.
func (k *canvas) flush() {
	k.flushGeometry()
	k.flushTint()
}

// other returns memory for n bytes that is not pix.
func (k *canvas) other(n int) []byte {
	b := &k.buffers[0]
	if k.owned && len(*b) > 0 && len(k.pix) > 0 && &(*b)[0] == &k.pix[0] {
		b = &k.buffers[1]
	}
	if cap(*b) < n {
		*b = make([]byte, n)
	}
	*b = (*b)[:n]
	return *b
}

// own makes pix ours to write.
func (k *canvas) own() {
	if k.owned {
		return
	}
	dst := k.other(len(k.pix))
	copy(dst, k.pix)
	k.pix, k.owned = dst, true
}

func (k *canvas) flushGeometry() {
	if len(k.chain) == 0 {
		return
	}
	dst := k.other(k.c * k.nh * k.nw)
	r := k.sampler(dst)
	if len(k.chain) == 1 && k.chain[0].bend == nil {
		r.straight(k.chain[0].matrix)
	} else {
		r.bent(k.chain)
	}
	k.pix, k.h, k.w, k.owned = dst, k.nh, k.nw, true
	k.chain = k.chain[:0]
}

// The matrix is rounded to multiples of 2⁻²⁰, so that pictures do not depend on the last bit of a sine, which is not the same
// on every processor; from there on everything is exact. Weights of pixels are multiples of 2⁻¹¹.
const (
	matrixBits = 20
	weightBits = 11
	one        = 1 << weightBits
)

// A sampler resamples an image by bilinear interpolation. Where the image shrinks by a factor f, each
// pixel is the mean of ⌈f⌉² points, up to 8², lest fine patterns turn into coarse ones.
type sampler struct {
	src, dst []byte
	c        int
	h, w     int // of src
	nh, nw   int // of dst
	border   Border
	fills    []uint32 // by channel
	sums     []uint32
}

func (k *canvas) sampler(dst []byte) sampler {
	if len(k.sums) < k.c {
		k.sums, k.fills = make([]uint32, k.c), make([]uint32, k.c)
	}
	for ch := range k.c {
		k.fills[ch] = 0
		if k.border == BorderMean {
			k.fills[ch] = uint32(k.colours.level(ch))
		}
	}
	return sampler{k.pix, dst, k.c, k.h, k.w, k.nh, k.nw, k.border, k.fills[:k.c], k.sums[:k.c]}
}

func rounded(v float64) int64 { return int64(math.Round(v * (1 << matrixBits))) }

// finer returns the points a side that a pixel is the mean of.
func finer(m matrix) int {
	f := max(math.Hypot(m.a, m.d), math.Hypot(m.b, m.e))
	return int(min(max(math.Ceil(f-1e-3), 1), 8))
}

// straight resamples by one matrix.
func (r sampler) straight(m matrix) {
	a, b, c := rounded(m.a), rounded(m.b), rounded(m.c)
	d, e, f := rounded(m.d), rounded(m.e), rounded(m.f)
	const unit = 1 << matrixBits
	if b == 0 && d == 0 && e == unit && (a == unit || a == -unit) && c%unit == 0 && f%unit == 0 {
		r.shift(int(a/unit), int(c/unit), int(f/unit))
		return
	}
	n := int64(finer(m))
	for i := range int64(r.nh) {
		for j := range int64(r.nw) {
			for v := range n {
				y := 2*(n*i+v) + 1
				for u := range n {
					x := 2*(n*j+u) + 1
					// Twice n times the point, less half a pixel, in 2⁻²⁰; then in 2⁻¹¹.
					px := (a*x+b*y+2*n*c)/n - unit
					py := (d*x+e*y+2*n*f)/n - unit
					const down = matrixBits + 1 - weightBits
					r.add(int((px+1<<(down-1))>>down), int((py+1<<(down-1))>>down))
				}
			}
			r.store(int(i)*r.nw+int(j), uint32(n*n))
		}
	}
}

// shift moves by whole pixels, and mirrors where sign is -1: x becomes sign·x + dx.
func (r sampler) shift(sign, dx, dy int) {
	first := dx // the source column of column 0
	if sign < 0 {
		first = dx - 1
	}
	plane := r.h * r.w
	for ch := range r.c {
		level := byte(r.fills[ch])
		for i := range r.nh {
			dst := r.dst[(ch*r.nh+i)*r.nw:][:r.nw]
			y := r.border.resolve(i+dy, r.h)
			if y < 0 {
				for j := range dst {
					dst[j] = level
				}
				continue
			}
			row := r.src[ch*plane+y*r.w:][:r.w]
			if sign > 0 && first >= 0 && first+r.nw <= r.w {
				copy(dst, row[first:])
				continue
			}
			for j := range dst {
				x := first + sign*j
				if uint(x) >= uint(r.w) {
					if x = r.border.resolve(x, r.w); x < 0 {
						dst[j] = level
						continue
					}
				}
				dst[j] = row[x]
			}
		}
	}
}

// bent resamples by a chain of maps.
func (r sampler) bent(chain []link) {
	whole := matrix{a: 1, e: 1}
	for _, l := range chain {
		whole = whole.times(l.matrix)
	}
	n := finer(whole)
	for i := range r.nh {
		for j := range r.nw {
			for v := range n {
				for u := range n {
					x, y := float64(j)+(float64(u)+0.5)/float64(n), float64(i)+(float64(v)+0.5)/float64(n)
					for s := len(chain) - 1; s >= 0; s-- {
						if b := chain[s].bend; b != nil {
							x, y = b.at(x, y)
						}
						x, y = chain[s].at(x, y)
					}
					r.add(onGrid(x-0.5), onGrid(y-0.5))
				}
			}
			r.store(i*r.nw+j, uint32(n*n))
		}
	}
}

// onGrid returns v in 2⁻¹¹, far outside of every image where v is.
func onGrid(v float64) int { return int(math.Round(min(max(v, -1<<20), 1<<20) * one)) }

// add adds the levels at a point, in 2⁻¹¹ pixels from the centre of the first, to the sums. 64 points of 255 fit: sums
// are in 2⁻¹¹ levels.
func (r sampler) add(x, y int) {
	x0, y0 := x>>weightBits, y>>weightBits
	fx, fy := uint32(x&(one-1)), uint32(y&(one-1))
	plane := r.h * r.w
	if uint(x0) < uint(r.w-1) && uint(y0) < uint(r.h-1) {
		p := y0*r.w + x0
		for ch := range r.sums {
			q := r.src[ch*plane+p:]
			s := q[r.w : r.w+2]
			top := uint32(q[0])*(one-fx) + uint32(q[1])*fx
			low := uint32(s[0])*(one-fx) + uint32(s[1])*fx
			r.sums[ch] += blend(top, low, fy)
		}
		return
	}
	xs := [2]int{r.border.resolve(x0, r.w), r.border.resolve(x0+1, r.w)}
	ys := [2]int{r.border.resolve(y0, r.h), r.border.resolve(y0+1, r.h)}
	for ch := range r.sums {
		level := func(y, x int) uint32 {
			if x < 0 || y < 0 {
				return r.fills[ch]
			}
			return uint32(r.src[ch*plane+y*r.w+x])
		}
		top := level(ys[0], xs[0])*(one-fx) + level(ys[0], xs[1])*fx
		low := level(ys[1], xs[0])*(one-fx) + level(ys[1], xs[1])*fx
		r.sums[ch] += blend(top, low, fy)
	}
}

// blend returns top·(1 − f) + low·f, all in 2⁻¹¹, rounded.
func blend(top, low, f uint32) uint32 { return (top*(one-f) + low*f + one/2) >> weightBits }

// store writes the mean of n points and clears the sums.
func (r sampler) store(at int, n uint32) {
	plane := r.nh * r.nw
	for ch, sum := range r.sums {
		r.dst[ch*plane+at] = byte((sum + n*one/2) / (n * one))
		r.sums[ch] = 0
	}
}
