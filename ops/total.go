package ops

import (
	"neocog/graph"
	"neocog/vm/kernel"
)

// chunk is how many elements of a sum over everything are added in one go.
// Chunks are what workers share, and what makes the bits independent of them.
const chunk = 4096

// chunks returns the number of chunks of n elements, at least one.
func chunks(n int) int { return max(1, (n+chunk-1)/chunk) }

// planTotal returns the plan of the sum over all elements of x of a function
// of each, divided by divisor: a scalar. Chunks are added by total and
// combined pairwise.
func planTotal(x graph.Type, f32 func([]float32) float64, f64 func([]float64) float64, divisor float64) (kernel.Plan, error) {
	n := x.Shape.Size()
	first, err := kernel.Pick(x.DType, chunkRun(f32), chunkRun(f64))
	if err != nil {
		return kernel.Plan{}, err
	}
	last, err := kernel.Pick(x.DType, combineRun[float32](chunks(n), divisor), combineRun[float64](chunks(n), divisor))
	return kernel.Plan{
		Steps:  []kernel.Step{{N: chunks(n), Run: first}, {N: 1, Run: last}},
		Shared: kernel.SizeOf(graph.Float64, chunks(n)),
	}, err
}

func chunkRun[T kernel.Float](f func([]T) float64) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		x, part := kernel.In[T](c, 0), kernel.Shared[float64](c, 0, hi)
		for i := lo; i < hi; i++ {
			part[i] = f(x[min(len(x), i*chunk):min(len(x), (i+1)*chunk)])
		}
	}
}

func combineRun[T kernel.Float](n int, divisor float64) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		if lo < hi {
			kernel.Out[T](c, 0)[0] = T(pairwise(kernel.Shared[float64](c, 0, n)) / divisor)
		}
	}
}

// pairwise returns the sum of v, added as the leaves of a balanced tree. It
// overwrites v, which must not be empty.
func pairwise(v []float64) float64 {
	for n := len(v); n > 1; n = (n + 1) / 2 {
		for i := range n / 2 {
			v[i] = v[2*i] + v[2*i+1]
		}
		if n%2 == 1 {
			v[n/2] = v[n-1]
		}
	}
	return v[0]
}
