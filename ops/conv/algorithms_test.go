package conv_test

import (
	"testing"

	"neocog/internal/cpu"
	"neocog/ops/conv"
	"neocog/ops/conv/convtest"
)

func TestDirect(t *testing.T) { convtest.Run(t, conv.Direct{}) }

func TestBlocked(t *testing.T) { levels(t, conv.Blocked{}) }

func TestDense(t *testing.T) { levels(t, conv.Dense{}) }

func TestPlanar(t *testing.T) { levels(t, conv.Planar{}) }

func TestIm2col(t *testing.T) { levels(t, conv.Im2col{}) }

// The algorithm of the example keeps the promises of its own, wherever it does not refuse.
func TestPointwise(t *testing.T) { convtest.Run(t, pointwise{}) }

// levels runs the suite under each instruction set that this processor has.
func levels(t *testing.T, a conv.Algorithm) {
	for l := cpu.Portable; l <= cpu.AVX512; l++ {
		t.Run(l.String(), func(t *testing.T) {
			if !cpu.With(l, func() { convtest.Run(t, a) }) {
				t.Skipf("this processor only has %v", cpu.Best())
			}
		})
	}
}
