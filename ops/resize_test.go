package ops_test

import (
	"math"
	"testing"

	"neocog/graph"
	"neocog/ops"
	"neocog/ops/opstest"
)

// The examples of ONNX 1.12's Resize, whose rows and columns are resized as the case says; numbers are printed with
// 6 digits behind the point, from products of 32-bit numbers.
func TestResizeLikeONNX(t *testing.T) {
	four := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	f32 := func(v float64) float64 { return float64(float32(v)) }
	half := ops.Resampling{Filter: ops.InterpolateCubic, CubicA: -0.5, ExcludeOutside: true}
	crop := ops.Resampling{Filter: ops.InterpolateLinear, Coordinates: ops.CropAndResize, Extrapolation: 10}
	with := func(f ops.Interpolation, c ops.Coordinates) ops.Resampling {
		return ops.Resampling{Filter: f, Coordinates: c}
	}
	sizes := func(h, w int, r ops.Resampling) func(x *graph.Value) *graph.Value {
		return func(x *graph.Value) *graph.Value { return ops.Resize(x, []int{h, w}, r) }
	}
	scales := func(h, w float64, r ops.Resampling) func(x *graph.Value) *graph.Value {
		return func(x *graph.Value) *graph.Value { return ops.ResizeBy(x, []float64{f32(h), f32(w)}, r) }
	}
	for _, c := range []struct {
		name string
		f    func(x *graph.Value) *graph.Value
		h, w int // of x
		want []float64
	}{
		{"downsample_scales_cubic", scales(0.8, 0.8, with(ops.InterpolateCubic, 0)), 4, 4,
			[]float64{1.471191, 2.78125, 4.08252, 6.711426, 8.021484, 9.322754, 11.916504, 13.226562, 14.527832}},
		{"downsample_scales_cubic_A_n0p5_exclude_outside", scales(0.8, 0.8, half), 4, 4,
			[]float64{1.368127, 2.669501, 4.013337, 6.573625, 7.875, 9.218835, 11.948966, 13.250341, 14.594176}},
		{"downsample_scales_cubic_align_corners", scales(0.8, 0.8, with(ops.InterpolateCubic, ops.AlignCorners)), 4, 4,
			[]float64{1, 2.395192, 3.790383, 6.580766, 7.975958, 9.371149, 12.161532, 13.556724, 14.951916}},
		{"downsample_scales_linear", scales(0.6, 0.6, with(ops.InterpolateLinear, 0)), 2, 4, []float64{2.666667, 4.333333}},
		{"downsample_scales_linear_align_corners", scales(0.6, 0.6, with(ops.InterpolateLinear, ops.AlignCorners)), 2, 4, []float64{1, 3.142857}},
		{"downsample_scales_nearest", scales(0.6, 0.6, ops.Resampling{}), 2, 4, []float64{1, 3}},
		{"downsample_sizes_cubic", sizes(3, 3, with(ops.InterpolateCubic, 0)), 4, 4,
			[]float64{1.630787, 3.00463, 4.378472, 7.126157, 8.5, 9.873842, 12.621528, 13.99537, 15.369213}},
		{"downsample_sizes_linear_pytorch_half_pixel", sizes(3, 1, with(ops.InterpolateLinear, ops.PytorchHalfPixel)), 4, 4, []float64{1.666667, 7, 12.333333}},
		{"downsample_sizes_nearest", sizes(1, 3, ops.Resampling{}), 2, 4, []float64{1, 2, 4}},
		{"downsample_sizes_nearest_tf_half_pixel_for_nn", sizes(3, 2, with(0, ops.TFHalfPixelForNN)), 4, 4, []float64{6, 8, 10, 12, 14, 16}},
		{"tf_crop_and_resize", func(x *graph.Value) *graph.Value {
			rows, columns := crop, crop
			rows.Start, rows.End = f32(0.4), f32(1.2)
			columns.Start, columns.End = f32(0.6), f32(1.7)
			return ops.ResizeAxis(ops.ResizeAxis(x, 0, 3, rows), -1, 3, columns)
		}, 4, 4, []float64{7.6, 10, 10, 12.4, 10, 10, 10, 10, 10}},
		{"upsample_scales_linear", scales(2, 2, with(ops.InterpolateLinear, 0)), 2, 2,
			[]float64{1, 1.25, 1.75, 2, 1.5, 1.75, 2.25, 2.5, 2.5, 2.75, 3.25, 3.5, 3, 3.25, 3.75, 4}},
		{"upsample_scales_nearest", scales(2, 3, ops.Resampling{}), 2, 2,
			[]float64{1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 3, 3, 3, 4, 4, 4}},
		{"upsample_scales_cubic_asymmetric, one row", scales(1, 2, with(ops.InterpolateCubic, ops.Asymmetric)), 1, 4,
			[]float64{1, 1.40625, 2, 2.5, 3, 3.59375, 4, 4.09375}},
		{"nearest, ceil, half_pixel, one row", sizes(1, 8, ops.Resampling{Nearest: ops.RoundCeil}), 1, 4, []float64{1, 2, 2, 3, 3, 4, 4, 4}},
		{"nearest, floor, align_corners, one row", sizes(1, 8, ops.Resampling{Nearest: ops.RoundFloor, Coordinates: ops.AlignCorners}), 1, 4, []float64{1, 1, 1, 2, 2, 3, 3, 4}},
		{"nearest, round_prefer_ceil, asymmetric, one row", sizes(1, 8, ops.Resampling{Nearest: ops.RoundPreferCeil, Coordinates: ops.Asymmetric}), 1, 4, []float64{1, 2, 2, 3, 3, 4, 4, 4}},
		{"area", sizes(2, 3, ops.Resampling{Filter: ops.InterpolateArea}), 3, 4, []float64{3.5, 4.5, 5.5, 7.5, 8.5, 9.5}},
	} {
		got := shaped(t, c.f, []int{c.h, c.w}, four[:c.h*c.w]...)
		if len(got) != len(c.want) {
			t.Errorf("%s: %d elements, want %d", c.name, len(got), len(c.want))
			continue
		}
		for i := range got {
			if math.Abs(got[i]-c.want[i]) > 2e-6 {
				t.Errorf("%s: got %v, want %v", c.name, got, c.want)
				break
			}
		}
	}
}

