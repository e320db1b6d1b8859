package ops_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/ops"
	"neocog/ops/opstest"
)

// A window3 is how windows slide over [D,H,W], for the loops of this file.
type window3 struct{ size, stride, dilation, pad, out [3]int }

// newWindow3 has as many windows as fit, without rounding.
func newWindow3(in, size, stride, dilation [3]int, pad [6]int) window3 {
	w := window3{size: size, stride: stride, dilation: dilation, pad: [3]int(pad[:3])}
	for i := range 3 {
		w.out[i] = (in[i]+pad[i]+pad[i+3]-(size[i]-1)*dilation[i]-1)/stride[i] + 1
	}
	return w
}

// each calls f for each element, of index at in a volume, that window o has in it, and the tap's index.
func (w window3) each(in, o [3]int, f func(at, tap int)) {
	for t := range w.size[0] {
		for r := range w.size[1] {
			for s := range w.size[2] {
				at, tap := 0, 0
				inside := true
				for i, k := range [3]int{t, r, s} {
					p := o[i]*w.stride[i] - w.pad[i] + k*w.dilation[i]
					inside = inside && p >= 0 && p < in[i]
					at, tap = at*in[i]+p, tap*w.size[i]+k
				}
				if inside {
					f(at, tap)
				}
			}
		}
	}
}

func (w window3) outputs(f func(o [3]int)) {
	for a := range w.out[0] {
		for b := range w.out[1] {
			for c := range w.out[2] {
				f([3]int{a, b, c})
			}
		}
	}
}

// wave is n numbers, some of them equal.
func wave(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = math.Round(8*math.Sin(float64(3*i+1))) / 4
	}
	return v
}

func closeTo(t *testing.T, what string, got, want []float64) {
	t.Helper()
	ok := len(got) == len(want)
	for i := 0; ok && i < len(got); i++ {
		ok = math.Abs(got[i]-want[i]) <= 1e-12*(1+math.Abs(want[i]))
	}
	if !ok {
		t.Errorf("%s: got %v\nwant %v", what, got, want)
	}
}

