package ops

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"neocog/graph"
)

// Resampling says how an axis gets another extent. The zero value is the element whose
// centre is nearest.
type Resampling struct {
	Filter      Interpolation
	Coordinates Coordinates // not of InterpolateArea
	Nearest     NearestRounding
	// CubicA is the coefficient of InterpolateCubic, the slope of the kernel at 1; 0 stands for
	// −0.75. Keys has −0.5.
	CubicA float64
	// ExcludeOutside leaves elements out that x does not have, and makes the rest of the
	// weights sum to 1. Otherwise the element at the edge stands for them.
	ExcludeOutside bool
	// Scale is what coordinates are divided by; 0 stands for the size over the extent of x.
	Scale float64
	// CropAndResize takes the part of x from Start to End, where 0 is the first element and 1 the
	// last. What lies outside x is Extrapolation.
	Start, End, Extrapolation float64
}

// Interpolation says from which elements one is made.
type Interpolation uint8

// The ways to interpolate.
const (
	InterpolateNearest Interpolation = iota // one, as Resampling.Nearest says
	InterpolateLinear                       // the two neighbours, by their distances
	InterpolateCubic                        // the four neighbours, by Keys's cubic convolution
	InterpolateArea                         // the mean of ⌊i·extent/size⌋ … ⌈(i+1)·extent/size⌉−1: adaptive average pooling
)

// Coordinates says which place of x place i of y is, an element being at a whole number.
// s is the scale, n the extent of x, and m = s·n that of y.
type Coordinates uint8

// The modes of ONNX.
const (
	HalfPixel        Coordinates = iota // (i + ½)/s − ½
	PytorchHalfPixel                    // HalfPixel, but 0 for a y of one element
	AlignCorners                        // i·(n − 1)/(m − 1): first and last elements meet; 0 for a y of one element
	Asymmetric                          // i/s
	TFHalfPixelForNN                    // (i + ½)/s
	CropAndResize                       // Start·(n − 1) + i·(End − Start)·(n − 1)/(m − 1); the middle for a y of one element
)

// NearestRounding says which element is nearest to a place.
type NearestRounding uint8

// The modes of ONNX.
const (
	RoundPreferFloor NearestRounding = iota // the nearest one, of two the first
	RoundPreferCeil                         // the nearest one, of two the last
	RoundFloor                              // the one at or before it
	RoundCeil                               // the one at or after it
)

var (
	interpolations   = []string{"nearest", "linear", "cubic", "area"}
	coordinates      = []string{"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize"}
	nearestRoundings = []string{"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"}
)

// String returns nearest, linear, cubic or area.
func (i Interpolation) String() string { return nameOf("Interpolation", interpolations, i) }

// MarshalText returns String.
func (i Interpolation) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (i *Interpolation) UnmarshalText(text []byte) error {
	return named("interpolation", interpolations, text, i)
}

// String returns ONNX's name, such as half_pixel.
func (c Coordinates) String() string { return nameOf("Coordinates", coordinates, c) }

// MarshalText returns String.
func (c Coordinates) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (c *Coordinates) UnmarshalText(text []byte) error {
	return named("coordinates", coordinates, text, c)
}

// String returns ONNX's name, such as round_prefer_floor.
func (r NearestRounding) String() string { return nameOf("NearestRounding", nearestRoundings, r) }

// MarshalText returns String.
func (r NearestRounding) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (r *NearestRounding) UnmarshalText(text []byte) error {
	return named("rounding to the nearest", nearestRoundings, text, r)
}

// nameOf returns the name of v, and Type(v) where it has none.
func nameOf[T ~uint8](typ string, names []string, v T) string {
	if int(v) < len(names) {
		return names[v]
	}
	return fmt.Sprintf("%s(%d)", typ, uint8(v))
}

// named sets v to the number of a name.
func named[T ~uint8](what string, names []string, text []byte, v *T) error {
	i := slices.Index(names, string(text))
	if i < 0 {
		last := len(names) - 1
		return fmt.Errorf("unknown %s %q, want %s or %s", what, text, strings.Join(names[:last], ", "), names[last])
	}
	*v = T(i)
	return nil
}

// keeps reports whether an axis which keeps its extent keeps its elements.
func (r Resampling) keeps() bool {
	return r.Filter == InterpolateArea || (r.Scale == 0 || r.Scale == 1) && r.Coordinates != TFHalfPixelForNN && r.Coordinates != CropAndResize
}

