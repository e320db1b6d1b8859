package ops_test

import (
	"testing"

	"neocog/ops"
	"neocog/ops/opstest"
)

func TestReLU(t *testing.T) {
	opstest.Run(t, opstest.Op{Op: ops.ReLUOp{}, In: opstest.Shapes{{2, 3, 4}}, Apart: 0.01})
	opstest.Run(t, opstest.Op{Op: ops.ReLUGradOp{}, In: opstest.Shapes{{2, 3, 4}, {2, 3, 4}}, Apart: 0.01})
}
