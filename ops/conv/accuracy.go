package conv

import (
	"fmt"

	"neocog/internal/nearest"
)

// An Accuracy says how large rounding errors may be for the sake of speed: it says which algorithms Choose
// compares, by their Cost, with those of Default. Each class adds to the one before.
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

// estimators returns what the class adds to the algorithms of Default, in an order which decides between equal costs.
func (a Accuracy) estimators() []Estimator {
	w := func(m, r int) Estimator { return Winograd{[2]int{m, m}, [2]int{r, r}} }
	l := []Estimator{w(2, 3), FFT{16}, FFT{32}, FFT{64}, FFT{}}
	if a != Exact {
		l = append(l, w(4, 3), w(2, 5),
			Winograd{[2]int{1, 4}, [2]int{1, 3}}, Winograd{[2]int{4, 1}, [2]int{3, 1}},
			Winograd{[2]int{1, 4}, [2]int{1, 5}}, Winograd{[2]int{4, 1}, [2]int{5, 1}})
	}
	if a == Fast {
		l = append(l, w(6, 3), w(4, 5))
	}
	return l
}

// accuracyKey is the key of an Accuracy in kernel.Env.Settings.
type accuracyKey struct{}

// Limit sets the class to which Choose keeps in settings, a kernel.Env.Settings.
func Limit(settings map[any]any, a Accuracy) { settings[accuracyKey{}] = a }

// limit returns the class of settings.
func limit(settings map[any]any) Accuracy {
	a, _ := settings[accuracyKey{}].(Accuracy)
	return a
}
