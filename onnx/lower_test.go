package onnx

import (
	"context"
	"testing"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/ops"
	"neocog/vm"
)

// lowered are functions of x, f32[N,3,6,6], whose gradients have ops that ONNX lacks.
var lowered = map[string]func(x *graph.Value) *graph.Value{
	"GELU":      ops.GELU,
	"Expm1":     ops.Expm1,
	"Clip":      func(x *graph.Value) *graph.Value { return ops.Clip(x, -0.5, 0.5) },
	"LeakyReLU": func(x *graph.Value) *graph.Value { return ops.LeakyReLU(x, 0.1) },
	"Max":       func(x *graph.Value) *graph.Value { return ops.Max(x, 1, 3) },
	"MaxAll":    func(x *graph.Value) *graph.Value { return ops.Max(ops.Slice(x, 1, 0, 1), 2) },
	"Mean":      func(x *graph.Value) *graph.Value { return ops.Mean(x, 0, 2) },
	"LRN": func(x *graph.Value) *graph.Value {
		return ops.LRN(x, ops.LocalResponse{Size: 3, Alpha: 0.2, Beta: 0.75, K: 1.5})
	},
	"Standardise": func(x *graph.Value) *graph.Value { return ops.Standardise(x, 2, 1e-3) },
	"SumSquares":  func(x *graph.Value) *graph.Value { return ops.L2(0.1, x) },
	"OneMinus":    ops.OneMinus,
	"LogSumExp":   func(x *graph.Value) *graph.Value { return ops.LogSumExp(x, 1) },
	"SliceStep":   func(x *graph.Value) *graph.Value { return ops.SliceStep(x, 2, 1, 6, 2) },
	"MaxPool2D": func(x *graph.Value) *graph.Value {
		return ops.MaxPool2D(x, ops.Pool{Size: [2]int{3, 3}, Stride: [2]int{2, 2}, Pad: [4]int{1, 1, 1, 1}, Round: ops.Ceil})
	},
	"MaxPool2D and its places, with gaps": func(x *graph.Value) *graph.Value {
		y, at := ops.MaxPool2DIndices(x, ops.Pool{Size: [2]int{2, 3}, Stride: [2]int{1, 2}, Dilation: [2]int{3, 2}, Pad: [4]int{1, 0, 1, 1}})
		return ops.MaxUnpool(y, at, 6, 6)
	},
	"LpPool3D": func(x *graph.Value) *graph.Value {
		return ops.LpPool3D(ops.Unsqueeze(x, 1), 3, ops.Pool3{Size: [3]int{2, 3, 2}, Stride: [3]int{1, 3, 2}})
	},
	"AdaptiveMaxPool3D": func(x *graph.Value) *graph.Value {
		return ops.AdaptiveMaxPool3D(ops.Unsqueeze(x, 1), [3]int{2, 4, 5})
	},
	"AvgPool2D": func(x *graph.Value) *graph.Value {
		return ops.AvgPool2D(x, ops.Pool{Size: [2]int{3, 2}, Stride: [2]int{2, 2}, Pad: [4]int{1, 0, 1, 1}, Round: ops.Ceil})
	},
	"AvgPool2D, padding counts": func(x *graph.Value) *graph.Value {
		return ops.AvgPool2D(x, ops.Pool{Size: [2]int{3, 3}, Stride: [2]int{3, 3}, Pad: [4]int{1, 1, 1, 1}, Round: ops.Floor, CountPad: true})
	},
	"MatMul of stacks": func(x *graph.Value) *graph.Value {
		return ops.MatMul(ops.Slice(x, 2, 0, 4), x.Graph().Param("w", graph.Of(graph.Float32, 3, 6, 5), graph.Normal(0, 1)))
	},
	"Einsum": func(x *graph.Value) *graph.Value {
		return ops.Einsum("nchw,hk->nkc", x, x.Graph().Param("w", graph.Of(graph.Float32, 6, 2), graph.Normal(0, 1)))
	},
	"Gather": func(x *graph.Value) *graph.Value {
		return ops.Gather(x, graph.Const[int32](x.Graph(), graph.Shape{4}, 0, 2, 2, 5), 3)
	},
	"Conv2D": func(x *graph.Value) *graph.Value {
		w := x.Graph().Param("w", graph.Of(graph.Float32, 4, 3, 3, 2), graph.Normal(0, 1))
		return ops.Conv2D(x, w, ops.Conv{Stride: [2]int{2, 3}, Dilation: [2]int{2, 1}, Pad: [4]int{1, 0, 0, 1}, Round: ops.Floor})
	},
	"Conv2D, groups": func(x *graph.Value) *graph.Value {
		w := x.Graph().Param("w", graph.Of(graph.Float32, 6, 1, 2, 2), graph.Normal(0, 1))
		return ops.Conv2D(x, w, ops.Conv{Groups: 3, Round: ops.Ceil, Stride: [2]int{3, 3}})
	},
	"Resize, cubic": func(x *graph.Value) *graph.Value {
		return ops.Resize(x, []int{graph.Batch, 3, 9, 4}, ops.Resampling{Filter: ops.InterpolateCubic})
	},
	"Resize, areas": func(x *graph.Value) *graph.Value {
		return ops.Resize(x, []int{graph.Batch, 3, 4, 2}, ops.Resampling{Filter: ops.InterpolateArea})
	},
	"RunningStats": func(x *graph.Value) *graph.Value {
		g := x.Graph()
		gamma, beta := g.Param("gamma", graph.Of(graph.Float32, 3), graph.Constant(1)), g.Param("beta", graph.Of(graph.Float32, 3), graph.Zeros())
		y, mean, variance := ops.BatchNorm(x, gamma, beta, 1e-3)
		m, v := ops.RunningStats(x, mean, variance, ops.ZerosLike(gamma), ops.OnesLike(gamma), 0.1)
		return ops.Add(y, ops.Reshape(ops.Add(m, v), 1, 3, 1, 1))
	},
	"CrossEntropy of probabilities": func(x *graph.Value) *graph.Value {
		logits := ops.Mean(x, 2, 3)
		return ops.SoftmaxCrossEntropy(logits, ops.Softmax(ops.Neg(logits), 1), ops.CrossEntropy{Smoothing: 0.2})
	},
	"Correct": func(x *graph.Value) *graph.Value {
		logits := ops.Mean(x, 2, 3)
		return ops.Add(ops.Sum(logits), ops.Cast(ops.Correct(logits, ops.ArgMax(logits, 1)), graph.Float32))
	},
}

