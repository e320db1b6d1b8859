package models_test

import (
	"fmt"
	"testing"

	"gorgonia.org/tensor"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/inspect"
	"neocog/models/layers"
	"neocog/ops"
	"neocog/vm"
)

// Figures of the lecture on layers and networks; docs/lecture.md lists them.

// layer builds one layer on an image and returns its result and its summary.
func layer(t *testing.T, c, h, w int, build func(b *layers.Builder, x *graph.Value) *graph.Value) (*graph.Value, *inspect.Summary) {
	t.Helper()
	g := graph.New("layer")
	y := build(&layers.Builder{}, g.Input("x", graph.Of(graph.Float32, graph.Batch, c, h, w)))
	if err := g.Err(); err != nil {
		t.Fatal(err)
	}
	s, err := inspect.Summarise(g, 1)
	if err != nil {
		t.Fatal(err)
	}
	return y, s
}

func TestC4TenFilters(t *testing.T) {
	y, s := layer(t, 3, 32, 32, func(b *layers.Builder, x *graph.Value) *graph.Value {
		return b.Conv("conv", x, 10, [2]int{5, 5}, ops.Conv{Pad: [4]int{2, 2, 2, 2}})
	})
	if !y.Shape().Equal(graph.Shape{graph.Batch, 10, 32, 32}) || s.Total.Params != 760 {
		t.Errorf("%v, %d parameters; want 10 maps of 32×32 and 760, 76 for each filter", y.Type(), s.Total.Params)
	}
}

func TestC5SixFilters(t *testing.T) {
	y, _ := layer(t, 3, 32, 32, func(b *layers.Builder, x *graph.Value) *graph.Value {
		return b.Conv("conv", x, 6, [2]int{5, 5}, ops.Conv{})
	})
	if !y.Shape().Equal(graph.Shape{graph.Batch, 6, 28, 28}) {
		t.Errorf("%v, want 6 maps of 28×28", y.Type())
	}
}

// The receptive field of one output is where its gradient by the image is not
// zero, with filters of ones.
func TestC8ReceptiveField(t *testing.T) {
	for convs, want := range map[int]int{1: 3, 2: 5, 3: 7} {
		const n = 15
		g := graph.New("field")
		x := g.Input("x", graph.Of(graph.Float64, 1, 1, n, n))
		y := x
		for range convs {
			w := ops.Ones(g, graph.Of(graph.Float64, 1, 1, 3, 3))
			y = ops.Conv2D(y, w, ops.Conv{Pad: [4]int{1, 1, 1, 1}})
		}
		pick := make([]float64, n*n)
		pick[n/2*n+n/2] = 1
		centre := ops.Sum(ops.Mul(y, graph.Const(g, y.Shape(), pick...)))
		out, err := vm.Interpret(g, autodiff.Gradients(centre, x), vm.NewState(0), vm.Feeds{x: tensor.New(tensor.WithShape(1, 1, n, n), tensor.Of(tensor.Float64))})
		if err != nil {
			t.Fatal(err)
		}
		rows := 0
		for r := range n {
			if out[0].Float64s()[r*n+n/2] != 0 {
				rows++
			}
		}
		if rows != want {
			t.Errorf("%d convolutions see %d rows, want %d", convs, rows, want)
		}
	}
}

func TestC9ThreeSmallFiltersAgainstOneLarge(t *testing.T) {
	const c, side = 8, 12
	same := func(b *layers.Builder, name string, x *graph.Value, f int) *graph.Value {
		return b.ConvNoBias(name, x, c, [2]int{f, f}, ops.Conv{Same: true})
	}
	_, one := layer(t, c, side, side, func(b *layers.Builder, x *graph.Value) *graph.Value { return same(b, "a", x, 7) })
	_, three := layer(t, c, side, side, func(b *layers.Builder, x *graph.Value) *graph.Value {
		return same(b, "c", same(b, "b", same(b, "a", x, 3), 3), 3)
	})
	for _, f := range []struct {
		what      string
		got, want int64
	}{
		{"weights of one 7×7", one.Total.Params, 49 * c * c},
		{"multiply-adds of one 7×7", one.Total.MACs, 49 * side * side * c * c},
		{"weights of three 3×3", three.Total.Params, 27 * c * c},
		{"multiply-adds of three 3×3", three.Total.MACs, 27 * side * side * c * c},
	} {
		if f.got != f.want {
			t.Errorf("%s: %d, want %d", f.what, f.got, f.want)
		}
	}
}

// A bottleneck, and 1×3 beside 3×1, against 3×3: C is even.
func TestC10Bottleneck(t *testing.T) {
	const c, side = 8, 12
	weights := func(filters ...[4]int) int64 { // output channels, input channels, height, width
		_, s := layer(t, filters[0][1], side, side, func(b *layers.Builder, x *graph.Value) *graph.Value {
			for i, f := range filters {
				if x.Shape()[1] != f[1] {
					t.Fatalf("filter %d sees %d channels, want %d", i, x.Shape()[1], f[1])
				}
				x = b.ConvNoBias(fmt.Sprint("conv", i), x, f[0], [2]int{f[2], f[3]}, ops.Conv{Same: true})
			}
			return x
		})
		if s.Total.MACs != s.Total.Params*side*side {
			t.Errorf("%v: %d multiply-adds, want one for each weight and pixel", filters, s.Total.MACs)
		}
		return s.Total.Params
	}
	for _, f := range []struct {
		what      string
		got, want int64
	}{
		{"3×3", weights([4]int{c, c, 3, 3}), 9 * c * c},
		{"bottleneck", weights([4]int{c / 2, c, 1, 1}, [4]int{c / 2, c / 2, 3, 3}, [4]int{c, c / 2, 1, 1}), 13 * c * c / 4},
		{"1×3 and 3×1", weights([4]int{c, c, 1, 3}, [4]int{c, c, 3, 1}), 6 * c * c},
	} {
		if f.got != f.want {
			t.Errorf("%s: %d weights, want %d", f.what, f.got, f.want)
		}
	}
}
