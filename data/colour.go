package data

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// The steps of this file change levels, in proportion to 255. Factors are drawn evenly from 1 - By to 1 + By.

// Brightness multiplies all levels by one factor.
type Brightness struct{ By float64 }

// Contrast multiplies the distance of all levels from the image's mean grey by one factor.
type Contrast struct{ By float64 }

// Saturation multiplies the distance of each pixel from its own grey by one factor. It wants three channels.
type Saturation struct{ By float64 }

// Hue turns the colour circle, the plane of I and Q in the YIQ space of NTSC, by up to By turns in either direction;
// grey stays grey. It wants three channels.
type Hue struct{ By float64 }

// PCA adds the same colour to all pixels: along each principal axis pᵢ of the colours of the set, on a scale where white
// is 1, αᵢ·λᵢ with the variance λᵢ along it and αᵢ normal with the standard deviation Std. It wants three channels.
//
//	Σ pᵢ·αᵢ·λᵢ
//
// Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", 2012, section 4.1, with 0.1.
type PCA struct{ Std float64 }

// Cutout paints a square of Size×Size pixels, centred anywhere in the image and cut off at its edge, in the mean colour of
// the set, which normalising turns into 0. DeVries and Taylor, "Improved Regularization of Convolutional Neural Networks with
// Cutout", 2017.
type Cutout struct{ Size int }

// Mixup mixes an image with another of the set, which is augmented as it is in this epoch, and their labels with them:
//
//	x = λ·xᵢ + (1 - λ)·xⱼ,  λ from the beta distribution with both parameters Alpha
//
// The image with the larger share gives Batch.Y its label; Batch.Other has the other one, and Batch.Share λ. Zhang, Cissé,
// Dauphin and Lopez-Paz, "mixup: Beyond Empirical Risk Minimization", ICLR 2018; here with a λ for each image.
type Mixup struct{ Alpha float64 }

// A tint maps colours to m·colour + t, in levels. Images of one channel use m[0][0] and t[0].
type tint struct {
	m [3][3]float64
	t [3]float64
}

var identityTint = tint{m: [3][3]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}}

// greyWeights are those of luma, ITU-R BT.601.
var greyWeights = [3]float64{0.299, 0.587, 0.114}

// paint adds a colour step after those so far.
func (k *canvas) paint(n tint) {
	old := k.tint
	for i := range 3 {
		k.tint.t[i] = n.t[i]
		for j := range 3 {
			k.tint.t[i] += mul(n.m[i][j], old.t[j])
			k.tint.m[i][j] = mul(n.m[i][0], old.m[0][j]) + mul(n.m[i][1], old.m[1][j]) + mul(n.m[i][2], old.m[2][j])
		}
	}
}

// flushTint carries out the colour steps. The numbers are rounded to 2⁻¹², and all else is exact.
func (k *canvas) flushTint() {
	if k.tint == identityTint {
		return
	}
	var m [3][3]int
	var t [3]int
	for i := range 3 {
		t[i] = tintNumber(k.tint.t[i]) + 1<<11 // and a half, for rounding
		for j := range 3 {
			m[i][j] = tintNumber(k.tint.m[i][j])
		}
	}
	k.tint = identityTint
	k.own()
	if k.c != 3 {
		for p, v := range k.pix {
			k.pix[p] = level((m[0][0]*int(v) + t[0]) >> 12)
		}
		return
	}
	n := k.h * k.w
	red, green, blue := k.pix[:n], k.pix[n:2*n], k.pix[2*n:3*n]
	for p := range n {
		r, g, b := int(red[p]), int(green[p]), int(blue[p])
		red[p] = level((m[0][0]*r + m[0][1]*g + m[0][2]*b + t[0]) >> 12)
		green[p] = level((m[1][0]*r + m[1][1]*g + m[1][2]*b + t[1]) >> 12)
		blue[p] = level((m[2][0]*r + m[2][1]*g + m[2][2]*b + t[2]) >> 12)
	}
}

func tintNumber(v float64) int { return int(math.Round(min(max(v, -1e6), 1e6) * (1 << 12))) }

func level(v int) byte { return byte(min(max(v, 0), 255)) }

// meanGrey returns that of the image so far, before it is clipped.
func (k *canvas) meanGrey() float64 {
	n := k.h * k.w
	var mean [3]float64
	for ch := range min(k.c, 3) {
		sum := 0
		for _, v := range k.pix[ch*n : (ch+1)*n] {
			sum += int(v)
		}
		mean[ch] = float64(sum) / float64(n)
	}
	if k.c != 3 {
		return mul(k.tint.m[0][0], mean[0]) + k.tint.t[0]
	}
	grey := 0.0
	for i := range 3 {
		v := mul(k.tint.m[i][0], mean[0]) + mul(k.tint.m[i][1], mean[1]) + mul(k.tint.m[i][2], mean[2]) + k.tint.t[i]
		grey += mul(greyWeights[i], v)
	}
	return grey
}