// Conv3D must be the sum that its comment gives, and ConvTranspose3D its gradient; so must Conv1D and
// ConvTranspose1D, of volumes with two extents of 1.
func TestConvolutionsOfLinesAndVolumes(t *testing.T) {
	one := [3]int{1, 1, 1}
	for _, c := range []struct {
		in, size, stride, dilation [3]int
		pad                        [6]int
		groups                     int
	}{
		{[3]int{4, 5, 3}, [3]int{2, 3, 2}, one, one, [6]int{}, 1},
		{[3]int{5, 5, 4}, [3]int{3, 2, 2}, [3]int{2, 1, 1}, one, [6]int{1, 0, 1, 1, 1, 0}, 2},
		{[3]int{6, 3, 4}, [3]int{2, 2, 1}, [3]int{3, 1, 1}, [3]int{2, 1, 2}, [6]int{0, 1, 0, 0, 0, 0}, 1}, // a rest of depth unseen
		{[3]int{3, 8, 6}, [3]int{2, 1, 2}, [3]int{1, 3, 2}, one, [6]int{0, 1, 0, 0, 0, 0}, 1},             // rows between windows, and a rest of them
		{[3]int{4, 7, 5}, [3]int{2, 3, 3}, [3]int{2, 2, 2}, [3]int{1, 2, 1}, [6]int{0, 2, 1, 0, 1, 1}, 2}, // gaps in rows
		{[3]int{2, 4, 4}, [3]int{3, 3, 3}, one, one, [6]int{1, 1, 1, 1, 1, 1}, 1},                         // as usual
		{[3]int{2, 9, 3}, [3]int{1, 2, 1}, [3]int{1, 4, 1}, one, [6]int{}, 1},                             // rows at the end unseen
		{[3]int{1, 1, 9}, [3]int{1, 1, 3}, [3]int{1, 1, 2}, [3]int{1, 1, 2}, [6]int{0, 0, 1, 0, 0, 2}, 2},
	} {
		const n = 2
		C, K := 2*c.groups, 3*c.groups
		w := newWindow3(c.in, c.size, c.stride, c.dilation, c.pad)
		size, taps, outs := c.in[0]*c.in[1]*c.in[2], c.size[0]*c.size[1]*c.size[2], w.out[0]*w.out[1]*w.out[2]
		x, f := wave(n*C*size), wave(K*2*taps)
		want := make([]float64, 0, n*K*outs)
		for i := range n {
			for k := range K {
				w.outputs(func(o [3]int) {
					sum := 0.0
					for ch := range 2 {
						from := x[(i*C+k/3*2+ch)*size:]
						w.each(c.in, o, func(at, tap int) { sum += from[at] * f[(k*2+ch)*taps+tap] })
					}
					want = append(want, sum)
				})
			}
		}
		line := c.in[0] == 1 && c.in[1] == 1
		forward := func(x, f *graph.Value) *graph.Value {
			if line {
				return ops.Conv1D(x, f, ops.Conv1{Stride: c.stride[2], Dilation: c.dilation[2], Pad: [2]int{c.pad[2], c.pad[5]}, Groups: c.groups, Round: ops.Floor})
			}
			return ops.Conv3D(x, f, ops.Conv3{Stride: c.stride, Dilation: c.dilation, Pad: c.pad, Groups: c.groups, Round: ops.Floor})
		}
		var outPad [3]int
		for i := range 3 {
			outPad[i] = c.in[i] - ((w.out[i]-1)*c.stride[i] + (c.size[i]-1)*c.dilation[i] + 1 - c.pad[i] - c.pad[i+3])
		}
		transposed := func(y, f *graph.Value) *graph.Value {
			if line {
				return ops.ConvTranspose1D(y, f, ops.ConvTranspose1{Stride: c.stride[2], Dilation: c.dilation[2], Pad: [2]int{c.pad[2], c.pad[5]}, Groups: c.groups, OutputPad: outPad[2]})
			}
			return ops.ConvTranspose3D(y, f, ops.ConvTranspose3{Stride: c.stride, Dilation: c.dilation, Pad: c.pad, Groups: c.groups, OutputPad: outPad})
		}
		in, filter, out := graph.Of(graph.Float64, n, C, c.in[0], c.in[1], c.in[2]), graph.Of(graph.Float64, K, 2, c.size[0], c.size[1], c.size[2]), graph.Of(graph.Float64, n, K, w.out[0], w.out[1], w.out[2])
		if line {
			in.Shape, filter.Shape, out.Shape = graph.Shape{n, C, c.in[2]}, graph.Shape{K, 2, c.size[2]}, graph.Shape{n, K, w.out[2]}
		}
		name := fmt.Sprintf("%+v", c)
		got, err := evaluate(func(in values) *graph.Value { return forward(in[0], in[1]) }, opstest.Dense(in, x), opstest.Dense(filter, f))
		if err != nil {
			t.Fatal(name, err)
		}
		closeTo(t, name, got, want)
		dy := wave(len(want))
		got, err = evaluate(func(in values) *graph.Value { return transposed(in[0], in[1]) }, opstest.Dense(out, dy), opstest.Dense(filter, f))
		if err != nil {
			t.Fatal(name, err)
		}
		dx, err := evaluate(func(in values) *graph.Value {
			return autodiff.Gradients(ops.Sum(ops.Mul(forward(in[0], in[1]), in[2])), in[0])[0]
		}, opstest.Dense(in, x), opstest.Dense(filter, f), opstest.Dense(out, dy))
		if err != nil {
			t.Fatal(name, err)
		}
		closeTo(t, name+", transposed", got, dx)
	}
}

