package simd

import (
	"flag"
	"math"
	"slices"
	"testing"

	"neocog/internal/cpu"
)

var exhaustive = flag.Bool("exhaustive", false, "measure the error of functions for every float32")

func init() {
	loops = append(loops, one("Exp", Exp[float32]), one("Log", Log[float32]), one("Sigmoid", Sigmoid[float32]),
		one("Tanh", Tanh[float32]), one("GELU", GELU[float32]), two("GELUGrad", GELUGrad[float32]))
}

// functionsOf are the functions with what float64 says of them; ulp is the bound
// that the doc states.
var functionsOf = []struct {
	name string
	f    func(y, x []float32)
	want func(float64) float64
	ulp  float64
}{
	{"Exp", Exp[float32], math.Exp, 0.51},
	{"Log", Log[float32], math.Log, 0.51},
	{"Sigmoid", Sigmoid[float32], wideSigmoid, 0.51},
	{"Tanh", Tanh[float32], math.Tanh, 0.51},
	{"GELU", GELU[float32], wideGELU, 0.51},
}

// ulps returns the distance of got from want in units of the last place of a
// float32 as large as want; 0 for the same special value.
func ulps(got float32, want float64) float64 {
	switch {
	case got != got || want != want:
		if got != got && want != want {
			return 0
		}
		return math.Inf(1)
	case float64(got) == want:
		return 0
	case math.IsInf(float64(got), 0) || math.IsInf(want, 0):
		if math.IsInf(want, 0) || math.Abs(want) < math.MaxFloat32 {
			return math.Inf(1)
		}
		// The numbers from half a unit above the largest on are rounded to an infinity.
		return max(0, 0.5-(math.Abs(want)-math.MaxFloat32)/0x1p104) + 0.5
	}
	_, e := math.Frexp(want)
	return math.Abs(float64(got)-want) / math.Ldexp(1, max(e-24, -149))
}

// TestError measures the error of functions on every 4099th float32; with
// -exhaustive TestExhaustive does so on all.
func TestError(t *testing.T) { measure(t, 4099) }

// TestExhaustive takes minutes: go test ./internal/simd -run Exhaustive -exhaustive -v
func TestExhaustive(t *testing.T) {
	if !*exhaustive {
		t.Skip("needs -exhaustive")
	}
	measure(t, 1)
}

func measure(t *testing.T, step uint64) {
	const n = 1 << 12
	x, y := make([]float32, n), make([]float32, n)
	for _, c := range functionsOf {
		worst, where := 0.0, float32(0)
		for b := uint64(0); b < 1<<32; b += n * step {
			for i := range x {
				x[i] = math.Float32frombits(uint32(b + uint64(i)*step))
			}
			c.f(y, x)
			for i, v := range x {
				if e := ulps(y[i], c.want(float64(v))); e > worst {
					worst, where = e, v
				}
			}
		}
		t.Logf("%s, %v: %.4f ulp at %g", c.name, cpu.Current(), worst, where)
		if !(worst <= c.ulp) {
			t.Errorf("%s of %g is off by %.4f ulp, want at most %g", c.name, where, worst, c.ulp)
		}
	}
}

func TestFunctionsAtOddPlaces(t *testing.T) {
	minus0 := float32(math.Copysign(0, -1))
	x := []float32{0, minus0, inf, -inf, nan, 1e30, -1e30, math.SmallestNonzeroFloat32}
	for _, c := range []struct {
		name string
		f    func(y, x []float32)
		want []float32
	}{
		{"Exp", Exp[float32], []float32{1, 1, inf, 0, nan, inf, 0, 1}},
		{"Log", Log[float32], []float32{-inf, -inf, inf, nan, nan, 69.0775527898, nan, -103.278929903}},
		{"Sigmoid", Sigmoid[float32], []float32{.5, .5, 1, 0, nan, 1, 0, .5}},
		{"Tanh", Tanh[float32], []float32{0, minus0, 1, -1, nan, 1, -1, math.SmallestNonzeroFloat32}},
		{"GELU", GELU[float32], []float32{0, minus0, inf, minus0, nan, 1e30, minus0, math.SmallestNonzeroFloat32}},
	} {
		for l := cpu.Portable; l <= cpu.Best(); l++ {
			cpu.With(l, func() {
				y := make([]float32, len(x))
				if c.f(y, x); !slices.EqualFunc(y, c.want, same32) {
					t.Errorf("%s, %v: got %v, want %v", c.name, l, y, c.want)
				}
			})
		}
	}
}

// GELUGrad is off by a rounding, and by 1e-10 where its parts cancel.
func TestGELUGrad(t *testing.T) {
	const n = 1 << 16
	x, dy, dx := make([]float32, n), make([]float32, n), make([]float32, n)
	for i := range x {
		x[i], dy[i] = (float32(i)-n/2)*(20./(n/2)), 3
	}
	GELUGrad(dx, x, dy)
	for i, v := range x {
		want := 3 * wideGELUGrad(float64(v))
		if d := math.Abs(float64(dx[i]) - want); d > 3e-10+0x1p-24*math.Abs(want) {
			t.Fatalf("at %g: %g, want %g", v, dx[i], want)
		}
	}
	GELUGrad(dx[:3], []float32{inf, -inf, nan}, []float32{2, 2, 2})
	if dx[0] != 2 || dx[1] != 0 || dx[2] == dx[2] {
		t.Errorf("at Inf, -Inf and NaN: %v, want 2, 0, NaN", dx[:3])
	}
}

func TestFunctionsOfFloat64(t *testing.T) {
	x := []float64{0.3, -2, 1e-9}
	for _, c := range []struct {
		name string
		f    func(y, x []float64)
		want func(float64) float64
	}{
		{"Exp", Exp[float64], math.Exp}, {"Log", Log[float64], math.Log}, {"Tanh", Tanh[float64], math.Tanh},
		{"Sigmoid", Sigmoid[float64], func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }},
		{"GELU", GELU[float64], func(x float64) float64 { return x * (0.5 + math.Erf(x/math.Sqrt2)/2) }},
		{"GELUGrad", func(y, x []float64) { GELUGrad(y, x, []float64{1, 1, 1}) }, func(x float64) float64 {
			const h = 1e-5
			return (wideGELU(x+h) - wideGELU(x-h)) / (2 * h)
		}},
	} {
		y := make([]float64, len(x))
		c.f(y, x)
		for i, v := range x {
			if want := c.want(v); math.Abs(y[i]-want) > 1e-9*math.Abs(want) && y[i] == y[i] {
				t.Errorf("%s(%g) = %g, want %g", c.name, v, y[i], want)
			}
		}
	}
}
