package conv_test

import (
	"flag"
	"testing"

	"neocog/internal/cpu"
	"neocog/ops/conv"
	"neocog/ops/conv/convtest"
)

func TestDirect(t *testing.T) { convtest.Run(t, conv.Direct{}) }

func TestBlocked(t *testing.T) { levels(t, convtest.Suite{Algorithm: conv.Blocked{}}) }

func TestDense(t *testing.T) { levels(t, convtest.Suite{Algorithm: conv.Dense{}}) }

func TestPlanar(t *testing.T) { levels(t, convtest.Suite{Algorithm: conv.Planar{}}) }

// Each size of tiles takes a fifth of the random problems, at the current level only: the others take minutes. NEOCOG_ISA chooses.
func TestFFT(t *testing.T) {
	for _, tile := range []int{16, 32, 64, 0} {
		a := conv.FFT{Tile: tile}
		t.Run(a.Name(), func(t *testing.T) { spectral(a).Run(t) })
	}
}

// spectral is the suite of an algorithm that computes with spectra.
func spectral(a conv.Algorithm) convtest.Suite {
	shapes := flag.Lookup("shapes").Value.(flag.Getter).Get().(int)
	return convtest.Suite{Algorithm: a, Tolerance32: 1e-6, Tolerance64: 1e-14, Transforms: true, Random: max(shapes/5, 1)}
}

// Filters and tiles that do not fit the memory are done in slices.
func TestFFTInSlices(t *testing.T) {
	spectral(conv.SlicedFFT{FFT: conv.FFT{Tile: 16}}).Run(t)
}

func TestIm2col(t *testing.T) { levels(t, convtest.Suite{Algorithm: conv.Im2col{}}) }

// The algorithm of the example keeps the promises of its own, wherever it does not refuse.
func TestOwnAlgorithm(t *testing.T) { convtest.Run(t, pointwise{}) }

func TestPointwise(t *testing.T) {
	levels(t, convtest.Suite{Algorithm: conv.Pointwise{}, Adapt: pointwiseProblem})
}

// The gradient of the filter takes parts of images, or some images, at a time.
func TestPointwiseInChunks(t *testing.T) {
	for _, pixels := range []int{23, 150} {
		convtest.Suite{Algorithm: conv.PointwiseInChunks(pixels), Adapt: func(p conv.Problem) conv.Problem {
			p = pointwiseProblem(p)
			p.Pass, p.C, p.K = conv.FilterGrad, p.C+8*p.Groups, p.C+8*p.Groups
			return p
		}, Random: 100}.Run(t)
	}
}

// pointwiseProblem gives random problems filters of 1×1 and no padding, since it refuses all others.
func pointwiseProblem(p conv.Problem) conv.Problem {
	p.R, p.S, p.Pad, p.Dilation = 1, 1, [4]int{}, [2]int{1, 1}
	p.K, p.H, p.W = p.K+p.Groups*8, p.H+4, p.W+4
	return p
}

// levels runs a suite under each instruction set that this processor has.
func levels(t *testing.T, s convtest.Suite) {
	for l := cpu.Portable; l <= cpu.AVX512; l++ {
		t.Run(l.String(), func(t *testing.T) {
			if !cpu.With(l, func() { s.Run(t) }) {
				t.Skipf("this processor only has %v", cpu.Best())
			}
		})
	}
}
