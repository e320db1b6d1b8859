package ops

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"neocog/graph"
	"neocog/vm/kernel"
)

// One worker on LeNet-5's first pooling and on a ResNet's, batch 64 and 8.
func BenchmarkPool2D(b *testing.B) {
	lenet, resnet := Pool{Size: [2]int{2, 2}}, Pool{Size: [2]int{3, 3}, Stride: [2]int{2, 2}, Pad: [4]int{1, 1, 0, 0}}
	for _, c := range []struct {
		op graph.Op
		in []graph.Type
	}{
		{maxPool2D{lenet}, []graph.Type{graph.Of(graph.Float32, 64, 6, 28, 28)}},
		{maxPool2DGrad{28, 28}, []graph.Type{graph.Of(graph.Int32, 64, 6, 14, 14), graph.Of(graph.Float32, 64, 6, 14, 14)}},
		{avgPool2D{lenet}, []graph.Type{graph.Of(graph.Float32, 64, 6, 28, 28)}},
		{avgPool2DGrad{lenet, 28, 28}, []graph.Type{graph.Of(graph.Float32, 64, 6, 14, 14)}},
		{maxPool2D{resnet}, []graph.Type{graph.Of(graph.Float32, 8, 64, 112, 112)}},
		{avgPool2D{Pool{Size: [2]int{7, 7}}}, []graph.Type{graph.Of(graph.Float32, 8, 512, 7, 7)}},
	} {
		b.Run(fmt.Sprintf("op=%s/in=%v", c.op.Name(), c.in[len(c.in)-1].Shape), func(b *testing.B) {
			outs, err := c.op.Infer(c.in)
			if err != nil {
				b.Fatal(err)
			}
			p, err := c.op.(kernel.Op).Plan(&kernel.Env{}, c.in, outs)
			if err != nil {
				b.Fatal(err)
			}
			call := kernel.Call{Fault: &kernel.Fault{}, Local: unsafe.Pointer(unsafe.SliceData(make([]uint64, p.Local/8+1)))}
			rnd := rand.New(rand.NewPCG(1, 2))
			add := func(t graph.Type) int32 {
				data := make([]float32, t.Shape.Size())
				for i := range data {
					data[i] = float32(rnd.NormFloat64())
					if t.DType == graph.Int32 { // argmax: a pixel of the window, on 28 columns
						data[i] = math.Float32frombits(uint32(i/14%14*56 + i%14*2 + rnd.IntN(2)*28 + rnd.IntN(2)))
					}
				}
				b.SetBytes(int64(t.Bytes()))
				call.Bufs = append(call.Bufs, kernel.Buf{Ptr: unsafe.Pointer(&data[0]), Len: len(data)})
				return int32(len(call.Bufs) - 1)
			}
			for _, t := range outs {
				call.Outs = append(call.Outs, add(t))
			}
			for _, t := range c.in {
				call.Ins = append(call.Ins, add(t))
			}
			b.ReportAllocs()
			for b.Loop() {
				for _, s := range p.Steps {
					s.Run(&call, 0, s.N)
				}
			}
		})
	}
}
