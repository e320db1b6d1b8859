package data

import (
	"fmt"
	"math"
)

// The steps of this file move pixels. Positions, angles and factors are drawn evenly from the ranges given.

// Flip mirrors left and right with probability P.
type Flip struct{ P float64 }

// RandomCrop takes an image of the same size out of one with Pad pixels of border on each side: a shift by up to Pad in whole
// pixels, as for ResNet on CIFAR-10 (He et al. 2016, section 4.2).
type RandomCrop struct{ Pad int }

// Patch takes Size×Size pixels somewhere in the image.
type Patch struct{ Size int }

// Place takes Size×Size pixels at a fixed place, of even remainders the upper or left one.
type Place struct {
	Where Where
	Size  int
}

// Where is one of five places.
type Where int

const (
	Centre Where = iota
	TopLeft
	TopRight
	BottomLeft
	BottomRight
)

var places = []string{"centre", "top-left", "top-right", "bottom-left", "bottom-right"}

// Scale resizes so that the short side has Lo to Hi pixels, in proportion.
type Scale struct{ Lo, Hi int }

// ResizedCrop takes a part with Area (at least) to 1 of the image's pixels and sides in a ratio between 3:4 and 4:3, evenly in
// its logarithm, and resizes it to Size×Size; a Size of 0 keeps that of the image. After ten parts that do not fit it takes the
// largest centred square. Szegedy et al., "Going Deeper with Convolutions", 2015, section 6.
type ResizedCrop struct {
	Size int
	Area float64
}

// Translate moves by up to Share of the width and height, by fractions of pixels too.
type Translate struct{ Share float64 }

// Rotate turns about the centre by up to Degrees in either direction.
type Rotate struct{ Degrees float64 }

// Elongate resizes width and height about the centre, each by its own factor between 1/(1+By) and 1+By, evenly in
// its logarithm.
type Elongate struct{ By float64 }

// Shear leans the image to the left or right by up to Degrees: the centre row stays where it is.
type Shear struct{ Degrees float64 }

// Lens distorts as a lens does: what is shown at the distance r from the centre, in half diagonals, comes from
// r·(1 + k·r²), with k from -K (pincushion) to K (barrel). Brown, "Decentering distortion of lenses", 1966, first radial term.
type Lens struct{ K float64 }

// Elastic moves each pixel by a smooth random field: numbers from -1 to 1 for every pixel and direction, blurred by a
// Gaussian of Sigma pixels, times Alpha pixels. Simard, Steinkraus and Platt, "Best Practices for Convolutional Neural
// Networks", ICDAR 2003, section 2, which has 34 and 4 for digits of 29×29.
type Elastic struct{ Alpha, Sigma float64 }

func (s Flip) String() string { return stepText("flip", s.P) }

func (s Flip) size(_ int, in extent) (extent, error) { return in, share("the probability", s.P) }

func (s Flip) apply(k *canvas) {
	if k.rand.between(0, 1) < s.P {
		k.move(matrix{-1, 0, float64(k.nw), 0, 1, 0}, k.nh, k.nw)
	}
}

func (s RandomCrop) String() string { return stepText("crop", float64(s.Pad)) }

func (s RandomCrop) size(_ int, in extent) (extent, error) {
	if s.Pad < 0 || s.Pad > maxSide {
		return in, fmt.Errorf("want a padding of 0 to %d pixels, got %d", maxSide, s.Pad)
	}
	return in, nil
}

func (s RandomCrop) apply(k *canvas) {
	x, y := k.rand.below(2*s.Pad+1)-s.Pad, k.rand.below(2*s.Pad+1)-s.Pad
	k.cut(x, y, k.nh, k.nw)
}

// cut takes h rows and w columns from row y and column x on.
func (k *canvas) cut(x, y, h, w int) {
	if x != 0 || y != 0 || h != k.nh || w != k.nw {
		k.move(matrix{1, 0, float64(x), 0, 1, float64(y)}, h, w)
	}
}

func (s Patch) String() string { return stepText("patch", float64(s.Size)) }

