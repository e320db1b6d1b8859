package data

import (
	"fmt"
	"image"
	"image/color"
	"slices"

	"golang.org/x/image/draw"
)

// Aspect says what happens to an image whose sides are not in the proportion wanted.
type Aspect int

const (
	Stretch Aspect = iota // the whole image, its proportions changed
	Crop                  // the largest centred part in proportion: the rest is lost
	Pad                   // the whole image in proportion, with borders of the mean grey level of its own border
)

// Invert says whether light and dark are swapped.
type Invert int

const (
	InvertNever  Invert = iota
	InvertAlways        // 255 - v
	InvertAuto          // if the border of the image is brighter than the middle grey, as with ink on paper
)

// FitOptions choose how FitImage treats an image. The zero value stretches and changes no colour.
// For photographed or scanned digits and networks trained on MNIST or Digits use DigitOptions.
type FitOptions struct {
	Aspect Aspect
	Invert Invert

	// CentreInk prepares a greyscale image as MNIST was: after the inversion the levels are stretched so that
	// paper, the mean of the border, is 0 and the brightest ink 255; the ink (above 127) is cut out, its longer side made
	// 20/28 of the canvas, and its centre of mass moved to the centre. An image without ink becomes black. Aspect is not used.
	CentreInk bool
}

// DigitOptions returns the options for a digit from the outside world: InvertAuto and CentreInk.
func DigitOptions() FitOptions { return FitOptions{Invert: InvertAuto, CentreInk: true} }

// FitImage resizes an image of any size to the c·h·w bytes of one image of a Set, in planes (C, H, W).
//
//	c = 1  grey, by the luma of ITU-R BT.601: 0.299 R + 0.587 G + 0.114 B
//	c = 3  red, green, blue
//
// Transparent parts are taken for white paper. Resizing is Catmull–Rom, with the kernel widened when shrinking so that every
// source pixel counts; an image that has the size already is copied exactly. An image set's pixels,
// written as a PNG and read back, come out unchanged under the zero FitOptions.
//
// Errors: c other than 1 or 3, a size below 1 or beyond that of DecodeImage, CentreInk with c = 3.
//
// Source: E. Catmull, R. Rom, "A class of local interpolating splines", 1974; for CentreInk the preparation described with MNIST.
func FitImage(img image.Image, c, h, w int, opts FitOptions) ([]byte, error) {
	if c != 1 && c != 3 {
		return nil, fmt.Errorf("fit image: want 1 (grey) or 3 (RGB) channels, got %d", c)
	}
	if opts.CentreInk && c != 1 {
		return nil, fmt.Errorf("fit image: centring ink wants 1 channel (grey), got %d", c)
	}
	if err := checkImageSize(w, h); err != nil {
		return nil, fmt.Errorf("fit image: target: %w", err)
	}
	if err := checkImageSize(img.Bounds().Dx(), img.Bounds().Dy()); err != nil {
		return nil, fmt.Errorf("fit image: %w", err)
	}
	src := onPaper(img)
	if opts.Invert == InvertAlways || opts.Invert == InvertAuto && borderLevel(src).Y > 127 {
		for i := range src.Pix {
			if i%4 != 3 {
				src.Pix[i] = 255 - src.Pix[i]
			}
		}
	}
	if opts.CentreInk {
		return centreInk(src, h, w), nil
	}
	canvas := image.NewRGBA(image.Rect(0, 0, w, h))
	from, to := src.Bounds(), canvas.Bounds()
	switch opts.Aspect {
	case Crop:
		from = inscribed(from, w, h)
	case Pad:
		to = inscribed(to, from.Dx(), from.Dy())
		level := borderLevel(src)
		draw.Draw(canvas, canvas.Bounds(), image.NewUniform(level), image.Point{}, draw.Src)
	}
	scale(canvas, to, src, from)
	return planes(canvas, c), nil
}

// onPaper copies an image of any type onto white, with its corner at the origin.
func onPaper(img image.Image) *image.RGBA {
	b := img.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(out, out.Bounds(), image.White, image.Point{}, draw.Src)
	draw.Draw(out, out.Bounds(), img, b.Min, draw.Over)
	return out
}

