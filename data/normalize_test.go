package data

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
)

// twoImages holds two images of 2 channels and 1×2 pixels.
func twoImages() *Set {
	return &Set{Name: "two", C: 2, H: 1, W: 2, Classes: []string{"a"}, Labels: []int32{0, 0},
		Pixels: []byte{
			0, 10, 7, 7,
			20, 30, 7, 7,
		}}
}

func TestPixelMean(t *testing.T) {
	norm := PixelMean(twoImages())
	if want := []float32{10, 20, 7, 7}; !slices.Equal(norm.Mean, want) {
		t.Errorf("mean: want %v, got %v", want, norm.Mean)
	}
	if want := []float32{1. / 255}; !slices.Equal(norm.Scale, want) {
		t.Errorf("scale: want %v, got %v", want, norm.Scale)
	}
	if empty := PixelMean(twoImages().Take(0)); !slices.Equal(empty.Mean, make([]float32, 4)) {
		t.Errorf("mean of nothing: want zeros, got %v", empty.Mean)
	}
}

func TestChannelMeanStd(t *testing.T) {
	norm := ChannelMeanStd(twoImages())
	// Channel 0 holds 0, 10, 20, 30: mean 15, variance (225+25+25+225)/4 = 125. Channel 1 is constant.
	if want := []float32{15, 7}; !slices.Equal(norm.Mean, want) {
		t.Errorf("mean: want %v, got %v", want, norm.Mean)
	}
	if want := []float32{float32(1 / math.Sqrt(125)), 1}; !slices.Equal(norm.Scale, want) {
		t.Errorf("scale: want %v, got %v", want, norm.Scale)
	}
	if empty := ChannelMeanStd(twoImages().Take(0)); !slices.Equal(empty.Mean, []float32{0, 0}) || !slices.Equal(empty.Scale, []float32{1, 1}) {
		t.Errorf("of nothing: want mean 0 and scale 1, got %v", empty)
	}
}

// A set and its shuffle have the same mean and deviation to the last bit.
func TestStatisticsDoNotDependOnOrder(t *testing.T) {
	s := Digits(300, 5)
	for name, statistics := range map[string]func(*Set) Normalizer{"pixel": PixelMean, "channel": ChannelMeanStd} {
		a, b := statistics(s), statistics(s.Shuffled(9))
		if !slices.Equal(a.Mean, b.Mean) || !slices.Equal(a.Scale, b.Scale) {
			t.Errorf("%s: another order gives another result", name)
		}
	}
}

// Normalised by its own statistics each channel has mean 0 and variance 1; by its own mean image each pixel has mean 0.
func TestNormalisedStatistics(t *testing.T) {
	s := Digits(200, 5)
	x := make([]float32, s.Dim())
	var sum, squares float64
	norm := ChannelMeanStd(s)
	for i := range s.Len() {
		if err := norm.Apply(x, s.Image(i)); err != nil {
			t.Fatal(err)
		}
		for _, v := range x {
			sum += float64(v)
			squares += float64(v) * float64(v)
		}
	}
	n := float64(len(s.Pixels))
	// Each value carries a relative error of 2⁻²³ or so; the mean of n of them cannot be off by more.
	if math.Abs(sum/n) > 1e-6 || math.Abs(squares/n-1) > 1e-5 {
		t.Errorf("want mean 0 and variance 1, got %v and %v", sum/n, squares/n)
	}
}

func TestNormalizerApply(t *testing.T) {
	pixels := []byte{0, 100, 200, 255}
	for _, c := range []struct {
		name string
		norm Normalizer
		want []float32
	}{
		{"zero value", Normalizer{}, []float32{0, 100, 200, 255}},
		{"one mean", Normalizer{Mean: []float32{100}}, []float32{-100, 0, 100, 155}},
		{"one scale", Normalizer{Scale: []float32{0.5}}, []float32{0, 50, 100, 127.5}},
		{"per channel", Normalizer{Mean: []float32{50, 200}, Scale: []float32{2, 1}}, []float32{-100, 100, 0, 55}},
		{"per pixel", Normalizer{Mean: []float32{0, 100, 200, 250}, Scale: []float32{1, 1, 1, 0.2}}, []float32{0, 0, 0, 1}},
		{"pixel mean, channel scale", Normalizer{Mean: []float32{0, 99, 198, 250}, Scale: []float32{1, 10}}, []float32{0, 1, 20, 50}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := make([]float32, 4)
			if err := c.norm.Apply(got, pixels); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("want %v, got %v", c.want, got)
			}
		})
	}
}

func TestNormalizerErrors(t *testing.T) {
	for _, c := range []struct {
		name   string
		norm   Normalizer
		dst, n int
		want   string
	}{
		{"destination", Normalizer{}, 3, 4, "normalise: want a destination of 4 elements, one for each pixel byte, got 3"},
		{"mean", Normalizer{Mean: make([]float32, 3)}, 4, 4, "normaliser mean: want 1 number, one a channel or one a pixel of 4 bytes, got 3"},
		{"scale", Normalizer{Scale: make([]float32, 5)}, 4, 4, "normaliser scale: want 1 number, one a channel or one a pixel of 4 bytes, got 5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.norm.Apply(make([]float32, c.dst), make([]byte, c.n)); err == nil || err.Error() != c.want {
				t.Errorf("want %q, got %v", c.want, err)
			}
		})
	}
}

// A stored normaliser gives the same bits as the one computed.
func TestNormalizerJSON(t *testing.T) {
	norm := ChannelMeanStd(Digits(100, 2))
	norm.Mean = append(norm.Mean, math.MaxFloat32, math.SmallestNonzeroFloat32, 1./3)
	text, err := json.Marshal(norm)
	if err != nil {
		t.Fatal(err)
	}
	var back Normalizer
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(back.Mean, norm.Mean) || !slices.Equal(back.Scale, norm.Scale) {
		t.Errorf("want %v, got %v", norm, back)
	}
	if text, _ := json.Marshal(Normalizer{}); string(text) != "{}" {
		t.Errorf("zero value: want {}, got %s", text)
	}
}

func BenchmarkNormalizerApply(b *testing.B) {
	for name, s := range map[string]*Set{"pixel": Digits(1, 1)} {
		b.Run("mean="+name, func(b *testing.B) {
			norm, dst := PixelMean(s), make([]float32, s.Dim())
			b.SetBytes(int64(s.Dim()))
			b.ReportAllocs()
			for b.Loop() {
				if err := norm.Apply(dst, s.Pixels); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
