package ops

import (
	"fmt"

	"neocog/graph"
	"neocog/vm/kernel"
)

// elementwise is the plan of an op which computes each element from the same
// element of its inputs, and may write it where input inPlace was.
func elementwise(t graph.Type, inPlace int, f32, f64 kernel.Kernel) (kernel.Plan, error) {
	p, err := kernel.ByDType(t.DType, t.Shape.Size(), f32, f64)
	p.InPlace = []int{inPlace + 1}
	return p, err
}

// numberwise is elementwise, in place, for an op which integers have too.
func numberwise(t graph.Type, f32, f64, i32, i64 kernel.Kernel) (kernel.Plan, error) {
	k, err := pickNumber(t.DType, f32, f64, i32, i64)
	p := kernel.One(t.Shape.Size(), kernel.Grain, k)
	p.InPlace = []int{1}
	return p, err
}

// planWide is the plan of a function of each element which is computed in float64
// and rounded once.
func planWide(t graph.Type, f func(float64) float64) (kernel.Plan, error) {
	return elementwise(t, 0, wideRun[float32](f), wideRun[float64](f))
}

func wideRun[T kernel.Float](f func(float64) float64) kernel.Kernel {
	return eachRun(func(y, x []T) {
		for i, v := range x {
			y[i] = T(f(float64(v)))
		}
	})
}

// eachRun is the kernel of a loop over the elements of one operand.
func eachRun[T kernel.Number](f func(y, x []T)) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) { f(kernel.Out[T](c, 0)[lo:hi], kernel.In[T](c, 0)[lo:hi]) }
}

// pairRun is the kernel of a loop over the elements of two operands.
func pairRun[T kernel.Number](f func(y, a, b []T)) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		f(kernel.Out[T](c, 0)[lo:hi], kernel.In[T](c, 0)[lo:hi], kernel.In[T](c, 1)[lo:hi])
	}
}

// pickNumber returns the kernel for d, or an error where d is no number.
func pickNumber(d graph.DType, f32, f64, i32, i64 kernel.Kernel) (kernel.Kernel, error) {
	switch d {
	case graph.Float32:
		return f32, nil
	case graph.Float64:
		return f64, nil
	case graph.Int32:
		return i32, nil
	case graph.Int64:
		return i64, nil
	}
	return nil, fmt.Errorf("no kernel for %v, only for f32, f64, i32 and i64", d)
}

// pickMove returns the kernel for the size of d: for kernels which only move
// elements, as integers of that size, so that even a NaN keeps its bits.
func pickMove(d graph.DType, k1, k4, k8 kernel.Kernel) (kernel.Kernel, error) {
	switch d.Size() {
	case 1:
		return k1, nil
	case 4:
		return k4, nil
	case 8:
		return k8, nil
	}
	return nil, fmt.Errorf("no kernel for %v", d)
}

// grainOf returns the items worth a worker where each item costs about cost
// element-wise operations.
func grainOf(cost int) int { return max(1, kernel.Grain/max(1, cost)) }
