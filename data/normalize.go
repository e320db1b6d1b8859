package data

import (
	"fmt"
	"math"
	"math/big"
)

// Normalizer turns bytes into the numbers a network sees:
//
//	y = (x - Mean) · Scale,  x in 0..255
//
// Mean and Scale each hold one number for the image (length 1), one for each channel (length C) or one for each
// pixel (length C·H·W). An empty Mean is 0, an empty Scale 1; the zero Normalizer converts to float32 and changes nothing.
// It is plain data: store it as JSON with the network trained on it, and prediction sees the same numbers, bit for bit.
type Normalizer struct {
	Mean  []float32 `json:"mean,omitempty"`  // in grey levels 0..255
	Scale []float32 `json:"scale,omitempty"` // per grey level
}

// PixelMean returns the mean image of the set with Scale 1/255: inputs lie in -1..1 and every pixel has mean 0 over the set.
// For mean subtraction alone, as in the CS231n lectures, set Scale to nil.
// The sums are exact, so that the mean does not depend on the order of the images. The mean of an empty set is 0. It panics with a
// *FormatError where a pack was cut; see OpenPack.
func PixelMean(s *Set) Normalizer {
	sums := make([]uint64, s.Dim())
	s.mustRead(func() {
		for i := range s.Len() {
			for j, v := range s.Image(i) {
				sums[j] += uint64(v)
			}
		}
	})
	mean := make([]float32, len(sums))
	for j, sum := range sums {
		mean[j] = float32(float64(sum) / float64(max(s.Len(), 1)))
	}
	return Normalizer{Mean: mean, Scale: []float32{1. / 255}}
}

// ChannelMeanStd returns the mean of each channel over all images and pixels, and Scale 1/σ with the standard deviation
//
//	σ² = (n·Σx² - (Σx)²) / n²,  n = N·H·W
//
// Each input channel then has mean 0 and variance 1 over the set. Sums and σ² are exact before one rounding. A channel
// that is constant, or an empty set, has Scale 1. It panics with a *FormatError where a pack was cut; see OpenPack.
func ChannelMeanStd(s *Set) Normalizer {
	norm := Normalizer{Mean: make([]float32, s.C), Scale: make([]float32, s.C)}
	n := new(big.Int).SetInt64(int64(s.Len()) * int64(s.H*s.W))
	for c := range s.C {
		var sum, squares uint64
		s.mustRead(func() { sum, squares = s.moments(c) })
		norm.Scale[c] = 1
		if n.Sign() == 0 {
			continue
		}
		total := new(big.Int).SetUint64(sum)
		mean, _ := new(big.Rat).SetFrac(total, n).Float64()
		norm.Mean[c] = float32(mean)
		spread := new(big.Int).Mul(n, new(big.Int).SetUint64(squares))
		spread.Sub(spread, new(big.Int).Mul(total, total))
		variance, _ := new(big.Rat).SetFrac(spread, new(big.Int).Mul(n, n)).Float64()
		if variance > 0 {
			norm.Scale[c] = float32(1 / math.Sqrt(variance))
		}
	}
	return norm
}

// moments returns the sums of a channel's levels and of their squares.
func (s *Set) moments(c int) (sum, squares uint64) {
	plane := s.H * s.W
	for i := range s.Len() {
		for _, v := range s.Image(i)[c*plane : (c+1)*plane] {
			sum += uint64(v)
			squares += uint64(v) * uint64(v)
		}
	}
	return sum, squares
}

// Apply writes the normalised image to dst; both hold C·H·W elements. A Mean or Scale whose length does not divide
// that of the image, and slices of different lengths, are errors.
func (n Normalizer) Apply(dst []float32, pixels []byte) error {
	if len(dst) != len(pixels) {
		return fmt.Errorf("normalise: want a destination of %d elements, one for each pixel byte, got %d", len(pixels), len(dst))
	}
	if err := n.check(len(pixels)); err != nil {
		return err
	}
	n.apply(dst, pixels)
	return nil
}

// checkFor says whether the normaliser suits images of C channels, H rows and W columns.
func (n Normalizer) checkFor(c, h, w int) error {
	want := fmt.Sprintf("1 or %d", c*h*w)
	if c > 1 {
		want = fmt.Sprintf("1, %d or %d", c, c*h*w)
	}
	for _, part := range n.parts() {
		if k := len(part.values); k != 0 && k != 1 && k != c && k != c*h*w {
			return fmt.Errorf("normaliser %s for %d×%d×%d images: want %s numbers, got %d", part.name, c, h, w, want, k)
		}
	}
	return nil
}

func (n Normalizer) check(dim int) error {
	for _, part := range n.parts() {
		if k := len(part.values); k > 0 && (dim%k != 0 || dim == 0) {
			return fmt.Errorf("normaliser %s: want 1 number, one a channel or one a pixel of %d bytes, got %d", part.name, dim, k)
		}
	}
	return nil
}

type part struct {
	name   string
	values []float32
}

func (n Normalizer) parts() [2]part { return [2]part{{"mean", n.Mean}, {"scale", n.Scale}} }

// apply is Apply on checked lengths: k numbers stand for k equal runs of the image.
func (n Normalizer) apply(dst []float32, pixels []byte) {
	dst = dst[:len(pixels)]
	if len(n.Mean) == len(pixels) {
		for j, m := range n.Mean {
			dst[j] = float32(pixels[j]) - m
		}
	} else {
		run := len(pixels) / max(len(n.Mean), 1)
		for k := range max(len(n.Mean), 1) {
			m := at(n.Mean, k, 0)
			in := pixels[k*run : (k+1)*run]
			for j, out := 0, dst[k*run:(k+1)*run]; j < len(out); j++ {
				out[j] = float32(in[j]) - m
			}
		}
	}
	switch {
	case len(n.Scale) == 0:
	case len(n.Scale) == len(pixels):
		for j, s := range n.Scale {
			dst[j] *= s
		}
	default:
		run := len(pixels) / len(n.Scale)
		for k, s := range n.Scale {
			for j, out := 0, dst[k*run:(k+1)*run]; j < len(out); j++ {
				out[j] *= s
			}
		}
	}
}

func at(values []float32, k int, none float32) float32 {
	if len(values) == 0 {
		return none
	}
	return values[k]
}

// mixInto makes dst share·dst + (1 - share)·y, where y is the normalised image. Each product is rounded.
func (n Normalizer) mixInto(dst []float32, pixels []byte, share float32) {
	rest := 1 - share
	mean, scale := len(dst)/max(len(n.Mean), 1), len(dst)/max(len(n.Scale), 1)
	for j, v := range pixels {
		y := float32(float32(v)-at(n.Mean, j/mean, 0)) * at(n.Scale, j/scale, 1)
		dst[j] = float32(share*dst[j]) + float32(rest*y)
	}
}
