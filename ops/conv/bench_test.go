package conv_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"

	"neocog/graph"
	"neocog/ops/conv"
	"neocog/vm/kernel"
)

// One worker, one run of all steps.
func BenchmarkConv2D(b *testing.B) {
	layers := []conv.Problem{
		{N: 64, C: 1, H: 28, W: 28, K: 6, R: 5, S: 5, Pad: [4]int{2, 2, 2, 2}}, // LeNet-5
		{N: 64, C: 6, H: 14, W: 14, K: 16, R: 5, S: 5},
		{N: 16, C: 64, H: 32, W: 32, K: 64, R: 3, S: 3, Pad: [4]int{1, 1, 1, 1}},
		{N: 1, C: 256, H: 14, W: 14, K: 256, R: 3, S: 3, Pad: [4]int{1, 1, 1, 1}},
		{N: 16, C: 256, H: 14, W: 14, K: 64, R: 1, S: 1},
	}
	for _, p := range layers {
		p.DType, p.Groups, p.Stride, p.Dilation = graph.Float32, 1, [2]int{1, 1}, [2]int{1, 1}
		for _, pass := range []conv.Pass{conv.Forward, conv.InputGrad, conv.FilterGrad} {
			p.Pass = pass
			for _, a := range conv.Default() {
				name := fmt.Sprintf("alg=%s/pass=%v/n=%d/c=%d/k=%d/hw=%d/rs=%d", a.Name(), pass, p.N, p.C, p.K, p.H, p.R)
				b.Run(name, func(b *testing.B) { benchmark(b, a, p) })
			}
		}
	}
}

func benchmark(b *testing.B, a conv.Algorithm, p conv.Problem) {
	plan, err := a.Plan(&kernel.Env{}, p)
	if err != nil {
		b.Fatal(err)
	}
	call := callOf(p, plan)
	b.ReportAllocs()
	for b.Loop() {
		for _, s := range plan.Steps {
			s.Run(call, 0, s.N)
		}
	}
	b.ReportMetric(float64(p.FLOPs())*float64(b.N)/1e9/b.Elapsed().Seconds(), "GFLOP/s")
}

// callOf returns a call of a plan of p, on random operands.
func callOf(p conv.Problem, plan kernel.Plan) *kernel.Call {
	x, w, y := p.Lens()
	lens := [...][3]int{{x, w, y}, {w, y, x}, {x, y, w}}[p.Pass]
	call := &kernel.Call{Ins: []int32{0, 1}, Outs: []int32{2}}
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, n := range lens {
		s := make([]float32, n)
		for i := range s {
			s[i] = float32(rnd.NormFloat64())
		}
		call.Bufs = append(call.Bufs, kernel.Buf{Ptr: unsafe.Pointer(unsafe.SliceData(s)), Len: n})
	}
	scratch := func(bytes int) unsafe.Pointer { return unsafe.Pointer(&make([]uint64, bytes/8+1)[0]) }
	call.Scratch, call.Local, call.Prepared = scratch(plan.Shared), scratch(plan.Local), scratch(plan.Prepare.Bytes)
	return call
}