// The pools of lines and volumes, with and without dilation, must be what loops over the windows give.
func TestPoolsOfLinesAndVolumes(t *testing.T) {
	one := [3]int{1, 1, 1}
	for _, c := range []struct {
		in, size, stride, dilation [3]int
		pad                        [6]int
	}{
		{[3]int{4, 5, 3}, [3]int{2, 3, 2}, one, one, [6]int{}},
		{[3]int{5, 4, 5}, [3]int{3, 2, 3}, [3]int{2, 2, 1}, one, [6]int{1, 0, 2, 1, 0, 0}},
		{[3]int{5, 6, 5}, [3]int{2, 2, 2}, [3]int{1, 1, 3}, [3]int{2, 3, 1}, [6]int{1, 0, 1, 0, 1, 0}},
		{[3]int{1, 1, 9}, [3]int{1, 1, 3}, [3]int{1, 1, 2}, one, [6]int{0, 0, 1, 0, 0, 1}},
		{[3]int{1, 1, 9}, [3]int{1, 1, 3}, [3]int{1, 1, 2}, [3]int{1, 1, 2}, [6]int{0, 0, 1, 0, 0, 1}},
	} {
		const planes = 4
		w := newWindow3(c.in, c.size, c.stride, c.dilation, c.pad)
		size := c.in[0] * c.in[1] * c.in[2]
		x := wave(planes * size)
		var maxima, argmax, means, counted, norms []float64
		for i := range planes {
			w.outputs(func(o [3]int) {
				best, where, sum, squares, n := math.Inf(-1), -1, 0.0, 0.0, 0
				w.each(c.in, o, func(at, _ int) {
					v := x[i*size+at]
					if sum, squares, n = sum+v, squares+v*v, n+1; v > best {
						best, where = v, at
					}
				})
				maxima, argmax, norms = append(maxima, best), append(argmax, float64(where)), append(norms, math.Sqrt(squares))
				means, counted = append(means, sum/float64(n)), append(counted, sum/float64(c.size[0]*c.size[1]*c.size[2]))
			})
		}
		line := c.in[0] == 1 && c.in[1] == 1
		p1 := ops.Pool1{Size: c.size[2], Stride: c.stride[2], Dilation: c.dilation[2], Pad: [2]int{c.pad[2], c.pad[5]}, Round: ops.Floor}
		p3 := ops.Pool3{Size: c.size, Stride: c.stride, Dilation: c.dilation, Pad: c.pad, Round: ops.Floor}
		q1, q3 := p1, p3
		q1.CountPad, q3.CountPad = true, true
		shape := []int{2, 2, c.in[0], c.in[1], c.in[2]}
		either := func(of1 func(x *graph.Value) *graph.Value, of3 func(x *graph.Value) *graph.Value) func(x *graph.Value) *graph.Value {
			if line {
				shape = []int{2, 2, c.in[2]}
				return of1
			}
			return of3
		}
		name := fmt.Sprintf("%+v", c)
		run := func(what string, want []float64, f func(x *graph.Value) *graph.Value) {
			t.Helper()
			closeTo(t, name+": "+what, shaped(t, f, shape, x...), want)
		}
		run("max", maxima, either(func(x *graph.Value) *graph.Value { return ops.MaxPool1D(x, p1) }, func(x *graph.Value) *graph.Value { return ops.MaxPool3D(x, p3) }))
		run("mean", means, either(func(x *graph.Value) *graph.Value { return ops.AvgPool1D(x, p1) }, func(x *graph.Value) *graph.Value { return ops.AvgPool3D(x, p3) }))
		run("mean with padding", counted, either(func(x *graph.Value) *graph.Value { return ops.AvgPool1D(x, q1) }, func(x *graph.Value) *graph.Value { return ops.AvgPool3D(x, q3) }))
		run("norm", norms, either(func(x *graph.Value) *graph.Value { return ops.LpPool1D(x, 2, p1) }, func(x *graph.Value) *graph.Value { return ops.LpPool3D(x, 2, p3) }))
		unpooled := make([]float64, len(x))
		for i, at := range argmax {
			unpooled[i/(len(argmax)/planes)*size+int(at)] += maxima[i]
		}
		both := func(x *graph.Value) (y, at *graph.Value) {
			if line {
				return ops.MaxPool1DIndices(x, p1)
			}
			return ops.MaxPool3DIndices(x, p3)
		}
		run("argmax", argmax, func(x *graph.Value) *graph.Value { _, at := both(x); return ops.Cast(at, graph.Float64) })
		run("unpooled", unpooled, func(x *graph.Value) *graph.Value { y, at := both(x); return ops.MaxUnpool(y, at, shape[2:]...) })
	}
}

