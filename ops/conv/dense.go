package conv

import (
	"neocog/internal/gemm"
	"neocog/vm/kernel"
)

// Dense computes convolutions whose filter covers the whole image, as where a network turns to vectors: each image is a row of a
// matrix as it lies in memory, and so is each filter.
//
//	y  = x · wᵀ + b      [N,K] = [N,C·R·S] · [C·R·S,K]
//	dx = dy · w
//	dw = dyᵀ · x
//
// It takes no scratch memory, and refuses everything else.
type Dense struct{}

// Name returns "dense".
func (Dense) Name() string { return "dense" }

// Plan refuses filters that do not cover the image exactly, and groups.
func (a Dense) Plan(env *kernel.Env, p Problem) (kernel.Plan, error) { return a.PlanThen(env, p, nil) }

// PlanThen is Plan with something to do with the outputs.
func (a Dense) PlanThen(_ *kernel.Env, p Problem, then Then) (kernel.Plan, error) {
	if p.R != p.H || p.S != p.W || p.Pad != [4]int{} || p.Dilation != [2]int{1, 1} || p.Groups != 1 {
		return kernel.Plan{}, Refuse(a, p, "only filters of the size of the image, without padding, dilation and groups")
	}
	run, err := kernel.Pick(p.DType, dense[float32](p, then), dense[float64](p, then))
	if err != nil {
		return kernel.Plan{}, err
	}
	items := ceilDiv(p.K, denseCols)
	if p.Pass == InputGrad {
		items = ceilDiv(p.C*p.R*p.S, denseCols)
	}
	return kernel.One(items, grain(p.FLOPs(), items), run), nil
}

// denseCols is how many columns of the result (rows, of dw) are an item.
const denseCols = 64

// Items are columns of y or dx, rows of dw.
func dense[T kernel.Float](p Problem, then Then) kernel.Kernel {
	terms := p.C * p.R * p.S
	return func(c *kernel.Call, lo, hi int) {
		a, b, out := kernel.In[T](c, 0), kernel.In[T](c, 1), kernel.Out[T](c, 0)
		switch p.Pass {
		case Forward: // x, w
			k0, k1 := lo*denseCols, min(hi*denseCols, p.K)
			bias := gemm.Epilogue[T]{Columns: true}
			if p.Bias {
				bias.Shift = kernel.In[T](c, 2)[k0:k1]
			}
			if p.N > 0 {
				gemm.GemmWith(false, true, p.N, k1-k0, terms, a, terms, b[k0*terms:], terms, 0, out[k0:], p.K, bias)
			}
			for n := range p.N {
				then.finish(c, &p, n, k0, k1, 0, 1, 0, 1)
			}
		case InputGrad: // w, dy
			c0, c1 := lo*denseCols, min(hi*denseCols, terms)
			if p.N > 0 {
				gemm.Gemm(false, false, p.N, c1-c0, p.K, b, p.K, a[min(c0, len(a)):], terms, 0, out[c0:], terms)
			}
		case FilterGrad: // x, dy
			k0, k1 := lo*denseCols, min(hi*denseCols, p.K)
			gemm.Gemm(true, false, k1-k0, terms, p.N, b[min(k0, len(b)):], p.K, a, terms, 0, out[k0*terms:], terms)
		}
	}
}
