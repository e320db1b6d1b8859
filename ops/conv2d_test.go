package ops_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/ops"
	"neocog/ops/opstest"
	"neocog/vm"
)

// convCase is a convolution, to be checked in all three passes.
type convCase struct {
	name string
	x, w []int
	conv ops.Conv
}

var convCases = []convCase{
	{"plain", []int{2, 2, 5, 4}, []int{3, 2, 3, 2}, ops.Conv{}},
	{"1×1", []int{2, 3, 2, 3}, []int{2, 3, 1, 1}, ops.Conv{}},
	{"stride", []int{1, 2, 7, 5}, []int{2, 2, 3, 1}, ops.Conv{Stride: [2]int{2, 2}}},
	{"stride larger than the filter", []int{1, 2, 7, 5}, []int{2, 2, 1, 2}, ops.Conv{Stride: [2]int{3, 3}}},
	{"four paddings", []int{2, 1, 3, 4}, []int{2, 1, 3, 3}, ops.Conv{Pad: [4]int{0, 1, 2, 3}}},
	{"padding larger than the filter", []int{1, 1, 2, 2}, []int{2, 1, 2, 2}, ops.Conv{Pad: [4]int{3, 2, 2, 3}}},
	{"dilation", []int{1, 2, 6, 7}, []int{2, 2, 2, 3}, ops.Conv{Dilation: [2]int{3, 2}}},
	{"groups", []int{2, 4, 4, 3}, []int{6, 2, 3, 3}, ops.Conv{Groups: 2, Pad: [4]int{1, 1, 1, 1}}},
	{"depthwise", []int{1, 3, 4, 4}, []int{3, 1, 3, 3}, ops.Conv{Groups: 3}},
	{"all at once", []int{2, 4, 7, 8}, []int{2, 2, 2, 3}, ops.Conv{Groups: 2, Stride: [2]int{2, 3}, Dilation: [2]int{3, 2}, Pad: [4]int{1, 0, 2, 3}}},
	{"same", []int{1, 2, 5, 6}, []int{2, 2, 4, 3}, ops.Conv{Same: true}},
	{"same, stride larger than the filter", []int{1, 1, 8, 5}, []int{2, 1, 1, 2}, ops.Conv{Same: true, Stride: [2]int{2, 3}}},
	{"floor", []int{1, 1, 7, 8}, []int{2, 1, 3, 3}, ops.Conv{Stride: [2]int{3, 3}, Round: ops.Floor}},
	{"ceil", []int{1, 1, 7, 8}, []int{2, 1, 3, 3}, ops.Conv{Stride: [2]int{3, 3}, Round: ops.Ceil}},
	{"W = 1", []int{2, 2, 5, 1}, []int{2, 2, 3, 1}, ops.Conv{Pad: [4]int{1, 0, 1, 0}}},
	{"direct", []int{2, 2, 5, 4}, []int{3, 2, 3, 2}, ops.Conv{Algo: "direct"}},
	{"im2col", []int{2, 2, 5, 4}, []int{3, 2, 3, 2}, ops.Conv{Algo: "im2col"}},
}

func TestConv2D(t *testing.T) {
	for _, c := range convCases {
		t.Run(c.name, func(t *testing.T) {
			opstest.Run(t, opstest.Op{In: shapes{c.x, c.w}, Wrap: one(func(in values) *graph.Value {
				return ops.Conv2D(in[0], in[1], c.conv)
			})})
		})
		t.Run(c.name+", bias", func(t *testing.T) {
			opstest.Run(t, opstest.Op{In: shapes{c.x, c.w, {c.w[0]}}, Wrap: one(func(in values) *graph.Value {
				return ops.Conv2DBias(in[0], in[1], in[2], c.conv)
			})})
		})
	}
}

// yShape is the shape of the case's output.
func (c convCase) yShape(t *testing.T) []int {
	g := graph.New("y")
	y := ops.Conv2D(g.Input("x", graph.Of(graph.Float64, c.x...)), g.Input("w", graph.Of(graph.Float64, c.w...)), c.conv)
	if err := g.Err(); err != nil {
		t.Fatal(err)
	}
	return y.Shape()
}

func TestConv2DInputGrad(t *testing.T) {
	for _, c := range convCases {
		t.Run(c.name, func(t *testing.T) {
			opstest.Run(t, opstest.Op{In: shapes{c.w, c.yShape(t)}, Wrap: one(func(in values) *graph.Value {
				return ops.Conv2DInputGrad(in[0], in[1], c.x[2], c.x[3], c.conv)
			})})
		})
	}
}

