package ops

import (
	"fmt"

	"neocog/graph"
	"neocog/internal/cpu"
	"neocog/internal/simd"
	"neocog/vm/kernel"
)

// AvgPool2D returns the mean of each window.
//
//	x   float [N,C,H,W]
//	y   float [N,C,P,Q]      P = (H − size + top + bottom)/stride + 1, Q likewise
//	dx  = the sum of dy/divisor over all windows with the pixel in it
//
// The divisor is the number of pixels in the window; with p.CountPad, that of pixels and
// padding. H and W must be static and at least 1; a P or Q that is no whole
// number is refused unless p.Round says how to round it. NaN propagates.
// Rows of a window are added up one by one, then the sums of the rows.
// ONNX AveragePool.
func AvgPool2D(x *graph.Value, p Pool) *graph.Value {
	if p.dilated() && x.IsValid() {
		return dilatedAvg(x, p)
	}
	return graph.Apply(avgPool2D{p.canonical()}, x)
}

type avgPool2D struct{ Pool }

func (avgPool2D) Name() string { return "AvgPool2D" }

func (avgPool2D) Operands() []string { return []string{"x"} }

func (a avgPool2D) Infer(in []graph.Type) ([]graph.Type, error) {
	y, err := inferPool(a.Pool, in)
	if err != nil {
		return nil, err
	}
	return []graph.Type{y}, nil
}

func (a avgPool2D) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	x := in[0].Shape
	g, err := a.on(x[2], x[3])
	if err != nil {
		return kernel.Plan{}, err
	}
	run, local := avgPoolRun[float32](g), 0
	if g.padsToAdvantage(in[0].DType) {
		run, local = avgPoolPadded(g), kernel.SizeOf(graph.Float32, g.H*g.paddedWindows().Pitch)
	}
	plan, err := planPlanes(in[0].DType, x[0]*x[1]*g.P, g.Size[0]*g.W, run, avgPoolRun[float64](g))
	plan.Local = local
	return plan, err
}

// Windows says on what a place of y depends in x.
func (a avgPool2D) Windows([]graph.Type) [2]Window { return a.windows() }

func (a avgPool2D) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	x := n.In(0).Shape()
	return []*graph.Value{graph.Apply(avgPool2DGrad{a.Pool, x[2], x[3]}, dy[0])}
}

// Items are rows of outputs.
func avgPoolRun[T kernel.Float](g pooling) kernel.Kernel {
	stretches := g.stretches()
	step := g.Stride[0]
	if g.P == 1 {
		step = g.H
	}
	if len(stretches) == 1 && g.Pad[0] == 0 && (g.P-1)*step+g.Size[0] <= g.H && g.P*step == g.H {
		return avgPoolStack[T](g, step)
	}
	return func(c *kernel.Call, lo, hi int) {
		x, y := kernel.In[T](c, 0), kernel.Out[T](c, 0)
		for lo < hi {
			n, p, lines := g.lines(lo, hi, len(stretches) == 1)
			plane := x[n*g.H*g.W:][:g.H*g.W]
			for _, s := range stretches {
				at, w := g.windows(p, s)
				w.Lines = lines
				first := lo*g.Q + s.q
				simd.MeanPool(y[first:first+lines*s.n], plane[at:], T(g.divisor(p, s.q)), w)
			}
			lo += lines
		}
	}
}

// avgPoolStack is avgPoolRun where all rows of windows are alike, step rows of pixels
// from one to the next, even from plane to plane.
//
// Items are rows of outputs.
func avgPoolStack[T kernel.Float](g pooling, step int) kernel.Kernel {
	_, w := g.windows(0, g.stretches()[0])
	w.Step = step
	divisor := T(g.divisor(0, 0))
	return func(c *kernel.Call, lo, hi int) {
		x, y := kernel.In[T](c, 0), kernel.Out[T](c, 0)
		if lo == hi {
			return
		}
		w := w
		w.Lines = hi - lo
		simd.MeanPool(y[lo*g.Q:hi*g.Q], x[lo*step*g.W:], divisor, w)
	}
}

// avgPoolPadded is avgPoolRun on a copy of each plane with its padding, so that the sums of all
// windows of a row are made alike: zeros change no bit of sums that begin with +0.
//
// Items are rows of outputs.
func avgPoolPadded(g pooling) kernel.Kernel {
	w := g.paddedWindows()
	divisors := make([]float32, g.P*g.Q)
	for i := range divisors {
		divisors[i] = float32(g.divisor(i/g.Q, i%g.Q))
	}
	return func(c *kernel.Call, lo, hi int) {
		x, y := kernel.In[float32](c, 0), kernel.Out[float32](c, 0)
		g.eachPadded(c, x, lo, hi, 0, func(plane []float32, i, p, lines int) {
			h0, h1, _, _ := g.window(p, 0)
			w := w
			w.Lines, w.Rows = lines, h1-h0
			out := y[i*g.Q : (i+lines)*g.Q]
			simd.MeanPool(out, plane[h0*w.Pitch:], 1, w)
			simd.Div(out, out, divisors[p*g.Q:(p+lines)*g.Q])
		})
	}
}

