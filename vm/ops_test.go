package vm_test

import (
	"fmt"

	"neocog/graph"
	"neocog/vm/kernel"
)

// Ops with what those of package ops do not have: several results in place,
// several steps, scratch memory of both kinds, and plans that are wrong.

// sumDiff returns a+b, which may lie over a, and a−b, which may lie over b or,
// with OverA, over a as well – but not both.
type sumDiff struct{ OverA bool }

func (sumDiff) Name() string { return "test.SumDiff" }

func (sumDiff) Infer(in []graph.Type) ([]graph.Type, error) {
	if len(in) != 2 || !in[0].Equal(in[1]) {
		return nil, fmt.Errorf("got %v, want two of the same type", in)
	}
	return in, nil
}

func (o sumDiff) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	p := kernel.One(in[0].Shape.Size(), 1, func(c *kernel.Call, lo, hi int) {
		a, b, s, d := kernel.In[float32](c, 0), kernel.In[float32](c, 1), kernel.Out[float32](c, 0), kernel.Out[float32](c, 1)
		for i := lo; i < hi; i++ {
			x, y := a[i], b[i]
			d[i] = x - y
			s[i] = x + y
		}
	})
	if p.InPlace = []int{1, 2}; o.OverA {
		p.InPlace = []int{1, 1}
	}
	return p, nil
}

// stretch returns a row as often as x has rows. It may lie over the row – where
// that is large enough, which is not for the op to say.
type stretch struct{}

func (stretch) Name() string                                { return "test.Stretch" }
func (stretch) Infer(in []graph.Type) ([]graph.Type, error) { return in[:1], nil }

func (stretch) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	width := in[1].Shape.Size()
	p := kernel.One(in[0].Shape.Size(), 1, func(c *kernel.Call, lo, hi int) {
		row, y := kernel.In[float32](c, 1), kernel.Out[float32](c, 0)
		for ; lo < hi; lo++ {
			y[lo] = row[lo%width]
		}
	})
	p.InPlace = []int{2}
	return p, nil
}

// scan returns the running sums of all elements, by the sums of four chunks: three
// steps, shared scratch memory between them, and local memory inside one.
type scan struct{}

func (scan) Name() string                                { return "test.Scan" }
func (scan) Infer(in []graph.Type) ([]graph.Type, error) { return in[:1], nil }

func (scan) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	const chunks = 4
	n := in[0].Shape.Size()
	bounds := func(c int) (lo, hi int) { return n * c / chunks, n * (c + 1) / chunks }
	return kernel.Plan{
		Algo:   "three steps",
		Shared: 4 * chunks, Local: 4,
		Steps: []kernel.Step{
			{N: chunks, Run: func(c *kernel.Call, lo, hi int) {
				x, sums, acc := kernel.In[float32](c, 0), kernel.Shared[float32](c, 0, chunks), kernel.Local[float32](c, 0, 1)
				for ; lo < hi; lo++ {
					acc[0] = 0
					for from, to := bounds(lo); from < to; from++ {
						acc[0] += x[from]
					}
					sums[lo] = acc[0]
				}
			}},
			{N: 1, Run: func(c *kernel.Call, lo, hi int) {
				sums := kernel.Shared[float32](c, 0, chunks)
				for i := 1; i < chunks; i++ {
					sums[i] += sums[i-1]
				}
			}},
			{N: chunks, Run: func(c *kernel.Call, lo, hi int) {
				x, y, sums := kernel.In[float32](c, 0), kernel.Out[float32](c, 0), kernel.Shared[float32](c, 0, chunks)
				for ; lo < hi; lo++ {
					s := float32(0)
					if lo > 0 {
						s = sums[lo-1]
					}
					for from, to := bounds(lo); from < to; from++ {
						s += x[from]
						y[from] = s
					}
				}
			}},
		},
	}, nil
}

// turn returns a plus the elements of b in reverse order. It may lie over a, but
// not if that is b as well.
type turn struct{}

func (turn) Name() string                                { return "test.Turn" }
func (turn) Infer(in []graph.Type) ([]graph.Type, error) { return in[:1], nil }

func (turn) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	p := kernel.One(in[0].Shape.Size(), 1, func(c *kernel.Call, lo, hi int) {
		a, b, y := kernel.In[float32](c, 0), kernel.In[float32](c, 1), kernel.Out[float32](c, 0)
		for ; lo < hi; lo++ {
			y[lo] = a[lo] + b[len(b)-1-lo]
		}
	})
	p.InPlace = []int{1}
	return p, nil
}

// refuse finds every element faulty that is above Limit.
type refuse struct{ Limit float64 }

func (refuse) Name() string                                { return "test.Refuse" }
func (refuse) Infer(in []graph.Type) ([]graph.Type, error) { return in[:1], nil }

func (r refuse) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return kernel.One(in[0].Shape.Size(), 1, func(c *kernel.Call, lo, hi int) {
		x, y := kernel.In[float32](c, 0), kernel.Out[float32](c, 0)
		for i := hi - 1; i >= lo; i-- { // the last first: the lowest must win nevertheless
			if y[i] = x[i]; float64(x[i]) > r.Limit {
				c.Fault.Set(i, "element %d is %v, above %v", i, x[i], r.Limit)
			}
		}
	}), nil
}

// wrong has a plan that is wrong in the way its attribute says.
type wrong struct{ How string }

func (wrong) Name() string { return "test.Wrong" }

func (w wrong) Infer(in []graph.Type) ([]graph.Type, error) {
	if w.How == "view of another type" {
		return []graph.Type{{DType: graph.Int32, Shape: in[0].Shape}}, nil
	}
	if w.How == "view of another size" {
		return []graph.Type{graph.Of(graph.Float32, 7)}, nil
	}
	return in[:1], nil
}

func (w wrong) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	p := kernel.One(1, 1, func(*kernel.Call, int, int) {})
	switch w.How {
	case "error":
		return p, fmt.Errorf("no algorithm for this")
	case "panic":
		panic("in Plan")
	case "in place over input 5":
		p.InPlace = []int{6}
	case "in place of result 1":
		p.InPlace = []int{0, 1}
	case "view of another type", "view of another size":
		return kernel.Plan{View: true}, nil
	case "no kernel":
		p.Steps[0].Run = nil
	}
	return p, nil
}

// still has no Plan.
type still struct{}

func (still) Name() string                                { return "test.Still" }
func (still) Infer(in []graph.Type) ([]graph.Type, error) { return in[:1], nil }
