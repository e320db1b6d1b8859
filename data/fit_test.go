package data

import (
	"bytes"
	"image"
	"image/color"
	"slices"
	"testing"
)

func fit(t *testing.T, img image.Image, c, h, w int, opts FitOptions) []byte {
	t.Helper()
	x, err := FitImage(img, c, h, w, opts)
	if err != nil {
		t.Fatal(err)
	}
	if len(x) != c*h*w {
		t.Fatalf("want %d bytes, got %d", c*h*w, len(x))
	}
	return x
}

// greyImage shows a grey image of a set as an image.Image that does not start at the origin.
func greyImage(s *Set, i int) image.Image {
	img := image.NewGray(image.Rect(5, 7, 5+s.W, 7+s.H))
	copy(img.Pix, s.Image(i))
	return img
}

// What is written as a PNG comes back unchanged: grey and colour, with the inversion done and undone.
func TestFitImageKeepsSetImages(t *testing.T) {
	s := Digits(20, 1)
	for i := range s.Len() {
		img, err := DecodeImage(bytes.NewReader(pngFile(t, greyImage(s, i))))
		if err != nil {
			t.Fatal(err)
		}
		for _, opts := range []FitOptions{{}, {Invert: InvertAuto}, {Aspect: Crop}, {Aspect: Pad}} {
			if got := fit(t, img, 1, 28, 28, opts); !bytes.Equal(got, s.Image(i)) {
				t.Fatalf("digit %d with %+v changed", i, opts)
			}
		}
		once := fit(t, img, 1, 28, 28, FitOptions{Invert: InvertAlways})
		for j, v := range once {
			if v != 255-s.Image(i)[j] {
				t.Fatalf("digit %d inverted: byte %d: want %d, got %d", i, j, 255-s.Image(i)[j], v)
			}
		}
	}
	rgb := fit(t, pattern(32, 32), 3, 32, 32, FitOptions{})
	for j := range 1024 {
		x, y := j%32, j/32
		if rgb[j] != byte(3*x) || rgb[1024+j] != byte(5*y) || rgb[2048+j] != byte(x^y) {
			t.Fatalf("pixel (%d,%d): got %d %d %d", x, y, rgb[j], rgb[1024+j], rgb[2048+j])
		}
	}
}

// halves is a 40×20 image, red on the left and blue on the right, with black bands of 10 at both ends.
func halves() image.Image {
	img := image.NewRGBA(image.Rect(0, 0, 40, 20))
	for y := range 20 {
		for x := range 40 {
			switch {
			case x < 10 || x >= 30:
				img.SetRGBA(x, y, color.RGBA{0, 0, 0, 255})
			case x < 20:
				img.SetRGBA(x, y, color.RGBA{255, 0, 0, 255})
			default:
				img.SetRGBA(x, y, color.RGBA{0, 0, 255, 255})
			}
		}
	}
	return img
}

func TestFitImageAspect(t *testing.T) {
	// Red level along the middle row of an 8×8 fit.
	for _, c := range []struct {
		name   string
		aspect Aspect
		row    int
		want   []byte // sampled at columns 0, 2, 5, 7: black, red, blue or border
		blue   []byte
	}{
		{"stretch", Stretch, 4, []byte{0, 255, 0, 0}, []byte{0, 0, 255, 0}},
		{"crop", Crop, 4, []byte{255, 255, 0, 0}, []byte{0, 0, 255, 255}},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := fit(t, halves(), 3, 8, 8, FitOptions{Aspect: c.aspect})
			for k, col := range []int{0, 2, 5, 7} {
				red, blue := x[c.row*8+col], x[128+c.row*8+col]
				// Catmull–Rom overshoots beside an edge by up to an eighth of it.
				if absDiff(red, c.want[k]) > 32 || absDiff(blue, c.blue[k]) > 32 {
					t.Errorf("column %d: want red %d blue %d, got %d, %d", col, c.want[k], c.blue[k], red, blue)
				}
			}
		})
	}
	t.Run("pad", func(t *testing.T) {
		// A white 40×20 image with a black frame of one pixel becomes 8×4 between two black bands of two rows.
		img := image.NewGray(image.Rect(0, 0, 40, 20))
		for y := 1; y < 19; y++ {
			for x := 1; x < 39; x++ {
				img.SetGray(x, y, color.Gray{Y: 255})
			}
		}
		x := fit(t, img, 1, 8, 8, FitOptions{Aspect: Pad})
		for row, want := range []byte{0, 0, 200, 255, 255, 200, 0, 0} {
			if got := x[row*8+4]; absDiff(got, want) > 40 {
				t.Errorf("row %d: want about %d, got %d", row, want, got)
			}
		}
	})
}

func absDiff(a, b byte) int { return max(int(a), int(b)) - min(int(a), int(b)) }

