package ops_test

import (
	"testing"

	"neocog/graph"
	"neocog/ops"
)

// counted is a constant filter of ones, or of 1, 2, 3, ….
func counted(x *graph.Value, up bool, shape ...int) *graph.Value {
	v := make([]float64, graph.Shape(shape).Size())
	for i := range v {
		if v[i] = 1; up {
			v[i] = float64(i + 1)
		}
	}
	return graph.Const(x.Graph(), shape, v...)
}

// The examples of ONNX's ConvTranspose: 3×3 numbers from 0 on, and filters of ones.
func TestConvTransposeLikeONNX(t *testing.T) {
	x := []float64{0, 1, 2, 3, 4, 5, 6, 7, 8}
	transposed := func(c ops.ConvTranspose) func(x *graph.Value) *graph.Value {
		return func(x *graph.Value) *graph.Value { return ops.ConvTranspose2D(x, counted(x, false, 1, 1, 3, 3), c) }
	}
	at := []int{1, 1, 3, 3}
	alike(t, "plain", shaped(t, transposed(ops.ConvTranspose{}), at, x...),
		0, 1, 3, 3, 2, 3, 8, 15, 12, 7, 9, 21, 36, 27, 15, 9, 20, 33, 24, 13, 6, 13, 21, 15, 8)
	alike(t, "pads", shaped(t, transposed(ops.ConvTranspose{Stride: [2]int{3, 2}, Pad: [4]int{1, 2, 1, 2}}), at, x...),
		1, 1, 3, 1, 1, 3, 7, 4, 9, 7, 4, 9, 7, 4, 9, 13, 7, 15, 13, 7, 15)
	alike(t, "autopad_same", shaped(t, transposed(ops.ConvTranspose{Stride: [2]int{2, 2}, Same: true}), at, x...),
		0, 0, 1, 1, 3, 2, 0, 0, 1, 1, 3, 2, 3, 3, 8, 5, 12, 7, 3, 3, 7, 4, 9, 5, 9, 9, 20, 11, 24, 13, 6, 6, 13, 7, 15, 8)
	row := []float64{0, 0, 1, 1, 3, 2, 2, 0}
	got := shaped(t, transposed(ops.ConvTranspose{Stride: [2]int{3, 2}, OutputPad: [2]int{1, 1}}), at, x...)
	alike(t, "output padding", got[:8], row...)
	alike(t, "output padding, last row", got[72:], make([]float64, 8)...)
	dilated := func(x *graph.Value) *graph.Value {
		w := graph.Const(x.Graph(), graph.Shape{1, 1, 2, 2}, 7.0, 2, 1, 9)
		return ops.ConvTranspose2D(x, w, ops.ConvTranspose{Dilation: [2]int{2, 2}})
	}
	alike(t, "dilations", shaped(t, dilated, at, 3, 8, 1, 9, 5, 7, 3, 2, 6),
		21, 56, 13, 16, 2, 63, 35, 67, 10, 14, 24, 22, 76, 76, 21, 9, 5, 88, 45, 63, 3, 2, 33, 18, 54)

	N := graph.Batch
	g := graph.New("groups")
	typed(t, ops.ConvTranspose2D(input(g, N, 4, 5, 6), g.Input("w", graph.Of(graph.Float32, 4, 3, 3, 3)),
		ops.ConvTranspose{Stride: [2]int{2, 2}, Pad: [4]int{1, 1, 1, 1}, OutputPad: [2]int{1, 0}, Groups: 2}), "f32[N,6,10,11]")
	w := func(g *graph.Graph, s ...int) *graph.Value { return g.Input("w", graph.Of(graph.Float32, s...)) }
	refused(t, map[string]func(g *graph.Graph) *graph.Value{
		"ConvTranspose2D: x has 3 channels, w f32[4,3,3,3] wants 4": func(g *graph.Graph) *graph.Value {
			return ops.ConvTranspose2D(input(g, N, 3, 5, 5), w(g, 4, 3, 3, 3), ops.ConvTranspose{})
		},
		"the output padding is 2 along the width, want 0 to 1, below the stride": func(g *graph.Graph) *graph.Value {
			return ops.ConvTranspose2D(input(g, N, 3, 5, 5), w(g, 3, 3, 3, 3), ops.ConvTranspose{Stride: [2]int{2, 2}, OutputPad: [2]int{0, 2}})
		},
		"padding 2 and 1 cuts off all of the height, which is 3 without": func(g *graph.Graph) *graph.Value {
			return ops.ConvTranspose2D(input(g, N, 3, 1, 1), w(g, 3, 3, 3, 3), ops.ConvTranspose{Pad: [4]int{2, 0, 1, 0}})
		},
		"a filter of 1 gives a height of 5, less than 3·2 = 6": func(g *graph.Graph) *graph.Value {
			return ops.ConvTranspose2D(input(g, N, 3, 3, 3), w(g, 3, 3, 1, 1), ops.ConvTranspose{Stride: [2]int{2, 2}, Same: true})
		},
		"w has 3 dimensions, want 4: KCRS": func(g *graph.Graph) *graph.Value {
			return ops.ConvTranspose2D(input(g, N, 3, 3, 3), w(g, 3, 3, 1), ops.ConvTranspose{})
		},
	})
}