// A table of what all windows hold would take 8 TiB.
func TestLpPoolListsNoWindows(t *testing.T) {
	x := graph.New("g").Input("x", graph.Of(graph.Float32, 1, 1, 1<<40, 2))
	typed(t, ops.LpPool2D(x, 2, ops.Pool{Size: [2]int{2, 2}}), "f32[1,1,549755813888,1]")
	if y := ops.LpPool2D(x, 2, ops.Pool{Size: [2]int{2, 2}, Pad: [4]int{1, 0, 1, 0}}); y.IsValid() {
		t.Error("2⁴⁰ windows, of which some have padding, were accepted")
	}
}

func TestLpAndGlobalPools(t *testing.T) {
	x := []float64{3, -4, 0, 0, 1, 2, -2, 0}
	at := []int{1, 1, 2, 4}
	lp := func(norm float64, p ops.Pool) func(x *graph.Value) *graph.Value {
		return func(x *graph.Value) *graph.Value { return ops.LpPool2D(x, norm, p) }
	}
	row := ops.Pool{Size: [2]int{1, 2}}
	alike(t, "LpPool, 2", shaped(t, lp(2, row), at, x...), 5, 0, math.Sqrt(5), 2)
	alike(t, "LpPool, 1", shaped(t, lp(1, row), at, x...), 7, 0, 3, 2)
	closeTo(t, "LpPool, 3", shaped(t, lp(3, row), at, x...), []float64{math.Cbrt(27 + 64), 0, math.Cbrt(9), 2})
	alike(t, "LpPool with padding", shaped(t, lp(1, ops.Pool{Size: [2]int{1, 2}, Pad: [4]int{0, 1, 0, 1}}), at, x...), 3, 4, 0, 1, 4, 0)
	alike(t, "LpPool with gaps", shaped(t, lp(1, ops.Pool{Size: [2]int{1, 2}, Stride: [2]int{1, 1}, Dilation: [2]int{1, 3}}), at, x...), 3, 1)
	alike(t, "LpPool with gaps and padding", shaped(t, lp(1, ops.Pool{Size: [2]int{1, 2}, Stride: [2]int{1, 1}, Dilation: [2]int{1, 2}, Pad: [4]int{0, 1, 0, 1}}), at, x...),
		4, 3, 4, 0, 2, 3, 2, 2)
	alike(t, "LpPool's gradient", shaped(t, gradientGraph(lp(2, row)), at, x...), 0.6, -0.8, 0, 0, 1/math.Sqrt(5), 2/math.Sqrt(5), -1, 0)
	alike(t, "LpPool's gradient, 3, at 0", shaped(t, gradientGraph(lp(3, row)), []int{1, 1, 1, 2}, 0, 0), 0, 0)
	alike(t, "GlobalLpPool", shaped(t, func(x *graph.Value) *graph.Value { return ops.GlobalLpPool(x, 2) }, []int{1, 2, 4}, x...), 5, 3)
	alike(t, "GlobalMaxPool", shaped(t, ops.GlobalMaxPool, []int{1, 2, 4}, x...), 3, 2)
	alike(t, "GlobalAvgPool", shaped(t, ops.GlobalAvgPool, []int{2, 1, 1, 2, 2}, x...), -0.25, 0.25)
	typed(t, ops.GlobalMaxPool(input(graph.New("g"), graph.Batch, 3, 4, 5)), "f32[N,3,1,1]")
}

