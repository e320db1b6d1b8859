package ops

import (
	"fmt"
	"math"

	"neocog/graph"
	"neocog/internal/simd"
	"neocog/vm/kernel"
)

// MaxPool2D returns the largest pixel of each window.
//
//	x   float [N,C,H,W]
//	y   float [N,C,P,Q]      P = (H − size + top + bottom)/stride + 1, Q likewise
//	dx  = the sum of the dy of all windows which the pixel won
//
// Of equal pixels the first in row-major order wins. A NaN wins over every number, the first one
// of several. Padding never wins, not even over −Inf. H and W must be static and at
// least 1; a P or Q that is no whole number is refused unless p.Round says how
// to round it. ONNX MaxPool.
func MaxPool2D(x *graph.Value, p Pool) *graph.Value {
	if p.dilated() && x.IsValid() {
		y, _ := dilatedMax(x, p, false)
		return y
	}
	return graph.ApplyN(2, maxPool2D{p.canonical()}, x)[0]
}

// MaxPool2DIndices is MaxPool2D which also returns where each maximum lies.
//
//	argmax  i32 [N,C,P,Q]    h·W + w, within the plane
func MaxPool2DIndices(x *graph.Value, p Pool) (y, argmax *graph.Value) {
	if p.dilated() && x.IsValid() {
		return dilatedMax(x, p, true)
	}
	out := graph.ApplyN(2, maxPool2D{p.canonical()}, x)
	return out[0], out[1]
}

type maxPool2D struct{ Pool }

func (maxPool2D) Name() string { return "MaxPool2D" }

func (maxPool2D) Operands() []string { return []string{"x"} }

func (m maxPool2D) Infer(in []graph.Type) ([]graph.Type, error) {
	if m.CountPad {
		return nil, fmt.Errorf("CountPad is for averages: padding has no part in a maximum")
	}
	y, err := inferPool(m.Pool, in)
	if err != nil {
		return nil, err
	}
	if err := areImageIndices(in[0].Shape[2], in[0].Shape[3]); err != nil {
		return nil, err
	}
	return []graph.Type{y, {DType: graph.Int32, Shape: y.Shape}}, nil
}

// inferPool returns the type of the pooled x.
func inferPool(p Pool, in []graph.Type) (graph.Type, error) {
	if err := arity(in, 1); err != nil {
		return graph.Type{}, err
	}
	if err := isImage("x", in[0], "NCHW"); err != nil {
		return graph.Type{}, err
	}
	x := in[0].Shape
	g, err := p.on(x[2], x[3])
	if err != nil {
		return graph.Type{}, err
	}
	return graph.Of(in[0].DType, x[0], x[1], g.P, g.Q), nil
}

func (m maxPool2D) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	x := in[0].Shape
	g, err := m.on(x[2], x[3])
	if err != nil {
		return kernel.Plan{}, err
	}
	run, local := maxPoolRun[float32](g), 0
	if g.padsToAdvantage(in[0].DType) {
		run, local = maxPoolPadded(g), kernel.SizeOf(graph.Float32, g.H*g.paddedWindows().Pitch)
	}
	plan, err := planPlanes(in[0].DType, x[0]*x[1]*g.P, g.Size[0]*g.W, run, maxPoolRun[float64](g))
	plan.Local = local
	return plan, err
}

// Windows says on what a place of y depends in x.
func (m maxPool2D) Windows([]graph.Type) [2]Window { return m.windows() }

func (m maxPool2D) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	if dy[0] == nil {
		return []*graph.Value{nil}
	}
	x := n.In(0).Shape()
	return []*graph.Value{graph.Apply(maxPool2DGrad{x[2], x[3]}, n.Out(1), dy[0])}
}

// Items are rows of outputs.
func maxPoolRun[T kernel.Float](g pooling) kernel.Kernel {
	stretches := g.stretches()
	return func(c *kernel.Call, lo, hi int) {
		x, y, argmax := kernel.In[T](c, 0), kernel.Out[T](c, 0), kernel.Out[int32](c, 1)
		for lo < hi {
			n, p, lines := g.lines(lo, hi, len(stretches) == 1)
			plane := x[n*g.H*g.W:][:g.H*g.W]
			for _, s := range stretches {
				at, w := g.windows(p, s)
				w.Lines = lines
				first, end := lo*g.Q+s.q, lo*g.Q+s.q+lines*s.n
				simd.MaxPool(y[first:end], argmax[first:end], plane[at:], at, w)
			}
			lo += lines
		}
	}
}

// maxPoolPadded is maxPoolRun on a copy of each plane with its padding, so that all
// windows of a row are alike.
//
// Items are rows of outputs.
func maxPoolPadded(g pooling) kernel.Kernel {
	w := g.paddedWindows()
	return func(c *kernel.Call, lo, hi int) {
		x, y, argmax := kernel.In[float32](c, 0), kernel.Out[float32](c, 0), kernel.Out[int32](c, 1)
		g.eachPadded(c, x, lo, hi, float32(math.Inf(-1)), func(plane []float32, i, p, lines int) {
			h0, h1, _, _ := g.window(p, 0)
			w := w
			w.Lines, w.Rows = lines, h1-h0
			first, end := i*g.Q, (i+lines)*g.Q
			simd.MaxPool(y[first:end], argmax[first:end], plane[h0*w.Pitch:], h0*g.W, w)
		})
	}
}

