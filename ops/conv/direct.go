package conv

import "neocog/vm/kernel"

// Direct is the reference: the three definitions in the package's doc as loops. It accepts
// every Problem, needs no scratch memory, and is slow.
//
// Each element is one sum in the element type, in the order of its Σ, with a partial
// sum for each innermost plane (of the filter, or of rows of the image): the error is
// about that of RS + C additions instead of R·S·C. The bias comes last.
type Direct struct{}

// Name returns "direct".
func (Direct) Name() string { return "direct" }

// Plan never refuses a valid p.
func (Direct) Plan(_ *kernel.Env, p Problem) (kernel.Plan, error) {
	k, err := kernel.Pick(p.DType, direct[float32](p), direct[float64](p))
	if err != nil {
		return kernel.Plan{}, err
	}
	var items int
	switch p.Pass {
	case Forward:
		items = p.N * p.K
	case InputGrad:
		items = p.N * p.C
	case FilterGrad:
		items = p.K * (p.C / p.Groups)
	}
	return kernel.One(items, grain(p.FLOPs(), items), k), nil
}

// grain is how many of the items of a step that takes flops are worth a worker:
// about 20 µs at a few GFLOP/s, against a microsecond for meeting the others.
func grain(flops int64, items int) int {
	each := max(flops/int64(max(items, 1)), 1)
	return int(max(1<<16/each, 1))
}

func direct[T kernel.Float](p Problem) kernel.Kernel {
	d := newDirectLoops[T](p)
	switch p.Pass {
	case InputGrad:
		return d.inputGrad
	case FilterGrad:
		return d.filterGrad
	}
	return d.forward
}

// directLoops holds a problem with its derived sizes: P×Q outputs, and
// kg filters and cg channels for each group.
type directLoops[T kernel.Float] struct {
	Problem
	P, Q, kg, cg int
}

func newDirectLoops[T kernel.Float](p Problem) *directLoops[T] {
	P, Q := p.Out()
	return &directLoops[T]{p, P, Q, p.K / p.Groups, p.C / p.Groups}
}

// Items are planes of y.
func (d *directLoops[T]) forward(c *kernel.Call, lo, hi int) {
	x, w, y := kernel.In[T](c, 0), kernel.In[T](c, 1), kernel.Out[T](c, 0)
	for i := lo; i < hi; i++ {
		n, k := i/d.K, i%d.K
		var b T
		if d.Bias {
			b = kernel.In[T](c, 2)[k]
		}
		for p := range d.P {
			for q := range d.Q {
				var sum T
				for ch := range d.cg {
					image := d.plane(x, n, k/d.kg*d.cg+ch)
					filter := w[(k*d.cg+ch)*d.R*d.S:]
					var part T
					for r := range d.R {
						for s := range d.S {
							part += filter[r*d.S+s] * d.pixel(image, p, q, r, s)
						}
					}
					sum += part
				}
				y[(i*d.P+p)*d.Q+q] = sum + b
			}
		}
	}
}

// Items are planes of dx.
func (d *directLoops[T]) inputGrad(c *kernel.Call, lo, hi int) {
	w, dy, dx := kernel.In[T](c, 0), kernel.In[T](c, 1), kernel.Out[T](c, 0)
	for i := lo; i < hi; i++ {
		n, ch := i/d.C, i%d.C
		g := ch / d.cg
		for h := range d.H {
			for wd := range d.W {
				var sum T
				for k := g * d.kg; k < (g+1)*d.kg; k++ {
					filter := w[(k*d.cg+ch%d.cg)*d.R*d.S:]
					grad := dy[(n*d.K+k)*d.P*d.Q:]
					var part T
					for r := range d.R {
						p, ok := source(h+d.Pad[0]-r*d.Dilation[0], d.Stride[0], d.P)
						if !ok {
							continue
						}
						for s := range d.S {
							if q, ok := source(wd+d.Pad[1]-s*d.Dilation[1], d.Stride[1], d.Q); ok {
								part += filter[r*d.S+s] * grad[p*d.Q+q]
							}
						}
					}
					sum += part
				}
				dx[(i*d.H+h)*d.W+wd] = sum
			}
		}
	}
}

// Items are pairs of a filter and one of its channels.
func (d *directLoops[T]) filterGrad(c *kernel.Call, lo, hi int) {
	x, dy, dw := kernel.In[T](c, 0), kernel.In[T](c, 1), kernel.Out[T](c, 0)
	for i := lo; i < hi; i++ {
		k, ch := i/d.cg, i%d.cg
		for r := range d.R {
			for s := range d.S {
				var sum T
				for n := range d.N {
					image := d.plane(x, n, k/d.kg*d.cg+ch)
					grad := dy[(n*d.K+k)*d.P*d.Q:]
					var part T
					for p := range d.P {
						var row T
						for q := range d.Q {
							row += grad[p*d.Q+q] * d.pixel(image, p, q, r, s)
						}
						part += row
					}
					sum += part
				}
				dw[(i*d.R+r)*d.S+s] = sum
			}
		}
	}
}

// plane returns channel ch of image n.
func (d *directLoops[T]) plane(x []T, n, ch int) []T {
	size := d.H * d.W
	return x[(n*d.C+ch)*size:][:size]
}

// pixel returns the pixel that tap r, s of the filter sees for output p, q; 0 in
// the padding.
func (d *directLoops[T]) pixel(image []T, p, q, r, s int) T {
	h := p*d.Stride[0] - d.Pad[0] + r*d.Dilation[0]
	w := q*d.Stride[1] - d.Pad[1] + s*d.Dilation[1]
	if h < 0 || h >= d.H || w < 0 || w >= d.W {
		return 0
	}
	return image[h*d.W+w]
}

// source returns the output whose window begins at offset of the padded image,
// if there is one.
func source(offset, stride, outputs int) (int, bool) {
	if offset < 0 || offset%stride != 0 || offset/stride >= outputs {
		return 0, false
	}
	return offset / stride, true
}
