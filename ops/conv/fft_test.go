package conv_test

import (
	"errors"
	"math"
	"testing"

	"neocog/graph"
	"neocog/ops/conv"
	"neocog/vm/kernel"
)

// What FFT refuses, it says why.
func TestFFTRefuses(t *testing.T) {
	for _, c := range []struct {
		tile   int
		change func(*conv.Problem)
		want   string
	}{
		{16, func(p *conv.Problem) { p.Stride = [2]int{2, 1} }, "the stride is 2×1, only 1×1"},
		{16, func(p *conv.Problem) { p.N = 0 }, "it is empty"},
		{16, func(p *conv.Problem) { p.H, p.R = 40, 14 }, "the filter's height is 14, which leaves 3 of a tile to outputs"},
		{16, func(p *conv.Problem) { p.W, p.Dilation[1] = 40, 8 }, "the filter's width is 17, which leaves 0 of a tile to outputs"},
		{0, func(p *conv.Problem) { p.W = 600 }, "the width would take a transform of length 600, at most 512"},
		{14, func(p *conv.Problem) {}, "there are no transforms of length 14, only 2^a·3^b·5^c"},
		{16, func(p *conv.Problem) { p.H, p.R, p.Pad[0], p.Pad[2], p.Dilation[0] = 1, 2, 1, 2, 3 }, "the filter meets nothing but padding"},
		{0, func(p *conv.Problem) { p.C, p.K, p.H, p.W = 4096, 4096, 500, 500 }, "it would take "},
	} {
		p := plain
		c.change(&p)
		_, err := conv.FFT{Tile: c.tile}.Plan(&kernel.Env{}, p)
		var no *conv.Unsupported
		if !errors.As(err, &no) || len(no.Reason) < len(c.want) || no.Reason[:len(c.want)] != c.want {
			t.Errorf("%v in tiles of %d: got %v, want %s", p, c.tile, err, c.want)
		}
	}
}

// Shared memory stays within what the doc promises, on layers whose filters would take gigabytes.
func TestFFTMemoryIsBounded(t *testing.T) {
	for _, p := range []conv.Problem{
		{N: 64, C: 512, H: 56, W: 56, K: 512, R: 5, S: 5, Pad: [4]int{2, 2, 2, 2}},
		{N: 1, C: 64, H: 224, W: 224, K: 256, R: 31, S: 31},
		{N: 256, C: 64, H: 56, W: 56, K: 64, R: 7, S: 7, Groups: 4},
	} {
		p.DType, p.Groups, p.Stride, p.Dilation = graph.Float32, max(p.Groups, 1), [2]int{1, 1}, [2]int{1, 1}
		for p.Pass = conv.Forward; p.Pass <= conv.FilterGrad; p.Pass++ {
			plan, err := conv.FFT{Tile: 64}.Plan(&kernel.Env{}, p)
			if err != nil {
				t.Error(err)
			} else if bytes, limit := plan.Shared+plan.Prepare.Bytes, (96+32)<<20*9/8; bytes > limit { // an eighth for distances
				t.Errorf("%v takes %d MiB, want at most %d", p, bytes>>20, limit>>20)
			}
		}
	}
}

// Kernels do not allocate.
func TestFFTDoesNotAllocate(t *testing.T) {
	p := plain
	p.C, p.K, p.H, p.W, p.R, p.S = 20, 20, 30, 30, 5, 5
	for p.Pass = conv.Forward; p.Pass <= conv.FilterGrad; p.Pass++ {
		plan, err := conv.FFT{Tile: 16}.Plan(&kernel.Env{}, p)
		if err != nil {
			t.Fatal(err)
		}
		c := callOf(p, plan)
		if n := testing.AllocsPerRun(5, func() {
			for _, s := range plan.Steps {
				s.Run(c, 0, s.N)
			}
		}); n > 0 {
			t.Errorf("%v allocates %v times a run", p.Pass, n)
		}
	}
}

// Spectra of many MiB, which go past the caches, against Blocked, whose own error is counted in.
func TestFFTOfLargeSpectra(t *testing.T) {
	p := plain
	p.N, p.C, p.K, p.H, p.W, p.R, p.S, p.Pad = 1, 64, 64, 28, 28, 13, 13, [4]int{6, 6, 6, 6}
	for p.Pass = conv.Forward; p.Pass <= conv.FilterGrad; p.Pass++ {
		var results [2][]float32
		for i, a := range []conv.Algorithm{conv.FFT{Tile: 64}, conv.Blocked{}} {
			plan, err := a.Plan(&kernel.Env{}, p)
			if err != nil {
				t.Fatal(err)
			}
			if bytes := plan.Shared + plan.Prepare.Bytes; i == 0 && bytes < 12<<20 {
				t.Errorf("%v takes %d MiB only", p.Pass, bytes>>20)
			}
			c := callOf(p, plan)
			for _, s := range plan.Steps {
				s.Run(c, 0, s.N)
			}
			results[i] = kernel.Out[float32](c, 0)
		}
		diff, norm := 0.0, 0.0
		for i, want := range results[1] {
			diff, norm = math.Hypot(diff, float64(results[0][i]-want)), math.Hypot(norm, float64(want))
		}
		if !(diff <= 2e-6*norm) {
			t.Errorf("%v: the relative difference is %.3g, want at most 2e-6", p.Pass, diff/norm)
		}
	}
}