func TestAdaptivePools(t *testing.T) {
	x := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	at := []int{1, 1, 3, 5}
	avg := func(x *graph.Value) *graph.Value { return ops.AdaptiveAvgPool2D(x, [2]int{2, 3}) }
	most := func(x *graph.Value) *graph.Value { return ops.AdaptiveMaxPool2D(x, [2]int{2, 3}) }
	closeTo(t, "mean", shaped(t, avg, at, x...), []float64{4, 5.5, 7, 9, 10.5, 12})
	alike(t, "max", shaped(t, most, at, x...), 7, 9, 10, 12, 14, 15)
	// PyTorch 2's AdaptiveMaxPool2d gives the first of equal pixels the gradient, too.
	alike(t, "the gradient of equal maxima", shaped(t, gradientGraph(most), []int{1, 1, 3, 3}, make([]float64, 9)...), 1, 1, 1, 1, 1, 1, 0, 0, 0)
	even := func(x *graph.Value) *graph.Value { return ops.AdaptiveAvgPool2D(x, [2]int{1, 5}) }
	alike(t, "windows that are alike", shaped(t, even, at, x...), 6, 7, 8, 9, 10)
	refused(t, map[string]func(g *graph.Graph) *graph.Value{
		"AdaptiveAvgPool2D: a size of 0×2 is asked for": func(g *graph.Graph) *graph.Value { return ops.AdaptiveAvgPool2D(input(g, 1, 1, 2, 2), [2]int{0, 2}) },
		"AdaptiveMaxPool2D: the image is 0×2":           func(g *graph.Graph) *graph.Value { return ops.AdaptiveMaxPool2D(input(g, 1, 1, 0, 2), [2]int{1, 2}) },
		"AdaptiveAvgPool1D: x has 2 dimensions":         func(g *graph.Graph) *graph.Value { return ops.AdaptiveAvgPool1D(input(g, 1, 2), 2) },
		"AdaptiveMaxPool3D: x has 4 dimensions":         func(g *graph.Graph) *graph.Value { return ops.AdaptiveMaxPool3D(input(g, 1, 1, 2, 2), [3]int{1, 1, 1}) },
		"a size of 0×4 is asked for": func(g *graph.Graph) *graph.Value {
			return ops.AdaptiveAvgPool3D(input(g, 1, 1, 2, 2, 2), [3]int{0, 2, 2})
		},
		"AdaptiveMaxPool2D: x has 3 dimensions": func(g *graph.Graph) *graph.Value { return ops.AdaptiveMaxPool2D(input(g, 1, 1, 2), [2]int{1, 2}) },
	})
}