// scale resizes, or copies where there is nothing to resize.
func scale(dst *image.RGBA, to image.Rectangle, src *image.RGBA, from image.Rectangle) {
	if to.Size() == from.Size() {
		draw.Draw(dst, to, src, from.Min, draw.Src)
		return
	}
	draw.CatmullRom.Scale(dst, to, src, from, draw.Src, nil)
}

// inscribed returns the largest centred part of r whose sides are in the proportion w:h.
func inscribed(r image.Rectangle, w, h int) image.Rectangle {
	iw, ih := r.Dx(), r.Dy()
	if r.Dx()*h > r.Dy()*w {
		iw = max((r.Dy()*w+h/2)/h, 1)
	} else {
		ih = max((r.Dx()*h+w/2)/w, 1)
	}
	corner := r.Min.Add(image.Pt((r.Dx()-iw)/2, (r.Dy()-ih)/2))
	return image.Rectangle{Min: corner, Max: corner.Add(image.Pt(iw, ih))}
}

// borderLevel returns the mean grey level of the outermost pixels.
func borderLevel(img *image.RGBA) color.Gray {
	b := img.Bounds()
	sum, n := 0, 0
	add := func(x, y int) {
		sum += int(luma(img.Pix[img.PixOffset(x, y):]))
		n++
	}
	for x := range b.Dx() {
		add(x, 0)
		add(x, b.Dy()-1)
	}
	for y := range b.Dy() {
		add(0, y)
		add(b.Dx()-1, y)
	}
	return color.Gray{Y: byte(sum / n)}
}

// luma weighs the three bytes at p; the weights add up to 1<<16, so that a grey pixel keeps its level.
func luma(p []byte) byte {
	return byte((19595*uint32(p[0]) + 38470*uint32(p[1]) + 7471*uint32(p[2]) + 1<<15) >> 16)
}

// planes separates the channels.
func planes(img *image.RGBA, c int) []byte {
	n := img.Rect.Dx() * img.Rect.Dy()
	out := make([]byte, c*n)
	for i := range n {
		p := img.Pix[4*i:]
		if c == 1 {
			out[i] = luma(p)
			continue
		}
		out[i], out[n+i], out[2*n+i] = p[0], p[1], p[2]
	}
	return out
}

// centreInk cuts out the ink, scales it and centres it by mass, as FitOptions.CentreInk says.
func centreInk(src *image.RGBA, h, w int) []byte {
	grey := planes(src, 1)
	paper, full := int(borderLevel(src).Y), int(slices.Max(grey))
	if full-paper < leastInk {
		return make([]byte, h*w)
	}
	for i, v := range grey {
		grey[i] = byte(max(int(v)-paper, 0) * 255 / (full - paper))
	}
	var box image.Rectangle
	width := src.Rect.Dx()
	for i, v := range grey {
		if v > 127 {
			x, y := i%width, i/width
			box = box.Union(image.Rect(x, y, x+1, y+1))
		}
	}
	ink := image.NewRGBA(box)
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			v := grey[y*width+x]
			ink.SetRGBA(x, y, color.RGBA{v, v, v, 255})
		}
	}
	room := image.Rect(0, 0, max(w*20/28, 1), max(h*20/28, 1))
	target := inscribed(room, box.Dx(), box.Dy())
	small := image.NewRGBA(image.Rect(0, 0, target.Dx(), target.Dy()))
	scale(small, small.Bounds(), ink, box)

	levels := planes(small, 1)
	mass, mx, my := 0, 0, 0
	for i, v := range levels {
		x, y := i%small.Rect.Dx(), i/small.Rect.Dx()
		mass += int(v)
		mx += int(v) * (2*x + 1)
		my += int(v) * (2*y + 1)
	}
	// Half pixels: the centre of mass is mx/(2·mass), that of the canvas w/2. Round to whole pixels, as MNIST does.
	mass = max(mass, 1)
	dx := min(max((w*mass-mx+mass)/(2*mass), 0), w-small.Rect.Dx())
	dy := min(max((h*mass-my+mass)/(2*mass), 0), h-small.Rect.Dy())
	out := make([]byte, h*w)
	for i, v := range levels {
		out[(dy+i/small.Rect.Dx())*w+dx+i%small.Rect.Dx()] = v
	}
	return out
}

// leastInk is the contrast below which an image is blank paper.
const leastInk = 16