func TestConv2DFilterGrad(t *testing.T) {
	for _, c := range convCases {
		t.Run(c.name, func(t *testing.T) {
			opstest.Run(t, opstest.Op{In: shapes{c.x, c.yShape(t)}, Wrap: one(func(in values) *graph.Value {
				return ops.Conv2DFilterGrad(in[0], in[1], c.w[2], c.w[3], c.conv)
			})})
		})
	}
}

// evaluate builds y of inputs of type f64, in a graph of its own, and runs it.
func evaluate(build func(in values) *graph.Value, in ...*tensor.Dense) ([]float64, error) {
	g, feeds := graph.New("evaluate"), vm.Feeds{}
	var ins values
	for i, x := range in {
		ins = append(ins, g.Input(fmt.Sprint("in", i), graph.Of(graph.Float64, x.Shape()...)))
		feeds[ins[i]] = x
	}
	p, err := vm.Compile(g, values{build(ins)})
	if err != nil {
		return nil, err
	}
	m, err := p.NewMachine(vm.NewState(0))
	if err != nil {
		return nil, err
	}
	defer m.Close()
	out, err := m.Run(context.Background(), feeds)
	if err != nil {
		return nil, err
	}
	return opstest.Elements(out[0]), nil
}

func dense(shape graph.Shape, v ...float64) *tensor.Dense {
	return opstest.Dense(graph.Type{DType: graph.Float64, Shape: shape}, v)
}

// Figure C6 of the lecture: in code a convolution is a cross-correlation. The mathematical f∗g flips one
// of the two.
func TestConv2DIsCrossCorrelation(t *testing.T) {
	x := dense(graph.Shape{1, 1, 3, 3}, 1, 2, 3, 4, 5, 6, 7, 8, 9)
	w := dense(graph.Shape{1, 1, 2, 2}, 1, 10, 100, 1000)
	for _, algo := range []string{"direct", "im2col"} {
		c := ops.Conv{Algo: algo}
		for _, test := range []struct {
			name  string
			build func(in values) *graph.Value
			in    []*tensor.Dense
			want  []float64
		}{
			{"y[p,q] = 1·x[p,q] + 10·x[p,q+1] + 100·x[p+1,q] + 1000·x[p+1,q+1] + ½",
				func(in values) *graph.Value { return ops.Conv2DBias(in[0], in[1], in[2], c) },
				[]*tensor.Dense{x, w, dense(graph.Shape{1}, 0.5)}, []float64{5421.5, 6532.5, 8754.5, 9865.5}},
			{"the transposed convolution of one pixel is the filter, not flipped",
				func(in values) *graph.Value { return ops.Conv2DInputGrad(in[0], in[1], 2, 2, c) },
				[]*tensor.Dense{w, dense(graph.Shape{1, 1, 1, 1}, 2)}, []float64{2, 20, 200, 2000}},
			{"dw[r,s] = x[r,s] − 10·x[r,s+1]",
				func(in values) *graph.Value { return ops.Conv2DFilterGrad(in[0], in[1], 2, 2, c) },
				[]*tensor.Dense{x, dense(graph.Shape{1, 1, 2, 2}, 1, -10, 0, 0)}, []float64{-19, -28, -46, -55}},
		} {
			got, err := evaluate(test.build, test.in...)
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("%s: %s: got %v, %v, want %v", algo, test.name, got, err, test.want)
			}
		}
	}
}