func (s Patch) size(_ int, in extent) (extent, error) { return square(s.Size, in) }

// square is the extent of a crop.
func square(size int, in extent) (extent, error) {
	if size < 1 || size > in.h || size > in.w {
		return in, fmt.Errorf("want a size of 1 to %d pixels for images of %d×%d, got %d", min(in.h, in.w), in.h, in.w, size)
	}
	return extent{size, size, true}, nil
}

func (s Patch) apply(k *canvas) {
	x, y := k.rand.below(k.nw-s.Size+1), k.rand.below(k.nh-s.Size+1)
	k.cut(x, y, s.Size, s.Size)
}

func (s Place) String() string {
	if s.Where < 0 || int(s.Where) >= len(places) {
		return fmt.Sprintf("place(%d):%d", s.Where, s.Size)
	}
	return stepText(places[s.Where], float64(s.Size))
}

func (s Place) size(_ int, in extent) (extent, error) {
	if s.Where < 0 || int(s.Where) >= len(places) {
		return in, fmt.Errorf("want one of the places %v", places)
	}
	return square(s.Size, in)
}

func (s Place) apply(k *canvas) {
	right, down := k.nw-s.Size, k.nh-s.Size
	at := [][2]int{{right / 2, down / 2}, {0, 0}, {right, 0}, {0, down}, {right, down}}[s.Where]
	k.cut(at[0], at[1], s.Size, s.Size)
}

func (s Scale) String() string {
	if s.Lo == s.Hi {
		return stepText("scale", float64(s.Lo))
	}
	return stepText("scale", float64(s.Lo), float64(s.Hi))
}

func (s Scale) size(_ int, in extent) (extent, error) {
	if s.Lo < 1 || s.Hi < s.Lo || s.Hi > maxSide {
		return in, fmt.Errorf("want a short side of 1 to %d pixels, the least first, got %d to %d", maxSide, s.Lo, s.Hi)
	}
	if s.Lo == s.Hi && in.exact {
		h, w := scaled(s.Lo, in.h, in.w)
		if h > maxSide || w > maxSide {
			return in, fmt.Errorf("the long side of %d×%d would have more than %d pixels", in.h, in.w, maxSide)
		}
		return extent{h, w, true}, nil
	}
	return extent{s.Lo, s.Lo, false}, nil
}

// scaled returns the size in proportion to h×w whose short side has side pixels.
func scaled(side, h, w int) (int, int) {
	if h < w {
		return side, max((2*w*side+h)/(2*h), side)
	}
	return max((2*h*side+w)/(2*w), side), side
}

func (s Scale) apply(k *canvas) {
	h, w := scaled(s.Lo+k.rand.below(s.Hi-s.Lo+1), k.nh, k.nw)
	if h != k.nh || w != k.nw {
		k.move(matrix{a: float64(k.nw) / float64(w), e: float64(k.nh) / float64(h)}, h, w)
	}
}

func (s ResizedCrop) String() string { return stepText("resized-crop", float64(s.Size), s.Area) }

func (s ResizedCrop) size(_ int, in extent) (extent, error) {
	if s.Size < 0 || s.Size > maxSide || !(s.Area > 0 && s.Area <= 1) {
		return in, fmt.Errorf("want a size of 0 to %d and an area above 0 and up to 1, got %d and %v", maxSide, s.Size, s.Area)
	}
	if s.Size > 0 {
		in = extent{s.Size, s.Size, true}
	}
	return in, nil
}

func (s ResizedCrop) apply(k *canvas) {
	h, w := s.Size, s.Size
	if s.Size == 0 {
		h, w = k.nh, k.nw
	}
	x, y, ph, pw := s.part(&k.rand, k.nh, k.nw)
	k.move(matrix{float64(pw) / float64(w), 0, float64(x), 0, float64(ph) / float64(h), float64(y)}, h, w)
}

