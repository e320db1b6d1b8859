package data

import (
	"fmt"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// outline is a glyph as closed polygons in units of the em, x to the right, y downwards, baseline at y = 0.
type outline [][]point

type point struct{ x, y float64 }

// plainZero is where digitOutlines puts the zero without a stroke.
const plainZero = 10

// digitOutlines returns the outlines of 0 … 9, and a second zero: the Go fonts draw a stroke through theirs, which
// hands mostly do not. The second is the letter O in the box of the first.
func digitOutlines(ttf []byte) (digits [11]outline, err error) {
	font, err := sfnt.Parse(ttf)
	if err != nil {
		return digits, err
	}
	for d, r := range []rune{'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', plainZero: 'O'} {
		if digits[d], err = readOutline(font, r); err != nil {
			return digits, fmt.Errorf("glyph %q: %w", r, err)
		}
	}
	digits[plainZero].fitInto(digits[0].bounds())
	return digits, nil
}

// readOutline returns the glyph of r in a TrueType font, whose curves are all quadratic, as polygons.
func readOutline(font *sfnt.Font, r rune) (outline, error) {
	var buf sfnt.Buffer
	glyph, err := font.GlyphIndex(&buf, r)
	if err != nil {
		return nil, err
	}
	if glyph == 0 { // the box that stands for a missing glyph
		return nil, sfnt.ErrNotFound
	}
	units := fixed.Int26_6(font.UnitsPerEm()) // as a size, it asks for font units, unscaled
	segments, err := font.LoadGlyph(&buf, glyph, units, nil)
	if err != nil {
		return nil, err
	}
	em := float64(units)
	at := func(p fixed.Point26_6) point { return point{float64(p.X) / em, float64(p.Y) / em} }
	var out outline
	var contour []point
	for _, s := range segments {
		switch s.Op {
		case sfnt.SegmentOpMoveTo:
			out = append(out, nil)
			contour = []point{at(s.Args[0])}
		case sfnt.SegmentOpLineTo:
			contour = append(contour, at(s.Args[0]))
		case sfnt.SegmentOpQuadTo:
			contour = appendCurve(contour, at(s.Args[0]), at(s.Args[1]))
		}
		out[len(out)-1] = contour
	}
	return out, nil
}

// appendCurve adds the quadratic Bézier curve from the last point of poly to c, with control point k. It becomes
// six lines, which stray from it by |a-2k+c|/(4·6²): in the Go fonts less than 0.1 pixels at 20 pixels a digit.
func appendCurve(poly []point, k, c point) []point {
	const steps = 6
	a := poly[len(poly)-1]
	for s := 1; s < steps; s++ {
		t := float64(s) / steps
		u := 1 - t
		wa, wk, wc := mul(u, u), mul(2*u, t), mul(t, t)
		poly = append(poly, point{
			mul(wa, a.x) + mul(wk, k.x) + mul(wc, c.x),
			mul(wa, a.y) + mul(wk, k.y) + mul(wc, c.y),
		})
	}
	return append(poly, c)
}

// fitInto moves and stretches the outline to the box lo … hi.
func (o outline) fitInto(lo, hi point) {
	from, to := o.bounds()
	sx, sy := (hi.x-lo.x)/(to.x-from.x), (hi.y-lo.y)/(to.y-from.y)
	for _, contour := range o {
		for j, q := range contour {
			contour[j] = point{lo.x + mul(sx, q.x-from.x), lo.y + mul(sy, q.y-from.y)}
		}
	}
}

func (o outline) bounds() (lo, hi point) {
	lo, hi = o[0][0], o[0][0]
	for _, contour := range o {
		for _, q := range contour {
			lo = point{min(lo.x, q.x), min(lo.y, q.y)}
			hi = point{max(hi.x, q.x), max(hi.y, q.y)}
		}
	}
	return lo, hi
}

// centroid returns the centre of mass of the inked area by Green's theorem. Holes run the other way round and count
// negative.
func (o outline) centroid() point {
	var area, mx, my float64
	for _, contour := range o {
		a := contour[len(contour)-1]
		for _, b := range contour {
			cross := mul(a.x, b.y) - mul(b.x, a.y)
			area += cross
			mx += mul(cross, a.x+b.x)
			my += mul(cross, a.y+b.y)
			a = b
		}
	}
	return point{mx / (3 * area), my / (3 * area)}
}
