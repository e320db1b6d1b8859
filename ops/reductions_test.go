package ops_test

import (
	"math"
	"testing"

	"neocog/graph"
	"neocog/ops"
	"neocog/ops/opstest"
)

// shaped computes f of one float64 tensor.
func shaped(t *testing.T, f func(x *graph.Value) *graph.Value, shape []int, x ...float64) []float64 {
	t.Helper()
	y, err := evaluate(func(in values) *graph.Value { return f(in[0]) }, opstest.Dense(graph.Of(graph.Float64, shape...), x))
	if err != nil {
		t.Fatal(err)
	}
	return y
}

// alike fails unless got is want, to 1e-14 of it; NaN is alike NaN.
func alike(t *testing.T, what string, got []float64, want ...float64) {
	t.Helper()
	ok := len(got) == len(want)
	for i := 0; ok && i < len(got); i++ {
		g, w := got[i], want[i]
		ok = g == w || g != g && w != w || math.Abs(g-w) <= 1e-14*math.Abs(w)
	}
	if !ok {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestReductionValues(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	x := []float64{3, -4, 0, 1, 2, -2}
	at := []int{2, 3}
	alike(t, "Min", shaped(t, over(ops.Min, 1), at, x...), -4, -2)
	alike(t, "Min of columns", shaped(t, over(ops.Min, 0), at, x...), 1, -4, -2)
	alike(t, "Min with NaN", shaped(t, over(ops.Min), []int{3}, 1, nan, -inf), nan)
	alike(t, "Min of nothing", shaped(t, over(ops.Min, 1), []int{1, 0}), inf)
	alike(t, "ArgMin", shaped(t, func(x *graph.Value) *graph.Value { return ops.ArgMin(x, 1) }, []int{2, 3}, 1, 0, 0, 5, 4, 4), 1, 1)
	alike(t, "Prod", shaped(t, over(ops.Prod, 1), []int{2, 3}, 2, 3, 4, 1, 0, inf), 24, nan)
	alike(t, "Prod of nothing", shaped(t, over(ops.Prod, 1), []int{2, 0}), 1, 1)
	alike(t, "Prod of a scalar", shaped(t, over(ops.Prod), nil, 7), 7)
	alike(t, "Prod of seven", shaped(t, over(ops.Prod), []int{7}, 1, 2, 3, 4, 5, 6, 7), 5040)
	alike(t, "NormL1", shaped(t, over(ops.NormL1, 1), at, x...), 7, 5)
	alike(t, "NormL2", shaped(t, over(ops.NormL2, 1), at, x...), 5, 3)
	alike(t, "SumSquare", shaped(t, over(ops.SumSquare, 1), at, x...), 25, 9)
	alike(t, "LogSum", shaped(t, over(ops.LogSum, 0), []int{2, 1}, 3, 4), math.Log(7))
	alike(t, "LogSumExp", shaped(t, over(ops.LogSumExp), []int{2, 2}, 1000, 1000, 1000, 1000), 1000+math.Log(4))
	alike(t, "LogSumExp of infinities", shaped(t, over(ops.LogSumExp, 1), []int{3, 2}, -inf, -inf, 1, inf, nan, 1), -inf, inf, nan)
	alike(t, "LogSumExp of columns", shaped(t, over(ops.LogSumExp, 0), []int{2, 2}, 0, 1, 0, 1), math.Ln2, 1+math.Ln2)
	alike(t, "LogSumExp of nothing", shaped(t, over(ops.LogSumExp, 0), []int{0, 2}), -inf, -inf)

	for name, c := range map[string]struct {
		f       func(*graph.Value) *graph.Value
		x, want []float64
	}{
		"NormL2 at 0":       {over(ops.NormL2), []float64{0, 0}, []float64{0, 0}},
		"NormL1 at 0":       {over(ops.NormL1), []float64{0, -2}, []float64{0, -1}},
		"Prod with a 0":     {over(ops.Prod), []float64{2, 0, 3}, []float64{0, 6, 0}},
		"Prod with two 0":   {over(ops.Prod), []float64{0, 0, 3}, []float64{0, 0, 0}},
		"Min, the first":    {over(ops.Min), []float64{1, 1, 3}, []float64{1, 0, 0}},
		"TopK, the first":   {func(x *graph.Value) *graph.Value { y, _ := ops.TopK(x, 1, 0); return y }, []float64{1, 3, 3}, []float64{0, 1, 0}},
		"CumSum":            {cumulated(0, ops.Cumulation{}), []float64{5, 6, 7}, []float64{3, 2, 1}},
		"CumSum, exclusive": {cumulated(0, ops.Cumulation{Exclusive: true}), []float64{5, 6, 7}, []float64{2, 1, 0}},
	} {
		alike(t, "gradient of "+name, gradientOf(t, c.f, c.x...), c.want...)
	}
}
