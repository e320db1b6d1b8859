package conv

import (
	"fmt"

	"neocog/internal/nearest"
)

// An Accuracy says how large rounding errors may be for the sake of speed: it says which algorithms Choose
// compares with those of Default. Each class adds to the one before.
//
//	| class     | adds                                                      | relative L2 error in float32 |
//	|-----------|-----------------------------------------------------------|------------------------------|
//	| exact     | those of Default, winograd F(2×2,3×3), fft                | at most 1e-6                 |
//	| default   | winograd F(4×4,3×3), F(2×2,5×5) and those for 1×N and N×1 | at most 5e-6                 |
//	| fast      | winograd F(6×6,3×3), F(4×4,5×5)                           | at most 1e-5                 |
//
// The errors are those of docs/numerics.md. They hold beside the largest results of a tile, and a NaN spreads over its tile. The
// definition's products alone are what Use(settings, Default()...) gives.
type Accuracy uint8

// The classes. The zero value is the usual one.
const (
	DefaultAccuracy Accuracy = iota
	Exact
	Fast
)

// Accuracies returns the classes, from the most exact to the fastest.
func Accuracies() []Accuracy { return []Accuracy{Exact, DefaultAccuracy, Fast} }

// String returns exact, default or fast.
func (a Accuracy) String() string {
	switch a {
	case Exact:
		return "exact"
	case DefaultAccuracy:
		return "default"
	case Fast:
		return "fast"
	}
	return fmt.Sprintf("Accuracy(%d)", uint8(a))
}

// ParseAccuracy is the opposite of String; "" is the default class.
func ParseAccuracy(s string) (Accuracy, error) {
	var names []string
	for _, a := range Accuracies() {
		if s == a.String() {
			return a, nil
		}
		names = append(names, a.String())
	}
	if s == "" {
		return DefaultAccuracy, nil
	}
	return DefaultAccuracy, nearest.Unknown("accuracy", s, names)
}

// Bound returns the largest relative L2 error, in float32 against exact results, of the algorithms of the class.
func (a Accuracy) Bound() float64 {
	switch a {
	case Exact:
		return 1e-6
	case Fast:
		return 1e-5
	}
	return 5e-6
}

// has reports whether the class has the algorithm; those without a Bound are the user's own, whose affair it is.
func (a Accuracy) has(alg Algorithm) bool { return Bound(alg) <= a.Bound() }

// Bound returns the relative L2 error in float32 that an algorithm stands for, in all passes, on numbers of a normal distribution and
// sums of up to 10⁴ terms; 0 for algorithms of other packages. See docs/numerics.md.
func Bound(a Algorithm) float64 {
	switch a := a.(type) {
	case Winograd:
		switch square := a.M[0] == a.M[1]; {
		case a == Winograd{[2]int{2, 2}, [2]int{3, 3}}:
			return 1e-6
		case square && a.M[0]+a.R[0] > 7:
			return 1e-5
		}
		return 5e-6
	case Strassen:
		return 5e-6
	case FFT, Dense, Planar, Pointwise, Blocked, Im2col, Direct:
		return 1e-6
	}
	return 0
}
