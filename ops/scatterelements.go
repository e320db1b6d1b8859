package ops

import (
	"fmt"

	"neocog/graph"
	"neocog/vm/kernel"
)

// Scatter says what becomes of the element that an update meets.
type Scatter uint8

// The ways of ScatterElements.
const (
	ScatterReplace Scatter = iota // the last update of an element stays
	ScatterAdd                    // the updates of an element are added to it, in their order
	ScatterMul                    // it is multiplied by them
	ScatterMax                    // the greatest stays; a NaN is greater than every number
	ScatterMin                    // the least stays; a NaN is less than every number
)

var scatters = []string{"replace", "add", "mul", "max", "min"}

// String returns replace, add, mul, max or min.
func (s Scatter) String() string { return nameOf("Scatter", scatters, s) }

// MarshalText returns String.
func (s Scatter) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (s *Scatter) UnmarshalText(text []byte) error { return named("scatter", scatters, text, s) }

// ScatterElements returns x with updates at the elements which indices name along an
// axis: where GatherElements would read, it writes.
//
//	x         float or int [...]
//	indices   int, of x's rank; along other axes than axis at most as long as x
//	updates   the shape of indices, elements as x's
//	axis      negative counts from the end
//	y         the type of x:  y[indices[i, j, …], j, …] = or += updates[i, j, …] for axis 0
//	dx        = dy, 0 where an update stayed; for ScatterMul dy·the updates
//	dupdates  = dy at the element, 0 for an update that did not stay; for ScatterMul dy·the
//	          other factors of the element
//
// Of equal elements, x stays before all updates, and of those the first; a NaN that stays has no
// gradient. Derivatives of ScatterMul are right up to the third order, whichever factors are 0, and of any
// order where at most three of an element's are. An index out of range, a negative one too, stops the run with an error.
// Integers wrap around. ONNX ScatterElements, with its reductions.
func ScatterElements(x, indices, updates *graph.Value, axis int, how Scatter) *graph.Value {
	return graph.Apply(scatterElements{axisOf(x, axis), how}, x, indices, updates)
}

type scatterElements struct {
	Axis int
	How  Scatter
}

func (scatterElements) Name() string { return "ScatterElements" }

func (scatterElements) Operands() []string { return []string{"x", "indices", "updates"} }

func (o scatterElements) Infer(in []graph.Type) ([]graph.Type, error) {
	if err := arity(in, 3); err != nil {
		return nil, err
	}
	x, indices, updates := in[0], in[1], in[2]
	if err := isNumber(x); err != nil {
		return nil, err
	}
	if err := areElementIndices(x, indices, o.Axis); err != nil {
		return nil, err
	}
	if want := (graph.Type{DType: x.DType, Shape: indices.Shape}); !updates.Equal(want) {
		return nil, fmt.Errorf("updates are %v, want %v: one for each index", updates, want)
	}
	if o.How > ScatterMin {
		return nil, fmt.Errorf("there is no %v, want ops.ScatterReplace, Add, Mul, Max or Min", o.How)
	}
	return in[:1], nil
}

func (o scatterElements) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	var k kernel.Kernel
	var err error
	s := newScatterLines(in[0].Shape, in[1].Shape, o)
	if in[1].DType == graph.Int32 {
		k, err = pickNumber(in[0].DType, scatterRun[float32, int32](s), scatterRun[float64, int32](s), scatterRun[int32, int32](s), scatterRun[int64, int32](s))
	} else {
		k, err = pickNumber(in[0].DType, scatterRun[float32, int64](s), scatterRun[float64, int64](s), scatterRun[int32, int64](s), scatterRun[int64, int64](s))
	}
	if err != nil {
		return kernel.Plan{}, err
	}
	keep, err := pickMove(in[0].DType, keepRun[bool], keepRun[int32], keepRun[int64])
	return kernel.Plan{
		Steps:   []kernel.Step{{N: in[0].Shape.Size(), Grain: kernel.Grain, Run: keep}, {N: s.lines, Grain: grainOf(s.length), Run: k}},
		InPlace: []int{1},
	}, err
}

func (o scatterElements) VJP(n *graph.Node, d []*graph.Value) []*graph.Value {
	x, indices, updates, dy := n.In(0), n.In(1), n.In(2), d[0]
	at := func(v *graph.Value) *graph.Value { return GatherElements(v, indices, o.Axis) }
	scatter := func(v, updates *graph.Value, how Scatter) *graph.Value {
		return ScatterElements(v, indices, updates, o.Axis, how)
	}
	dupdates, zero := at(dy), scalarLike(dy, 0)
	switch o.How {
	case ScatterAdd:
		return []*graph.Value{dy, nil, dupdates}
	case ScatterMul:
		return []*graph.Value{Mul(dy, scatter(OnesLike(x), updates, ScatterMul)), nil, Mul(dupdates, o.otherFactors(x, indices, updates))}
	}
	// Who stays is who finds the number of his own turn where he wrote it.
	g := x.Graph()
	k := indices.Shape()[o.Axis]
	if k == graph.Batch {
		g.Errorf("ScatterElements", "the gradient wants to know how many indices there are along axis %d, which is the symbolic N", o.Axis)
		return []*graph.Value{g.Invalid(), nil, g.Invalid()}
	}
	turns := BroadcastTo(alongAxis(g, countTo(k), indices.Shape().Rank(), o.Axis), indices.Shape()...)
	full := func(v float64) *graph.Value { return Full(g, graph.Type{DType: graph.Int32, Shape: x.Shape()}, v) }
	if o.How == ScatterReplace {
		last := scatter(full(-1), turns, ScatterReplace)
		return []*graph.Value{
			Where(Equal(last, g.Scalar(graph.Int32, -1)), dy, zero), nil,
			Where(Equal(at(last), turns), dupdates, zero),
		}
	}
	// The first of the updates which are what is there now; none where x was it.
	y, never := n.Out(0), g.Scalar(graph.Int32, float64(k))
	first := scatter(full(float64(k)), Where(Equal(updates, at(y)), turns, never), ScatterMin)
	stayed := Equal(x, y)
	dupdates = Where(And(Equal(at(first), turns), Not(at(stayed))), dupdates, zero)
	return []*graph.Value{Where(stayed, dy, zero), nil, dupdates}
}