func TestFitImageTransparencyIsPaper(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 4, 4)) // transparent black
	img.SetNRGBA(1, 1, color.NRGBA{0, 0, 0, 255})
	x := fit(t, img, 1, 4, 4, FitOptions{})
	if x[0] != 255 || x[5] != 0 {
		t.Errorf("want white paper and black ink, got %v", x)
	}
	if x = fit(t, img, 1, 4, 4, FitOptions{Invert: InvertAuto}); x[0] != 0 || x[5] != 255 {
		t.Errorf("inverted: want black and white, got %v", x)
	}
}

// Dark ink on bright paper, at any place and size and with uneven paper, becomes nearly the image that MNIST's preparation
// gives of the same digit: ink of 20 pixels, centred by mass, on pure black.
func TestFitImageCentreInk(t *testing.T) {
	want := centredBar(t, image.Rect(40, 20, 60, 100), image.Pt(140, 160), 1)
	for name, c := range map[string]struct {
		bar  image.Rectangle
		size image.Point
	}{
		"elsewhere": {image.Rect(3, 70, 23, 150), image.Pt(140, 160)},
		"larger":    {image.Rect(100, 50, 150, 250), image.Pt(300, 400)},
		"wide":      {image.Rect(300, 10, 310, 50), image.Pt(1000, 60)},
	} {
		if got := centredBar(t, c.bar, c.size, 1); !slices.Equal(got, want) {
			t.Errorf("%s: differs from the same bar in the middle", name)
		}
	}
	top, bottom, left, right := 28, -1, 28, -1
	for i, v := range want {
		if v > 127 {
			top, bottom, left, right = min(top, i/28), max(bottom, i/28), min(left, i%28), max(right, i%28)
		}
	}
	// 20×80 source pixels become 5×20, from row 4 to 23 and column 11 or 12 to 15 or 16.
	if top != 4 || bottom != 23 || right-left != 4 || left < 11 || left > 12 {
		t.Errorf("ink in rows %d to %d, columns %d to %d", top, bottom, left, right)
	}
	if want[0] != 0 || slices.Max(want) != 255 {
		t.Errorf("levels: paper %d, ink %d", want[0], slices.Max(want))
	}
	for name, level := range map[string]byte{"white": 255, "black": 0, "grey": 128} {
		blank := image.NewGray(image.Rect(0, 0, 30, 30))
		for i := range blank.Pix {
			blank.Pix[i] = level
		}
		if x := fit(t, blank, 1, 28, 28, DigitOptions()); slices.Max(x) != 0 {
			t.Errorf("blank %s sheet: want black, got %d", name, slices.Max(x))
		}
	}
}

// centredBar fits a photograph of a dark bar on paper whose brightness wavers.
func centredBar(t *testing.T, bar image.Rectangle, size image.Point, channels int) []byte {
	img := image.NewGray(image.Rectangle{Max: size})
	for y := range size.Y {
		for x := range size.X {
			level := byte(220 + (x*7+y*3)%5)
			if image.Pt(x, y).In(bar) {
				level = 30
			}
			img.SetGray(x, y, color.Gray{Y: level})
		}
	}
	x := fit(t, img, channels, 28, 28, DigitOptions())
	for i, v := range x { // the wavering of the paper, at most 4 levels of 190, is not the point
		if v < 8 {
			x[i] = 0
		} else if v > 247 {
			x[i] = 255
		}
	}
	return x
}

func TestFitImageErrors(t *testing.T) {
	img := pattern(8, 8)
	for _, c := range []struct {
		name    string
		img     image.Image
		c, h, w int
		opts    FitOptions
		want    string
	}{
		{"channels", img, 4, 8, 8, FitOptions{}, "fit image: want 1 (grey) or 3 (RGB) channels, got 4"},
		{"ink in colour", img, 3, 8, 8, DigitOptions(), "fit image: centring ink wants 1 channel (grey), got 3"},
		{"target", img, 1, 0, 8, FitOptions{}, "fit image: target: image size: want 1×1 to 64 megapixels with sides up to 32768, got 8×0"},
		{"no pixels", image.NewGray(image.Rect(0, 0, 0, 5)), 1, 8, 8, FitOptions{},
			"fit image: image size: want 1×1 to 64 megapixels with sides up to 32768, got 0×5"},
		{"too long", image.NewUniform(color.White), 1, 8, 8, FitOptions{},
			"fit image: image size: want 1×1 to 64 megapixels with sides up to 32768, got 2000000000×2000000000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := FitImage(c.img, c.c, c.h, c.w, c.opts); err == nil || err.Error() != c.want {
				t.Errorf("want %q, got %v", c.want, err)
			}
		})
	}
}

// The narrowest images and targets work under every option.
func TestFitImageExtremes(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {1, 300}, {300, 1}, {2, 3}} {
		for _, aspect := range []Aspect{Stretch, Crop, Pad} {
			for _, target := range []image.Point{{1, 1}, {28, 28}, {2, 9}} {
				fit(t, pattern(size.X, size.Y), 3, target.Y, target.X, FitOptions{Aspect: aspect})
				fit(t, pattern(size.X, size.Y), 1, target.Y, target.X, FitOptions{Aspect: aspect, Invert: InvertAuto, CentreInk: true})
			}
		}
	}
}
