package simd

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"neocog/internal/cpu"
)

var loops = []loop{
	two("Add", Add[float32]), firstOne("Add", Add[float32]), secondOne("Add", Add[float32]),
	two("Sub", Sub[float32]), firstOne("Sub", Sub[float32]), secondOne("Sub", Sub[float32]),
	two("Mul", Mul[float32]), firstOne("Mul", Mul[float32]), secondOne("Mul", Mul[float32]),
	two("Div", Div[float32]), firstOne("Div", Div[float32]), secondOne("Div", Div[float32]),
	two("Max", Max[float32]), two("Min", Min[float32]),
	one("Neg", Neg[float32]), one("Abs", Abs[float32]), one("Sqrt", Sqrt[float32]),
	one("ReLU", ReLU[float32]), two("ReLUGrad", ReLUGrad[float32]),
	{name: "Axpy", ins: 1, run: func(y []float32, x [][]float32) { Axpy(-1.7, x[0], y) }},
	one("Affine", func(y, x []float32) { Affine(y, x, 0.3, -1.7, 1e-3) }),
	one("AffineRows", func(y, x []float32) { AffineRows(y, x, numbersFor(len(y), 0.3, -1.7, 1e-3, 0)) }),
	two("NormGradRows", func(y, a, b []float32) { NormGradRows(y, a, b, numbersFor(len(y), 0.1, 1.7, 0.3, -0.7)) }),
}

// manyNumbers are those of up to 64 rows.
var manyNumbers [256]float32

// numbersFor returns the numbers of rows of n elements, the more the more divisors n has.
func numbersFor(n int, first ...float32) []float32 {
	rows := 1
	for _, d := range []int{64, 30, 7, 5, 3, 2} {
		if n%d == 0 {
			rows = d
			break
		}
	}
	for i := range manyNumbers {
		manyNumbers[i] = first[i%4] + float32(i/4)/64
	}
	return manyNumbers[:4*rows]
}

func one(name string, f func(y, x []float32)) loop {
	return loop{name: name, ins: 1, run: func(y []float32, x [][]float32) { f(y, x[0]) }}
}

func two(name string, f func(y, a, b []float32)) loop {
	return loop{name: name, ins: 2, run: func(y []float32, x [][]float32) { f(y, x[0], x[1]) }}
}

func firstOne(name string, f func(y, a, b []float32)) loop {
	l := two(name+" one", f)
	l.one[0] = true
	return l
}

func secondOne(name string, f func(y, a, b []float32)) loop {
	l := two(name+" to one", f)
	l.one[1] = true
	return l
}

// What the loops in Go say at the odd places; the others are compared with them.
func TestArithmeticAtOddPlaces(t *testing.T) {
	minus0 := float32(math.Copysign(0, -1))
	a := []float32{0, minus0, nan, 1, inf, minus0, -3}
	b := []float32{minus0, 0, 1, nan, -inf, minus0, 2}
	for _, c := range []struct {
		name string
		f    func(y []float32)
		want []float32
	}{
		{"Max", func(y []float32) { Max(y, a, b) }, []float32{0, 0, nan, nan, inf, minus0, 2}},
		{"Min", func(y []float32) { Min(y, a, b) }, []float32{minus0, minus0, nan, nan, -inf, minus0, -3}},
		{"ReLU", func(y []float32) { ReLU(y, a) }, []float32{0, 0, nan, 1, inf, 0, 0}},
		{"ReLUGrad", func(y []float32) { ReLUGrad(y, a, b) }, []float32{0, 0, nan, nan, -inf, 0, 0}},
		{"Neg", func(y []float32) { Neg(y, a) }, []float32{minus0, 0, nan, -1, -inf, 0, 3}},
		{"Abs", func(y []float32) { Abs(y, a) }, []float32{0, 0, nan, 1, inf, 0, 3}},
		{"Sqrt", func(y []float32) { Sqrt(y, a) }, []float32{0, minus0, nan, 1, inf, minus0, nan}},
		{"Add", func(y []float32) { Add(y, a, b) }, []float32{0, 0, nan, nan, nan, minus0, -1}},
		{"Affine", func(y []float32) { Affine(y, a, 1, 2, 3) }, []float32{1, 1, nan, 3, inf, 1, -5}},
	} {
		for l := cpu.Portable; l <= cpu.Best(); l++ {
			cpu.With(l, func() {
				y := make([]float32, len(a))
				if c.f(y); !slices.EqualFunc(y, c.want, same32) {
					t.Errorf("%s, %v: got %v, want %v", c.name, l, y, c.want)
				}
			})
		}
	}
	// a·x and the sum are rounded one after the other.
	y := []float32{-1}
	Axpy(1+0x1p-23, []float32{1 - 0x1p-23}, y)
	if y[0] != 0 {
		t.Errorf("Axpy is fused: %g", y[0])
	}
}

func TestOtherElements(t *testing.T) {
	ints := make([]int32, 3)
	Add(ints, []int32{1, 2, math.MaxInt32}, []int32{1})
	if want := []int32{2, 3, math.MinInt32}; !slices.Equal(ints, want) {
		t.Errorf("Add of i32 is %v, want %v", ints, want)
	}
	y := make([]float64, 2)
	Sub(y, []float64{1}, []float64{3, 1})
	if y[0] != -2 || y[1] != 0 {
		t.Errorf("Sub of f64 is %v", y)
	}
	Mul(y, y, []float64{3, 4})
	Div(y, y, []float64{-3})
	Neg(y, y)
	Axpy(2, []float64{1, 1}, y)
	if y[0] != 0 || y[1] != 2 {
		t.Errorf("got %v, want 0, 2", y)
	}
}

func TestLengthsThatDoNotFit(t *testing.T) {
	for name, f := range map[string]func(){
		"Add":  func() { Add(make([]float32, 3), make([]float32, 3), make([]float32, 2)) },
		"Mul":  func() { Mul(make([]float64, 1), make([]float64, 3), make([]float64, 3)) },
		"ReLU": func() { ReLU(make([]float32, 3), make([]float32, 4)) },
		"Max":  func() { Max(make([]float32, 3), make([]float32, 3), make([]float32, 1)) },
		"rows": func() { AffineRows(make([]float32, 7), make([]float32, 7), make([]float32, 8)) },
		"Axpy": func() { Axpy(1, make([]float32, 2), make([]float32, 3)) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s takes slices that do not fit", name)
				}
			}()
			f()
		}()
	}
}

// Rows longer than what a kernel treats at a time, and many short ones.
func TestRowsOfManySizes(t *testing.T) {
	levels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(9, 9))
		for _, c := range []struct{ rows, size int }{{3, block + 5}, {2, 2 * block}, {5000, 9}, {300, 64}, {40000, 1}, {7, 0}, {0, 0}} {
			n := c.rows * c.size
			x, dy, numbers := draw(rng, n), draw(rng, n), draw(rng, 4*c.rows)
			y, err := fenced(n, 3)
			want := make([]float32, n)
			AffineRows(y, x, numbers)
			portable(func() { AffineRows(want, x, numbers) })
			if err := err(); err != nil || !slices.EqualFunc(y, want, same32) {
				t.Fatalf("AffineRows of %d rows of %d is wrong (%v)", c.rows, c.size, err)
			}
			NormGradRows(y, x, dy, numbers)
			portable(func() { NormGradRows(want, x, dy, numbers) })
			if err := err(); err != nil || !slices.EqualFunc(y, want, same32) {
				t.Fatalf("NormGradRows of %d rows of %d is wrong (%v)", c.rows, c.size, err)
			}
		}
	})
}