// Adaptive pools of lines and volumes must be what loops over the boxes give.
func TestAdaptivePoolsOfLinesAndVolumes(t *testing.T) {
	for _, c := range []struct{ in, size [3]int }{
		{[3]int{5, 4, 7}, [3]int{2, 3, 3}}, {[3]int{4, 6, 2}, [3]int{2, 3, 2}}, {[3]int{3, 2, 2}, [3]int{5, 1, 4}}, {[3]int{1, 1, 11}, [3]int{1, 1, 4}},
	} {
		const planes = 4
		size := c.in[0] * c.in[1] * c.in[2]
		x := wave(planes * size)
		x[1] = x[0]
		withNaN := slices.Clone(x)
		withNaN[2*size-1] = math.NaN()
		bounds := func(axis, i int) (lo, hi int) {
			return i * c.in[axis] / c.size[axis], ((i+1)*c.in[axis] + c.size[axis] - 1) / c.size[axis]
		}
		var means, maxima []float64
		for n := range planes {
			for o := range c.size[0] {
				for p := range c.size[1] {
					for q := range c.size[2] {
						sum, count, best := 0.0, 0.0, math.Inf(-1)
						d0, d1 := bounds(0, o)
						h0, h1 := bounds(1, p)
						w0, w1 := bounds(2, q)
						for d := d0; d < d1; d++ {
							for h := h0; h < h1; h++ {
								for w := w0; w < w1; w++ {
									at := n*size + (d*c.in[1]+h)*c.in[2] + w
									sum, count, best = sum+x[at], count+1, max(best, withNaN[at])
								}
							}
						}
						means, maxima = append(means, sum/count), append(maxima, best)
					}
				}
			}
		}
		shape := []int{2, 2, c.in[0], c.in[1], c.in[2]}
		avg := func(x *graph.Value) *graph.Value { return ops.AdaptiveAvgPool3D(x, c.size) }
		most := func(x *graph.Value) *graph.Value { return ops.AdaptiveMaxPool3D(x, c.size) }
		if c.in[0] == 1 {
			shape = []int{2, 2, c.in[2]}
			avg = func(x *graph.Value) *graph.Value { return ops.AdaptiveAvgPool1D(x, c.size[2]) }
			most = func(x *graph.Value) *graph.Value { return ops.AdaptiveMaxPool1D(x, c.size[2]) }
		}
		closeTo(t, fmt.Sprintf("%v: mean", c), shaped(t, avg, shape, x...), means)
		alike(t, fmt.Sprintf("%v: max", c), shaped(t, most, shape, withNaN...), maxima...)
	}
	g := graph.New("g")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 3, 4, 5, 6))
	typed(t, ops.AdaptiveAvgPool3D(x, [3]int{2, 3, 4}), "f32[N,3,2,3,4]")
	if ops.AdaptiveAvgPool1D(nil, 1).IsValid() || ops.AdaptiveMaxPool3D(nil, [3]int{}).IsValid() || ops.LpPool1D(nil, 2, ops.Pool1{}).IsValid() || ops.LpPool3D(nil, 2, ops.Pool3{}).IsValid() {
		t.Error("something of nothing is valid")
	}
}

// Of equal pixels, and of NaNs, the first in row-major order is where a window with gaps has its maximum.
func TestPlacesOfWindowsWithGaps(t *testing.T) {
	nan := math.NaN()
	p := ops.Pool{Size: [2]int{2, 2}, Stride: [2]int{1, 1}, Dilation: [2]int{2, 2}}
	at := func(x *graph.Value) *graph.Value {
		_, at := ops.MaxPool2DIndices(x, p)
		return ops.Cast(at, graph.Float64)
	}
	alike(t, "places", shaped(t, at, []int{1, 2, 3, 3}, 1, 9, 1, 9, 9, 9, 1, 9, 1, 0, 9, nan, 9, 9, 9, nan, 9, nan), 0, 2)
	y := func(x *graph.Value) *graph.Value { y, _ := ops.MaxPool2DIndices(x, p); return y }
	alike(t, "maxima", shaped(t, y, []int{1, 1, 3, 4}, 1, 2, 3, 4, 9, 9, 9, 9, 5, 6, 7, 8), 7, 8)
	alike(t, "their gradient", shaped(t, gradientGraph(y), []int{1, 1, 3, 4}, 1, 2, 3, 4, 9, 9, 9, 9, 5, 6, 7, 8), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1)
}

