package vm_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"

	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/ops"
	"neocog/vm"
)

// Inference with frozen weights: 64 goroutines, each with a machine of its own over one State, get the bits of one
// machine that runs alone, in whatever order batch sizes come and however many threads each has. The network has what is
// kept between runs: packed filters, and batch norm folded into them.
func TestInferenceSideBySideGivesSerialBits(t *testing.T) {
	const goroutines, runs = 64, 4
	g := graph.New("inference")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 3, 9, 9))
	w1 := g.Param("w1", graph.Of(graph.Float32, 8, 3, 3, 3), graph.Normal(0, 0.3))
	ones := func(name string, lo float64) *graph.Value {
		return g.Param(name, graph.Of(graph.Float32, 8), graph.Uniform(lo, 1.5))
	}
	y := ops.Conv2D(x, w1, ops.Conv{Same: true})
	y = ops.ReLU(ops.BatchNormInfer(y, ones("gamma", 0.5), ones("beta", -1), ones("mean", -1), ones("variance", 0.5), 1e-5))
	y = ops.Reshape(y, graph.Batch, 8*9*9)
	w2 := g.Param("w2", graph.Of(graph.Float32, 10, 8*9*9), graph.Normal(0, 0.1))
	b2 := g.Param("b2", graph.Of(graph.Float32, 10), graph.Uniform(-1, 1))
	out := []*graph.Value{ops.Softmax(ops.Linear(y, w2, b2), 1)}

	images := func(n int) *tensor.Dense {
		v := make([]float32, n*3*9*9)
		for i := range v {
			v[i] = float32((i*7+n)%23)/11 - 1
		}
		return tensor.New(tensor.WithShape(n, 3, 9, 9), tensor.WithBacking(v))
	}
	s := vm.NewState(4)
	serial := start(t, g, s, out, vm.Threads(1))
	want := make([][]byte, 6) // by batch size
	for n := 1; n < len(want); n++ {
		got, err := serial.Run(context.Background(), vm.Feeds{x: images(n)})
		if err != nil {
			t.Fatal(err)
		}
		want[n] = bytes.Clone(bits(got[0]))
	}

	programs := make([]*vm.Program, 2)
	for i := range programs {
		var err error
		if programs[i], err = vm.Compile(g, out, vm.Threads(1+i)); err != nil {
			t.Fatal(err)
		}
	}
	var ready, done sync.WaitGroup
	ready.Add(goroutines)
	for worker := range goroutines {
		done.Go(func() {
			m, err := programs[worker%2].NewMachine(s)
			ready.Done()
			ready.Wait() // the first runs, which prepare the weights, are at the same time
			if err != nil {
				t.Error(err)
				return
			}
			defer m.Close()
			for run := range runs {
				n := 1 + (worker/2+run)%(len(want)-1)
				got, err := m.Run(context.Background(), vm.Feeds{x: images(n)})
				if err == nil && !bytes.Equal(bits(got[0]), want[n]) {
					err = fmt.Errorf("got %v, not the bits of the serial run", got[0])
				}
				if err != nil {
					t.Errorf("goroutine %d, run %d of batch %d: %v", worker, run, n, err)
				}
			}
		})
	}
	done.Wait()
}
