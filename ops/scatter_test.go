package ops_test

import (
	"testing"

	"gorgonia.org/tensor"

	"neocog/autodiff"
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

// The second derivative by two factors of one element was 0 where another factor, or one of the two, is 0;
// it is the product of the others. The third, by three factors, too.
func TestScatterMulSecondAndThirdDerivativesAtZeros(t *testing.T) {
	places := []int64{0, 0, 1, 1, 1, 1, 2}
	scattered := func(in []*graph.Value) *graph.Value {
		x, updates := ops.Slice(in[0], 0, 0, 3), ops.Slice(in[0], 0, 3, 10)
		g := in[0].Graph()
		y := ops.ScatterElements(x, graph.Const(g, graph.Shape{7}, places...), updates, 0, ops.ScatterMul)
		return ops.Sum(ops.Mul(y, graph.Const(g, graph.Shape{3}, 0.7, -1.3, 2.1)))
	}
	gradient := func(in []*graph.Value) *graph.Value {
		u := graph.Const(in[0].Graph(), graph.Shape{10}, 1.1, -0.4, 0.8, 0.3, -1.7, 0.6, 2.2, -0.9, 1.4, 0.5)
		return ops.Sum(ops.Mul(u, autodiff.Gradients(scattered(in), in[0])[0]))
	}
	for name, at := range map[string][]float64{
		"no zeros":       {2, -1.5, 3, 5, 7, 0.5, 4, 1.5, -2, 6},
		"a zero in each": {2, -1.5, 3, 5, 0, 0, 4, 1.5, -2, 0},
		"x is 0":         {0, 0, 0, 5, 7, 0.5, 4, 1.5, -2, 6},
		"two zeros":      {2, -1.5, 0, 0, 0, 0.5, 0, 0, -2, 0},
		"x and another":  {0, 0, 3, 5, 0, 0.5, 4, 0, -2, 6},
		"three zeros":    {0, -1.5, 3, 0, 0, 0, 0, 1.5, 0, 6},
		"x and two":      {2, 0, 3, 5, 7, 0, 4, 0, -2, 6},
		"all zeros":      make([]float64, 10),
	} {
		for order, f := range []func([]*graph.Value) *graph.Value{scattered, gradient} {
			x := tensor.New(tensor.WithShape(10), tensor.WithBacking(append([]float64(nil), at...)))
			rep, err := autodiff.Check(f, []*tensor.Dense{x}, autodiff.Config{Order: 2})
			if err != nil {
				t.Fatal(err)
			}
			if err := rep.Err(); err != nil {
				t.Errorf("%s, derivatives of order %d and %d: %v", name, order+1, order+2, err)
			}
		}
	}
}