// grows is the tint that multiplies all by f and adds t.
func grows(f, t float64) tint {
	return tint{[3][3]float64{{f, 0, 0}, {0, f, 0}, {0, 0, f}}, [3]float64{t, t, t}}
}

func (k *canvas) factor(by float64) float64 { return k.rand.between(1-by, 1+by) }

func (s Brightness) String() string { return stepText("brightness", s.By) }

func (s Brightness) size(_ int, in extent) (extent, error) { return in, share("a strength", s.By) }

func (s Brightness) apply(k *canvas) {
	k.flushGeometry()
	k.paint(grows(k.factor(s.By), 0))
}

func (s Contrast) String() string { return stepText("contrast", s.By) }

func (s Contrast) size(c int, in extent) (extent, error) {
	if c != 1 && c != 3 {
		return in, fmt.Errorf("want images of 1 or 3 channels, got %d", c)
	}
	return in, share("a strength", s.By)
}

func (s Contrast) apply(k *canvas) {
	k.flushGeometry()
	f := k.factor(s.By)
	k.paint(grows(f, mul(1-f, k.meanGrey())))
}

func (s Saturation) String() string { return stepText("saturation", s.By) }

func (s Saturation) size(c int, in extent) (extent, error) {
	return in, colourful(c, share("a strength", s.By))
}

func colourful(c int, err error) error {
	if c != 3 {
		return fmt.Errorf("want images of 3 channels, got %d", c)
	}
	return err
}

func (s Saturation) apply(k *canvas) {
	k.flushGeometry()
	f := k.factor(s.By)
	n := grows(f, 0)
	for i := range 3 {
		for j := range 3 {
			n.m[i][j] += mul(1-f, greyWeights[j])
		}
	}
	k.paint(n)
}

func (s Hue) String() string { return stepText("hue", s.By) }

func (s Hue) size(c int, in extent) (extent, error) {
	return in, colourful(c, within("turns", s.By, 0, 0.5))
}

// RGB from Y, I and Q; the inverse is computed, so that a turn by nothing is the identity to rounding. FCC 1953.
var fromYIQ = [3][3]float64{{1, 0.956, 0.621}, {1, -0.272, -0.647}, {1, -1.106, 1.703}}

var toYIQ = inverse(fromYIQ)

func (s Hue) apply(k *canvas) {
	k.flushGeometry()
	sin, cos := math.Sincos(k.rand.between(-s.By, s.By) * 2 * math.Pi)
	turn := [3][3]float64{{1, 0, 0}, {0, cos, -sin}, {0, sin, cos}}
	k.paint(tint{m: product3(product3(fromYIQ, turn), toYIQ)})
}

func product3(a, b [3][3]float64) (c [3][3]float64) {
	for i := range 3 {
		for j := range 3 {
			c[i][j] = mul(a[i][0], b[0][j]) + mul(a[i][1], b[1][j]) + mul(a[i][2], b[2][j])
		}
	}
	return c
}

// inverse is by cofactors.
func inverse(a [3][3]float64) (b [3][3]float64) {
	minor := func(i, j int) float64 {
		p, q, r, s := (i+1)%3, (i+2)%3, (j+1)%3, (j+2)%3
		return mul(a[p][r], a[q][s]) - mul(a[p][s], a[q][r])
	}
	det := mul(a[0][0], minor(0, 0)) + mul(a[0][1], minor(0, 1)) + mul(a[0][2], minor(0, 2))
	for i := range 3 {
		for j := range 3 {
			b[j][i] = minor(i, j) / det
		}
	}
	return b
}

func (s PCA) String() string { return stepText("pca", s.Std) }

func (s PCA) size(c int, in extent) (extent, error) {
	return in, colourful(c, within("a standard deviation", s.Std, 0, 10))
}

func (s PCA) measures() bool { return true }

func (s PCA) apply(k *canvas) {
	k.flushGeometry()
	n := identityTint
	for i := range 3 {
		far := mul(mul(k.rand.normal(), s.Std), k.colours.variance[i])
		for ch := range 3 {
			n.t[ch] += mul(255*far, k.colours.axes[i][ch])
		}
	}
	k.paint(n)
}

func (s Cutout) String() string { return stepText("cutout", float64(s.Size)) }

func (s Cutout) size(_ int, in extent) (extent, error) {
	if s.Size < 0 || s.Size > maxSide {
		return in, fmt.Errorf("want a size of 0 to %d pixels, got %d", maxSide, s.Size)
	}
	return in, nil
}