// maxPool2DGrad adds dy up at the pixels which argmax names, those of the same plane
// of H×W pixels. It is linear in dy, with maxPool2DGather as its gradient.
//
//	argmax  i32   [N,C,P,Q]
//	dy      float [N,C,P,Q]
//	dx      float [N,C,H,W]
type maxPool2DGrad struct{ H, W int }

func (maxPool2DGrad) Name() string { return "MaxPool2DGrad" }

func (maxPool2DGrad) Operands() []string { return []string{"argmax", "dy"} }

func (m maxPool2DGrad) Infer(in []graph.Type) ([]graph.Type, error) {
	if err := arity(in, 2); err != nil {
		return nil, err
	}
	if err := areImageIndices(m.H, m.W); err != nil {
		return nil, err
	}
	argmax, dy := in[0], in[1]
	if err := isImage("dy", dy, "NCPQ"); err != nil {
		return nil, err
	}
	if want := (graph.Type{DType: graph.Int32, Shape: dy.Shape}); !argmax.Equal(want) {
		return nil, fmt.Errorf("argmax is %v, want %v, an index for each element of dy", argmax, want)
	}
	return []graph.Type{graph.Of(dy.DType, dy.Shape[0], dy.Shape[1], m.H, m.W)}, nil
}

func (m maxPool2DGrad) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	s := in[0].Shape
	outs, pixels := s[2]*s[3], m.H*m.W
	return planPlanes(in[1].DType, s[0]*s[1], outs+pixels, maxPoolGradRun[float32](outs, pixels), maxPoolGradRun[float64](outs, pixels))
}

func (m maxPool2DGrad) VJP(n *graph.Node, ddx []*graph.Value) []*graph.Value {
	return []*graph.Value{nil, graph.Apply(maxPool2DGather{}, n.In(0), ddx[0])}
}

// Items are planes.
func maxPoolGradRun[T kernel.Float](outs, pixels int) kernel.Kernel {
	cleared := max(1, 1<<14/pixels) // planes at a time, so that they are still in a cache when dy is added
	return func(c *kernel.Call, lo, hi int) {
		argmax, dy, dx := kernel.In[int32](c, 0), kernel.In[T](c, 1), kernel.Out[T](c, 0)
		for i := lo; i < hi; i++ {
			if (i-lo)%cleared == 0 {
				clear(dx[i*pixels : min(i+cleared, hi)*pixels])
			}
			plane, dy := dx[i*pixels:][:pixels], dy[i*outs:][:outs]
			for j, at := range argmax[i*outs:][:outs] {
				if uint(at) >= uint(len(plane)) {
					wrongPixel(c, i*outs+j, at, pixels)
					continue
				}
				plane[at] += dy[j]
			}
		}
	}
}

// wrongPixel reports that argmax, which is at for element i, names no pixel.
func wrongPixel(c *kernel.Call, i int, at int32, pixels int) {
	c.Fault.Set(i, "argmax is %d at element %d: want 0 to %d", at, i, pixels-1)
}

// maxPool2DGather picks the pixels of ddx which argmax names. It is linear in ddx,
// with maxPool2DGrad as its gradient.
//
//	argmax  i32   [N,C,P,Q]
//	ddx     float [N,C,H,W]
//	ddy     float [N,C,P,Q]
type maxPool2DGather struct{}

func (maxPool2DGather) Name() string { return "MaxPool2DGather" }

func (maxPool2DGather) Operands() []string { return []string{"argmax", "ddx"} }

func (maxPool2DGather) Infer(in []graph.Type) ([]graph.Type, error) {
	if err := arity(in, 2); err != nil {
		return nil, err
	}
	argmax, ddx := in[0], in[1]
	if err := isImage("ddx", ddx, "NCHW"); err != nil {
		return nil, err
	}
	if err := rank("argmax", argmax, 4, "NCPQ"); err != nil {
		return nil, err
	}
	if argmax.DType != graph.Int32 || !argmax.Shape[:2].Equal(ddx.Shape[:2]) {
		return nil, fmt.Errorf("argmax is %v, want i32 with the planes of ddx, which is %v", argmax, ddx)
	}
	if err := areImageIndices(ddx.Shape[2], ddx.Shape[3]); err != nil {
		return nil, err
	}
	return []graph.Type{{DType: ddx.DType, Shape: argmax.Shape}}, nil
}

func (maxPool2DGather) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	s, x := in[0].Shape, in[1].Shape
	outs, pixels := s[2]*s[3], x[2]*x[3]
	return planPlanes(in[1].DType, s.Size(), 1, maxPoolGatherRun[float32](outs, pixels), maxPoolGatherRun[float64](outs, pixels))
}

func (maxPool2DGather) VJP(n *graph.Node, dddy []*graph.Value) []*graph.Value {
	x := n.In(1).Shape()
	return []*graph.Value{nil, graph.Apply(maxPool2DGrad{x[2], x[3]}, n.In(0), dddy[0])}
}

// Items are elements of ddy.
func maxPoolGatherRun[T kernel.Float](outs, pixels int) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		argmax, ddx, ddy := kernel.In[int32](c, 0), kernel.In[T](c, 1), kernel.Out[T](c, 0)
		for lo < hi {
			end := min(hi, (lo/outs+1)*outs) // of the plane
			plane, ddy := ddx[lo/outs*pixels:][:pixels], ddy[lo:end]
			for j, at := range argmax[lo:end] {
				if uint(at) >= uint(len(plane)) {
					wrongPixel(c, lo+j, at, pixels)
					ddy[j] = 0
					continue
				}
				ddy[j] = plane[at]
			}
			lo = end
		}
	}
}
