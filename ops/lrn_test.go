package ops

import (
	"fmt"
	"math"
	"testing"

	"neocog/graph"
	"neocog/internal/cpu"
)

// lrnByFormula computes y, s and, given dy, dx as the documentation writes them.
func lrnByFormula(r LocalResponse, shape graph.Shape, x, dy []float64) (y, s, dx []float64) {
	channels, pixels := shape[1], shape[2:].Size()
	y, s, dx = make([]float64, len(x)), make([]float64, len(x)), make([]float64, len(x))
	for i := range x {
		c := i / pixels % channels
		s[i] = r.K
		for j := max(c-(r.Size-1)/2, 0); j <= min(c+r.Size/2, channels-1); j++ { // r.Size/2 is ⌈(size−1)/2⌉
			v := x[i+(j-c)*pixels]
			s[i] += r.Alpha * v * v
		}
		y[i] = x[i] / math.Pow(s[i], r.Beta)
		dx[i] += dy[i] / math.Pow(s[i], r.Beta)
	}
	for i := range x {
		c := i / pixels % channels
		for j := max(c-(r.Size-1)/2, 0); j <= min(c+r.Size/2, channels-1); j++ {
			at := i + (j-c)*pixels
			dx[at] -= 2 * r.Alpha * r.Beta * x[at] * dy[i] * x[i] / math.Pow(s[i], r.Beta+1)
		}
	}
	return y, s, dx
}

// Windows smaller and larger than the channels, odd and even, images of one tile
// and of several, tiles which are no whole vectors.
func TestLRNByFormula(t *testing.T) {
	alexNet := LocalResponse{5, 1e-4, 0.75, 2}
	for _, c := range []struct {
		r     LocalResponse
		shape graph.Shape
	}{
		{alexNet, sh(2, 96, 9, 9)},
		{alexNet, sh(1, 256, 27, 27)},
		{LocalResponse{1, 0.3, 0.75, 1}, sh(2, 3, 5)},
		{LocalResponse{2, 0.3, 0.5, 1}, sh(1, 5, 7)},
		{LocalResponse{4, 0.3, 2, 1}, sh(3, 9, 3, 11)},
		{LocalResponse{6, 0.3, 0.75, 0.1}, sh(1, 6, 17)},
		{LocalResponse{7, 0.3, 0.75, 1}, sh(5, 4)},
		{LocalResponse{1000, 0.3, 0.75, 1}, sh(1, 8, 3)},
		{LocalResponse{3, 1, -0.5, 1}, sh(1, 8, 3)},
		{LocalResponse{3, 1, 0.75, 1}, sh(1, 1, 4000)},
	} {
		x := ramp[float64](c.shape.Size())
		dy := ramp[float64](len(x) + 5)[5:]
		x32, dy32 := make([]float32, len(x)), make([]float32, len(x))
		for i := range x {
			x32[i], dy32[i] = float32(x[i]), float32(dy[i])
		}
		y, s, dx := lrnByFormula(c.r, c.shape, x, dy)
		check := func(name string, got tensor, want []float64, tol float64) {
			t.Helper()
			for i := range want {
				v := 0.0
				switch d := got.data.(type) {
				case []float32:
					v = float64(d[i])
				case []float64:
					v = d[i]
				}
				if math.Abs(v-want[i]) > tol*max(1, math.Abs(want[i])) {
					t.Fatalf("%+v on %v: %s[%d] is %v, want %v", c.r, c.shape, name, i, v, want[i])
				}
			}
		}
		// About ten roundings, of terms of size 1 and sums which are positive.
		const tol32, tol64 = 2e-6, 4e-15
		got, _ := run(t, lrn{c.r}, f64(c.shape, x...))
		check("y", got[0], y, tol64)
		check("s", got[1], s, tol64)
		grad, _ := run(t, lrnGrad{c.r}, f64(c.shape, x...), got[1], f64(c.shape, dy...))
		check("dx", grad[0], dx, tol64)
		for level := cpu.Portable; level <= cpu.AVX512; level++ {
			cpu.With(level, func() {
				got, _ := run(t, lrn{c.r}, f32(c.shape, x32...))
				check(fmt.Sprint("y at ", level), got[0], y, tol32)
				check(fmt.Sprint("s at ", level), got[1], s, tol32)
				grad, _ := run(t, lrnGrad{c.r}, f32(c.shape, x32...), got[1], f32(c.shape, dy32...))
				check(fmt.Sprint("dx at ", level), grad[0], dx, tol32)
			})
		}
	}
}

// ONNX divides alpha by the size: with its defaults, and size 3, the middle one
// of channels 1, 2, 3 is 2/(1 + 1e-4/3·14)^0.75.
func TestLRNAsONNX(t *testing.T) {
	got, _ := run(t, lrn{LocalResponse{Size: 3, Alpha: 1e-4 / 3, Beta: 0.75, K: 1}}, f64(sh(1, 3), 1, 2, 3))
	want := 2 / math.Pow(1+1e-4/3*14, 0.75)
	if v := got[0].data.([]float64)[1]; math.Abs(v-want) > 1e-15 {
		t.Errorf("got %v, want %v", v, want)
	}
}

// A sum that is corrected by subtraction would carry a NaN, or the rounding of a
// large channel, to all that follow.
func TestLRNStaysAmongNeighbours(t *testing.T) {
	r := LocalResponse{Size: 3, Alpha: 1, Beta: 0.5, K: 1}
	got, _ := run(t, lrn{r}, f64(sh(1, 8), 1, nan, 1, 1, 1, 1e150, 1, 1))
	s := got[1].data.([]float64)
	for i, want := range []float64{nan, nan, nan, 4, 1e300, 1e300, 1e300, 3} {
		if !near(s[i], want) {
			t.Errorf("s[%d] is %v, want %v", i, s[i], want)
		}
	}
}

func TestLRNRefuses(t *testing.T) {
	N := graph.Batch
	good := LocalResponse{Size: 5, Alpha: 1e-4, Beta: 0.75, K: 2}
	of := func(edit func(r *LocalResponse), x ...int) func(*graph.Graph) {
		r := good
		edit(&r)
		return func(g *graph.Graph) { LRN(in(g, "x", x...), r) }
	}
	refuses(t, "size is 0, want 1 to", of(func(r *LocalResponse) { r.Size = 0 }, N, 8))
	refuses(t, "alpha is -1, want a number of at least 0", of(func(r *LocalResponse) { r.Alpha = -1 }, N, 8))
	refuses(t, "beta is NaN, want a number", of(func(r *LocalResponse) { r.Beta = nan }, N, 8))
	refuses(t, "k is 0, want a number above 0", of(func(r *LocalResponse) { r.K = 0 }, N, 8))
	refuses(t, "x has 1 dimensions, want at least 2: [N, C, ...]", of(func(*LocalResponse) {}, N))
	refuses(t, "only its first dimension may be symbolic", of(func(*LocalResponse) {}, 2, N))
	refuses(t, "got i32[N,3], want a tensor of f32 or f64", func(g *graph.Graph) {
		LRN(g.Input("x", graph.Of(graph.Int32, N, 3)), good)
	})
	g := graph.New("type")
	hasType(t, LRN(in(g, "x", N, 96, 27, 27), good), "f32[N,96,27,27]")
	if LRN(nil, good).IsValid() {
		t.Error("LRN(nil) is valid")
	}
}