func TestLinesAndVolumesRefuse(t *testing.T) {
	N := graph.Batch
	w := func(g *graph.Graph, s ...int) *graph.Value { return g.Input("w", graph.Of(graph.Float32, s...)) }
	g := graph.New("symbolic")
	typed(t, ops.Conv3D(input(g, N, 4, 5, 6, 7), w(g, 8, 4, 3, 3, 3), ops.Conv3{Same: true, Stride: [3]int{2, 2, 2}}), "f32[N,8,3,3,4]")
	refused(t, map[string]func(g *graph.Graph) *graph.Value{
		"Conv1D: x has 4 dimensions, want 3: NCL": func(g *graph.Graph) *graph.Value { return ops.Conv1D(input(g, N, 4, 5, 5), w(g, 8, 4, 3), ops.Conv1{}) },
		"Conv1D: w has 4 dimensions, want 3":      func(g *graph.Graph) *graph.Value { return ops.Conv1D(input(g, N, 4, 5), w(g, 8, 4, 3, 3), ops.Conv1{}) },
		"Conv3D: x has 4 channels, w wants 3": func(g *graph.Graph) *graph.Value {
			return ops.Conv3D(input(g, N, 4, 5, 5, 5), w(g, 8, 3, 3, 3, 3), ops.Conv3{})
		},
		"windows along the depth": func(g *graph.Graph) *graph.Value {
			return ops.Conv3D(input(g, N, 3, 6, 5, 5), w(g, 8, 3, 3, 3, 3), ops.Conv3{Stride: [3]int{2, 1, 1}})
		},
		"ConvTranspose3D: x has 4 channels, w 3 rows": func(g *graph.Graph) *graph.Value {
			return ops.ConvTranspose3D(input(g, N, 4, 5, 5, 5), w(g, 3, 8, 3, 3, 3), ops.ConvTranspose3{})
		},
		"window 0 along the width meets no pixel": func(g *graph.Graph) *graph.Value {
			return ops.MaxPool2D(input(g, N, 3, 1, 1), ops.Pool{Size: [2]int{1, 2}, Dilation: [2]int{1, 2}, Pad: [4]int{0, 1, 0, 1}})
		},
		"the places of 2049×2049 pixels are more than can be listed": func(g *graph.Graph) *graph.Value {
			y, _ := ops.MaxPool2DIndices(input(g, N, 3, 2049, 2049), ops.Pool{Size: [2]int{1, 2}, Stride: [2]int{1024, 1024}, Dilation: [2]int{1, 1024}, Round: ops.Floor})
			return y
		},
		"CountPad is for averages": func(g *graph.Graph) *graph.Value {
			_, at := ops.MaxPool2DIndices(input(g, N, 3, 5, 5), ops.Pool{Size: [2]int{1, 2}, Dilation: [2]int{1, 2}, CountPad: true})
			return at
		},
		"LpPool1D: x has 4 dimensions, want 3": func(g *graph.Graph) *graph.Value { return ops.LpPool1D(input(g, N, 1, 2, 2), 2, ops.Pool1{Size: 1}) },
		"LpPool3D: the norm is NaN": func(g *graph.Graph) *graph.Value {
			return ops.LpPool3D(input(g, N, 1, 2, 2, 2), math.NaN(), ops.Pool3{Size: [3]int{1, 1, 1}})
		},
		"LpPool2D: the norm is 0.5": func(g *graph.Graph) *graph.Value {
			return ops.LpPool2D(input(g, N, 1, 2, 2), 0.5, ops.Pool{Size: [2]int{1, 1}})
		},
		"GlobalMaxPool: x has 2 dimensions, want at least 3": func(g *graph.Graph) *graph.Value { return ops.GlobalMaxPool(input(g, N, 3)) },
		"MaxUnpool: argmax is i32[N,1,3], x is f32[N,1,2], want": func(g *graph.Graph) *graph.Value {
			return ops.MaxUnpool(input(g, N, 1, 2), g.Input("i", graph.Of(graph.Int32, N, 1, 3)), 9)
		},
	})
	if ops.Conv3D(nil, nil, ops.Conv3{}).IsValid() || ops.MaxPool3D(nil, ops.Pool3{}).IsValid() || ops.AdaptiveMaxPool2D(nil, [2]int{1, 1}).IsValid() ||
		ops.LpPool2D(nil, 2, ops.Pool{}).IsValid() || ops.GlobalMaxPool(nil).IsValid() || ops.MaxUnpool(nil, nil).IsValid() || ops.ConvTranspose1D(nil, nil, ops.ConvTranspose1{}).IsValid() {
		t.Error("something of nothing is valid")
	}
}