func TestResizeOfNaNAndEdges(t *testing.T) {
	nan := math.NaN()
	linear := func(n int, c ops.Coordinates) func(x *graph.Value) *graph.Value {
		return func(x *graph.Value) *graph.Value {
			return ops.Resize(x, []int{n}, ops.Resampling{Filter: ops.InterpolateLinear, Coordinates: c})
		}
	}
	alike(t, "a weight of 0 leaves NaN out", shaped(t, linear(5, ops.AlignCorners), []int{3}, 1, nan, 3), 1, nan, nan, nan, 3)
	alike(t, "one element", shaped(t, linear(3, ops.HalfPixel), []int{1}, 7), 7, 7, 7)
	alike(t, "to one element", shaped(t, linear(1, ops.AlignCorners), []int{3}, 1, 2, 3), 1)
	alike(t, "to nothing", shaped(t, linear(0, ops.HalfPixel), []int{3}, 1, 2, 3))
	for _, axis := range []int{0, 1} {
		nearest := func(x *graph.Value) *graph.Value { return ops.ResizeAxis(x, axis, 4, ops.Resampling{}) }
		for _, v := range shaped(t, nearest, []int{2, 2}, math.Copysign(0, -1), math.Copysign(0, -1), math.Copysign(0, -1), math.Copysign(0, -1)) {
			if !math.Signbit(v) {
				t.Errorf("the nearest of −0 along axis %d is %v", axis, v)
			}
		}
	}
	N := graph.Batch
	g := graph.New("resize")
	x := input(g, N, 3, 4, 5)
	typed(t, ops.Resize(x, []int{N, 3, 8, 10}, ops.Resampling{}), "f32[N,3,8,10]")
	typed(t, ops.ResizeBy(x, []float64{1, 1, 2.5, 0.5}, ops.Resampling{}), "f32[N,3,10,2]")
	if ops.Resize(x, []int{N, 3, 4, 5}, ops.Resampling{Filter: ops.InterpolateCubic}) != x || ops.Resize(nil, nil, ops.Resampling{}).IsValid() {
		t.Error("the same extents are not x itself, or those of nothing are valid")
	}
	refused(t, map[string]func(g *graph.Graph) *graph.Value{
		"Resize: x f32[N,3] has 2 axes, sizes are given for 1": func(g *graph.Graph) *graph.Value { return ops.Resize(input(g, N, 3), []int{3}, ops.Resampling{}) },
		"Resize: axis 0 of x f32[N,3]: it has extent N and is to have 2": func(g *graph.Graph) *graph.Value {
			return ops.Resize(input(g, N, 3), []int{2, 3}, ops.Resampling{})
		},
		"Resize: axis 0 of x f32[0]: it has no elements to make 2 of": func(g *graph.Graph) *graph.Value { return ops.Resize(input(g, 0), []int{2}, ops.Resampling{}) },
		"there is no Interpolation(7)":                                func(g *graph.Graph) *graph.Value { return ops.Resize(input(g, 3), []int{2}, ops.Resampling{Filter: 7}) },
		"there are no Coordinates(6)": func(g *graph.Graph) *graph.Value {
			return ops.Resize(input(g, 3), []int{2}, ops.Resampling{Coordinates: 6})
		},
		"ResizeBy: the scale of axis 0 is NaN": func(g *graph.Graph) *graph.Value {
			return ops.ResizeBy(input(g, 3), []float64{math.NaN()}, ops.Resampling{})
		},
		"ResizeBy: axis 0 of x f32[N] is the symbolic N": func(g *graph.Graph) *graph.Value { return ops.ResizeBy(input(g, N), []float64{2}, ops.Resampling{}) },
		"Resize: axis 2 is out of range":                 func(g *graph.Graph) *graph.Value { return ops.ResizeAxis(input(g, 3), 2, 4, ops.Resampling{}) },
	})
}

