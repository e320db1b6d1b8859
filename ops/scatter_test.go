package ops_test

import (
	"testing"

	"neocog/graph"
	"neocog/ops"
)

// Of x = 2 0 3 with updates at 0 0 1 1 2, the gradients with respect to x and the updates.
func TestScatterGradientsAtZerosAndTies(t *testing.T) {
	places := []int64{0, 0, 1, 1, 2}
	gradients := func(how ops.Scatter, x []float64, updates ...float64) []float64 {
		both := append(append([]float64{}, x...), updates...)
		return shaped(t, gradientGraph(func(v *graph.Value) *graph.Value {
			parts := ops.Split(v, 0, 3, 5)
			return ops.ScatterElements(parts[0], graph.Const(v.Graph(), graph.Shape{5}, places...), parts[1], 0, how)
		}), []int{8}, both...)
	}
	x := []float64{2, 0, 3}
	alike(t, "mul", gradients(ops.ScatterMul, x, 5, 7, 0, 4, 0), 35, 0, 0, 14, 10, 0, 0, 3)
	alike(t, "mul, one zero", gradients(ops.ScatterMul, x, 5, 0, 6, 4, 1), 0, 24, 1, 0, 10, 0, 0, 3)
	alike(t, "max", gradients(ops.ScatterMax, x, 5, 5, 0, -1, 4), 0, 1, 0, 1, 0, 0, 0, 1)
	alike(t, "min", gradients(ops.ScatterMin, x, 2, 1, -1, -1, 3), 0, 0, 1, 0, 1, 1, 0, 0)
}
