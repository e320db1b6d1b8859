package ops

import (
	"neocog/graph"
	"neocog/vm/kernel"
)

// planStrided returns the plan of an op which only moves elements: element
// (i, j, …) of y is element base + i·strides[0] + j·strides[1] + … of input 0.
// BroadcastTo, Slice and Transpose are such ops.
func planStrided(y graph.Type, base int, strides []int) (kernel.Plan, error) {
	l := newNest(y.Shape, strides)
	k, err := pickMove(y.DType, stridedRun[bool](l, base), stridedRun[int32](l, base), stridedRun[int64](l, base))
	return kernel.One(y.Shape.Size(), kernel.Grain, k), err
}

func stridedRun[T graph.Element](l nest, base int) kernel.Kernel {
	n, step, _ := l.inner()
	return func(c *kernel.Call, lo, hi int) {
		x, y := kernel.In[T](c, 0), kernel.Out[T](c, 0)
		for p := l.place(lo); lo < hi; {
			w := min(n-p.at[l.rank-1], hi-lo)
			row, from := y[lo:lo+w], x[base+p.off[0]:]
			switch step {
			case 0:
				v := from[0]
				for i := range row {
					row[i] = v
				}
			case 1:
				copy(row, from)
			default:
				for i := range row {
					row[i] = from[i*step]
				}
			}
			l.forward(&p, w)
			lo += w
		}
	}
}
