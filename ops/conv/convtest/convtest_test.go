package convtest

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unsafe"

	"neocog/ops/conv"
	"neocog/vm/kernel"
)

// faulty is the reference with a fault.
type faulty struct {
	name  string
	fault func(p conv.Problem, run kernel.Kernel) (kernel.Kernel, kernel.Plan)
}

func (f faulty) Name() string { return f.name }

func (f faulty) Plan(env *kernel.Env, p conv.Problem) (kernel.Plan, error) {
	plan, err := conv.Direct{}.Plan(env, p)
	if err != nil {
		return plan, err
	}
	run, scratch := f.fault(p, plan.Steps[0].Run)
	plan.Steps[0].Run, plan.Local, plan.Shared = run, scratch.Local, scratch.Shared
	return plan, nil
}

func first(c *kernel.Call, p conv.Problem, value func(float64) float64) {
	if p.DType.Size() == 4 {
		if out := kernel.Out[float32](c, 0); len(out) > 0 {
			out[0] = float32(value(float64(out[0])))
		}
	} else if out := kernel.Out[float64](c, 0); len(out) > 0 {
		out[0] = value(out[0])
	}
}

var sink byte

// The suite must be able to fail: each fault is found, and named for what it is.
func TestSuiteFindsFaults(t *testing.T) {
	same := func(run kernel.Kernel) (kernel.Kernel, kernel.Plan) { return run, kernel.Plan{} }
	replan := func(p conv.Problem) (kernel.Kernel, kernel.Plan) {
		plan, err := conv.Direct{}.Plan(&kernel.Env{}, p)
		if err != nil {
			panic(err)
		}
		return plan.Steps[0].Run, kernel.Plan{}
	}
	for _, c := range []struct {
		name  string
		fault func(p conv.Problem, run kernel.Kernel) (kernel.Kernel, kernel.Plan)
		want  string
	}{
		{"no fault", func(_ conv.Problem, run kernel.Kernel) (kernel.Kernel, kernel.Plan) { return same(run) }, ""},
		{"padding top and bottom exchanged", func(p conv.Problem, _ kernel.Kernel) (kernel.Kernel, kernel.Plan) {
			p.Pad[0], p.Pad[2] = p.Pad[2], p.Pad[0]
			return replan(p)
		}, "small integers"},
		{"no bias", func(p conv.Problem, _ kernel.Kernel) (kernel.Kernel, kernel.Plan) {
			p.Bias = false
			return replan(p)
		}, "small integers"},
		{"the last item is not computed", func(p conv.Problem, run kernel.Kernel) (kernel.Kernel, kernel.Plan) {
			return func(c *kernel.Call, lo, hi int) { run(c, lo, hi-1) }, kernel.Plan{}
		}, "gives other bits"},
		{"the result depends on the number of items", func(p conv.Problem, run kernel.Kernel) (kernel.Kernel, kernel.Plan) {
			return func(c *kernel.Call, lo, hi int) {
				run(c, lo, hi)
				first(c, p, func(v float64) float64 { return v + float64(hi-lo) })
			}, kernel.Plan{}
		}, "gives other bits"},
		{"a small error", func(p conv.Problem, run kernel.Kernel) (kernel.Kernel, kernel.Plan) {
			return func(c *kernel.Call, lo, hi int) {
				run(c, lo, hi)
				if lo == 0 {
					first(c, p, func(v float64) float64 {
						if v == float64(int(v)) {
							return v
						}
						return v * (1 + 1e-5)
					})
				}
			}, kernel.Plan{}
		}, "±"},
		{"NaN is hidden", func(p conv.Problem, run kernel.Kernel) (kernel.Kernel, kernel.Plan) {
			return func(c *kernel.Call, lo, hi int) {
				run(c, lo, hi)
				first(c, p, func(v float64) float64 {
					if v != v {
						return 0
					}
					return v
				})
			}, kernel.Plan{}
		}, "with NaN as element"},
		{"an input is changed", func(p conv.Problem, run kernel.Kernel) (kernel.Kernel, kernel.Plan) {
			return func(c *kernel.Call, lo, hi int) {
				run(c, lo, hi)
				if x := c.Bufs[c.Ins[0]]; x.Len > 0 {
					*(*byte)(x.Ptr) ^= 1
				}
			}, kernel.Plan{}
		}, "changed input 0"},
		{"scratch memory is too small", func(p conv.Problem, run kernel.Kernel) (kernel.Kernel, kernel.Plan) {
			return func(c *kernel.Call, lo, hi int) {
				run(c, lo, hi)
				clear(kernel.Local[float64](c, 0, 3))
			}, kernel.Plan{Local: 16}
		}, "touched: byte 1 after the end of a buffer of 16, with 0 shared bytes and 16 of each worker"},
		{"the element after an input is read", func(p conv.Problem, run kernel.Kernel) (kernel.Kernel, kernel.Plan) {
			return func(c *kernel.Call, lo, hi int) {
				x := c.Bufs[c.Ins[0]]
				sink = *(*byte)(unsafe.Add(x.Ptr, x.Len*p.DType.Size()))
				run(c, lo, hi)
			}, kernel.Plan{}
		}, "touched: byte 1 after the end of a buffer"},
		{"the element before an output is written", func(p conv.Problem, run kernel.Kernel) (kernel.Kernel, kernel.Plan) {
			return func(c *kernel.Call, lo, hi int) {
				*(*byte)(unsafe.Add(c.Bufs[c.Outs[0]].Ptr, -1)) = 0
				run(c, lo, hi)
			}, kernel.Plan{}
		}, "outside of buffer 2 of 3: written: byte 1 before the start of a buffer"},
		{"one of several workers reads too far", func(p conv.Problem, run kernel.Kernel) (kernel.Kernel, kernel.Plan) {
			return func(c *kernel.Call, lo, hi int) {
				if x := c.Bufs[c.Ins[0]]; lo > 0 && hi-lo > 1 {
					sink = *(*byte)(unsafe.Add(x.Ptr, -1))
				}
				run(c, lo, hi)
			}, kernel.Plan{}
		}, "2 workers at the same time: touched: byte 1 before the start of a buffer"},
		{"scratch memory is taken for zeros", func(p conv.Problem, run kernel.Kernel) (kernel.Kernel, kernel.Plan) {
			return func(c *kernel.Call, lo, hi int) {
				run(c, lo, hi)
				first(c, p, func(v float64) float64 { return v + kernel.Shared[float64](c, 0, 1)[0] })
			}, kernel.Plan{Shared: 8}
		}, "small integers"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := Suite{Algorithm: faulty{c.name, c.fault}}
			var found error
			for i, k := range Cases() {
				if _, err := s.problem(fill(k.Problem), uint64(i)); err != nil {
					found = err
					break
				}
			}
			switch {
			case c.want == "" && found != nil:
				t.Errorf("got %v", found)
			case c.want != "" && (found == nil || !strings.Contains(found.Error(), c.want)):
				t.Errorf("got %v, want %s", found, c.want)
			}
		})
	}
}

