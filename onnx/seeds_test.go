package onnx

import (
	"neocog/autodiff"
	"neocog/graph"
	"neocog/ops"
)

// seedNetworks use x, f32[N,2,4,4], by every family of ops.
var seedNetworks = []func(g *graph.Graph, x *graph.Value) *graph.Value{
	func(g *graph.Graph, x *graph.Value) *graph.Value {
		w := g.Param("w", graph.Of(graph.Float32, 3, 2, 3, 3), graph.Normal(0, 1))
		y := ops.MaxPool2D(ops.ReLU(ops.Conv2D(x, w, ops.Conv{Same: true})), ops.Pool{Size: [2]int{2, 2}})
		return autodiff.Gradients(ops.Sum(ops.Square(y)), w)[0]
	},
	func(_ *graph.Graph, x *graph.Value) *graph.Value {
		return ops.Softmax(ops.Flatten(ops.AvgPool2D(ops.ELU(x, 0.5), ops.Pool{Size: [2]int{3, 3}, Stride: [2]int{1, 1}, Pad: [4]int{1, 1, 1, 1}})), 1)
	},
	func(_ *graph.Graph, x *graph.Value) *graph.Value {
		return ops.Concat(3, ops.SliceStep(x, 3, 0, 4, 2), ops.Pad(ops.Transpose(x, 0, 1, 3, 2), []int{0, 0, 0, 1}, []int{0, 0, 0, 2}, 1))
	},
	func(_ *graph.Graph, x *graph.Value) *graph.Value {
		y, index := ops.TopK(x, 2, 3)
		return ops.Add(ops.GatherElements(x, index, 3), ops.Standardise(y, 2, 1e-5))
	},
	func(g *graph.Graph, x *graph.Value) *graph.Value {
		return ops.Where(ops.Less(x, g.Scalar(graph.Float32, 0)), ops.CumSum(x, 2, ops.Cumulation{Reverse: true}), ops.Clip(ops.GELU(x), -1, 1))
	},
}
