package vm

import (
	"context"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/ops"
)

// Spans that live at the same time never overlap, the total is at least what the
// fullest moment takes, and memory is used again.
func TestPack(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		n := rng.IntN(60)
		spans := make([]*span, n)
		sum := 0
		for i := range spans {
			first := rng.IntN(50)
			spans[i] = &span{bytes: rng.IntN(5) * rng.IntN(1000), first: first, last: first + rng.IntN(12)}
			sum += roundUp(spans[i].bytes)
		}
		total := pack(spans)
		most := 0
		for now := range 64 {
			live := 0
			for i, a := range spans {
				if a.first > now || a.last < now || a.bytes == 0 {
					continue
				}
				live += roundUp(a.bytes)
				if a.offset%align != 0 || a.offset+a.bytes > total {
					t.Fatalf("seed %d: span %d lies at %d of %d", seed, i, a.offset, total)
				}
				for j, b := range spans[:i] {
					if b.first <= now && now <= b.last && b.bytes > 0 && a.offset < b.offset+b.bytes && b.offset < a.offset+a.bytes {
						t.Fatalf("seed %d: spans %d and %d overlap", seed, i, j)
					}
				}
			}
			most = max(most, live)
		}
		if total < most || total > 2*most {
			t.Errorf("seed %d: %d bytes for at most %d at a time, %d in all", seed, total, most, sum)
		}
	}
}

// Each result would be allowed; together they are more than there is.
func TestArenaThatNoMemoryHoldsIsAnError(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the system does not say how much memory there is")
	}
	g := graph.New("too large")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch))
	var outs []*graph.Value
	for range 64 {
		outs = append(outs, ops.AddScalar(ops.BroadcastTo(x, 1<<19, 1<<18, graph.Batch), float64(len(outs))))
	}
	prog, err := Compile(g, outs)
	if err != nil {
		t.Fatal(err)
	}
	m, err := prog.NewMachine(NewState(1))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	feed := Feeds{x: tensor.New(tensor.WithShape(1), tensor.WithBacking([]float32{1}))}
	for range 2 { // the first error leaves nothing behind
		if _, err := m.Run(context.Background(), feed); err == nil || !strings.Contains(err.Error(), "at batch size 1: no memory for a block of") {
			t.Errorf("got %v", err)
		}
	}
}

// Large arenas do not lie on Go's heap, and go away with their machine or when a larger batch needs another.
// Outputs, which users hold, stay.
func TestOutputsOutliveTheArena(t *testing.T) {
	const width = 1 << 20
	g := graph.New("outlive")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, width))
	p := g.Param("p", graph.Of(graph.Float32, width), graph.Constant(3)) // large too
	y := ops.Neg(x)
	prog, err := Compile(g, []*graph.Value{ops.Add(y, ops.Mul(y, p))}, Threads(2))
	if err != nil {
		t.Fatal(err)
	}
	m, err := prog.NewMachine(NewState(1))
	if err != nil {
		t.Fatal(err)
	}
	var outs [][]float32
	run := func(batch int) {
		t.Helper()
		data := make([]float32, batch*width)
		for i := range data {
			data[i] = float32(1 + len(outs))
		}
		out, err := m.Run(context.Background(), Feeds{x: tensor.New(tensor.WithShape(batch, width), tensor.WithBacking(data))})
		if err != nil {
			t.Fatal(err)
		}
		outs = append(outs, out[0].Float32s())
	}
	look := func(when string) {
		t.Helper()
		for i, out := range outs {
			for j, v := range out {
				if want := -4 * float32(1+i); v != want {
					t.Fatalf("%s, element %d of output %d is %v, want %v", when, j, i, v, want)
				}
			}
		}
	}
	run(1)
	if n := len(m.arena.Bytes()); n < 4*width {
		t.Fatalf("the arena has %d bytes, less than a value", n)
	}
	look("after the first run")
	run(2)
	look("after a larger batch")
	m.Close()
	look("after Close")
	run(1)
	look("after a run after Close")
	for range 3 {
		runtime.GC()
	}
	look("after collecting garbage")
	m = nil
	for range 10 {
		runtime.GC()
		runtime.Gosched()
	}
	look("after the machine is gone")
}
