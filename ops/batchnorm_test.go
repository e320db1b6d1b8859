package ops

import (
	"math"
	"testing"

	"neocog/graph"
)

func TestBatchNormValues(t *testing.T) {
	// Channel 0 holds 1 3 5 7: mean 4, variance 5. Channel 1 is constant. With ε = 11 all numbers are multiples of powers of
	// two, and nothing is rounded, whether or not multiplications and additions are fused.
	x := f64(sh(2, 2, 2), 1, 3, 9, 9, 5, 7, 9, 9)
	gamma, beta := f64(sh(2), 2, 3), f64(sh(2), 10, -1)
	got, _ := run(t, batchNorm{Eps: 11}, x, gamma, beta)
	same(t, "y", got[0], f64(sh(2, 2, 2), 8.5, 9.5, -1, -1, 10.5, 11.5, -1, -1))
	same(t, "mean", got[1], f64(sh(2), 4, 9))
	same(t, "variance", got[2], f64(sh(2), 5, 0))

	// dy picks one element: dx = γ·r·(dy − 1/4 − x̂·x̂_0/4), r = 1/4, x̂ = −3/4 −1/4 1/4 3/4.
	dy := f64(sh(2, 2, 2), 1, 0, 0, 0, 0, 0, 0, 0)
	d, _ := run(t, batchNormGrad{Eps: 11}, x, got[1], got[2], gamma, dy)
	same(t, "dx", d[0], f64(sh(2, 2, 2), .5*(1-.25-9./64), .5*(-.25-3./64), 0, 0, .5*(-.25+3./64), .5*(-.25+9./64), 0, 0))
	same(t, "dgamma", d[1], f64(sh(2), -.75, 0))
	same(t, "dbeta", d[2], f64(sh(2), 1, 0))
}

func TestBatchNormEdges(t *testing.T) {
	gamma, beta := f64(sh(2), 2, 3), f64(sh(2), 10, -1)
	one, _ := run(t, batchNorm{Eps: 1e-5}, f64(sh(1, 2), 7, -7), gamma, beta)
	same(t, "y of one", one[0], f64(sh(1, 2), 10, -1))
	same(t, "variance of one", one[2], f64(sh(2), 0, 0))
	none, _ := run(t, batchNorm{Eps: 1e-5}, f64(sh(0, 2, 3)), gamma, beta)
	same(t, "mean of nothing", none[1], f64(sh(2), 0, 0))
	same(t, "variance of nothing", none[2], f64(sh(2), 0, 0))
	bad, _ := run(t, batchNorm{Eps: 1e-5}, f64(sh(2, 2), nan, 1, 0, 1), gamma, beta)
	same(t, "a NaN stays in its channel", bad[0], f64(sh(2, 2), nan, -1, nan, -1))
}

// A mean far from 0, which one pass in float32
// would not survive: (1000 + s)² has lost s² = 1e-4 to rounding at 2⁻⁴.
func TestBatchNormFarFromZero(t *testing.T) {
	const n, channels = 64, 131
	x := make([]float32, n*channels)
	for i := range x {
		x[i] = 1000 + float32(i/channels%2)/64
	}
	gamma, beta := make([]float32, channels), make([]float32, channels)
	fill(gamma, 1)
	got, _ := run(t, batchNorm{}, f32(sh(n, channels), x...), f32(sh(channels), gamma...), f32(sh(channels), beta...))
	for i, v := range got[2].data.([]float32) {
		if want := float32(1. / 128 / 128); v != want {
			t.Fatalf("variance of channel %d is %v, want %v", i, v, want)
		}
	}
	for i, v := range got[0].data.([]float32) {
		// half of a pitch of the numbers at 1000 is 2⁻¹⁵, the deviation 2⁻⁷
		if want := float64(2*(i/channels%2) - 1); math.Abs(float64(v)-want) > 1./256 {
			t.Fatalf("element %d is %v, want %v", i, v, want)
		}
	}
}

func TestSampleVariance(t *testing.T) {
	expect(t, sampleVariance{}, f64(sh(2), 4, 8), f64(sh(2), 3, 6), f64(sh(2, 2, 2), ramp[float64](8)...))
	expect(t, sampleVariance{}, f64(sh(2), 3, 6), f64(sh(2), 3, 6), f64(sh(1, 2), 5, 5))
	expect(t, sampleVariance{}, f64(sh(2), 3, 6), f64(sh(2), 3, 6), f64(sh(0, 2)))
}