// Figures C1, C3, C4, C5, C7, C8 of the lecture, as types.
func TestConv2DShapes(t *testing.T) {
	conv := func(in []int, k, f int, c ops.Conv) func(*graph.Graph) *graph.Value {
		return func(g *graph.Graph) *graph.Value {
			x := g.Input("x", graph.Of(graph.Float32, in...))
			return ops.Conv2D(x, g.Param("w", graph.Of(graph.Float32, k, in[1], f, f), graph.Zeros()), c)
		}
	}
	pad2 := ops.Conv{Pad: [4]int{2, 2, 2, 2}}
	for _, c := range []struct {
		name  string
		build func(*graph.Graph) *graph.Value
		want  string
	}{
		{"C1, stride 1", conv([]int{1, 1, 7, 7}, 1, 3, ops.Conv{}), "f32[1,1,5,5]"},
		{"C1, stride 2", conv([]int{1, 1, 7, 7}, 1, 3, ops.Conv{Stride: [2]int{2, 2}}), "f32[1,1,3,3]"},
		{"C3", conv([]int{1, 3, 32, 32}, 6, 5, ops.Conv{}), "f32[1,6,28,28]"},
		{"C4", conv([]int{graph.Batch, 3, 32, 32}, 10, 5, pad2), "f32[N,10,32,32]"},
		{"C5", conv([]int{graph.Batch, 3, 32, 32}, 6, 5, ops.Conv{}), "f32[N,6,28,28]"},
		{"C8, a stack of three sees 7×7", func(g *graph.Graph) *graph.Value {
			x := g.Input("x", graph.Of(graph.Float32, 1, 1, 7, 7))
			w := g.Param("w", graph.Of(graph.Float32, 1, 1, 3, 3), graph.Zeros())
			return ops.Conv2D(ops.Conv2D(ops.Conv2D(x, w, ops.Conv{}), w, ops.Conv{}), w, ops.Conv{})
		}, "f32[1,1,1,1]"},
		{"C7, 2×2", func(g *graph.Graph) *graph.Value {
			return ops.MaxPool2D(g.Input("x", graph.Of(graph.Float32, graph.Batch, 64, 224, 224)), ops.Pool{Size: [2]int{2, 2}})
		}, "f32[N,64,112,112]"},
		{"C7, 3×3, stride 2", func(g *graph.Graph) *graph.Value {
			return ops.MaxPool2D(g.Input("x", graph.Of(graph.Float32, graph.Batch, 96, 55, 55)), ops.Pool{Size: [2]int{3, 3}, Stride: [2]int{2, 2}})
		}, "f32[N,96,27,27]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := graph.New(c.name)
			y := c.build(g)
			if got := y.Type().String(); g.Err() != nil || got != c.want {
				t.Errorf("got %s, %v, want %s", got, g.Err(), c.want)
			}
		})
	}
}

// Ops that mean the same are the same, so that they print alike and are found equal.
func TestConv2DCanonicalForm(t *testing.T) {
	g := graph.New("canonical")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 2, 8, 8))
	w := g.Param("w", graph.Of(graph.Float32, 4, 2, 3, 3), graph.Zeros())
	for _, c := range []struct {
		conv ops.Conv
		want string
	}{
		{ops.Conv{}, ""},
		{ops.Conv{Stride: [2]int{1, 1}, Dilation: [2]int{0, 1}, Groups: 1}, ""},
		{ops.Conv{Same: true}, "{Pad:[1 1 1 1]}"},
		{ops.Conv{Pad: [4]int{1, 1, 1, 1}}, "{Pad:[1 1 1 1]}"},
		{ops.Conv{Stride: [2]int{0, 5}, Algo: "direct"}, `{Stride:[1 5] Algo:"direct"}`},
		{ops.Conv{Same: true, Stride: [2]int{2, 2}}, "{Stride:[2 2] Pad:[0 0 1 1]}"},
		{ops.Conv{Stride: [2]int{2, 2}, Round: ops.Ceil}, "{Stride:[2 2] Round:ceil}"},
	} {
		y := ops.Conv2D(x, w, c.conv)
		if g.Err() != nil {
			t.Fatal(g.Err())
		}
		if got := graph.Attributes(y.Node().Op); got != c.want {
			t.Errorf("%+v: got %s, want %s", c.conv, got, c.want)
		}
	}
}

// Attributes that a constructor would have resolved mean the same in a text.
func TestConv2DParsesSame(t *testing.T) {
	text := `graph "same"
%0 = Input "x" f32[N,1,8,8]
%1 = Input "w" f32[2,1,3,3]
%2 = Conv2D{Stride:[2 1] Dilation:[1 1] Same:true Groups:1} %0 %1 f32[N,2,4,8]
%3 = Conv2DInputGrad{Stride:[2 1] Same:true H:8 W:8} %1 %2 f32[N,1,8,8]
%4 = Conv2DFilterGrad{Stride:[2 1] Same:true R:3 S:3} %0 %2 f32[2,1,3,3]
`
	g, err := graph.Parse(text, ops.All()...)
	if err != nil {
		t.Fatal(err)
	}
	loss := ops.Sum(g.Nodes()[2].Out(0))
	grads := autodiff.Gradients(loss, g.Inputs()...)
	if err := g.Err(); err != nil {
		t.Fatal(err)
	}
	for i, x := range g.Inputs() {
		if !grads[i].Type().Equal(x.Type()) {
			t.Errorf("gradient %d is %v, want %v", i, grads[i].Type(), x.Type())
		}
	}
}

