package ops

import (
	"fmt"
	"math"

	"neocog/graph"
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
		key, counter := mix(uint64(rng[0])^mix(o.ID)), uint64(rng[1])
		for i := lo; i < hi; {
			// Four elements share a block of four numbers, wherever the work is cut.
			r := philox([4]uint32{uint32(i / 4), uint32(uint64(i/4) >> 32), uint32(counter), uint32(counter >> 32)}, [2]uint32{uint32(key), uint32(key >> 32)})
			for end := min(hi, i/4*4+4); i < end; i++ {
				if v := x[i]; uint64(r[i%4]) >= threshold {
					y[i] = v * scale
				} else {
					y[i] = 0
				}
			}
		}
	}
}

// philox returns the block of Philox-4x32-10 for a counter and a key. Salmon,
// Moraes, Dror and Shaw, “Parallel Random Numbers: As Easy as 1, 2, 3”, SC 2011,
// section 3.3.
func philox(ctr [4]uint32, key [2]uint32) [4]uint32 {
	for range 10 {
		a, b := uint64(ctr[0])*0xD2511F53, uint64(ctr[2])*0xCD9E8D57
		ctr = [4]uint32{uint32(b>>32) ^ ctr[1] ^ key[0], uint32(b), uint32(a>>32) ^ ctr[3] ^ key[1], uint32(a)}
		key[0] += 0x9E3779B9
		key[1] += 0xBB67AE85
	}
	return ctr
}

// mix spreads the bits of v: the finaliser of SplitMix64. Steele, Lea and Flood,
// “Fast Splittable Pseudorandom Number Generators”, OOPSLA 2014.
func mix(v uint64) uint64 {
	v = (v ^ v>>30) * 0xBF58476D1CE4E5B9
	v = (v ^ v>>27) * 0x94D049BB133111EB
	return v ^ v>>31
}
