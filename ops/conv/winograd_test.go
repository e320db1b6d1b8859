package conv_test

import (
	"testing"

	"neocog/internal/cpu"
	"neocog/ops/conv"
	"neocog/ops/conv/convtest"
)

// bounds are the relative L2 errors in float32 that each tile stands for, in all passes; see docs/numerics.md.
var bounds = map[string]float64{
	"winograd F(2×2,3×3)": 1e-6,
	"winograd F(4×4,3×3)": 5e-6,
	"winograd F(6×6,3×3)": 1e-5,
	"winograd F(2×2,5×5)": 5e-6,
	"winograd F(4×4,5×5)": 1e-5,
	"winograd F(1×4,1×3)": 2e-6,
	"winograd F(4×1,3×1)": 2e-6,
	"winograd F(1×4,1×5)": 5e-6,
	"winograd F(4×1,5×1)": 5e-6,
}

func TestWinograd(t *testing.T) {
	for _, a := range conv.Winograds() {
		w := a.(conv.Winograd)
		suite := convtest.Suite{
			Algorithm: w, Tolerance32: bounds[w.Name()], Tolerance64: 2e-14, Transforms: true, Exact: w.M == [2]int{2, 2} && w.R == [2]int{3, 3},
			// Random filters become those of the algorithm; images that are too small for them grow.
			Adapt: func(p conv.Problem) conv.Problem {
				p.R, p.S, p.Stride = w.R[0], w.R[1], [2]int{1, 1}
				p.H = max(p.H, (p.R-1)*p.Dilation[0]+1-p.Pad[0]-p.Pad[2])
				p.W = max(p.W, (p.S-1)*p.Dilation[1]+1-p.Pad[1]-p.Pad[3])
				if p.Groups > 1 && min(p.C, p.K)/p.Groups < 16 {
					p.C, p.K, p.Groups = p.C/p.Groups, p.K/p.Groups, 1
				}
				return p
			},
		}
		t.Run(w.Name(), func(t *testing.T) {
			for l := cpu.Portable; l <= cpu.AVX512; l++ {
				t.Run(l.String(), func(t *testing.T) {
					if !cpu.With(l, func() { suite.Run(t) }) {
						t.Skipf("this processor only has %v", cpu.Best())
					}
				})
			}
		})
	}
}
