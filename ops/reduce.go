package ops

import (
	"fmt"
	"slices"

	"neocog/graph"
	"neocog/vm/kernel"
)

// This file is what Sum, Mean and Max share: which axes are reduced, and in
// which order the elements of a result are visited.

// axesOf returns the canonical form of a set of axes: counted from 0, sorted;
// the empty list for all of them.
func axesOf(x *graph.Value, axes []int) graph.Dims {
	a := slices.Clone(axes)
	for i := range a {
		a[i] = axisOf(x, a[i])
	}
	slices.Sort(a)
	if x.IsValid() && len(slices.Compact(slices.Clone(a))) == len(a) && len(a) == x.Shape().Rank() && allInRange(a) {
		a = nil
	}
	return graph.MakeDims(a...)
}

// allInRange reports whether the sorted, distinct axes are 0, 1, 2, …
func allInRange(axes []int) bool {
	for i, a := range axes {
		if a != i {
			return false
		}
	}
	return true
}

// reducedAxes tells for each axis of a tensor whether it is reduced.
func reducedAxes(rank int, axes graph.Dims) [graph.MaxRank]bool {
	var r [graph.MaxRank]bool
	for i := range rank {
		r[i] = axes.Len() == 0 || axes.Contains(i)
	}
	return r
}

// inferReduce returns the type of in[0] without the axes.
func inferReduce(in []graph.Type, axes graph.Dims) ([]graph.Type, error) {
	if err := arity(in, 1); err != nil {
		return nil, err
	}
	x := in[0]
	if err := isFloat(x); err != nil {
		return nil, err
	}
	if err := checkAxes(x, axes); err != nil {
		return nil, err
	}
	return []graph.Type{{DType: x.DType, Shape: dropAxes(x.Shape, axes)}}, nil
}

// checkAxes returns an error unless axes are distinct axes of x in order.
func checkAxes(x graph.Type, axes graph.Dims) error {
	if axes.Len() > x.Shape.Rank() {
		return fmt.Errorf("%d axes are given, x %v has %d", axes.Len(), x, x.Shape.Rank())
	}
	last := -1
	for _, a := range axes.Slice() {
		if err := checkAxis(x, a); err != nil {
			return err
		}
		if a == last {
			return fmt.Errorf("axis %d is given twice", a)
		}
		if a < last {
			return fmt.Errorf("the axes %v are not in ascending order", axes)
		}
		last = a
	}
	return nil
}

// dropAxes returns s without the axes.
func dropAxes(s graph.Shape, axes graph.Dims) graph.Shape {
	r := reducedAxes(len(s), axes)
	y := graph.Shape{}
	for i, n := range s {
		if !r[i] {
			y = append(y, n)
		}
	}
	return y
}

// keepAxes returns s with extent 1 for the axes.
func keepAxes(s graph.Shape, axes graph.Dims) graph.Shape {
	r := reducedAxes(len(s), axes)
	y := s.Clone()
	for i := range y {
		if r[i] {
			y[i] = 1
		}
	}
	return y
}

// kept gives the result y of reducing x the rank of x, with extent 1 where it
// was reduced, so that it broadcasts against x.
func kept(y, x *graph.Value, axes []int) *graph.Value {
	if !y.IsValid() || !x.IsValid() {
		return y
	}
	return Reshape(y, keepAxes(x.Shape(), axesOf(x, axes))...)
}

// A reduction is the order in which the elements of x are visited: for each
// result, the turns of over, in row-major order of the reduced axes.
type reduction struct {
	results, count int  // count elements make one result
	kept, over     nest // steps are those of x
	columns        bool // neighbouring results are neighbours in x; else the inner loop of over has step 1
}

func newReduction(x graph.Shape, axes graph.Dims) reduction {
	reduced := reducedAxes(len(x), axes)
	var shapes [2]graph.Shape
	var strides [2][]int
	for i, s := range contiguous(x) {
		k := 0
		if reduced[i] {
			k = 1
		}
		shapes[k] = append(shapes[k], x[i])
		strides[k] = append(strides[k], s)
	}
	r := reduction{
		results: shapes[0].Size(),
		count:   shapes[1].Size(),
		kept:    newNest(shapes[0], strides[0]),
		over:    newNest(shapes[1], strides[1]),
	}
	_, step, _ := r.kept.inner()
	r.columns = r.results > 1 && step == 1
	return r
}

// band is how many results a worker accumulates side by side.
const band = 256

// eachBand calls f for stretches of results lo … hi-1 whose places in x are
// neighbours, at most band of them, or single ones if not r.columns. base is the offset of the first.
func (r *reduction) eachBand(lo, hi int, f func(first, n, base int)) {
	inner, _, _ := r.kept.inner()
	for p := r.kept.place(lo); lo < hi; {
		w := 1
		if r.columns {
			w = min(inner-p.at[r.kept.rank-1], hi-lo, band)
		}
		f(lo, w, p.off[0])
		r.kept.forward(&p, w)
		lo += w
	}
}

// eachRow calls f for the parts of x which go into a stretch of results: if
// r.columns, one row of n elements for each turn of over, an element for each
// result; otherwise whole inner loops of over, all for one result. turn is the
// first turn of over in the row.
func (r *reduction) eachRow(base, n int, f func(lo, hi, turn int)) {
	step := 1
	if !r.columns {
		n, _, _ = r.over.inner()
		step = n
	}
	var p place
	for turn := 0; turn < r.count; turn += step {
		lo := base + p.off[0]
		f(lo, lo+n, turn)
		r.over.forward(&p, step)
	}
}

// plan returns the plan of a step over the results.
func (r *reduction) plan(d graph.DType, f32, f64 kernel.Kernel) (kernel.Plan, error) {
	k, err := kernel.Pick(d, f32, f64)
	return kernel.One(r.results, grainOf(r.count), k), err
}