// A pass whose result is a little off no longer belongs to the others.
func TestSuiteFindsBrokenAdjoint(t *testing.T) {
	p := fill(Cases()[5].Problem)
	d := makeData(p, func() float64 { return 1.5 })
	var results [3][]float64
	for pass := range results {
		p.Pass = conv.Pass(pass)
		results[pass], _, _ = oracle(p, d, true)
	}
	s := Suite{Algorithm: conv.Direct{}}
	if err := s.adjoint(d, results); err != nil {
		t.Fatal(err)
	}
	results[conv.FilterGrad][3] *= 1 + 1e-9
	if err := s.adjoint(d, results); err == nil || !strings.Contains(err.Error(), "the inner product of filtergrad is") {
		t.Errorf("got %v", err)
	}
}

// The random problems meet every tail of the vectors and blocks that algorithms cut extents into.
func TestRandomProblemsMeetEveryTail(t *testing.T) {
	met := map[string]map[int]bool{"images": {}, "channels": {}, "filters": {}, "columns": {}, "pixels": {}}
	var groups, strides, dilations, uneven, pointwise int
	for i := range 500 {
		p := random(rand.New(rand.NewPCG(uint64(1000+i), 0)), i)
		P, Q := p.Out()
		for name, n := range map[string]int{"images": p.N, "channels": p.C, "filters": p.K, "columns": Q, "pixels": P * Q} {
			met[name][n] = true
		}
		for count, yes := range map[*int]bool{
			&groups: p.Groups > 1, &strides: p.Stride != [2]int{1, 1}, &dilations: p.Dilation != [2]int{1, 1},
			&uneven: p.Pad[0] != p.Pad[2] || p.Pad[1] != p.Pad[3], &pointwise: p.Pointwise(),
		} {
			if yes {
				*count++
			}
		}
	}
	for name, most := range map[string]int{"images": 19, "channels": longest, "filters": longest, "columns": longest, "pixels": longest} {
		for n := 1; n <= most; n++ {
			if !met[name][n] {
				t.Errorf("no problem has %d %s", n, name)
			}
		}
	}
	if !met["images"][0] {
		t.Error("no problem has an empty batch")
	}
	if least := min(groups, strides, dilations, uneven, pointwise); least < 20 {
		t.Errorf("of 500 problems only %d have groups, %d strides, %d dilations, %d uneven padding, %d one pixel as filter", groups, strides, dilations, uneven, pointwise)
	}
}