func TestBatchNormRefuses(t *testing.T) {
	N := graph.Batch
	norm := func(eps float64, gamma, beta int, x ...int) func(*graph.Graph) {
		return func(g *graph.Graph) { BatchNorm(in(g, "x", x...), in(g, "gamma", gamma), in(g, "beta", beta), eps) }
	}
	refuses(t, "gamma is f32[8], want f32[6]: one for each channel of x f32[N,6,14,14]", norm(1e-5, 8, 6, N, 6, 14, 14))
	refuses(t, "beta is f32[5], want f32[6]", norm(1e-5, 6, 5, N, 6))
	refuses(t, "x has 1 dimensions, want at least 2: [N, C, ...]", norm(1e-5, 6, 6, 6))
	refuses(t, "eps is -1, want a number of at least 0", norm(-1, 6, 6, N, 6))
	refuses(t, "eps is NaN", norm(nan, 6, 6, N, 6))
	refuses(t, "the momentum is 2, want 0 to 1", func(g *graph.Graph) {
		x, c := in(g, "x", N, 3), in(g, "c", 3)
		RunningStats(x, c, c, c, c, 2)
	})
	g := graph.New("types")
	x, c := in(g, "x", N, 3, 8, 8), in(g, "c", 3)
	y, mean, variance := BatchNorm(x, c, c, 1e-5)
	hasType(t, y, "f32[N,3,8,8]")
	hasType(t, mean, "f32[3]")
	hasType(t, variance, "f32[3]")
	hasType(t, BatchNormInfer(x, c, c, mean, variance, 1e-5), "f32[N,3,8,8]")
	nextMean, nextVar := RunningStats(x, mean, variance, c, c, 0.1)
	hasType(t, nextMean, "f32[3]")
	hasType(t, nextVar, "f32[3]")
}

// Channels in several parts, of one row and of many, the last part smaller, and more
// channels than are gathered together, against the formulas.
func TestBatchNormInParts(t *testing.T) {
	for _, s := range []graph.Shape{sh(5, 2, 20, 24), sh(3, 2, 33, 33), sh(2500, 3), sh(70, 37, 5), sh(1, 40, 3)} {
		n, count, size := s[0], s[1], s[2:].Size()
		x, dy := ramp[float64](s.Size()), ramp[float64](s.Size())
		for i := range dy {
			x[i] += float64(i / size % count)
			dy[i] = dy[len(dy)-1-i] * float64(i%3)
		}
		gamma, beta := ramp[float64](count), ramp[float64](count + 1)[1:]
		y, dx := make([]float64, len(x)), make([]float64, len(x))
		mean, variance, dgamma, dbeta := make([]float64, count), make([]float64, count), make([]float64, count), make([]float64, count)
		const eps = 1e-3
		m := float64(n * size)
		for ch := range count {
			each := func(f func(i int)) {
				for k := range n * size {
					f((k/size*count+ch)*size + k%size)
				}
			}
			each(func(i int) { mean[ch] += x[i] / m })
			each(func(i int) { variance[ch] += (x[i] - mean[ch]) * (x[i] - mean[ch]) / m })
			r := 1 / math.Sqrt(variance[ch]+eps)
			each(func(i int) {
				hat := (x[i] - mean[ch]) * r
				y[i] = hat*gamma[ch] + beta[ch]
				dbeta[ch] += dy[i]
				dgamma[ch] += dy[i] * hat
			})
			each(func(i int) {
				dx[i] = gamma[ch] * r * (dy[i] - dbeta[ch]/m - (x[i]-mean[ch])*r*dgamma[ch]/m)
			})
		}
		near := func(name string, got tensor, want []float64) {
			t.Helper()
			// Sums of at most 10⁴ terms of size 1, in another order.
			for i, v := range got.data.([]float64) {
				if math.Abs(v-want[i]) > 1e-11*max(1, math.Abs(want[i])) {
					t.Fatalf("%v: %s[%d] is %v, want %v", s, name, i, v, want[i])
				}
			}
		}
		c := sh(count)
		got, _ := run(t, batchNorm{eps}, f64(s, x...), f64(c, gamma...), f64(c, beta...))
		near("y", got[0], y)
		near("mean", got[1], mean)
		near("variance", got[2], variance)
		got, _ = run(t, batchNormGrad{eps}, f64(s, x...), f64(c, mean...), f64(c, variance...), f64(c, gamma...), f64(s, dy...))
		near("dx", got[0], dx)
		near("dgamma", got[1], dgamma)
		near("dbeta", got[2], dbeta)
	}
}