// avgPool2DGrad spreads dy evenly over the pixels of each window of an image of H×W
// pixels. It is linear, with AvgPool2D as its gradient.
//
//	dy  float [N,C,P,Q]
//	dx  float [N,C,H,W]
type avgPool2DGrad struct {
	Pool
	H, W int
}

func (avgPool2DGrad) Name() string { return "AvgPool2DGrad" }

func (avgPool2DGrad) Operands() []string { return []string{"dy"} }

func (a avgPool2DGrad) Infer(in []graph.Type) ([]graph.Type, error) {
	if err := arity(in, 1); err != nil {
		return nil, err
	}
	dy := in[0]
	if err := isImage("dy", dy, "NCPQ"); err != nil {
		return nil, err
	}
	g, err := a.on(a.H, a.W)
	if err != nil {
		return nil, err
	}
	if dy.Shape[2] != g.P || dy.Shape[3] != g.Q {
		return nil, fmt.Errorf("dy is %d×%d, but a %d×%d window on %d×%d pixels gives %d×%d",
			dy.Shape[2], dy.Shape[3], g.Size[0], g.Size[1], g.H, g.W, g.P, g.Q)
	}
	return []graph.Type{graph.Of(dy.DType, dy.Shape[0], dy.Shape[1], g.H, g.W)}, nil
}

func (a avgPool2DGrad) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	g, err := a.on(a.H, a.W)
	if err != nil {
		return kernel.Plan{}, err
	}
	s := in[0].Shape
	run := avgPoolGradRun[float32](g)
	sums := cpu.Current() > cpu.Portable && g.Q >= 8 && g.Size[1] <= 8
	if sums {
		run = avgPoolGradSums(g)
	}
	plan, err := planPlanes(in[0].DType, s[0]*s[1], g.P*g.Q*g.Size[0]*g.Size[1], run, avgPoolGradRun[float64](g))
	if sums && in[0].DType == graph.Float32 {
		plan.Local = kernel.SizeOf(graph.Float32, g.P*g.spread())
	}
	return plan, err
}

func (a avgPool2DGrad) VJP(_ *graph.Node, ddx []*graph.Value) []*graph.Value {
	return []*graph.Value{AvgPool2D(ddx[0], a.Pool)}
}

// Items are planes.
func avgPoolGradRun[T kernel.Float](g pooling) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		dy, dx := kernel.In[T](c, 0), kernel.Out[T](c, 0)
		for i := lo; i < hi; i++ {
			plane := dx[i*g.H*g.W:][:g.H*g.W]
			clear(plane)
			for p := range g.P {
				for q := range g.Q {
					v := dy[(i*g.P+p)*g.Q+q] / T(g.divisor(p, q))
					h0, h1, w0, w1 := g.window(p, q)
					for h := h0; h < h1; h++ {
						row := plane[h*g.W+w0 : h*g.W+w1]
						for j := range row {
							row[j] += v
						}
					}
				}
			}
		}
	}
}

// spread is the length of the rows of avgPoolGradSums.
func (g *pooling) spread() int { return g.W + g.Size[1] - 1 }

// avgPoolGradSums is avgPoolGradRun by whole rows of pixels. The quotients of a row of windows are laid out
// with zeros between them, the last column of each window counting from Size−1 before the image, so that a
// pixel is the sum of the Size elements from its column on, of all rows of windows above
// it. They come in the order of the windows, and a zero more changes no bit of a sum that
// begins with +0.
//
// Items are planes.
func avgPoolGradSums(g pooling) kernel.Kernel {
	stretches := g.stretches()
	return func(c *kernel.Call, lo, hi int) {
		dy, dx := kernel.In[float32](c, 0), kernel.Out[float32](c, 0)
		pitch, t := g.spread(), g.Stride[1]
		rows := kernel.Local[float32](c, 0, g.P*pitch)
		clear(rows)
		for i := lo; i < hi; i++ {
			for p := range g.P {
				row := rows[p*pitch:][:pitch]
				for _, s := range stretches {
					divisor := float32(g.divisor(p, s.q))
					at := s.q*t - g.Pad[1] + g.Size[1] - 1
					for _, v := range dy[(i*g.P+p)*g.Q+s.q:][:s.n] {
						row[at] = v / divisor
						at += t
					}
				}
			}
			above := -1 // the first row of windows over the row of pixels before, and after the last one
			var below int
			for h := range g.H {
				out := dx[(i*g.H+h)*g.W:][:g.W]
				first := max(0, ceilDiv(h+g.Pad[0]-g.Size[0]+1, g.Stride[0]))
				end := min(g.P, (h+g.Pad[0])/g.Stride[0]+1)
				switch {
				case first == above && end == below:
					copy(out, dx[(i*g.H+h-1)*g.W:])
				case first >= end:
					clear(out)
				default:
					simd.SumPool(out, rows[first*pitch:], simd.Windows{N: g.W, Rows: end - first, Taps: g.Size[1], Pitch: pitch, Stride: 1})
				}
				above, below = first, end
			}
		}
	}
}
