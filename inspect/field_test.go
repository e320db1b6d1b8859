package inspect_test

import (
	"context"
	"testing"

	"gorgonia.org/tensor"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/models/layers"
	"neocog/ops"
	"neocog/vm"
)

// fieldOf returns the field and stride of what f makes of an image of 16×20
// pixels, in a layer called y.
func fieldOf(t *testing.T, f func(b *layers.Builder, x *graph.Value) *graph.Value) (field, stride graph.Shape) {
	t.Helper()
	g := graph.New("field")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 2, 16, 20))
	y := f(&layers.Builder{Train: true}, x)
	g.Scope("y", func() { ops.Scale(y, 2) })
	s := summarise(t, g, 1)
	last := s.Rows[len(s.Rows)-1]
	if last.Layer != "y" {
		t.Fatalf("the last row is %+v", last)
	}
	return last.Field, last.Stride
}

func TestFields(t *testing.T) {
	size := func(h, w int) [2]int { return [2]int{h, w} }
	conv := func(b *layers.Builder, name string, x *graph.Value, h, w int, c ops.Conv) *graph.Value {
		return b.Conv(name, x, 2, size(h, w), c)
	}
	for _, c := range []struct {
		name          string
		f             func(b *layers.Builder, x *graph.Value) *graph.Value
		field, stride graph.Shape
	}{
		{"nothing", func(_ *layers.Builder, x *graph.Value) *graph.Value { return x }, graph.Shape{1, 1}, graph.Shape{1, 1}},
		{"point by point", func(b *layers.Builder, x *graph.Value) *graph.Value {
			return b.Dropout("d", b.BatchNorm("n", ops.ReLU(ops.LRN(x, ops.LocalResponse{Size: 3, Alpha: 1, Beta: 1, K: 1}))), 0.5)
		}, graph.Shape{1, 1}, graph.Shape{1, 1}},
		{"filter 3×5", func(b *layers.Builder, x *graph.Value) *graph.Value { return conv(b, "c", x, 3, 5, ops.Conv{}) }, graph.Shape{3, 5}, graph.Shape{1, 1}},
		{"dilated", func(b *layers.Builder, x *graph.Value) *graph.Value {
			return conv(b, "c", x, 3, 3, ops.Conv{Dilation: size(2, 3)})
		}, graph.Shape{5, 7}, graph.Shape{1, 1}},
		{"strides multiply", func(b *layers.Builder, x *graph.Value) *graph.Value {
			x = conv(b, "c", x, 2, 2, ops.Conv{Stride: size(2, 1), Same: true})
			return ops.AvgPool2D(x, ops.Pool{Size: size(2, 2), Round: ops.Floor})
		}, graph.Shape{4, 3}, graph.Shape{4, 2}},
		{"the wider of two", func(b *layers.Builder, x *graph.Value) *graph.Value {
			return ops.Concat(1, conv(b, "c", x, 3, 1, ops.Conv{Same: true}), conv(b, "d", x, 1, 5, ops.Conv{Same: true}), x)
		}, graph.Shape{3, 5}, graph.Shape{1, 1}},
		{"strides that differ", func(b *layers.Builder, x *graph.Value) *graph.Value {
			some := ops.Slice(ops.Slice(x, 2, 0, 8), 3, 0, 10)
			return ops.Concat(1, some, conv(b, "c", x, 2, 2, ops.Conv{Stride: size(2, 2)}))
		}, graph.Shape{2, 2}, graph.Shape{2, 2}},
		{"two that are off the centre", func(b *layers.Builder, x *graph.Value) *graph.Value {
			left := ops.Slice(ops.Pad(x, []int{0, 0, 0, 2}, []int{0, 0, 0, 0}, 0), 3, 0, 20)
			right := ops.Slice(ops.Pad(x, []int{0, 0, 0, 0}, []int{0, 0, 0, 3}, 0), 3, 3, 23)
			return ops.Add(left, right)
		}, graph.Shape{1, 6}, graph.Shape{1, 1}},
		{"every second pixel", func(_ *layers.Builder, x *graph.Value) *graph.Value {
			return ops.SliceStep(ops.SliceStep(x, 2, 0, 16, 2), 3, 0, 20, 4)
		}, graph.Shape{1, 1}, graph.Shape{2, 4}},
		{"global mean", func(_ *layers.Builder, x *graph.Value) *graph.Value { return ops.GlobalAvgPool(x) }, graph.Shape{16, 20}, graph.Shape{16, 20}},
		// All that is left of 16×20 after a filter of 3×3: edges are cut off.
		{"linear", func(b *layers.Builder, x *graph.Value) *graph.Value {
			return b.Linear("fc", ops.Flatten(conv(b, "c", x, 3, 3, ops.Conv{Pad: [4]int{1, 1, 1, 1}})), 3)
		}, graph.Shape{16, 20}, nil},
		{"linear, a rest unseen", func(b *layers.Builder, x *graph.Value) *graph.Value {
			return b.Linear("fc", ops.Flatten(ops.MaxPool2D(x, ops.Pool{Size: size(3, 3), Round: ops.Floor})), 3)
		}, graph.Shape{15, 18}, nil},
		{"a global mean scales a map", func(_ *layers.Builder, x *graph.Value) *graph.Value {
			return ops.Mul(x, ops.Sigmoid(ops.GlobalAvgPool(x)))
		}, graph.Shape{16, 20}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if field, stride := fieldOf(t, c.f); !field.Equal(c.field) || !stride.Equal(c.stride) || (stride == nil) != (c.stride == nil) {
				t.Errorf("field %v, stride %v; want %v, %v", field, stride, c.field, c.stride)
			}
		})
	}
}

