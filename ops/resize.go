package ops

import (
	"fmt"
	"slices"

	"neocog/graph"
	"neocog/vm/kernel"
)

// Resize returns x with other extents, its elements interpolated: one axis after the other,
// those that shrink first.
//
//	x      float [...]
//	sizes  an extent for each axis; graph.Batch for the symbolic batch
//	y      [sizes...]:  y_i = Σ_k w_ik·x_k along each axis, weights as r says
//	dx     = the transposed weights applied to dy
//
// Axes that keep their extent are left as they are, and x itself is returned where all do.
// NaN spreads to what an element has a weight in; weights of 0 are left out. ONNX
// Resize and Upsample, without antialias.
func Resize(x *graph.Value, sizes []int, r Resampling) *graph.Value {
	if !x.IsValid() {
		return Reshape(x)
	}
	if len(sizes) != x.Shape().Rank() {
		return mistake(x, "Resize", fmt.Errorf("x %v has %d axes, sizes are given for %d", x.Type(), x.Shape().Rank(), len(sizes)))
	}
	scales := make([]float64, len(sizes))
	for i := range scales {
		scales[i] = r.Scale
	}
	return resizeAll(x, sizes, scales, r)
}

// ResizeBy is Resize to ⌊extent·scale⌋ along each axis; 1 for the symbolic batch. The scale is used
// as it is given, even where extent·scale is no whole number.
func ResizeBy(x *graph.Value, scales []float64, r Resampling) *graph.Value {
	if !x.IsValid() {
		return Reshape(x)
	}
	s := x.Shape()
	if len(scales) != len(s) {
		return mistake(x, "ResizeBy", fmt.Errorf("x %v has %d axes, scales are given for %d", x.Type(), len(s), len(scales)))
	}
	sizes := s.Clone()
	for i, scale := range scales {
		switch {
		case !(scale > 0 && scale*float64(max(s[i], 1)) <= maxAttribute):
			return mistake(x, "ResizeBy", fmt.Errorf("the scale of axis %d is %v, want a number above 0, and at most %d elements", i, scale, maxAttribute))
		case s[i] != graph.Batch:
			sizes[i] = int(float64(s[i]) * scale)
		case scale != 1:
			return mistake(x, "ResizeBy", fmt.Errorf("axis %d of x %v is the symbolic N, which cannot be resized: it has the same extent everywhere", i, x.Type()))
		}
	}
	return resizeAll(x, sizes, scales, r)
}

func resizeAll(x *graph.Value, sizes []int, scales []float64, r Resampling) *graph.Value {
	s := x.Shape()
	order := upTo(len(s))
	slices.SortStableFunc(order, func(i, j int) int { // by size/extent
		return sizes[i]*s[j] - sizes[j]*s[i]
	})
	for _, i := range order {
		r.Scale = scales[i]
		x = ResizeAxis(x, i, sizes[i], r)
	}
	return x
}

// ResizeAxis is Resize along one axis, which may be negative to count from the end. With
// CropAndResize it crops, too.
func ResizeAxis(x *graph.Value, axis, size int, r Resampling) *graph.Value {
	if !x.IsValid() {
		return Reshape(x)
	}
	a := axisOf(x, axis)
	if checkAxis(x.Type(), a) == nil && x.Shape()[a] == size && r.keeps() {
		return x
	}
	return graph.Apply(resize{a, size, r}, x)
}

type resize struct {
	Axis, Size int
	Resampling
}

func (resize) Name() string { return "Resize" }

func (resize) Operands() []string { return []string{"x"} }

func (o resize) Infer(in []graph.Type) ([]graph.Type, error) {
	if _, err := inferAlong(in, o.Axis); err != nil {
		return nil, err
	}
	y := in[0].Shape.Clone()
	if err := o.check(y[o.Axis], o.Size); err != nil {
		return nil, fmt.Errorf("axis %d of x %v: %w", o.Axis, in[0], err)
	}
	y[o.Axis] = o.Size
	return []graph.Type{{DType: in[0].DType, Shape: y}}, nil
}

func (o resize) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	x := in[0].Shape
	return o.table(x[o.Axis], o.Size).plan(in[0].DType, x[:o.Axis].Size(), x[o.Axis], x[o.Axis+1:].Size(), o.Extrapolation)
}

func (o resize) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	return []*graph.Value{graph.Apply(resizeGrad{o, n.In(0).Shape()[o.Axis]}, dy[0])}
}

// resizeGrad applies the transposed weights of a resize of extent N. It is linear, with that
// resize as its gradient.
//
//	dy  float [..., Size, ...]
//	dx  float [..., N, ...]
type resizeGrad struct {
	resize
	N int
}

func (resizeGrad) Name() string { return "ResizeGrad" }

func (resizeGrad) Operands() []string { return []string{"dy"} }

