package ops

import (
	"math"

	"neocog/graph"
	"neocog/vm/kernel"
)

// LogSumExp returns log Σ eˣ over the given axes, which y lacks; over all axes, as a
// scalar, if none is given.
//
//	x     float [...]
//	axes  negative ones count from the end; the symbolic batch by itself only
//	y     the shape of x without the axes
//	dx    = dy·e^(x − y), stretched to the shape of x; NaN where y is infinite
//
// Exponentials are taken of differences from the greatest element, so that none
// overflows. −Inf for nothing, and for nothing but −Inf. Several axes are
// transposed to be one. ONNX ReduceLogSumExp.
func LogSumExp(x *graph.Value, axes ...int) *graph.Value {
	line, ok := asLines(x, "LogSumExp", axes)
	if !ok {
		return line
	}
	return graph.Apply(reduceLogSumExp{line.Shape().Rank() - 1}, line)
}

// LogSumExpKeep is LogSumExp, but y has extent 1 in place of each reduced axis.
func LogSumExpKeep(x *graph.Value, axes ...int) *graph.Value {
	return kept(LogSumExp(x, axes...), x, axes)
}

// asLines returns x with its axes, or all if none is given, as one axis behind the
// others. If that cannot be, it reports a mistake of op and returns an invalid value.
func asLines(x *graph.Value, op string, axes []int) (line *graph.Value, ok bool) {
	if !x.IsValid() {
		return graph.Apply(sum{}, x), false
	}
	a := axesOf(x, axes)
	if err := checkAxes(x.Type(), a); err != nil {
		x.Graph().Errorf(op, "%w", err)
		return x.Graph().Invalid(), false
	}
	var stay, over []int
	reduced := reducedAxes(x.Shape().Rank(), a)
	for i := range x.Shape() {
		if reduced[i] {
			over = append(over, i)
		} else {
			stay = append(stay, i)
		}
	}
	y := x
	if x.Shape().Rank() > 0 {
		y = Transpose(x, append(append([]int{}, stay...), over...)...)
	}
	if len(over) == 1 {
		return y, true
	}
	shape, n := y.Shape()[:len(stay)].Clone(), 1
	for _, m := range y.Shape()[len(stay):] {
		if m == graph.Batch {
			x.Graph().Errorf(op, "the axes to reduce hold the symbolic N of x %v, which cannot be joined with others", x.Type())
			return x.Graph().Invalid(), false
		}
		n *= m
	}
	return Reshape(y, append(shape, n)...), true
}

type reduceLogSumExp struct{ Axis int }

func (reduceLogSumExp) Name() string { return "LogSumExp" }

func (o reduceLogSumExp) Infer(in []graph.Type) ([]graph.Type, error) {
	return inferReduce(in, graph.MakeDims(o.Axis))
}

func (o reduceLogSumExp) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	l := newLines(in[0].Shape, o.Axis)
	p, err := l.plan(in[0].DType, logSumExpRun[float32](l), logSumExpRun[float64](l))
	p.InPlace = nil
	return p, err
}

func (o reduceLogSumExp) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	x := n.In(0)
	keep := func(v *graph.Value) *graph.Value { return kept(v, x, []int{o.Axis}) }
	return []*graph.Value{Mul(keep(dy[0]), Exp(Sub(x, keep(n.Out(0)))))}
}

func logSumExpRun[T kernel.Float](l lines) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		x, y := kernel.In[T](c, 0), kernel.Out[T](c, 0)
		for i := lo; i < hi; i++ {
			first, end := l.bounds(i)
			line := x[first:max(first, min(end, len(x)))]
			if l.step > 1 {
				line = kernel.Local[T](c, 0, l.length)
				for j := range line {
					line[j] = x[first+j*l.step]
				}
			}
			if len(line) == 0 {
				y[i] = T(math.Inf(-1))
				continue
			}
			top, sum := logSumExp(line)
			if math.IsInf(top, 0) {
				y[i] = T(top)
				continue
			}
			y[i] = T(top + math.Log(sum))
		}
	}
}
