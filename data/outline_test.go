package data

import (
	"errors"
	"math"
	"testing"

	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
)

// Every face has ten digits with as many contours as their topology asks for: ring and two counters beside the stroke of
// the zero, two holes in the eight, one in four (closed), six and nine; and O has one hole.
func TestDigitOutlines(t *testing.T) {
	contours := [11]int{3, 1, 1, 1, 2, 1, 2, 1, 3, 2, 2}
	for i, ttf := range digitFaces() {
		glyphs, err := digitOutlines(ttf)
		if err != nil {
			t.Fatalf("face %d: %v", i, err)
		}
		for d, o := range glyphs {
			if len(o) != contours[d] {
				t.Errorf("face %d glyph %d: want %d contours, got %d", i, d, contours[d], len(o))
			}
			for k, contour := range o {
				if contour[0] != contour[len(contour)-1] {
					t.Errorf("face %d glyph %d: contour %d is open", i, d, k)
				}
			}
			lo, hi := o.bounds()
			// Digits stand on the baseline (round ones dip below it) and are about 0.7 em high.
			if hi.y < -0.01 || hi.y > 0.03 || lo.y > -0.65 || lo.y < -0.78 || hi.x-lo.x < 0.15 || hi.x-lo.x > 0.65 {
				t.Errorf("face %d glyph %d: box %v %v", i, d, lo, hi)
			}
		}
		zero, _ := glyphs[0].bounds()
		plain, _ := glyphs[plainZero].bounds()
		if zero != plain {
			t.Errorf("face %d: plain zero starts at %v, want %v", i, plain, zero)
		}
	}
}

// The boxes of the digits of Go Regular as the font states them, in units of 1/2048 em: xMin, -yMax, xMax, -yMin in the
// headers of table glyf (golang.org/x/image v0.47.0), which LoadGlyph does not read.
func TestOutlineBoxes(t *testing.T) {
	boxes := [10][4]float64{
		{80, -1517, 1058, 37},
		{210, -1517, 1040, 0},
		{102, -1517, 941, 0},
		{153, -1517, 966, 37},
		{31, -1480, 1071, 0},
		{163, -1480, 966, 37},
		{84, -1518, 1027, 37},
		{136, -1480, 1086, 0},
		{99, -1517, 1089, 37},
		{84, -1518, 1027, 38},
	}
	glyphs, err := digitOutlines(goregular.TTF)
	if err != nil {
		t.Fatal(err)
	}
	for d, want := range boxes {
		lo, hi := glyphs[d].bounds()
		if got := [4]float64{lo.x * 2048, lo.y * 2048, hi.x * 2048, hi.y * 2048}; got != want {
			t.Errorf("digit %d: want %v, got %v", d, want, got)
		}
	}
}

func TestAppendCurve(t *testing.T) {
	// y = x² from (0, 0) to (1, 1): a quadratic curve is followed exactly at its six points.
	poly := appendCurve([]point{{0, 0}}, point{0.5, 0}, point{1, 1})
	if len(poly) != 7 || poly[6] != (point{1, 1}) {
		t.Fatalf("want 7 points that end in (1, 1), got %v", poly)
	}
	for i, p := range poly {
		// Three products and two sums of numbers up to 1, each rounded by at most 2⁻⁵³.
		if x := float64(i) / 6; math.Abs(p.x-x) > 5*0x1p-53 || math.Abs(p.y-x*x) > 6*0x1p-53 {
			t.Errorf("point %d: want (%v, %v), got %v", i, x, x*x, p)
		}
	}
}

func TestDigitOutlinesErrors(t *testing.T) {
	if _, err := digitOutlines([]byte("no font")); err == nil {
		t.Error("want an error for bytes that are no font, got none")
	}
	font, err := sfnt.Parse(goregular.TTF)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := readOutline(font, '漢'); !errors.Is(err, sfnt.ErrNotFound) {
		t.Errorf("a character that the font lacks: want %v, got %v", sfnt.ErrNotFound, err)
	}
}