func (s Cutout) measures() bool { return true }

func (s Cutout) apply(k *canvas) {
	k.flush()
	y, x := k.rand.below(k.h)-s.Size/2, k.rand.below(k.w)-s.Size/2
	left, right := max(x, 0), min(x+s.Size, k.w)
	if left >= right {
		return
	}
	k.own()
	for ch := range k.c {
		paint := k.colours.level(ch)
		for i := max(y, 0); i < min(y+s.Size, k.h); i++ {
			row := k.pix[(ch*k.h+i)*k.w:][left:right]
			for j := range row {
				row[j] = paint
			}
		}
	}
}

func (s Mixup) String() string { return stepText("mixup", s.Alpha) }

func (s Mixup) size(_ int, in extent) (extent, error) {
	return in, within("a parameter", s.Alpha, 1e-3, 1e3)
}

// apply does nothing: the Loader mixes, which has both images.
func (Mixup) apply(*canvas) {}

// colours are the mean of each channel in levels and, for three channels, the principal axes of the colours of all pixels
// with the variance along them, on a scale where white is 1; the largest first.
type colours struct {
	mean     []float64
	variance [3]float64
	axes     [3][3]float64
}

func (c *colours) level(channel int) byte { return level(int(math.Round(c.mean[channel]))) }

// measureColours sums exactly.
func measureColours(s *Set) *colours {
	n, plane := float64(max(s.Len()*s.H*s.W, 1)), s.H*s.W
	sums, products := make([]uint64, s.C), [3][3]uint64{}
	for i := range s.Len() {
		img := s.Image(i)
		for ch := range s.C {
			for _, v := range img[ch*plane : (ch+1)*plane] {
				sums[ch] += uint64(v)
			}
		}
		if s.C != 3 {
			continue
		}
		red, green, blue := img[:plane], img[plane:2*plane], img[2*plane:]
		for p := range plane {
			r, g, b := uint64(red[p]), uint64(green[p]), uint64(blue[p])
			products[0][0] += r * r
			products[0][1] += r * g
			products[0][2] += r * b
			products[1][1] += g * g
			products[1][2] += g * b
			products[2][2] += b * b
		}
	}
	c := &colours{mean: make([]float64, s.C)}
	for ch, sum := range sums {
		c.mean[ch] = float64(sum) / n
	}
	if s.C == 3 {
		var cov [3][3]float64
		for i := range 3 {
			for j := i; j < 3; j++ {
				cov[i][j] = (float64(products[i][j])/n - mul(c.mean[i], c.mean[j])) / (255 * 255)
				cov[j][i] = cov[i][j]
			}
		}
		c.variance, c.axes = eigen(cov)
	}
	return c
}

// eigen returns the eigenvalues of a symmetric matrix, the largest first, and the unit eigenvectors, by Jacobi's rotations:
// each makes one element off the diagonal vanish, and a few rounds make all. The first component of a vector that is
// not zero is positive. Golub and Van Loan, "Matrix Computations", section 8.5.
func eigen(a [3][3]float64) (values [3]float64, vectors [3][3]float64) {
	v := identityTint.m
	for range 30 {
		for _, pq := range [][2]int{{0, 1}, {0, 2}, {1, 2}} {
			p, q := pq[0], pq[1]
			if a[p][q] == 0 {
				continue
			}
			theta := (a[q][q] - a[p][p]) / (2 * a[p][q])
			t := math.Copysign(1/(math.Abs(theta)+math.Sqrt(mul(theta, theta)+1)), theta)
			c := 1 / math.Sqrt(mul(t, t)+1)
			turn := identityTint.m
			turn[p][p], turn[q][q], turn[p][q], turn[q][p] = c, c, mul(t, c), -mul(t, c)
			a = product3(product3(transposed(turn), a), turn)
			v = product3(v, turn)
			a[p][q], a[q][p] = 0, 0
		}
	}
	order := [3]int{0, 1, 2}
	slices.SortStableFunc(order[:], func(i, j int) int { return cmp.Compare(a[j][j], a[i][i]) })
	for i, k := range order {
		values[i] = max(a[k][k], 0)
		vectors[i] = [3]float64{v[0][k], v[1][k], v[2][k]}
		for _, x := range vectors[i] {
			if x < 0 {
				vectors[i] = [3]float64{-v[0][k], -v[1][k], -v[2][k]}
			}
			if x != 0 {
				break
			}
		}
	}
	return values, vectors
}

func transposed(a [3][3]float64) (b [3][3]float64) {
	for i := range 3 {
		for j := range 3 {
			b[j][i] = a[i][j]
		}
	}
	return b
}
