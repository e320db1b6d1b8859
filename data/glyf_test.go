package data

import (
	"errors"
	"testing"

	"golang.org/x/image/font/gofont/goregular"
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

// sfntBoxes are the boxes of the digits of Go Regular in units of 1/2048 em, as left, top, right, bottom. The numbers
// come from golang.org/x/image/font/sfnt v0.47.0: LoadGlyph at 2048 pixels per em; the extremes lie on the curves.
var sfntBoxes = [10][4]float64{
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

func TestOutlineBoxes(t *testing.T) {
	for d, want := range sfntBoxes {
		f, err := parseFace(goregular.TTF)
		if err != nil {
			t.Fatal(err)
		}
		o, err := f.outline(f.glyph(uint16('0' + d)))
		if err != nil {
			t.Fatal(err)
		}
		lo, hi := o.bounds()
		if got := [4]float64{lo.x * 2048, lo.y * 2048, hi.x * 2048, hi.y * 2048}; got != want {
			t.Errorf("digit %d: want %v, got %v", d, want, got)
		}
	}
}

// A font that is cut off or is none gives an error, never a panic.
func TestDigitOutlinesRefusesOtherBytes(t *testing.T) {
	ttf := digitFaces()[0]
	for _, n := range []int{0, 3, 12, 100, 5000, len(ttf) / 2} {
		if _, err := digitOutlines(ttf[:n]); !errors.Is(err, errFont) {
			t.Errorf("%d bytes of a font: want %v, got %v", n, errFont, err)
		}
	}
	if _, err := digitOutlines(make([]byte, 1000)); !errors.Is(err, errFont) {
		t.Errorf("zeros: want %v, got %v", errFont, err)
	}
}
