package ops

import (
	"fmt"
	"math"

	"neocog/graph"
	"neocog/vm/kernel"
)

// Pad returns x with constant elements before and after it along each axis.
//
//	x       any [...]
//	lo, hi  how many elements to put before and after, for each axis; not
//	        along the symbolic batch
//	value   rounded to x's element type; where that is an integer, a whole number
//	y       [lo_i + extent_i + hi_i, ...]
//	dx      = the part of dy where x was
//
// x itself is returned where nothing is added. ONNX Pad, mode constant.
func Pad(x *graph.Value, lo, hi []int, value float64) *graph.Value {
	return padAll(x, lo, hi, make([]int, len(lo)), value)
}

// padAll also puts elements between neighbours of x.
func padAll(x *graph.Value, lo, hi, between []int, value float64) *graph.Value {
	none := graph.MakeDims(make([]int, len(lo))...)
	o := pad{Lo: graph.MakeDims(lo...), Hi: graph.MakeDims(hi...), Value: value}
	if b := graph.MakeDims(between...); b != none {
		o.Between = b
	} else if x.IsValid() && len(lo) == x.Shape().Rank() && o.Lo == none && o.Hi == none {
		return x
	}
	return graph.Apply(o, x)
}

// pad puts Lo elements before, Hi after and Between between neighbours of each
// axis. No Between means 0 for all. With Between it is the gradient of a Slice
// with steps (interior padding in XLA).
type pad struct {
	Lo, Hi, Between graph.Dims
	Value           float64
}

func (pad) Name() string { return "Pad" }

// betweens returns Between in full.
func (o pad) betweens() []int {
	if o.Between.Len() == 0 {
		return make([]int, o.Lo.Len())
	}
	return o.Between.Slice()
}

func (o pad) Infer(in []graph.Type) ([]graph.Type, error) {
	if err := arity(in, 1); err != nil {
		return nil, err
	}
	x := in[0]
	r := x.Shape.Rank()
	if o.Lo.Len() != r || o.Hi.Len() != r || o.Between.Len() != r && o.Between.Len() != 0 {
		return nil, fmt.Errorf("x %v has %d axes, the padding before and after is given for %d and %d", x, r, o.Lo.Len(), o.Hi.Len())
	}
	if x.DType.IsInt() && (o.Value != math.Trunc(o.Value) || math.IsInf(o.Value, 0)) {
		return nil, fmt.Errorf("the padding is %v, the elements of x %v are whole numbers", o.Value, x)
	}
	lo, hi, between := o.Lo.Slice(), o.Hi.Slice(), o.betweens()
	y := make(graph.Shape, r)
	for i, n := range x.Shape {
		switch {
		case lo[i] < 0 || hi[i] < 0 || between[i] < 0:
			return nil, fmt.Errorf("the padding of axis %d is %d, %d and %d between, want at least 0; ops.Slice cuts", i, lo[i], hi[i], between[i])
		case max(lo[i], hi[i], between[i]) > maxAttribute:
			return nil, fmt.Errorf("the padding of axis %d is %d, %d and %d between, want at most %d", i, lo[i], hi[i], between[i], maxAttribute)
		case n != graph.Batch:
			y[i] = lo[i] + spanOf(n, between[i]) + hi[i]
		case lo[i] != 0 || hi[i] != 0 || between[i] != 0:
			return nil, fmt.Errorf("axis %d of x %v is the symbolic N, which cannot be padded: it has the same extent everywhere", i, x)
		default:
			y[i] = n
		}
	}
	return []graph.Type{{DType: x.DType, Shape: y}}, nil
}

func (o pad) Plan(_ *kernel.Env, in, out []graph.Type) (kernel.Plan, error) {
	r := newRims(o, in[0].Shape, out[0].Shape)
	d, v := in[0].DType, o.Value
	i4, i8 := int32(math.Float32bits(float32(v))), int64(math.Float64bits(v))
	if d.IsInt() {
		i4, i8 = int32(v), int64(v)
	}
	k, err := pickMove(d, padRun(r, v != 0), padRun(r, i4), padRun(r, i8))
	return kernel.One(r.rows, grainOf(r.extent*r.block), k), err
}

// Windows says on what a place of y depends in an image x, if nothing is put
// between its elements.
func (o pad) Windows([]graph.Type) [2]Window {
	lo := o.Lo.Slice()
	return [2]Window{{1, 1, lo[2]}, {1, 1, lo[3]}}
}

func (o pad) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	x := n.In(0).Shape()
	lo, between := o.Lo.Slice(), o.betweens()
	hi, step := x.Clone(), ones(len(x))
	for i, n := range x {
		if n != graph.Batch {
			hi[i] = lo[i] + spanOf(n, between[i])
			step[i] = between[i] + 1
		}
	}
	return []*graph.Value{sliceAll(dy[0], lo, hi, step)}
}

// rims says where x lies in y. The padded axes from the outermost to the last
// one count; what is inside that one moves as blocks.
type rims struct {
	rank          int // axes up to the last padded one, at least 1
	n, lo, step   [graph.MaxRank]int
	from          [graph.MaxRank]int // extents of x
	rows          int                // rows of y: all axes but the last
	extent, block int                // blocks in a row of y, elements in a block
}

func newRims(o pad, x, y graph.Shape) rims {
	r := rims{block: 1, rows: 1}
	lo, hi, between := o.Lo.Slice(), o.Hi.Slice(), o.betweens()
	last := len(x) - 1
	for ; last > 0 && lo[last] == 0 && hi[last] == 0 && between[last] == 0; last-- {
		r.block *= x[last]
	}
	if last < 0 {
		r.rank, r.extent = 1, 1
		r.n[0], r.from[0], r.step[0] = 1, 1, 1
		return r
	}
	r.rank = last + 1
	for i := range r.rank {
		r.n[i], r.from[i], r.lo[i], r.step[i] = y[i], x[i], lo[i], between[i]+1
	}
	for _, n := range y[:last] {
		r.rows *= n
	}
	r.extent = y[last]
	return r
}

// row returns the row of x which lies in row i of y, -1 if there is none.
func (r *rims) row(i int) int {
	row, stride := 0, 1
	for d := r.rank - 2; d >= 0; d-- {
		at := i%r.n[d] - r.lo[d]
		i /= r.n[d]
		if at < 0 || at%r.step[d] != 0 || at/r.step[d] >= r.from[d] {
			return -1
		}
		row += at / r.step[d] * stride
		stride *= r.from[d]
	}
	return row
}

func padRun[T graph.Element](r rims, value T) kernel.Kernel {
	last := r.rank - 1
	step, count := r.step[last]*r.block, r.from[last]
	return func(c *kernel.Call, lo, hi int) {
		x, y := kernel.In[T](c, 0), kernel.Out[T](c, 0)
		for i := lo; i < hi; i++ {
			to := y[i*r.extent*r.block : (i+1)*r.extent*r.block]
			row := r.row(i)
			if row < 0 || step != r.block || count == 0 {
				fill(to, value)
			}
			if row < 0 || count == 0 {
				continue
			}
			from := x[row*count*r.block : (row+1)*count*r.block]
			first := r.lo[last] * r.block
			if step == r.block {
				fill(to[:first], value)
				copy(to[first:], from)
				fill(to[first+len(from):], value)
				continue
			}
			for j := range count {
				copy(to[first+j*step:], from[j*r.block:(j+1)*r.block])
			}
		}
	}
}

func fill[T any](s []T, v T) {
	for i := range s {
		s[i] = v
	}
}
