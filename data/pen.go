package data

import (
	"image"

	"golang.org/x/image/vector"
)

// digitSide is the height and width of a digit image.
const digitSide = 28

// pen draws one digit at a time and reuses its buffers. Geometry is in float64 with every product rounded (mul), the
// rasteriser works in fixed point at this size, everything after it in integers: the bits are the same on every processor.
type pen struct {
	glyphs [][11]outline
	random source
	shape  outline
	raster *vector.Rasterizer
	ink    *image.Alpha
	tmp    [digitSide * digitSide]byte
}

func newPen(glyphs [][11]outline) *pen {
	return &pen{glyphs: glyphs, raster: vector.NewRasterizer(digitSide, digitSide),
		ink: image.NewAlpha(image.Rect(0, 0, digitSide, digitSide))}
}

// draw writes sample i, an image of the digit label, to dst.
func (p *pen) draw(dst []byte, label int, seed, i uint64) {
	p.random.seed(seed, streamImage^i)
	face := p.random.below(len(p.glyphs))
	if label == 0 && p.random.below(4) > 0 {
		label = plainZero
	}
	p.bend(p.glyphs[face][label])
	p.place()
	p.fill()
	p.develop(dst)
}

// bend warps the glyph around its centre by a random map of second degree:
//
//	x' = x + shear·y + bow·y² + swell·x·y
//	y' = y + lean·x² + fan·x·y
//
// then stretches and rotates it. The cosine and sine come from t = tan(θ/2) as (1-t²)/(1+t²) and 2t/(1+t²), which needs
// no library function whose last bit may differ.
func (p *pen) bend(glyph outline) {
	r := &p.random
	shear, bow, swell := r.between(-0.4, 0.4), r.between(-0.45, 0.45), r.between(-0.4, 0.4)
	lean, fan := r.between(-0.45, 0.45), r.between(-0.4, 0.4)
	stretch := r.between(0.75, 1.35)
	t := r.between(-0.194, 0.194) // ±22°
	norm := 1 + mul(t, t)
	cos, sin := (1-mul(t, t))/norm, 2*t/norm

	lo, hi := glyph.bounds()
	cx, cy := (lo.x+hi.x)/2, (lo.y+hi.y)/2
	p.shape = resize(p.shape, len(glyph))
	for k, contour := range glyph {
		out := resize(p.shape[k], len(contour))
		for j, q := range contour {
			x, y := q.x-cx, q.y-cy
			bx := mul(stretch, x+mul(shear, y)+mul(mul(bow, y), y)+mul(mul(swell, x), y))
			by := y + mul(mul(lean, x), x) + mul(mul(fan, x), y)
			out[j] = point{mul(cos, bx) - mul(sin, by), mul(sin, bx) + mul(cos, by)}
		}
		p.shape[k] = out
	}
}

// place scales the shape to its size in pixels and moves its centre of mass near the centre of the image, as MNIST does.
// Ink never leaves the image: where the centre of mass would push it over the border, the border wins.
func (p *pen) place() {
	lo, hi := p.shape.bounds()
	scale := p.random.between(15, 22) / max(hi.x-lo.x, hi.y-lo.y)
	mass := p.shape.centroid()
	move := func(mass, lo, hi float64) float64 {
		d := digitSide/2.0 + p.random.between(-2, 2) - mul(scale, mass)
		return min(max(d, 1-mul(scale, lo)), digitSide-1-mul(scale, hi))
	}
	dx, dy := move(mass.x, lo.x, hi.x), move(mass.y, lo.y, hi.y)
	for _, contour := range p.shape {
		for j, q := range contour {
			contour[j] = point{mul(scale, q.x) + dx, mul(scale, q.y) + dy}
		}
	}
}

// fill rasterises the shape with exact coverage into p.ink.
func (p *pen) fill() {
	p.raster.Reset(digitSide, digitSide)
	for _, contour := range p.shape {
		p.raster.MoveTo(float32(contour[0].x), float32(contour[0].y))
		for _, q := range contour[1:] {
			p.raster.LineTo(float32(q.x), float32(q.y))
		}
		p.raster.ClosePath()
	}
	clear(p.ink.Pix)
	p.raster.Draw(p.ink, p.ink.Bounds(), image.Opaque, image.Point{})
}

// develop blurs the ink, moves its edge (a threshold below one half thickens strokes, above it thins them), dims it and
// adds noise, which is the sum of four bytes: close to normal, mean 510, standard deviation 147.8.
func (p *pen) develop(dst []byte) {
	r := &p.random
	const loudest = 40 * 1024 / 148 // 40 grey levels
	side := r.below(78)             // weight of each neighbour in the blur, of 256
	edge := 70 + r.below(90)        // grey level that becomes half bright
	gain := 300 + r.below(400)      // contrast of the edge, of 256
	peak := 153 + r.below(103)      // brightness of full ink
	noise := r.below(loudest)       // standard deviation, of 1024/147.8
	noise = noise * noise / loudest // mostly small
	p.blur(side)

	var bits uint64
	for i, v := range p.ink.Pix {
		grey := 0
		if v > 0 { // a low edge must not turn empty paper grey
			grey = min(max(128+(int(v)-edge)*gain/256, 0), 255)
		}
		if i%2 == 0 {
			bits = r.pcg.Uint64()
		}
		sum := int(bits&255 + bits>>8&255 + bits>>16&255 + bits>>24&255)
		bits >>= 32
		dst[i] = byte(min(max(grey*peak/255+(sum-510)*noise>>10, 0), 255))
	}
}

// blur applies the kernel (side, 256-2·side, side)/256 along rows and then along columns. Outside is black.
func (p *pen) blur(side int) {
	along := func(dst, src []byte, step, other int) {
		for k := range digitSide {
			before, here := 0, int(src[k*other])
			for j := range digitSide {
				at := k*other + j*step
				after := 0
				if j+1 < digitSide {
					after = int(src[at+step])
				}
				dst[at] = byte((side*(before+after) + (256-2*side)*here + 128) >> 8)
				before, here = here, after
			}
		}
	}
	along(p.tmp[:], p.ink.Pix, 1, digitSide)
	along(p.ink.Pix, p.tmp[:], digitSide, 1)
}

// resize returns a slice of length n that reuses s where it can.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return append(s[:cap(s)], make([]T, n-cap(s))...)
	}
	return s[:n]
}