func TestResizeConforms(t *testing.T) {
	axis := func(a, size int, r ops.Resampling) func(values) values {
		return unary(func(x *graph.Value) *graph.Value { return ops.ResizeAxis(x, a, size, r) })
	}
	cubic := ops.Resampling{Filter: ops.InterpolateCubic, ExcludeOutside: true}
	crop := ops.Resampling{Filter: ops.InterpolateLinear, Coordinates: ops.CropAndResize, Start: -0.3, End: 0.8, Extrapolation: 2}
	for name, op := range map[string]opstest.Op{
		"nearest": {In: shapes{{2, 3, 4}}, Wrap: axis(1, 7, ops.Resampling{})},
		"linear":  {In: shapes{{2, 3, 4}}, Wrap: axis(2, 9, ops.Resampling{Filter: ops.InterpolateLinear})},
		"cubic":   {In: shapes{{2, 7, 3}}, Wrap: axis(1, 4, cubic)},
		"crop":    {In: shapes{{5, 3}}, Wrap: axis(0, 6, crop)},
		"area":    {In: shapes{{2, 7}}, Wrap: axis(1, 3, ops.Resampling{Filter: ops.InterpolateArea})},
		"empty":   {In: shapes{{0, 3}}, Wrap: axis(1, 2, ops.Resampling{})},
		"grad":    {In: shapes{{2, 7, 3}}, Wrap: unary(func(dy *graph.Value) *graph.Value { return ops.ResizeGrad(dy, 1, 4, cubic) })},
		"long":    {In: shapes{{40, 300, 3}}, Wrap: axis(1, 301, ops.Resampling{Filter: ops.InterpolateLinear}), NoGradient: "large, to be shared by workers"},
	} {
		t.Run(name, func(t *testing.T) { opstest.Run(t, op) })
	}
}