func (o resizeGrad) Infer(in []graph.Type) ([]graph.Type, error) {
	if _, err := inferAlong(in, o.Axis); err != nil {
		return nil, err
	}
	if err := o.check(o.N, o.Size); err != nil {
		return nil, err
	}
	dx := in[0].Shape.Clone()
	if dx[o.Axis] != o.Size {
		return nil, fmt.Errorf("dy is %v, want extent %d along axis %d", in[0], o.Size, o.Axis)
	}
	dx[o.Axis] = o.N
	return []graph.Type{{DType: in[0].DType, Shape: dx}}, nil
}

func (o resizeGrad) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	dy := in[0].Shape
	return o.table(o.N, o.Size).transposed(o.N).plan(in[0].DType, dy[:o.Axis].Size(), o.Size, dy[o.Axis+1:].Size(), 0)
}

func (o resizeGrad) VJP(_ *graph.Node, ddx []*graph.Value) []*graph.Value {
	o.Extrapolation = 0
	return []*graph.Value{graph.Apply(o.resize, ddx[0])}
}

// taps is a sparse matrix: row i is the weights w of the elements at, from[i] to from[i+1].
type taps struct {
	from, at []int
	w        []float64
	outside  []bool // rows which are a constant instead; nil if there are none
}

func (t *taps) rows() int { return len(t.from) - 1 }

// add adds a weight to the last row.
func (t *taps) add(at int, w float64) {
	if w != 0 {
		t.at, t.w = append(t.at, at), append(t.w, w)
	}
}

// end ends a row.
func (t *taps) end() { t.from = append(t.from, len(t.at)) }

// transposed returns the transposed matrix, which has n rows, each in the order of t's.
func (t *taps) transposed(n int) *taps {
	by := make([]int, len(t.at)) // the entries, by column
	row := make([]int, len(t.at))
	for i := range t.rows() {
		for k := t.from[i]; k < t.from[i+1]; k++ {
			by[k], row[k] = k, i
		}
	}
	slices.SortStableFunc(by, func(k, l int) int { return t.at[k] - t.at[l] })
	u := &taps{from: []int{0}}
	for i := range n {
		for len(by) > 0 && t.at[by[0]] == i {
			u.add(row[by[0]], t.w[by[0]])
			by = by[1:]
		}
		u.end()
	}
	return u
}

// plan returns the plan of y = t·x along the middle axis of x [outer, n, inner]; rows outside
// are v.
func (t *taps) plan(d graph.DType, outer, n, inner int, v float64) (kernel.Plan, error) {
	k, err := kernel.Pick(d, tapsRun(t, n, inner, float32(v)), tapsRun(t, n, inner, v))
	cost := inner * (1 + len(t.at)/max(1, t.rows()))
	return kernel.One(outer*t.rows(), grainOf(cost), k), err
}

// Items are rows of inner elements of y.
func tapsRun[T kernel.Float](t *taps, n, inner int, v T) kernel.Kernel {
	weights := make([]T, len(t.w))
	for k, w := range t.w {
		weights[k] = T(w)
	}
	return func(c *kernel.Call, lo, hi int) {
		x, y := kernel.In[T](c, 0), kernel.Out[T](c, 0)
		for lo < hi {
			i := lo / t.rows()
			first := lo - i*t.rows()
			end := min(t.rows(), first+hi-lo)
			plane, to := x[i*n*inner:][:n*inner], y[lo*inner:(lo+end-first)*inner]
			if inner == 1 {
				tapsOfLine(t, weights, to, plane, first)
			} else {
				tapsOfRows(t, weights, to, plane, first, inner)
			}
			if t.outside != nil {
				for row := first; row < end; row++ {
					if t.outside[row] {
						fill(to[(row-first)*inner:][:inner], v)
					}
				}
			}
			lo += end - first
		}
	}
}

// tapsOfLine computes the elements of y, rows of t from first on, from the line x.
func tapsOfLine[T kernel.Float](t *taps, weights, y, x []T, first int) {
	k := t.from[first]
	for j := range y {
		end := t.from[first+j+1]
		if k == end {
			y[j] = 0
			continue
		}
		sum := weights[k] * x[t.at[k]] // not added to 0, which would lose the sign of −0
		for k++; k < end; k++ {
			sum += weights[k] * x[t.at[k]]
		}
		y[j] = sum
	}
}

// tapsOfRows computes the rows of y, those of t from first on, from the rows of x.
func tapsOfRows[T kernel.Float](t *taps, weights, y, x []T, first, inner int) {
	for row := first; len(y) > 0; row++ {
		to := y[:inner]
		y = y[inner:]
		clear(to)
		for k := t.from[row]; k < t.from[row+1]; k++ {
			from, w := x[t.at[k]*inner:][:inner], weights[k]
			if k == t.from[row] {
				for j, v := range from {
					to[j] = w * v
				}
				continue
			}
			for j, v := range from {
				to[j] += w * v
			}
		}
	}
}
