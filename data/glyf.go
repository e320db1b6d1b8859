package data

import (
	"encoding/binary"
	"errors"
)

// outline is a glyph as closed polygons in units of the em, x to the right, y downwards, baseline at y = 0.
type outline [][]point

type point struct{ x, y float64 }

// face reads digit outlines from a TrueType file: the tables head, loca, glyf and cmap (format 4), simple glyphs.
// That is all the ten digits of the Go fonts use. It trusts its input up to memory safety, which recover in digitOutlines
// turns into an error: the fonts are constants of the program.
//
// Source: Microsoft, OpenType specification 1.9.1, chapters "glyf", "loca", "cmap".
type face struct {
	glyf, loca, cmap []byte
	longLoca         bool
	em               float64 // units per em
}

var errFont = errors.New("not a TrueType font with simple digits")

// plainZero is where digitOutlines puts the zero without a stroke.
const plainZero = 10

// digitOutlines returns the outlines of 0 … 9, and a second zero: the Go fonts draw a stroke through theirs, which
// hands mostly do not. The second is the letter O in the box of the first.
func digitOutlines(ttf []byte) (digits [11]outline, err error) {
	defer func() {
		if recover() != nil {
			err = errFont
		}
	}()
	f, err := parseFace(ttf)
	if err != nil {
		return digits, err
	}
	for d, r := range []uint16{'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', plainZero: 'O'} {
		if digits[d], err = f.outline(f.glyph(r)); err != nil {
			return digits, err
		}
	}
	digits[plainZero].fitInto(digits[0].bounds())
	return digits, nil
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

func parseFace(ttf []byte) (*face, error) {
	ttf = ttf[:len(ttf):len(ttf)] // a table must not reach beyond the bytes given
	tables := map[string][]byte{}
	for i := range int(u16(ttf, 4)) {
		record := ttf[12+16*i:]
		offset, length := u32(record, 8), u32(record, 12)
		tables[string(record[:4])] = ttf[offset : offset+length]
	}
	head := tables["head"]
	f := &face{glyf: tables["glyf"], loca: tables["loca"],
		longLoca: u16(head, 50) == 1, em: float64(u16(head, 18))}
	cmap := tables["cmap"]
	for i := range int(u16(cmap, 2)) {
		sub := cmap[u32(cmap, 8+8*i):]
		if u16(sub, 0) == 4 {
			f.cmap = sub
			return f, nil
		}
	}
	return nil, errFont
}

// glyph looks up a character in the segments of cmap format 4.
func (f *face) glyph(r uint16) int {
	twice := int(u16(f.cmap, 6)) // 2 × number of segments
	ends, starts := 14, 16+twice
	deltas, ranges := starts+twice, starts+2*twice
	for i := 0; i < twice; i += 2 {
		if u16(f.cmap, ends+i) < r {
			continue
		}
		start := u16(f.cmap, starts+i)
		if start > r {
			return 0
		}
		delta, offset := u16(f.cmap, deltas+i), u16(f.cmap, ranges+i)
		if offset == 0 {
			return int(r + delta)
		}
		return int(u16(f.cmap, ranges+i+int(offset)+2*int(r-start)) + delta)
	}
	return 0
}

// Flags of a point in a simple glyph.
const (
	onCurve, xShort, yShort, repeat = 1, 2, 4, 8
	xSame, ySame                    = 16, 32 // with a short vector: positive
)

// outline decodes a simple glyph and flattens its curves.
func (f *face) outline(glyph int) (outline, error) {
	var from, to uint32
	if f.longLoca {
		from, to = u32(f.loca, 4*glyph), u32(f.loca, 4*glyph+4)
	} else {
		from, to = 2*uint32(u16(f.loca, 2*glyph)), 2*uint32(u16(f.loca, 2*glyph+2))
	}
	b := f.glyf[from:to]
	contours := int(int16(u16(b, 0)))
	if glyph == 0 || contours <= 0 {
		return nil, errFont
	}
	ends := make([]int, contours)
	for i := range ends {
		ends[i] = int(u16(b, 10+2*i))
	}
	n := ends[contours-1] + 1
	p := 10 + 2*contours
	p += 2 + int(u16(b, p)) // hinting instructions
	flags := make([]byte, 0, n)
	for len(flags) < n {
		flag := b[p]
		p++
		flags = append(flags, flag)
		if flag&repeat != 0 {
			for range b[p] {
				flags = append(flags, flag)
			}
			p++
		}
	}
	xs, p := coordinates(b, p, flags, xShort, xSame)
	ys, _ := coordinates(b, p, flags, yShort, ySame)

	var out outline
	first := 0
	for _, end := range ends {
		var curve []knot
		for i := first; i <= end; i++ {
			curve = append(curve, knot{point{float64(xs[i]) / f.em, -float64(ys[i]) / f.em}, flags[i]&onCurve != 0})
		}
		out = append(out, flatten(curve))
		first = end + 1
	}
	return out, nil
}

// coordinates decodes one axis: each value is a delta of one byte, of two bytes, or zero.
func coordinates(b []byte, p int, flags []byte, short, same byte) ([]int, int) {
	values := make([]int, len(flags))
	v := 0
	for i, flag := range flags {
		switch {
		case flag&short != 0 && flag&same != 0:
			v += int(b[p])
			p++
		case flag&short != 0:
			v -= int(b[p])
			p++
		case flag&same == 0:
			v += int(int16(u16(b, p)))
			p += 2
		}
		values[i] = v
	}
	return values, p
}

// knot is a point of a contour: on the curve, or the control point of a quadratic Bézier curve.
type knot struct {
	point
	on bool
}

// flatten turns a contour of lines and quadratic curves into a polygon. Between two control points in a row lies an
// implied point half-way. A curve becomes six lines, which stray from it by |a-2k+c|/(4·6²): in
// these fonts less than 0.1 pixels at 20 pixels a digit.
func flatten(curve []knot) []point {
	const steps = 6
	var full []knot
	for i, k := range curve {
		next := curve[(i+1)%len(curve)]
		full = append(full, k)
		if !k.on && !next.on {
			full = append(full, knot{point{(k.x + next.x) / 2, (k.y + next.y) / 2}, true})
		}
	}
	// Start on the curve. With the implied points in place one of the first two is.
	if !full[0].on {
		full = append(full[1:], full[0])
	}
	var poly []point
	for i, k := range full {
		if k.on {
			poly = append(poly, k.point)
			continue
		}
		a, c := full[i-1], full[(i+1)%len(full)]
		for s := 1; s < steps; s++ {
			t := float64(s) / steps
			u := 1 - t
			poly = append(poly, point{
				mul(mul(u, u), a.x) + mul(mul(2*u, t), k.x) + mul(mul(t, t), c.x),
				mul(mul(u, u), a.y) + mul(mul(2*u, t), k.y) + mul(mul(t, t), c.y),
			})
		}
	}
	return poly
}

func u16(b []byte, i int) uint16 { return binary.BigEndian.Uint16(b[i:]) }
func u32(b []byte, i int) uint32 { return binary.BigEndian.Uint32(b[i:]) }
