package conv_test

import (
	"errors"
	"flag"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"neocog/graph"
	"neocog/ops/conv"
	"neocog/ops/conv/convtest"
	"neocog/vm/kernel"
)

// bounds are the relative L2 errors in float32 that each algorithm stands for, in all passes; see docs/numerics.md.
var bounds = map[string]float64{
	"winograd F(2×2,3×3)": 1e-6,
	"winograd F(4×4,3×3)": 5e-6,
	"winograd F(6×6,3×3)": 1e-5,
	"winograd F(2×2,5×5)": 5e-6,
	"winograd F(4×4,5×5)": 1e-5,
	"winograd F(1×4,1×3)": 5e-6,
	"winograd F(4×1,3×1)": 5e-6,
	"winograd F(1×4,1×5)": 5e-6,
	"winograd F(4×1,5×1)": 5e-6,
}

func suiteOf(w conv.Winograd) convtest.Suite {
	return convtest.Suite{
		Algorithm: w, Tolerance32: bounds[w.Name()], Tolerance64: 2e-14, Transforms: true,
		Exact: w == conv.Winograd{M: [2]int{2, 2}, R: [2]int{3, 3}},
		// All of these problems are accepted, for nine algorithms.
		Random: max(shapes()/20, 25),
		Adapt: func(p conv.Problem) conv.Problem {
			p.R, p.S, p.Stride = w.R[0], w.R[1], [2]int{1, 1}
			// Outputs that fill a tile, which the gradient of the image makes of the image.
			p.H = max(p.H, p.R, w.M[0], (p.R-1)*p.Dilation[0]+w.M[0]-p.Pad[0]-p.Pad[2])
			p.W = max(p.W, p.S, w.M[1], (p.S-1)*p.Dilation[1]+w.M[1]-p.Pad[1]-p.Pad[3])
			if p.Groups > 1 && min(p.C, p.K)/p.Groups < 16 {
				p.C, p.K, p.Groups = p.C/p.Groups, p.K/p.Groups, 1
			}
			return p
		},
	}
}

// shapes is the flag of package convtest.
func shapes() int {
	n, _ := strconv.Atoi(flag.Lookup("shapes").Value.String())
	return n
}

// At the current level only, all of them take minutes; NEOCOG_ISA chooses.
func TestWinograd(t *testing.T) {
	for _, a := range conv.Winograds() {
		t.Run(a.Name(), func(t *testing.T) { suiteOf(a.(conv.Winograd)).Run(t) })
	}
}

// Small caches cut small problems as large ones are cut otherwise.
func TestWinogradInPieces(t *testing.T) {
	for _, a := range conv.Winograds()[:2] {
		for i, schedule := range []string{"fused", "staged", "paneled"} {
			t.Run(a.Name()+"/"+schedule, func(t *testing.T) {
				conv.WithSmallCaches(i > 0, i > 1, func() { suiteOf(a.(conv.Winograd)).Run(t) })
			})
		}
	}
	line := conv.Winograds()[8].(conv.Winograd)
	for _, paneled := range []bool{false, true} {
		conv.WithSmallCaches(true, paneled, func() { suiteOf(line).Run(t) })
	}
}

func TestWinogradRefuses(t *testing.T) {
	f43 := conv.Winograd{M: [2]int{4, 4}, R: [2]int{3, 3}}
	p := conv.Problem{
		DType: graph.Float32, N: 1, C: 32, H: 8, W: 8, K: 32, R: 3, S: 3, Groups: 1, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1},
	}
	with := func(change func(p *conv.Problem)) conv.Problem {
		q := p
		change(&q)
		return q
	}
	for _, c := range []struct {
		alg  conv.Winograd
		p    conv.Problem
		want string
	}{
		{f43, with(func(p *conv.Problem) { p.S = 5 }), "the filter is 3×5, not 3×3"},
		{f43, with(func(p *conv.Problem) { p.Stride[1] = 2 }), "only stride 1: tiles are of outputs that are neighbours"},
		{f43, with(func(p *conv.Problem) { p.Groups = 4 }), "groups of 8 channels and 8 filters do not fill vectors of 16"},
		{f43, with(func(p *conv.Problem) { p.N = 0 }), "it is empty"},
		{f43, with(func(p *conv.Problem) { p.W, p.Pad = 2, [4]int{1, 1, 1, 1} }), "the image, 8×2, is smaller than the filter: "},
		{conv.Winograd{M: [2]int{4, 4}, R: [2]int{3, 5}}, p, "tiles and filters must be square, or a single row or column"},
		{conv.Winograd{M: [2]int{3, 3}, R: [2]int{3, 3}}, p, "there are no kernels for it, only for [winograd F(4×4,3×3) "},
		{conv.Winograd{M: [2]int{1, 4}, R: [2]int{1, 7}}, p, "there are no kernels for it, only for "},
		{f43, with(func(p *conv.Problem) { p.H = 3 }), "1×6 outputs do not fill a tile: "},
	} {
		_, err := c.alg.Plan(&kernel.Env{}, c.p)
		var no *conv.Unsupported
		if !errors.As(err, &no) || !strings.HasPrefix(no.Reason, c.want) {
			t.Errorf("%s, %v: error %v, want the reason %q", c.alg.Name(), c.p, err, c.want)
		}
	}
}

// They are found by name, though none is in the default list.
func TestWinogradByName(t *testing.T) {
	p := conv.Problem{
		DType: graph.Float32, N: 1, C: 32, H: 8, W: 8, K: 32, R: 3, S: 3, Groups: 1, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1},
	}
	plan, err := conv.Choose(&kernel.Env{}, "winograd F(2×2,3×3)", p)
	if err != nil || plan.Algo != "winograd F(2×2,3×3)" {
		t.Errorf("by name: algorithm %q, error %v", plan.Algo, err)
	}
	for _, a := range conv.Default() {
		if _, ok := a.(conv.Winograd); ok {
			t.Errorf("%s is in the default list", a.Name())
		}
	}
}

// Kernels allocate nothing, by any schedule.
func TestWinogradDoesNotAllocate(t *testing.T) {
	for schedule := range 3 {
		for pass := conv.Forward; pass <= conv.FilterGrad; pass++ {
			p := conv.Problem{
				Pass: pass, DType: graph.Float32, N: 2, C: 40, H: 13, W: 13, K: 40, R: 3, S: 3,
				Groups: 1, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Pad: [4]int{1, 1, 1, 1},
			}
			conv.WithSmallCaches(schedule > 0, schedule > 1, func() {
				plan, err := conv.Winograds()[0].Plan(&kernel.Env{}, p)
				if err != nil {
					t.Fatal(err)
				}
				x, w, y := p.Lens()
				call := kernel.Call{Ins: []int32{0, 1}, Outs: []int32{2}}
				for _, n := range [...][3]int{{x, w, y}, {w, y, x}, {x, y, w}}[pass] {
					call.Bufs = append(call.Bufs, kernel.Buf{Ptr: unsafe.Pointer(&make([]float32, n)[0]), Len: n})
				}
				scratch := func(bytes int) unsafe.Pointer { return unsafe.Pointer(&make([]uint64, bytes/8+1)[0]) }
				call.Scratch, call.Local, call.Prepared = scratch(plan.Shared), scratch(plan.Local), scratch(plan.Prepare.Bytes)
				if n := testing.AllocsPerRun(3, func() {
					for _, s := range plan.Steps {
						s.Run(&call, 0, s.N)
					}
				}); n > 0 {
					t.Errorf("%v, schedule %d: %v allocations", p, schedule, n)
				}
			})
		}
	}
}