// loweredNetwork returns a function of x with its gradients, first and second.
func loweredNetwork(t *testing.T, f func(x *graph.Value) *graph.Value) *Network {
	t.Helper()
	g := graph.New("lowered")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 3, 6, 6))
	y := f(x)
	wrt := append([]*graph.Value{x}, g.Params()...)
	first := autodiff.Gradients(ops.Sum(ops.Mul(y, y)), wrt...)
	second := autodiff.Gradients(ops.Sum(ops.Square(first[0])), x)
	net := &Network{Graph: g, OutputNames: []string{"y", "second"}, Outputs: []*graph.Value{y, second[0]}, State: vm.NewState(1)}
	for _, v := range first {
		net.Outputs, net.OutputNames = append(net.Outputs, v), append(net.OutputNames, "first"+string(rune('0'+len(net.Outputs))))
	}
	if err := g.Err(); err != nil {
		t.Fatal(err)
	}
	return net
}

// Functions and their gradients, first and second, exported and imported, give what they
// gave before; and what was imported is the same text again.
func TestLowered(t *testing.T) {
	for name, f := range lowered {
		t.Run(name, func(t *testing.T) {
			net := loweredNetwork(t, f)
			g := net.Graph
			const batch = 2
			o := Options{}
			if name == "Conv2D, groups" {
				o.Batch = batch // groups times the batch is no extent that a graph has
			}
			again := roundTrip(t, name, net, o)
			feeds := feedsFor(g, batch)
			want, err := net.Run(context.Background(), feeds)
			if err != nil {
				t.Fatal(err)
			}
			got, err := again.Run(context.Background(), feeds)
			if err != nil {
				t.Fatal(err)
			}
			for i := range want {
				if d := closeTo(got[i], want[i]); !(d < 1e-4) {
					t.Errorf("%s: distance %.2g", net.OutputNames[i], d)
				}
			}
		})
	}
}
