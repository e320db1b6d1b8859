package conv

import (
	"unsafe"

	"neocog/internal/micro"
	"neocog/internal/toomcook"
	"neocog/internal/winograd"
	"neocog/vm/kernel"
)

// winogradTiles is a convolution cut into tiles.
//
// Tiles lie side by side in strips, which are as wide as the first cache has room for what 16 channels of it see. With
// dilation, the tiles of a strip are those of outputs that are a dilation apart, first all that begin in
// the first column, and so on; the rows of a strip are a dilation apart too.
type winogradTiles[T kernel.Float] struct {
	correlation
	set                micro.Set
	kernels            winograd.Set
	line               bool
	m, n               [2]int // rows and columns of outputs and of inputs of a tile
	points             int    // elements of a transformed tile
	across, down, segs int    // tiles of one column in a row, strips below one another, strips side by side
	wide               int    // tiles of one column of the widest strip
	runs               []micro.Run
}

const (
	stripBytes = 24 << 10 // of pixels of a strip, half of the first cache
	chunkSums  = 144      // terms that are added up in registers: errors of the parts of a sum are smaller than those of the whole
	chunkLarge = 64       // likewise, of tiles of 8×8, whose transforms make errors larger
)

func newWinogradTiles[T kernel.Float](a Winograd, p Problem) *winogradTiles[T] {
	w := &winogradTiles[T]{correlation: newCorrelation(p), set: micro.For[T](), m: a.M}
	var f toomcook.Form
	f, w.line, _ = a.form()
	w.kernels, _ = winograd.For(f, w.line)
	w.n = [2]int{w.m[0] + p.R - 1, w.m[1] + p.S - 1}
	w.points = w.n[0] * w.n[1]
	w.across, w.down = ceilDiv(w.Q, w.m[1]*p.Dilation[1]), ceilDiv(w.P, w.m[0]*p.Dilation[0])
	w.wide = 1
	for w.wide < w.across && w.inputs().size(w.wide+1)*int(unsafe.Sizeof(T(0))) <= stripBytes {
		w.wide++
	}
	w.segs = ceilDiv(w.across, w.wide)
	w.wide = ceilDiv(w.across, w.segs)
	return w
}

func (w *winogradTiles[T]) strips() int { return w.N * w.segs * w.Dilation[0] * w.down }

// before is the number of tiles in the first u strips.
func (w *winogradTiles[T]) before(u int) int {
	d := w.Dilation
	row, phase := u%w.down, u/w.down%d[0]
	seg, image := u/(w.down*d[0])%w.segs, u/(w.down*d[0]*w.segs)
	// Of the rows down, phase a sees one less than phase 0 from where the last begins below the outputs.
	rows, last := w.P/(w.m[0]*d[0]), w.P%(w.m[0]*d[0])
	phases := func(n int) int { return n*rows + min(n, last) } // strips of the first n phases that are not empty
	a0, a1 := share(w.across, w.segs, seg)
	return d[1] * ((image*w.across+a0)*phases(d[0]) + (a1-a0)*(phases(phase)+min(row, phases(phase+1)-phases(phase))))
}

// chunk is the number of terms that are added up in registers.
func (w *winogradTiles[T]) chunk() int {
	if w.points >= 64 {
		return chunkLarge
	}
	return chunkSums
}

// tiles is the number of tiles of strips u0 … u1-1.
func (w *winogradTiles[T]) tiles(u0, u1 int) int { return w.before(u1) - w.before(u0) }

// items returns a step of n items, which are some strips of a group.
func (w *winogradTiles[T]) items(strips, n int, run kernel.Kernel) kernel.Step {
	return kernel.Step{N: n, Grain: grain(w.FLOPs()/int64(w.Groups)*int64(strips)/int64(w.strips()), n), Run: run}
}

// most returns the largest number of tiles in any of the parts into which all strips are cut.
func (w *winogradTiles[T]) most(parts int) int {
	n := 0
	for i := range parts {
		u0, u1 := share(w.strips(), parts, i)
		n = max(n, w.tiles(u0, u1))
	}
	return n
}

// share returns part i of n items in so many parts.
func share(n, parts, i int) (lo, hi int) { return i * n / parts, (i + 1) * n / parts }

// A strip is tiles side by side.
type strip struct {
	image, p, q int  // first row and column of outputs
	wide        int  // tiles for each column that a tile can begin in; 0 where dilation leaves nothing
	follows     bool // it continues the strip before, one tile lower
}

func (w *winogradTiles[T]) strip(u int) strip {
	d := w.Dilation
	row, phase := u%w.down, u/w.down%d[0]
	seg, image := u/(w.down*d[0])%w.segs, u/(w.down*d[0]*w.segs)
	a0, a1 := share(w.across, w.segs, seg)
	s := strip{image, row*w.m[0]*d[0] + phase, a0 * w.m[1] * d[1], a1 - a0, row > 0}
	if s.p >= w.P {
		s.wide = 0
	}
	return s
}

// A tileWindow is what strips see of an image: a number of rows, and columns beyond those of the outputs.
type tileWindow struct {
	H, W      int
	top, left int // rows and columns of the window before the output
	rows      int
	step      [2]int // from one tile to the next
	dilation  [2]int
	more      int // columns
}

// inputs is the window of the input, outputs that of the output or its gradient.
func (w *winogradTiles[T]) inputs() tileWindow {
	return tileWindow{w.inH, w.inW, w.top, w.left, w.n[0], w.m, w.Dilation, (w.n[1] - w.m[1]) * w.Dilation[1]}
}

func (w *winogradTiles[T]) outputs() tileWindow {
	return tileWindow{w.P, w.Q, 0, 0, w.m[0], w.m, w.Dilation, 0}
}

