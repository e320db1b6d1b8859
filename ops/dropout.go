package ops

import (
	"fmt"
	"math"

	"neocog/graph"
	"neocog/internal/simd"
	"neocog/vm/kernel"
)

// Dropout sets each element of x to 0 with probability p and divides the others
// by 1−p, so that the mean stays: inverted dropout, for training. The graph for
// inference leaves it out.
//
//	x    float [...]
//	p    at least 0 and less than 1; with 0 the result is x itself
//	rng  i64[2], key and counter: Random(g), or another such pair
//	y    same type as x
//	dx   = dy through the same mask
//
// Whether element i is kept is a pure function of the key, the counter, this
// Dropout's number in the graph, and i: the same for any number of workers, and
// found again by the gradient without being stored. A dropped element is 0 even
// where x is NaN.
//
// Srivastava et al., “Dropout: A Simple Way to Prevent Neural Networks from
// Overfitting”, JMLR 2014. ONNX Dropout.
func Dropout(x *graph.Value, p float64, rng *graph.Value) *graph.Value {
	if !x.IsValid() {
		return graph.Apply(dropout{P: p}, x, rng)
	}
	if p == 0 {
		return x
	}
	return graph.Apply(dropout{p, nextDropout(x.Graph())}, x, rng)
}

// nextDropout returns a number which no dropout of g has.
func nextDropout(g *graph.Graph) uint64 {
	id := uint64(1)
	for _, n := range g.Nodes() {
		if o, ok := n.Op.(dropout); ok {
			id = max(id, o.ID+1)
		}
	}
	return id
}

// dropout keeps elements whose random number is at least P. Dropouts of
// different IDs have independent masks.
type dropout struct {
	P  float64
	ID uint64
}

func (dropout) Name() string { return "Dropout" }

func (dropout) Operands() []string { return []string{"x", "rng"} }

func (o dropout) Infer(in []graph.Type) ([]graph.Type, error) {
	if err := arity(in, 2); err != nil {
		return nil, err
	}
	if !(o.P >= 0 && o.P < 1) {
		return nil, fmt.Errorf("p is %v, want at least 0 and less than 1", o.P)
	}
	if err := isFloat(in[0]); err != nil {
		return nil, err
	}
	if want := graph.Of(graph.Int64, 2); !in[1].Equal(want) {
		return nil, fmt.Errorf("rng is %v, want %v: key and counter, as ops.Random gives", in[1], want)
	}
	return in[:1], nil
}

func (o dropout) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return elementwise(in[0], 0, dropoutRun[float32](o), dropoutRun[float64](o))
}

// VJP applies the same mask: dropout is linear in x.
func (o dropout) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	return []*graph.Value{graph.Apply(o, dy[0], n.In(1)), nil}
}

func dropoutRun[T kernel.Float](o dropout) kernel.Kernel {
	scale := T(1 / (1 - o.P))
	threshold := uint64(math.Ceil(o.P * (1 << 32))) // of 32-bit numbers, those below are dropped
	return func(c *kernel.Call, lo, hi int) {
		x, rng, y := kernel.In[T](c, 0), kernel.In[int64](c, 1), kernel.Out[T](c, 0)
		if threshold > math.MaxUint32 {
			clear(y[lo:hi])
			return
		}
		var numbers [512]uint32
		key, counter := mix(uint64(rng[0])^mix(o.ID)), uint64(rng[1])
		for i := lo; i < hi; {
			// Four elements share a block of four numbers, wherever the work is cut.
			block := i / 4
			r := numbers[:min(len(numbers), (hi-4*block+3)/4*4)]
			simd.Philox(r, [4]uint32{uint32(block), uint32(uint64(block) >> 32), uint32(counter), uint32(counter >> 32)}, [2]uint32{uint32(key), uint32(key >> 32)})
			end := min(hi, 4*block+len(r))
			simd.Drop(y[i:end], x[i:end], r[i-4*block:end-4*block], uint32(threshold), scale)
			i = end
		}
	}
}

// mix spreads the bits of v: the finaliser of SplitMix64. Steele, Lea and Flood,
// “Fast Splittable Pseudorandom Number Generators”, OOPSLA 2014.
func mix(v uint64) uint64 {
	v = (v ^ v>>30) * 0xBF58476D1CE4E5B9
	v = (v ^ v>>27) * 0x94D049BB133111EB
	return v ^ v>>31
}
