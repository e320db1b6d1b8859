package conv_test

import (
	"testing"

	"neocog/ops/conv"
	"neocog/ops/conv/convtest"
)

func TestDirect(t *testing.T) { convtest.Run(t, conv.Direct{}) }

func TestIm2col(t *testing.T) { convtest.Run(t, conv.Im2col{}) }

// The algorithm of the example keeps the promises of its own, wherever it does not refuse.
func TestPointwise(t *testing.T) { convtest.Run(t, pointwise{}) }