// columns is the number of columns of a strip, size that of elements of a block of channels.
func (v *tileWindow) columns(wide int) int { return wide*v.step[1]*v.dilation[1] + v.more }
func (v tileWindow) size(wide int) int     { return v.rows * v.columns(wide) * winogradLanes }

// inside returns the columns of a strip that are in the image.
func (v *tileWindow) inside(s strip) (from, to int) {
	cols := v.columns(s.wide)
	from = min(max(v.left-s.q, 0), cols)
	return from, max(min(v.W+v.left-s.q, cols), from)
}

// loadStrip copies what strip s sees of channels whose planes begin at x to pix, with 16 channels of a pixel side by side, and zeros around the image.
// With follows, pix holds the strip before, of which some rows are used again.
func loadStrip[T kernel.Float](v *tileWindow, pix, x []T, s strip, channels int, follows bool) {
	row := v.columns(s.wide) * winogradLanes
	first := 0
	if follows {
		first = max(v.rows-v.step[0], 0)
		copy(pix[:first*row], pix[v.step[0]*row:])
	}
	from, to := v.inside(s)
	for i := first; i < v.rows; i++ {
		h := s.p - v.top + i*v.dilation[0]
		line := pix[i*row:][:row]
		if h < 0 || h >= v.H || from == to {
			clear(line)
			continue
		}
		clear(line[:from*winogradLanes])
		clear(line[to*winogradLanes:])
		micro.Transpose(line[from*winogradLanes:], winogradLanes, x[h*v.W+from+s.q-v.left:], v.H*v.W, channels, to-from)
	}
}

// A tileLayout says how far apart transformed tiles lie: their elements, the tiles, and blocks of 16 channels.
type tileLayout struct{ point, tile, block int }

// spread transforms what strips u0 … u1-1 see of the blocks b0 … b1-1 of some channels, and lays it out in out, where tile 0 is
// the first one of strip base. planes are those of the first channel in the first image; an image has so many of them.
func (w *winogradTiles[T]) spread(role toomcook.Role, v *tileWindow, out, pix, planes []T, perImage, channels, b0, b1, u0, u1, base int, at tileLayout) {
	plane := v.H * v.W
	for b := b0; b < b1; b++ {
		for u := u0; u < u1; u++ {
			s := w.strip(u)
			if s.wide == 0 {
				continue
			}
			loadStrip(v, pix, planes[(s.image*perImage+b*winogradLanes)*plane:], s, min(winogradLanes, channels-b*winogradLanes), s.follows && u > u0)
			tile := w.tiles(base, u)
			for phase := range w.Dilation[1] {
				c := w.pixels(pix[phase*winogradLanes:], v, s)
				w.elements(&c, out[tile*at.tile+b*at.block:], at)
				winograd.Run[T](w.kernels[role], &c)
				tile += s.wide
			}
		}
	}
}

// pixels returns a call whose source are the tiles of one column of a strip.
func (w *winogradTiles[T]) pixels(pix []T, v *tileWindow, s strip) winograd.Call {
	pixel := bytesOf[T](w.Dilation[1] * winogradLanes)
	c := winograd.Call{
		Src: unsafe.Pointer(&pix[0]), SrcRow: bytesOf[T](v.columns(s.wide) * winogradLanes), SrcCol: pixel,
		SrcNext: pixel * uintptr(w.m[1]), N: s.wide, Lanes: winogradLanes,
	}
	if w.line && w.m[0] == 1 {
		c.SrcRow = pixel
	}
	return c
}

// elements sets the destination of c to transformed tiles.
func (w *winogradTiles[T]) elements(c *winograd.Call, out []T, at tileLayout) {
	c.Dst, c.DstNext = unsafe.Pointer(&out[0]), bytesOf[T](at.tile)
	c.DstRow, c.DstCol = bytesOf[T](w.n[1]*at.point), bytesOf[T](at.point)
}

// gather transforms the tiles of strip s back to pixels, from in, where its first tile is, to pix.
func (w *winogradTiles[T]) gather(v *tileWindow, pix, in, bias []T, s strip, at tileLayout) {
	for phase := range w.Dilation[1] {
		c := w.pixels(pix[phase*winogradLanes:], v, s)
		c.Dst, c.DstRow, c.DstCol, c.DstNext = c.Src, c.SrcRow, c.SrcCol, c.SrcNext
		if w.line {
			c.DstCol = c.SrcRow
		}
		c.Src, c.SrcNext = unsafe.Pointer(&in[phase*s.wide*at.tile]), bytesOf[T](at.tile)
		c.SrcRow, c.SrcCol = bytesOf[T](w.n[1]*at.point), bytesOf[T](at.point)
		if w.line {
			c.SrcRow = c.SrcCol
		}
		c.Bias = unsafe.Pointer(&bias[0])
		winograd.Run[T](w.kernels[toomcook.Output], &c)
	}
}

// storeStrip copies the pixels of a strip to the planes that begin at y, one for each of so many lanes.
func storeStrip[T kernel.Float](v *tileWindow, y, pix []T, s strip, lanes int) {
	cols := v.columns(s.wide)
	_, valid := v.inside(s)
	if valid == cols && valid == v.W && v.dilation[0] == 1 { // whole rows
		rows := min(v.rows, v.H-s.p)
		micro.Transpose(y[s.p*v.W:], v.H*v.W, pix, winogradLanes, rows*cols, lanes)
		return
	}
	for i := range v.rows {
		if p := s.p + i*v.dilation[0]; p < v.H {
			micro.Transpose(y[p*v.W+s.q:], v.H*v.W, pix[i*cols*winogradLanes:], winogradLanes, valid, lanes)
		}
	}
}

func bytesOf[T kernel.Float](n int) uintptr { return uintptr(n) * unsafe.Sizeof(T(0)) }
