package vm_test

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops"
	"neocog/vm"
)

// step adds loss, gradients and steps of momentum to a network.
func step(g *graph.Graph, logits *graph.Value) (labels, loss *graph.Value) {
	labels = g.Input("labels", graph.Of(graph.Int32, graph.Batch))
	loss = ops.SoftmaxCrossEntropy(logits, labels, ops.CrossEntropy{})
	params := g.Params()
	for i, grad := range autodiff.Gradients(loss, params...) {
		p := params[i]
		v := g.Buffer(fmt.Sprint("v", i), p.Type(), graph.Zeros())
		next := ops.Sub(ops.Scale(v, 0.9), ops.Scale(grad, 1e-4))
		g.Update(v, next)
		g.Update(p, ops.Add(p, next))
	}
	return labels, loss
}

// BenchmarkTinyStep is a step of training of a net of 784, 50 and 10 units on one image: what Run takes, what its kernels take that are called
// one after another on such buffers, and what is left: the shortest means of 20, in turn.
func BenchmarkTinyStep(b *testing.B) {
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprintf("threads=%d", threads), func(b *testing.B) {
			g := graph.New("tiny")
			x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 784))
			l := &layers.Builder{}
			labels, loss := step(g, l.Linear("fc2", ops.ReLU(l.Linear("fc1", x, 50)), 10))
			feeds := vm.Feeds{x: normals(1, 1, 784), labels: classes(1, 10)}
			m := start(b, g, vm.NewState(1), []*graph.Value{loss}, vm.Threads(threads))
			alone := start(b, g, vm.NewState(1), []*graph.Value{loss}, vm.Threads(1))
			for _, m := range []*vm.Machine{m, alone} {
				if _, err := m.Run(context.Background(), feeds); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			const some = 20
			run, kernels := math.Inf(1), math.Inf(1)
			for b.Loop() {
				begin := time.Now()
				for range some {
					if _, err := m.Run(context.Background(), feeds); err != nil {
						b.Fatal(err)
					}
				}
				between := time.Now()
				for range some {
					alone.RunKernels(1)
				}
				run = min(run, float64(between.Sub(begin))/some/1e3)
				kernels = min(kernels, float64(time.Since(between))/some/1e3)
			}
			b.ReportMetric(run, "µs/run")
			b.ReportMetric(kernels, "µs/kernels")
			b.ReportMetric(run-kernels, "µs/overhead")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkCompile compiles and plans a step of training of ResNet-152 at batch size 8.
func BenchmarkCompile(b *testing.B) {
	for _, name := range []string{"lenet5", "resnet50", "resnet152"} {
		b.Run("model="+name, func(b *testing.B) {
			m, err := models.Find(name)
			if err != nil {
				b.Fatal(err)
			}
			g, _, logits := m.Graph(&layers.Builder{Train: true})
			_, loss := step(g, logits)
			for b.Loop() {
				p, err := vm.Compile(g, []*graph.Value{loss})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := p.ArenaBytes(8); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkProfiler runs steps of training with and without WithProfile in turn, and reports how many percent longer the shortest of those with it is.
func BenchmarkProfiler(b *testing.B) {
	for _, c := range []struct {
		model string
		batch int
	}{{"lenet5", 1}, {"lenet5", 64}, {"resnet20", 8}} {
		b.Run(fmt.Sprintf("model=%s/batch=%d", c.model, c.batch), func(b *testing.B) {
			model, err := models.Find(c.model)
			if err != nil {
				b.Fatal(err)
			}
			g, x, logits := model.Graph(&layers.Builder{Train: true})
			labels, loss := step(g, logits)
			feeds := vm.Feeds{x: normals(1, append([]int{c.batch}, x.Shape()[1:]...)...), labels: classes(c.batch, model.Classes)}
			times := [2]float64{math.Inf(1), math.Inf(1)}
			machines := [2]*vm.Machine{
				start(b, g, vm.NewState(1), []*graph.Value{loss}), start(b, g, vm.NewState(1), []*graph.Value{loss}, vm.WithProfile()),
			}
			for _, m := range machines {
				if _, err := m.Run(context.Background(), feeds); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				for i, m := range machines {
					begin := time.Now()
					if _, err := m.Run(context.Background(), feeds); err != nil {
						b.Fatal(err)
					}
					times[i] = min(times[i], float64(time.Since(begin)))
				}
			}
			plain, profiled := times[0], times[1]
			b.ReportMetric(100*(profiled/plain-1), "%longer")
			b.ReportMetric(plain/1e3, "µs/run")
			b.ReportMetric(0, "ns/op")
		})
	}
}