// check returns an error unless an axis of extent n can get another size.
func (r Resampling) check(n, size int) error {
	finite := func(v float64) bool { return math.Abs(v) <= maxAttribute }
	switch {
	case n == graph.Batch || size == graph.Batch:
		return fmt.Errorf("it has extent %s and is to have %s, and the symbolic N cannot be resized: it has the same extent everywhere", extent(n), extent(size))
	case size < 0 || max(n, size) > maxAttribute:
		return fmt.Errorf("extent %d is to become %d, want 0 to %d", n, size, maxAttribute)
	case n == 0 && size > 0:
		return fmt.Errorf("it has no elements to make %d of", size)
	case r.Filter > InterpolateArea:
		return fmt.Errorf("there is no %v, want ops.InterpolateNearest, ops.InterpolateLinear, ops.InterpolateCubic or ops.InterpolateArea", r.Filter)
	case r.Coordinates > CropAndResize:
		return fmt.Errorf("there are no %v, want ops.HalfPixel to ops.CropAndResize", r.Coordinates)
	case r.Nearest > RoundCeil:
		return fmt.Errorf("there is no %v, want ops.RoundPreferFloor to ops.RoundCeil", r.Nearest)
	case !(r.Scale >= 0) || !finite(r.Scale):
		return fmt.Errorf("the scale is %v, want a number above 0", r.Scale)
	case !finite(r.CubicA) || !finite(r.Start) || !finite(r.End):
		return fmt.Errorf("the coefficient is %v and the crop %v to %v, want numbers of at most %d", r.CubicA, r.Start, r.End, maxAttribute)
	}
	return nil
}

// table returns the weights with which n elements become size.
func (r Resampling) table(n, size int) *taps {
	t := &taps{from: []int{0}}
	m := float64(size)
	if r.Scale == 0 {
		r.Scale = m / float64(n)
	} else {
		m = r.Scale * float64(n)
	}
	if r.CubicA == 0 {
		r.CubicA = -0.75
	}
	if r.Coordinates == CropAndResize {
		t.outside = make([]bool, size)
	}
	for i := range size {
		if r.Filter == InterpolateArea {
			lo, hi := i*n/size, ((i+1)*n+size-1)/size
			for at := lo; at < hi; at++ {
				t.add(at, 1/float64(hi-lo))
			}
			t.end()
			continue
		}
		x := r.place(float64(i), float64(n), m)
		if r.Coordinates == CropAndResize && (x < 0 || x > float64(n-1)) {
			t.outside[i] = true
		} else {
			first, w := r.weights(min(max(x, -8), float64(n+8))) // beyond, the edge is all there is
			t.spread(n, first, w, r.ExcludeOutside)
		}
		t.end()
	}
	return t
}

// place returns which place of n elements place i of m is.
func (r Resampling) place(i, n, m float64) float64 {
	switch r.Coordinates {
	case PytorchHalfPixel:
		if m == 1 {
			return 0
		}
	case AlignCorners:
		if m == 1 {
			return 0
		}
		return i * (n - 1) / (m - 1)
	case Asymmetric:
		return i / r.Scale
	case TFHalfPixelForNN:
		return (i + 0.5) / r.Scale
	case CropAndResize:
		if m == 1 {
			return (r.Start + r.End) * (n - 1) / 2
		}
		return r.Start*(n-1) + i*(r.End-r.Start)*(n-1)/(m-1)
	}
	return (i+0.5)/r.Scale - 0.5
}

// weights returns the weights of the elements from first on that make the one at x.
func (r Resampling) weights(x float64) (first int, w []float64) {
	floor := math.Floor(x)
	d := x - floor
	switch r.Filter {
	case InterpolateNearest:
		switch r.Nearest {
		case RoundPreferFloor:
			floor = math.Ceil(x - 0.5)
		case RoundPreferCeil:
			floor = math.Floor(x + 0.5)
		case RoundCeil:
			floor = math.Ceil(x)
		}
		return int(floor), []float64{1}
	case InterpolateLinear:
		return int(floor), []float64{1 - d, d}
	}
	near := func(d float64) float64 { return ((r.CubicA+2)*d-(r.CubicA+3))*d*d + 1 }
	far := func(d float64) float64 { return ((r.CubicA*d-5*r.CubicA)*d+8*r.CubicA)*d - 4*r.CubicA }
	return int(floor) - 1, []float64{far(d + 1), near(d), near(1 - d), far(2 - d)}
}

// spread adds the weights w of the elements from first on to the last row, as far as there are n.
func (t *taps) spread(n, first int, w []float64, exclude bool) {
	sum, inside := 0.0, false
	for k, v := range w {
		if at := first + k; at >= 0 && at < n {
			sum, inside = sum+v, true
		}
	}
	for k, v := range w {
		at := min(max(first+k, 0), n-1)
		if exclude && inside && sum != 0 {
			if at != first+k {
				continue
			}
			v /= sum
		}
		t.add(at, v)
	}
}
