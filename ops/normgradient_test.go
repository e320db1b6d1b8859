package ops_test

import (
	"testing"

	"neocog/graph"
	"neocog/ops"
	"neocog/ops/opstest"
)

// What is made of several ops around the normalisations.
func TestNormalisationGradients(t *testing.T) {
	for name, op := range map[string]opstest.Op{
		"L2": {In: shapes{{2, 3}, {4}}, Wrap: binary(func(a, b *graph.Value) *graph.Value { return ops.L2(0.3, a, b) })},
		"RunningStats": {In: shapes{{3, 2, 4}, {2}, {2}}, Wrap: func(in values) values {
			_, mean, variance := ops.BatchNorm(in[0], in[1], in[2], 1e-3)
			nextMean, nextVar := ops.RunningStats(in[0], mean, variance, in[1], in[2], 0.1)
			return values{nextMean, nextVar}
		}},
		"BatchNormInfer": {In: shapes{{3, 2, 4}, {2}, {2}, {2}, {2}}, Wrap: one(func(in values) *graph.Value {
			return ops.BatchNormInfer(in[0], in[1], in[2], in[3], ops.Square(in[4]), 0.1)
		})},
		"Cast": {In: shapes{{3}}, Wrap: unary(func(x *graph.Value) *graph.Value {
			return ops.Add(x, ops.Cast(ops.Cast(x, graph.Int32), graph.Float64))
		})},
	} {
		t.Run(name, func(t *testing.T) { checkGradient(t, op) })
	}
	// The op behind L2, in one chunk and in several.
	for name, s := range map[string][]int{"one": {3, 4}, "several": {3, 3000}, "none": {0, 4}} {
		t.Run("SumSquares/"+name, func(t *testing.T) {
			opstest.Run(t, opstest.Op{In: shapes{s}, Wrap: unary(ops.SumSquares)})
		})
	}
	t.Run("SampleVariance", func(t *testing.T) {
		opstest.Run(t, opstest.Op{In: shapes{{2}, {3, 2, 4}}, Wrap: binary(ops.SampleVariance)})
	})
}
