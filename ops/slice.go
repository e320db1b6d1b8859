package ops

import (
	"fmt"

	"neocog/graph"
	"neocog/vm/kernel"
)

// Slice returns the part lo … hi−1 of x along one axis.
//
//	x       any [...]
//	axis    negative counts from the end; not the symbolic batch
//	lo, hi  negative ones count from the end; 0 ≤ lo ≤ hi ≤ the extent
//	y       [..., hi−lo, ...]
//	dx      = dy with zeros around it
//
// Nothing is clipped: a part that x does not have is a mistake. x itself is
// returned where all of it is asked for. ONNX Slice.
func Slice(x *graph.Value, axis, lo, hi int) *graph.Value { return SliceStep(x, axis, lo, hi, 1) }

// SliceStep is Slice with every step-th element only: lo, lo+step, …, below hi.
// There are ⌈(hi−lo)/step⌉ of them. step is at least 1.
func SliceStep(x *graph.Value, axis, lo, hi, step int) *graph.Value {
	if !x.IsValid() {
		return graph.Apply(slice{}, x)
	}
	s := x.Shape()
	a := axisOf(x, axis)
	if err := checkAxis(x.Type(), a); err != nil {
		x.Graph().Errorf("Slice", "%w", err)
		return x.Graph().Invalid()
	}
	if n := s[a]; n != graph.Batch {
		if lo < 0 {
			lo += n
		}
		if hi < 0 {
			hi += n
		}
	}
	los, his, steps := make([]int, len(s)), s.Clone(), ones(len(s))
	los[a], his[a], steps[a] = lo, hi, step
	return sliceAll(x, los, his, steps)
}

// sliceAll slices all axes of x at once; hi is Batch for a symbolic axis.
func sliceAll(x *graph.Value, lo, hi, step []int) *graph.Value {
	o := slice{Lo: graph.MakeDims(lo...), Hi: graph.MakeDims(hi...)}
	if s := graph.MakeDims(step...); s != graph.MakeDims(ones(len(step))...) {
		o.Step = s
	} else if x.Shape().Equal(hi) && o.Lo == graph.MakeDims(make([]int, len(lo))...) {
		return x
	}
	return graph.Apply(o, x)
}

func ones(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = 1
	}
	return s
}

// slice takes elements Lo, Lo+Step, … below Hi of each axis. No Step means 1
// for all. A symbolic axis is taken whole: 0, Batch and 1.
type slice struct{ Lo, Hi, Step graph.Dims }

func (slice) Name() string { return "Slice" }

// steps returns Step in full.
func (o slice) steps() []int {
	if o.Step.Len() == 0 {
		return ones(o.Lo.Len())
	}
	return o.Step.Slice()
}

func (o slice) Infer(in []graph.Type) ([]graph.Type, error) {
	if err := arity(in, 1); err != nil {
		return nil, err
	}
	x := in[0]
	r := x.Shape.Rank()
	if o.Lo.Len() != r || o.Hi.Len() != r || o.Step.Len() != r && o.Step.Len() != 0 {
		return nil, fmt.Errorf("x %v has %d axes, Lo, Hi and Step have %d, %d and %d", x, r, o.Lo.Len(), o.Hi.Len(), o.Step.Len())
	}
	lo, hi, step := o.Lo.Slice(), o.Hi.Slice(), o.steps()
	y := make(graph.Shape, r)
	for i, n := range x.Shape {
		switch {
		case n == graph.Batch:
			if lo[i] != 0 || hi[i] != graph.Batch || step[i] != 1 {
				return nil, fmt.Errorf("axis %d of x %v is the symbolic N, which cannot be sliced: its extent is known only when a program runs", i, x)
			}
			y[i] = n
		case step[i] < 1:
			return nil, fmt.Errorf("the step along axis %d is %d, want at least 1", i, step[i])
		case lo[i] < 0 || hi[i] < lo[i] || hi[i] > n:
			return nil, fmt.Errorf("elements %d to %d (excluded) of axis %d are asked for, x %v has 0 to %d (excluded) there", lo[i], hi[i], i, x, n)
		default:
			if y[i] = 0; hi[i] > lo[i] {
				y[i] = (hi[i]-lo[i]-1)/step[i] + 1
			}
		}
	}
	return []graph.Type{{DType: x.DType, Shape: y}}, nil
}

func (o slice) Plan(_ *kernel.Env, in, out []graph.Type) (kernel.Plan, error) {
	base, strides := 0, contiguous(in[0].Shape)
	lo, step := o.Lo.Slice(), o.steps()
	for i := range strides {
		base += lo[i] * strides[i]
		strides[i] *= step[i]
	}
	return planStrided(out[0], base, strides)
}

// Windows says on what a place of y depends in an image x.
func (o slice) Windows(in []graph.Type) [2]Window {
	lo, step := o.Lo.Slice(), o.Step.Slice()
	if len(step) == 0 {
		step = ones(len(lo))
	}
	return [2]Window{{1, step[2], -lo[2]}, {1, step[3], -lo[3]}}
}

// VJP puts the gradients back to where their elements were, zeros elsewhere.
func (o slice) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	from, to := n.In(0).Shape(), n.Out(0).Shape()
	lo, step := o.Lo.Slice(), o.steps()
	hi, between := make([]int, len(from)), make([]int, len(from))
	for i, n := range from {
		if n == graph.Batch {
			continue
		}
		between[i] = step[i] - 1
		hi[i] = n - lo[i] - spanOf(to[i], between[i])
	}
	return []*graph.Value{padAll(dy[0], lo, hi, between, 0)}
}

// spanOf returns the extent of n elements with between others after each but the last.
func spanOf(n, between int) int {
	if n == 0 {
		return 0
	}
	return (n-1)*(between+1) + 1
}
