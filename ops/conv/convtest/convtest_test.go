package convtest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unsafe"

	"neocog/graph"
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
		results[pass] = oracle(p, d, true)
	}
	s := Suite{Algorithm: conv.Direct{}}
	if err := s.adjoint(d, results); err != nil {
		t.Fatal(err)
	}
	results[conv.FilterGrad][3] *= 1 + 1e-9
	if err := s.adjoint(d, results); err == nil || !strings.Contains(err.Error(), "but that of filtergrad is") {
		t.Errorf("got %v", err)
	}
	results[conv.Forward] = nil // Two passes are enough.
	if err := s.adjoint(d, results); err == nil || !strings.Contains(err.Error(), "the inner product of inputgrad is") {
		t.Errorf("without the forward pass got %v", err)
	}
}

// The random problems meet every tail of the vectors and blocks that algorithms cut extents into, and make them cut: channels into
// blocks of 16, filters into panels, outputs into tiles and pieces of rows, sums into parts, gradients into phases.
func TestRandomProblemsMeetEveryTail(t *testing.T) {
	met := map[string]map[int]bool{"images": {}, "channels": {}, "filters": {}, "columns": {}, "pixels": {}}
	of := map[string]int{}
	for i := range 500 {
		p := random(rand.New(rand.NewPCG(uint64(1000+i), 0)), i)
		P, Q := p.Out()
		for name, n := range map[string]int{"images": p.N, "channels": p.C, "filters": p.K, "columns": Q, "pixels": P * Q} {
			met[name][n] = true
		}
		for what, yes := range map[string]bool{
			"groups": p.Groups > 1, "strides": p.Stride != [2]int{1, 1}, "dilations": p.Dilation != [2]int{1, 1},
			"uneven padding": p.Pad[0] != p.Pad[2] || p.Pad[1] != p.Pad[3], "one pixel as filter": p.Pointwise(),
		} {
			if yes {
				of[what]++
			}
		}
		for _, a := range []conv.Algorithm{conv.Blocked{}, conv.Planar{}, conv.Im2col{}} {
			for what, yes := range cuts(a, p) {
				if yes {
					of[a.Name()+": "+what]++
				}
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
	for _, what := range []string{"groups", "strides", "dilations", "uneven padding", "one pixel as filter"} {
		if of[what] < 20 {
			t.Errorf("of 500 problems %d have %s", of[what], what)
		}
	}
	for _, what := range []string{
		"blocked: blocks", "blocked: a ragged block", "blocked: panels", "blocked: blocks and panels", "blocked: blocks and phases", "blocked: blocks and several sums",
		"blocked: tiles", "blocked: pieces", "blocked: pieces of phases", "blocked: parts", "blocked: blocks, panels and parts",
		"planar: panels", "planar: tiles", "planar: pieces", "planar: phases", "planar: pieces of phases",
		"im2col: pieces", "im2col: parts", "im2col: terms",
	} {
		if of[what] < 5 {
			t.Errorf("of 500 problems %d make %s", of[what], what)
		}
	}
}

// cuts returns what the plans of a for p in float32 cut, so far as problem and numbers of items tell it.
func cuts(a conv.Algorithm, p conv.Problem) map[string]bool {
	P, Q := p.Out()
	cuts := map[string]bool{}
	p.DType = graph.Float32
	for pass := range conv.FilterGrad + 1 {
		p.Pass = pass
		plan, err := a.Plan(&kernel.Env{}, p)
		if err != nil || p.N == 0 {
			continue
		}
		last := plan.Steps[len(plan.Steps)-1]
		inputs, outputs := p.C/p.Groups, p.K/p.Groups
		rows, columns, phases := P, Q, 1
		if pass == conv.InputGrad {
			inputs, outputs = outputs, inputs
			rows, columns, phases = ceil(p.H, p.Stride[0]), ceil(p.W, p.Stride[1]), min(p.Stride[0], p.H)*min(p.Stride[1], p.W)
		}
		is := func(what string, yes bool) { cuts[what] = cuts[what] || yes }
		switch each := last.N / p.N / p.Groups; {
		case a.Name() == "im2col" && pass == conv.FilterGrad:
			is("parts", len(plan.Steps) > 1)
			is("terms", plan.Steps[0].N > p.N*p.Groups)
		case a.Name() == "im2col":
			is("pieces", pass == conv.Forward && each > P*ceil(outputs, 32))
		case pass == conv.FilterGrad: // only Blocked
			blocks, panels, parts := inputs > 16, outputs > 32, len(plan.Steps) > 1
			is("blocks", blocks)
			is("panels", panels)
			is("parts", parts)
			is("blocks, panels and parts", blocks && panels && parts)
		default:
			width := 32
			if a.Name() == "planar" {
				width = 14
			}
			blocks, panels := inputs > 16, outputs > width
			is("blocks", blocks)
			is("a ragged block", blocks && inputs%16 > 0)
			is("panels", panels)
			is("blocks and panels", blocks && panels)
			is("blocks and phases", blocks && phases > 1)
			is("blocks and several sums", blocks && inputs*p.R*p.S > 700*phases)
			is("phases", phases > 1)
			is("tiles", each > 1 && each <= rows && columns < 256 && !panels)
			pieces := each > rows && !panels
			is("pieces", pieces)
			is("pieces of phases", pieces && phases > 1)
		}
	}
	return cuts
}

func ceil(a, b int) int { return (a + b - 1) / b }

// careless is a conv.Finisher which hands each output over as often as it says.
type careless struct {
	conv.Direct
	times int
}

func (a careless) PlanThen(env *kernel.Env, p conv.Problem, then conv.Then) (kernel.Plan, error) {
	plan, err := a.Plan(env, p)
	_, _, y := p.Lens()
	for range a.times {
		plan.Steps = append(plan.Steps, kernel.Step{N: y, Run: kernel.Kernel(then)})
	}
	return plan, err
}

func TestSuiteFindsOutputsNotHandedOverOnce(t *testing.T) {
	p := fill(Cases()[5].Problem)
	for times, want := range []string{"not every output is handed over once", "", "not every output is handed over once"} {
		_, err := Suite{Algorithm: careless{times: times}}.problem(p, 1)
		if got := fmt.Sprint(err); want == "" && err != nil || !strings.Contains(got, want) {
			t.Errorf("%d times: %v", times, err)
		}
	}
}
