package ops

import (
	"neocog/graph"
	"neocog/vm/kernel"
)

// lines are the lines of a tensor along one axis: what Softmax works on.
type lines struct {
	count, length int // lines, and elements of each
	step          int // elements from one of a line to its next
}

func newLines(s graph.Shape, axis int) lines {
	l := lines{length: s[axis], step: s[axis+1:].Size()}
	l.count = s[:axis].Size() * l.step
	return l
}

// bounds returns the first element of line i, and the end for its last.
func (l lines) bounds(i int) (first, end int) {
	first = i/l.step*l.step*l.length + i%l.step
	return first, first + l.length*l.step
}

// plan returns the plan of a step over the lines, in which an element of the
// result may overwrite the same element of input 0 after the line was read.
func (l lines) plan(d graph.DType, f32, f64 kernel.Kernel) (kernel.Plan, error) {
	k, err := kernel.Pick(d, f32, f64)
	p := kernel.One(l.count, grainOf(8*l.length), k)
	p.InPlace = []int{1}
	if l.step > 1 {
		p.Local = kernel.SizeOf(d, l.length)
	}
	return p, err
}

// lineRun is the kernel of a function of whole lines. Where their elements are not
// neighbours they are copied to local memory and back.
func lineRun[T kernel.Float](l lines, f func(y, x []T)) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		x, y := kernel.In[T](c, 0), kernel.Out[T](c, 0)
		for i := lo; i < hi; i++ {
			first, end := l.bounds(i)
			if l.step == 1 {
				f(y[first:end], x[first:end])
				continue
			}
			line := kernel.Local[T](c, 0, l.length)
			for j := range line {
				line[j] = x[first+j*l.step]
			}
			f(line, line)
			for j, v := range line {
				y[first+j*l.step] = v
			}
		}
	}
}

// inferAlong is the inference of a float op along an axis which keeps the type.
func inferAlong(in []graph.Type, axis int) ([]graph.Type, error) {
	out, err := sameFloat(in, 1)
	if err != nil {
		return nil, err
	}
	return out, checkAxis(in[0], axis)
}