func (s ResizedCrop) part(r *source, h, w int) (x, y, ph, pw int) {
	for range 10 {
		area := r.between(s.Area, 1) * float64(h*w)
		ratio := math.Exp(r.between(-1, 1) * math.Log(4./3))
		pw, ph = int(math.Round(math.Sqrt(area*ratio))), int(math.Round(math.Sqrt(area/ratio)))
		if pw >= 1 && ph >= 1 && pw <= w && ph <= h {
			return r.below(w - pw + 1), r.below(h - ph + 1), ph, pw
		}
	}
	side := min(h, w)
	return (w - side) / 2, (h - side) / 2, side, side
}

func (s Translate) String() string { return stepText("translate", s.Share) }

func (s Translate) size(_ int, in extent) (extent, error) { return in, share("the share", s.Share) }

func (s Translate) apply(k *canvas) {
	x, y := k.rand.between(-s.Share, s.Share)*float64(k.nw), k.rand.between(-s.Share, s.Share)*float64(k.nh)
	k.move(matrix{1, 0, x, 0, 1, y}, k.nh, k.nw)
}

func (s Rotate) String() string { return stepText("rotate", s.Degrees) }

func (s Rotate) size(_ int, in extent) (extent, error) {
	return in, within("degrees", s.Degrees, 0, 180)
}

func (s Rotate) apply(k *canvas) {
	sin, cos := math.Sincos(k.rand.between(-s.Degrees, s.Degrees) * math.Pi / 180)
	k.turn(cos, -sin, sin, cos)
}

func (s Elongate) String() string { return stepText("stretch", s.By) }

func (s Elongate) size(_ int, in extent) (extent, error) { return in, within("factor", s.By, 0, 10) }

func (s Elongate) apply(k *canvas) {
	most := math.Log1p(s.By)
	fx, fy := math.Exp(k.rand.between(-most, most)), math.Exp(k.rand.between(-most, most))
	k.turn(fx, 0, 0, fy)
}

func (s Shear) String() string { return stepText("shear", s.Degrees) }

func (s Shear) size(_ int, in extent) (extent, error) { return in, within("degrees", s.Degrees, 0, 80) }

func (s Shear) apply(k *canvas) {
	k.turn(1, math.Tan(k.rand.between(-s.Degrees, s.Degrees)*math.Pi/180), 0, 1)
}

func (s Lens) String() string { return stepText("lens", s.K) }

func (s Lens) size(_ int, in extent) (extent, error) { return in, within("strength", s.K, 0, 1) }

func (s Lens) apply(k *canvas) {
	x, y := float64(k.nw)/2, float64(k.nh)/2
	k.lenses = append(k.lenses, lens{x, y, k.rand.between(-s.K, s.K) / (mul(x, x) + mul(y, y))})
	k.warp(&k.lenses[len(k.lenses)-1])
}

// lens is the map of Lens: k is over the square of the half diagonal.
type lens struct{ x, y, k float64 }

func (l *lens) at(x, y float64) (float64, float64) {
	dx, dy := x-l.x, y-l.y
	f := mul(l.k, mul(dx, dx)+mul(dy, dy))
	return x + mul(dx, f), y + mul(dy, f)
}

func (s Elastic) String() string { return stepText("elastic", s.Alpha, s.Sigma) }

func (s Elastic) size(_ int, in extent) (extent, error) {
	if err := within("number of pixels", s.Alpha, 0, 1e4); err != nil {
		return in, err
	}
	return in, within("blur", s.Sigma, 0.1, 100)
}

func (s Elastic) apply(k *canvas) {
	k.bends = field{k.nh, k.nw, k.field(&k.fieldX, s), k.field(&k.fieldY, s)}
	k.warp(&k.bends)
	k.flushGeometry() // there is one field, for one step at a time
}

// field draws one direction of the displacement.
func (k *canvas) field(mem *[]float64, s Elastic) []float64 {
	n := k.nh * k.nw
	*mem, k.blurred = resized(*mem, n), resized(k.blurred, n)
	out := *mem
	for i := range out {
		out[i] = k.rand.between(-1, 1)
	}
	k.kernel = gaussian(k.kernel[:0], s.Sigma)
	blur(k.blurred, out, k.kernel, k.nh, k.nw, k.nw, 1)
	blur(out, k.blurred, k.kernel, k.nw, k.nh, 1, k.nw)
	for i, v := range out {
		out[i] = mul(v, s.Alpha)
	}
	return out
}