// otherFactors returns for each update the product of all other factors of the element that it meets.
//
// Those which are not 0 are a quotient. Those which are 0 keep their place in the product for the sake of
// derivatives: of one the product is their sum, of two half of what the square of their sum has besides their
// squares; of more it is 0, as its first and second derivatives are.
func (o scatterElements) otherFactors(x, indices, updates *graph.Value) *graph.Value {
	one, zero := scalarLike(x, 1), scalarLike(x, 0)
	isZero := func(v *graph.Value) *graph.Value { return Equal(v, zero) }
	at := func(x, updates *graph.Value, how Scatter) *graph.Value {
		return GatherElements(ScatterElements(x, indices, updates, o.Axis, how), indices, o.Axis)
	}
	// The sum, over the other factors that are 0, of what f makes of them.
	others := func(f func(v *graph.Value) *graph.Value) *graph.Value {
		pick := func(v *graph.Value) *graph.Value { return Where(isZero(v), f(v), zero) }
		return Sub(at(pick(x), pick(updates), ScatterAdd), pick(updates))
	}
	full := func(v *graph.Value) *graph.Value { return Where(isZero(v), one, v) }
	quotient := Div(at(full(x), full(updates), ScatterMul), full(updates))
	zeros := others(OnesLike)
	sum := others(func(v *graph.Value) *graph.Value { return v })
	two := Scale(Sub(Square(sum), others(Square)), 0.5)
	few := func(n float64, then, more *graph.Value) *graph.Value {
		return Where(Equal(zeros, scalarLike(x, n)), then, more)
	}
	return Mul(quotient, few(0, one, few(1, sum, few(2, two, zero))))
}

// countTo returns 0, 1, … n-1.
func countTo(n int) []int32 {
	v := make([]int32, n)
	for i := range v {
		v[i] = int32(i)
	}
	return v
}

// alongAxis returns a constant of a rank whose extents are 1 but along axis, where
// it has the elements v.
func alongAxis[T graph.Element](g *graph.Graph, v []T, rank, axis int) *graph.Value {
	s := graph.Shape(ones(rank))
	s[axis] = len(v)
	return graph.Const(g, s, v...)
}

// scatterLines are the lines of the indices along the axis. Those of one line may name
// the same element, those of two never do.
type scatterLines struct {
	how           Scatter
	lines, length int
	places        nest // of the first element of each line, in x and in indices
	n             int  // elements of a line of x
	stepX, stepI  int
}

func newScatterLines(x, indices graph.Shape, o scatterElements) scatterLines {
	sx, si := contiguous(x), contiguous(indices)
	s := scatterLines{how: o.How, length: indices[o.Axis], n: x[o.Axis], stepX: sx[o.Axis], stepI: si[o.Axis]}
	drop := func(v []int) []int { return append(append([]int{}, v[:o.Axis]...), v[o.Axis+1:]...) }
	outer := graph.Shape(drop(indices))
	s.lines = outer.Size()
	s.places = newNest(outer, drop(sx), drop(si))
	return s
}

func keepRun[T graph.Element](c *kernel.Call, lo, hi int) {
	copy(kernel.Out[T](c, 0)[lo:hi], kernel.In[T](c, 0)[lo:hi])
}

func scatterRun[T, I kernel.Number](s scatterLines) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		indices, updates, y := kernel.In[I](c, 1), kernel.In[T](c, 2), kernel.Out[T](c, 0)
		for p := s.places.place(lo); lo < hi; lo++ {
			for j := range s.length {
				from := p.off[1] + j*s.stepI
				at, ok := indexAt(c, indices, from, s.n)
				if !ok {
					continue
				}
				to, v := &y[p.off[0]+at*s.stepX], updates[from]
				switch s.how {
				case ScatterReplace:
					*to = v
				case ScatterAdd:
					*to += v
				case ScatterMul:
					*to *= v
				case ScatterMax:
					if v > *to || v != v {
						*to = v
					}
				case ScatterMin:
					if v < *to || v != v {
						*to = v
					}
				}
			}
			s.places.forward(&p, 1)
		}
	}
}