// An op which is no window and does not keep height and width mixes all pixels;
// and rows that are no images have no field.
func TestFieldsOfOtherShapes(t *testing.T) {
	field, stride := fieldOf(t, func(_ *layers.Builder, x *graph.Value) *graph.Value { return ops.Transpose(x, 0, 2, 3, 1) })
	if !field.Equal(graph.Shape{16, 20}) || stride != nil {
		t.Errorf("field %v, stride %v", field, stride)
	}
	// These keep the size, but not the places.
	for name, f := range map[string]func(b *layers.Builder, x *graph.Value) *graph.Value{
		"ConvTranspose2D": func(_ *layers.Builder, x *graph.Value) *graph.Value {
			w := x.Graph().Param("w", graph.Of(graph.Float32, x.Shape()[1], 2, 3, 3), graph.Zeros())
			return ops.ConvTranspose2D(x, w, ops.ConvTranspose{Pad: [4]int{1, 1, 1, 1}})
		},
		"CumSum": func(_ *layers.Builder, x *graph.Value) *graph.Value { return ops.CumSum(x, 3, ops.Cumulation{}) },
	} {
		if field, stride := fieldOf(t, f); field != nil || stride != nil {
			t.Errorf("%s: field %v, stride %v, want none", name, field, stride)
		}
	}
	// A layer over the larger of two images sees that one.
	two := graph.New("two")
	large, small := two.Input("large", graph.Of(graph.Float32, graph.Batch, 1, 64, 64)), two.Input("small", graph.Of(graph.Float32, graph.Batch, 1, 8, 8))
	b := &layers.Builder{}
	a, c := b.Linear("a", ops.Flatten(large), 3), b.Linear("c", ops.Flatten(small), 3)
	two.Scope("sum", func() { ops.Add(a, c) })
	for _, r := range summarise(t, two, 1).Rows {
		if want := map[string]graph.Shape{"large": {1, 1}, "small": {1, 1}, "a": {64, 64}, "c": {8, 8}}[r.Layer]; !r.Field.Equal(want) {
			t.Errorf("%s: field %v, want %v", r.Layer, r.Field, want)
		}
	}
	g := graph.New("rows")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 7))
	(&layers.Builder{}).Linear("fc", x, 3)
	for _, r := range summarise(t, g, 1).Rows {
		if r.Field != nil || r.Stride != nil {
			t.Errorf("%s: field %v, stride %v, want none", r.Layer, r.Field, r.Stride)
		}
	}
}

// The field is where the gradient is not zero, of a place far from the edges.
func TestFieldIsWhereTheGradientIs(t *testing.T) {
	const n = 48
	g := graph.New("field")
	x := g.Input("x", graph.Of(graph.Float64, 1, 1, n, n))
	b := &layers.Builder{DType: graph.Float64, Weights: layers.Constant(1)}
	a := b.Conv("a", x, 1, [2]int{5, 3}, ops.Conv{Stride: [2]int{2, 2}, Same: true})
	y := ops.Add(b.Conv("b", a, 1, [2]int{3, 3}, ops.Conv{Same: true, Dilation: [2]int{1, 2}}), b.Conv("c", a, 1, [2]int{4, 1}, ops.Conv{Same: true}))
	g.Scope("y", func() { y = ops.AvgPool2D(y, ops.Pool{Size: [2]int{2, 2}}) })
	s := summarise(t, g, 1)
	row := s.Rows[len(s.Rows)-1]

	one := make([]float64, y.Shape().Size())
	side := y.Shape()[2]
	one[side/2*side+side/2] = 1
	centre := ops.Sum(ops.Mul(y, graph.Const(g, y.Shape(), one...)))
	p, err := vm.Compile(g, autodiff.Gradients(centre, x))
	if err != nil {
		t.Fatal(err)
	}
	m, err := p.NewMachine(vm.NewState(1))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	out, err := m.Run(context.Background(), vm.Feeds{x: tensor.New(tensor.WithShape(1, 1, n, n), tensor.Of(tensor.Float64))})
	if err != nil {
		t.Fatal(err)
	}
	top, bottom, left, right := n, 0, n, 0
	for i, v := range out[0].Float64s() {
		if v != 0 {
			top, bottom, left, right = min(top, i/n), max(bottom, i/n), min(left, i%n), max(right, i%n)
		}
	}
	if got := (graph.Shape{bottom - top + 1, right - left + 1}); !got.Equal(row.Field) || !row.Stride.Equal(graph.Shape{4, 4}) {
		t.Errorf("the gradient covers %v; field %v, stride %v", got, row.Field, row.Stride)
	}
}