func resized(b []float64, n int) []float64 {
	if cap(b) < n {
		return make([]float64, n)
	}
	return b[:n]
}

// gaussian appends weights that add up to 1, from the middle to three sigma; all but the first count twice. They are
// rounded to 2⁻²⁰ as matrices are.
func gaussian(to []float64, sigma float64) []float64 {
	sum := 0.0
	for i := 0; float64(i) <= math.Ceil(3*sigma); i++ {
		v := math.Exp(-float64(i*i) / (2 * sigma * sigma))
		to = append(to, v)
		sum += v
		if i > 0 {
			sum += v
		}
	}
	for i, v := range to {
		to[i] = float64(rounded(v/sum)) / (1 << matrixBits)
	}
	return to
}

// blur convolves each of the lines with a symmetric kernel; beyond its ends a line goes on as its last element. Line i
// begins at i·step, its elements are next apart.
func blur(dst, src, kernel []float64, lines, length, step, next int) {
	for i := range lines {
		at := func(j int) float64 { return src[i*step+min(max(j, 0), length-1)*next] }
		for j := range length {
			sum := mul(kernel[0], at(j))
			for d := 1; d < len(kernel); d++ {
				sum += mul(kernel[d], at(j-d)+at(j+d))
			}
			dst[i*step+j*next] = sum
		}
	}
}

// field is the map of Elastic: bilinear between the centres of pixels, as its border beyond them.
type field struct {
	h, w   int
	dx, dy []float64
}

func (f *field) at(x, y float64) (float64, float64) {
	u, v := min(max(x-0.5, 0), float64(f.w-1)), min(max(y-0.5, 0), float64(f.h-1))
	j, i := int(u), int(v)
	u, v = u-float64(j), v-float64(i)
	p, right, down := i*f.w+j, 0, 0
	if j+1 < f.w {
		right = 1
	}
	if i+1 < f.h {
		down = f.w
	}
	pick := func(d []float64) float64 {
		top := mul(d[p], 1-u) + mul(d[p+right], u)
		low := mul(d[p+down], 1-u) + mul(d[p+down+right], u)
		return mul(top, 1-v) + mul(low, v)
	}
	return x + pick(f.dx), y + pick(f.dy)
}

// Border says what is beyond the edge of an image for the steps after it, as a step of its own; black where nothing is said.
type Border int

const (
	BorderBlack   Border = iota // level 0
	BorderEdge                  // the pixel at the edge
	BorderReflect               // the image mirrored, its outermost pixels once: cb|abcd|cb
	BorderMean                  // the mean colour of the set
)

var borders = []string{"black", "edge", "reflect", "mean"}

func (b Border) String() string {
	if b < 0 || int(b) >= len(borders) {
		return fmt.Sprintf("border(%d)", int(b))
	}
	return "border:" + borders[b]
}

func (b Border) size(_ int, in extent) (extent, error) {
	if b < 0 || int(b) >= len(borders) {
		return in, fmt.Errorf("want one of %v", borders)
	}
	return in, nil
}

func (b Border) apply(k *canvas) {
	k.flushGeometry()
	k.border = b
}

func (b Border) measures() bool { return b == BorderMean }

// resolve returns the index within 0..n-1 that stands for i, -1 for one beyond the image.
func (b Border) resolve(i, n int) int {
	if uint(i) < uint(n) {
		return i
	}
	switch b {
	case BorderEdge:
		return min(max(i, 0), n-1)
	case BorderReflect:
		period := max(2*n-2, 1)
		i = ((i % period) + period) % period
		return min(i, period-i)
	}
	return -1
}

func share(what string, v float64) error { return within(what, v, 0, 1) }

func within(what string, v, lo, hi float64) error {
	if !(v >= lo && v <= hi) {
		return fmt.Errorf("want %s of %v to %v, got %v", what, lo, hi, v)
	}
	return nil
}
