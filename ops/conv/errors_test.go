package conv_test

import (
	"flag"
	"testing"

	"neocog/ops/conv"
	"neocog/ops/conv/convtest"
)

var long = flag.Bool("long", false, "check the errors of each convolution algorithm on ten thousand random problems: some minutes")

// Whatever transforms does so by its own tolerance, the others are plain sums.
func suite(a conv.Algorithm) convtest.Suite {
	switch a := a.(type) {
	case conv.Winograd:
		return suiteOf(a)
	case conv.FFT:
		return spectral(a)
	case conv.Pointwise:
		return convtest.Suite{Algorithm: a, Adapt: pointwiseProblem}
	}
	if a.Name() == (conv.Strassen{}).Name() {
		return halved()
	}
	return convtest.Suite{Algorithm: a}
}

// Errors, and numbers that are far from 1, for all algorithms in all passes. The bounds are those of docs/numerics.md.
//
//	go test ./ops/conv -run TestErrors -long -v
func TestErrors(t *testing.T) {
	n := 50
	if *long {
		n = 10_000
	}
	for _, a := range conv.All() {
		t.Run(a.Name(), func(t *testing.T) { suite(a).Errors(t, n) })
	}
}