func TestConv2DErrors(t *testing.T) {
	f32, f64 := graph.Float32, graph.Float64
	c3 := ops.Conv{Stride: [2]int{3, 3}}
	for _, c := range []struct {
		name string
		x, w graph.Type
		conv ops.Conv
		want string
	}{
		{"C1", graph.Of(f32, 1, 1, 7, 7), graph.Of(f32, 1, 1, 3, 3), c3,
			"Conv2D: (7 − 3 + 0)/3 + 1 = 2.33 windows along the height; what fits: padding of 2 in all, stride 2 or 4, filter 1 or 4, height 6 or 9; or Round: ops.Floor for 2, ops.Ceil for 3"},
		{"only the width does not fit", graph.Of(f32, 1, 1, 6, 7), graph.Of(f32, 1, 1, 3, 3), c3, "= 2.33 windows along the width"},
		{"channels", graph.Of(f32, graph.Batch, 8, 14, 14), graph.Of(f32, 16, 6, 5, 5), ops.Conv{}, "Conv2D: x has 8 channels, w wants 6\n\tx = %0 f32[N,8,14,14]  Input \"x\""},
		{"channels of groups", graph.Of(f32, 1, 8, 9, 9), graph.Of(f32, 16, 6, 5, 5), ops.Conv{Groups: 2}, "x has 8 channels, w wants 6 in each of 2 groups"},
		{"filters of groups", graph.Of(f32, 1, 6, 9, 9), graph.Of(f32, 4, 2, 5, 5), ops.Conv{Groups: 3}, "w has 4 filters, which 3 groups do not divide"},
		{"negative groups", graph.Of(f32, 1, 6, 9, 9), graph.Of(f32, 4, 2, 5, 5), ops.Conv{Groups: -3}, "there are -3 groups, want at least 1"},
		{"filter too large", graph.Of(f32, 1, 1, 4, 4), graph.Of(f32, 1, 1, 7, 7), ops.Conv{Pad: [4]int{1, 1, 1, 1}},
			"a filter of 7 is larger than the height, 4 with padding 1 + 1; want at most 6, or padding of 1 more in all"},
		{"no filter", graph.Of(f32, 1, 1, 4, 4), graph.Of(f32, 1, 1, 0, 3), ops.Conv{}, "the extent of the filter is 0 along the height"},
		{"rank of x", graph.Of(f32, 1, 28, 28), graph.Of(f32, 1, 1, 5, 5), ops.Conv{}, "x has 3 dimensions, want 4: NCHW"},
		{"rank of w", graph.Of(f32, 1, 1, 28, 28), graph.Of(f32, 25, 6), ops.Conv{}, "w has 2 dimensions, want 4: KCRS"},
		{"element types", graph.Of(f32, 1, 1, 9, 9), graph.Of(f64, 1, 1, 5, 5), ops.Conv{}, "x has element type f32, w f64, want the same"},
		{"integers", graph.Of(graph.Int32, 1, 1, 9, 9), graph.Of(graph.Int32, 1, 1, 5, 5), ops.Conv{}, "x: got i32[1,1,9,9], want a tensor of f32 or f64"},
		{"symbolic height", graph.Of(f32, 1, 1, graph.Batch, 9), graph.Of(f32, 1, 1, 5, 5), ops.Conv{}, "x is f32[1,1,N,9]: height and width must be known"},
		{"symbolic channels", graph.Of(f32, 1, graph.Batch, 9, 9), graph.Of(f32, 1, 1, 5, 5), ops.Conv{}, "x is [1,N,9,9]: only its first dimension may be symbolic"},
		{"symbolic filters", graph.Of(f32, 1, 1, 9, 9), graph.Of(f32, graph.Batch, 1, 5, 5), ops.Conv{}, "w is f32[N,1,5,5]: the shape of a filter must be known"},
		{"stride", graph.Of(f32, 1, 1, 9, 9), graph.Of(f32, 1, 1, 5, 5), ops.Conv{Stride: [2]int{1, -1}}, "the stride is -1 along the width"},
		{"same and padding", graph.Of(f32, 1, 1, 9, 9), graph.Of(f32, 1, 1, 5, 5), ops.Conv{Same: true, Pad: [4]int{1, 1, 1, 1}}, "padding [1 1 1 1] and rounding exact are given beside Same, which chooses both"},
		{"same and huge dilation", graph.Of(f32, 1, 1, 9, 9), graph.Of(f32, 1, 1, 5, 5), ops.Conv{Same: true, Dilation: [2]int{1 << 60, 1}}, "the dilation is 1152921504606846976 along the height"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := graph.New("errors")
			y := ops.Conv2D(g.Input("x", c.x), g.Input("w", c.w), c.conv)
			err := g.Err()
			if err == nil || y.IsValid() {
				t.Fatalf("got %v", y.Type())
			}
			if !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "conv2d_test.go:") {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestConv2DBiasErrors(t *testing.T) {
	g := graph.New("errors")
	x, w := g.Input("x", graph.Of(graph.Float32, 2, 1, 9, 9)), g.Input("w", graph.Of(graph.Float32, 6, 1, 5, 5))
	ops.Conv2DBias(x, w, g.Input("b", graph.Of(graph.Float32, 5)), ops.Conv{})
	ops.Conv2DBias(x, w, g.Input("b64", graph.Of(graph.Float64, 6)), ops.Conv{})
	err := fmt.Sprint(g.Err())
	for _, want := range []string{"b has shape [5], want [6]: w has 6 filters", "x has element type f32, b f64, want the same"} {
		if !strings.Contains(err, want) {
			t.Errorf("got %s\nwant %s", err, want)
		}
	}
}

func TestConv2DGradErrors(t *testing.T) {
	f32 := graph.Float32
	for _, c := range []struct {
		name  string
		build func(*graph.Graph)
		want  string
	}{
		{"height of dy", func(g *graph.Graph) {
			ops.Conv2DInputGrad(g.Input("w", graph.Of(f32, 6, 1, 5, 5)), g.Input("dy", graph.Of(f32, 2, 6, 23, 24)), 28, 28, ops.Conv{})
		}, "dy is 23×24, but a 5×5 filter on 28×28 pixels gives 24×24"},
		{"channels of dy", func(g *graph.Graph) {
			ops.Conv2DInputGrad(g.Input("w", graph.Of(f32, 6, 1, 5, 5)), g.Input("dy", graph.Of(f32, 2, 7, 24, 24)), 28, 28, ops.Conv{})
		}, "dy has 7 channels, w has 6 filters"},
		{"negative image", func(g *graph.Graph) {
			ops.Conv2DInputGrad(g.Input("w", graph.Of(f32, 6, 1, 5, 5)), g.Input("dy", graph.Of(f32, 2, 6, 24, 24)), -1, 28, ops.Conv{})
		}, "the image is -1×28"},
		{"images of x and dy", func(g *graph.Graph) {
			ops.Conv2DFilterGrad(g.Input("x", graph.Of(f32, 2, 1, 28, 28)), g.Input("dy", graph.Of(f32, 3, 6, 24, 24)), 5, 5, ops.Conv{})
		}, "x is f32[2,1,28,28], dy f32[3,6,24,24]: want the same number of images"},
		{"size of the filter", func(g *graph.Graph) {
			ops.Conv2DFilterGrad(g.Input("x", graph.Of(f32, 2, 1, 28, 28)), g.Input("dy", graph.Of(f32, 2, 6, 24, 24)), 3, 5, ops.Conv{})
		}, "dy is 24×24, but a 3×5 filter on 28×28 pixels gives 26×24"},
		{"groups", func(g *graph.Graph) {
			ops.Conv2DFilterGrad(g.Input("x", graph.Of(f32, 2, 4, 28, 28)), g.Input("dy", graph.Of(f32, 2, 6, 24, 24)), 5, 5, ops.Conv{Groups: 4})
		}, "dy has 6 channels, which 4 groups do not divide"},
		{"nil", func(g *graph.Graph) { ops.Conv2D(g.Input("x", graph.Of(f32, 2, 4, 28, 28)), nil, ops.Conv{}) }, "operand 1 is nil"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := graph.New("errors")
			c.build(g)
			if err := g.Err(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

// An unknown algorithm is an error when shapes are known, naming the node.
func TestConv2DUnknownAlgorithm(t *testing.T) {
	one := dense(graph.Shape{1, 1, 1, 1}, 1)
	_, err := evaluate(func(in values) *graph.Value { return ops.Conv2D(in[0], in[1], ops.Conv{Algo: "im2row"}) }, one, one)
	for _, want := range []string{`unknown convolution algorithm "im2row", did you mean im2col?`, "conv2d_test.go:"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
