package ops

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"

	"neocog/graph"
	"neocog/vm/kernel"
)

// One worker on what stands between the convolutions of a network.
func BenchmarkKernels(b *testing.B) {
	x := func(s ...int) graph.Type { return graph.Of(graph.Float32, s...) }
	labels := func(n int) graph.Type { return graph.Of(graph.Int32, n) }
	image, channel := x(32, 64, 28, 28), x(64)
	for _, c := range []struct {
		op graph.Op
		in []graph.Type
	}{
		{add{}, []graph.Type{image, image}},
		{add{}, []graph.Type{image, x(64, 1, 1)}},
		{mul{}, []graph.Type{image, x()}},
		{relu{}, []graph.Type{image}},
		{lrn{LocalResponse{5, 1e-4, 0.75, 2}}, []graph.Type{x(8, 96, 27, 27)}}, // AlexNet
		{lrnGrad{LocalResponse{5, 1e-4, 0.75, 2}}, []graph.Type{x(8, 96, 27, 27), x(8, 96, 27, 27), x(8, 96, 27, 27)}},
		{reluGrad{}, []graph.Type{image, image}},
		{tanh{}, []graph.Type{image}},
		{resize{3, 56, Resampling{Filter: InterpolateLinear}}, []graph.Type{image}},
		{resize{2, 56, Resampling{Filter: InterpolateLinear}}, []graph.Type{image}},
		{resizeGrad{resize{3, 56, Resampling{Filter: InterpolateLinear}}, 28}, []graph.Type{x(32, 64, 28, 56)}},
		{sum{axes(0, 2, 3)}, []graph.Type{image}},
		{sum{axes(0)}, []graph.Type{x(64, 1000)}},
		{sum{}, []graph.Type{image}},
		{reduceMax{axes(1)}, []graph.Type{x(64, 1000)}},
		{softmax{1}, []graph.Type{x(64, 10)}},
		{softmax{1}, []graph.Type{x(64, 1000)}},
		{softmax{1}, []graph.Type{x(8, 20, 28, 28)}},
		{crossEntropy{}, []graph.Type{x(64, 10), labels(64)}},
		{crossEntropy{}, []graph.Type{x(64, 1000), labels(64)}},
		{crossEntropyGrad{}, []graph.Type{x(64, 1000), labels(64), x()}},
		{batchNorm{1e-5}, []graph.Type{image, channel, channel}},
		{batchNorm{1e-5}, []graph.Type{x(32, 512, 7, 7), x(512), x(512)}},
		{batchNorm{1e-5}, []graph.Type{x(256, 512), x(512), x(512)}},
		{batchNormGrad{1e-5}, []graph.Type{x(256, 512), x(512), x(512), x(512), x(256, 512)}},
		{batchNormGrad{1e-5}, []graph.Type{image, channel, channel, channel, image}},
		{batchNormGrad{1e-5}, []graph.Type{x(32, 512, 7, 7), x(512), x(512), x(512), x(32, 512, 7, 7)}},
	} {
		b.Run(fmt.Sprintf("op=%s/in=%v,%v", c.op.Name(), c.in[0].Shape, c.in[len(c.in)-1].Shape), func(b *testing.B) {
			outs, err := c.op.Infer(c.in)
			if err != nil {
				b.Fatal(err)
			}
			p, err := c.op.(kernel.Op).Plan(&kernel.Env{}, c.in, outs)
			if err != nil {
				b.Fatal(err)
			}
			shared, local := make([]float64, p.Shared/8+1), make([]float64, p.Local/8+1)
			call := kernel.Call{Fault: &kernel.Fault{}, Scratch: unsafe.Pointer(&shared[0]), Local: unsafe.Pointer(&local[0])}
			rnd := rand.New(rand.NewPCG(1, 2))
			bytes := 0
			add := func(t graph.Type) int32 {
				data := make([]float32, t.Shape.Size()) // Int32 elements are as large, and stay 0
				if t.DType == graph.Float32 {
					for i := range data {
						data[i] = 0.5 + rnd.Float32() // a variance too
					}
				}
				bytes += t.Bytes()
				call.Bufs = append(call.Bufs, kernel.Buf{Ptr: unsafe.Pointer(&data[0]), Len: len(data)})
				return int32(len(call.Bufs) - 1)
			}
			for _, t := range outs {
				call.Outs = append(call.Outs, add(t))
			}
			for _, t := range c.in {
				call.Ins = append(call.Ins, add(t))
			}
			b.SetBytes(int64(bytes))
			b.ReportAllocs()
			for b.Loop() {
				for _, s := range p.Steps {
					s.Run(&call, 0, s.N)
				}
			}
		})
	}
}
