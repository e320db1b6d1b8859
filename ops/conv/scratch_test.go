package conv_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"neocog/graph"
	"neocog/internal/cpu"
	"neocog/ops/conv"
	"neocog/vm/kernel"
)

// Scratch memory is bounded as docs/kernels.md says, whatever the problem is: long rows, many channels, large filters,
// wide dilation and strides. Nothing is run.
func TestScratchMemoryIsBounded(t *testing.T) {
	const mib = 1 << 20
	accepted := map[string]int{}
	check := func(p conv.Problem) {
		_, w, _ := p.Lens()
		size := p.DType.Size()
		for _, a := range conv.Default() {
			plan, err := a.Plan(&kernel.Env{Workers: 2}, p)
			var no *conv.Unsupported
			if errors.As(err, &no) {
				continue
			}
			if err != nil {
				t.Fatalf("%s, %v: %v", a.Name(), p, err)
			}
			accepted[a.Name()]++
			var local, shared int
			switch a.Name() {
			case "planar":
				local, shared = 4*mib, 2*(w+p.K)*size
			case "blocked":
				local, shared = 4*mib, 4*w*size
			case "im2col":
				local = 1 << 16 * size
			}
			if p.Pass == conv.FilterGrad && shared+local > 0 {
				shared = 1 << 20 * size
			}
			if all := plan.Shared + plan.Prepare.Bytes; plan.Local > local || all > shared {
				t.Errorf("%s, %v: %d bytes a worker and %d of all, want at most %d and %d", a.Name(), p, plan.Local, all, local, shared)
			}
		}
	}
	levels := func(p conv.Problem) {
		for l := cpu.Portable; l <= cpu.Best(); l++ {
			cpu.With(l, func() {
				for p.Pass = range conv.FilterGrad + 1 {
					for _, p.DType = range []graph.DType{graph.Float32, graph.Float64} {
						check(p)
					}
				}
			})
		}
	}

	one := [2]int{1, 1}
	for _, p := range []conv.Problem{
		{N: 1, C: 2048, H: 33, W: 33, K: 256, R: 3, S: 3, Dilation: [2]int{36, 36}, Pad: [4]int{36, 36, 36, 36}},
		{N: 1, C: 64, H: 1, W: 160_000, K: 64, R: 1, S: 9},
		{N: 1, C: 1, H: 3, W: 160_000, K: 4, R: 3, S: 3},
		{N: 1, C: 8, H: 300, W: 300, K: 8, R: 127, S: 127, Pad: [4]int{63, 63, 63, 63}},
		{N: 1, C: 1, H: 300, W: 300, K: 1, R: 255, S: 255},
		{N: 1, C: 32, H: 56, W: 56, K: 32, R: 31, S: 31, Groups: 32, Pad: [4]int{15, 15, 15, 15}},
		{N: 8, C: 3, H: 224, W: 224, K: 768, R: 16, S: 16, Stride: [2]int{16, 16}},
		{N: 1, C: 9, H: 224, W: 224, K: 8, R: 224, S: 224, Stride: [2]int{224, 224}},
		{N: 1, C: 8, H: 5000, W: 5000, K: 8, R: 2, S: 2, Stride: [2]int{64, 64}},
	} {
		p.Groups = max(p.Groups, 1)
		if p.Stride == [2]int{} {
			p.Stride = one
		}
		if p.Dilation == [2]int{} {
			p.Dilation = one
		}
		levels(p)
	}

	rng := rand.New(rand.NewPCG(7, 8))
	upTo := func(most int) int { // as often between 1 and 10 as between 100 and 1000
		n := 1
		for n < most && rng.IntN(12) > 0 {
			n += 1 + rng.IntN(n)
		}
		return min(n, most)
	}
	for drawn := 0; drawn < 400; {
		p := conv.Problem{DType: graph.Float32, N: rng.IntN(20), C: upTo(4096), H: upTo(4000), W: upTo(200_000), K: upTo(4096),
			R: upTo(130), S: upTo(130), Groups: 1, Stride: [2]int{upTo(40), upTo(40)}, Dilation: [2]int{upTo(100), upTo(100)},
			Pad: [4]int{upTo(200), upTo(200), upTo(200), upTo(200)}}
		if rng.IntN(3) == 0 {
			p.C, p.K, p.Groups = p.C*8, p.K*8, 8
		}
		if rng.IntN(2) == 0 {
			p.Dilation = one
		}
		if rng.IntN(2) == 0 {
			p.Stride = one
		}
		// Operands of more than 4 GiB do not occur, and plans that list a hundred million rows take seconds.
		if x, w, y := p.Lens(); p.Check() != nil || max(x, w, y) > 1<<30 || p.Stride[1]*p.H > 1<<16 {
			continue
		}
		levels(p)
		drawn++
	}
	for _, name := range []string{"planar", "blocked", "im2col"} {
		if accepted[name] < 100 {
			t.Errorf("%s accepts %d of the problems only", name, accepted[name])
		}
	}
	t.Logf("accepted: %v", accepted)
}

// Long rows give several workers something to do.
func TestLongRowsAreSeveralItems(t *testing.T) {
	for pass := range conv.FilterGrad + 1 {
		for _, channels := range [][2]int{{1, 16}, {16, 1}, {64, 64}} {
			p := conv.Problem{Pass: pass, DType: graph.Float32, N: 1, C: channels[0], H: 1, W: 160_000, K: channels[1], R: 1, S: 9,
				Groups: 1, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}}
			plan, err := conv.Choose(&kernel.Env{Workers: 4}, "", p)
			if err != nil {
				t.Fatal(err)
			}
			most := 0
			for _, s := range plan.Steps {
				most = max(most, s.N)
			}
			if most < 8 {
				t.Errorf("%v: the steps of %s have no more than %d items for 4 workers", p, plan.Algo, most)
			}
		}
	}
}
