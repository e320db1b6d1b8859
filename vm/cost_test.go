package vm_test

import (
	"testing"
	"time"

	"neocog/graph"
	"neocog/ops"
	"neocog/vm"
)

// What a program is planned to take agrees with the tape: buffers that are in use at the same time do not overlap, the peak is the fullest moment, and
// the sums are those of the instructions.
func TestCostAgreesWithTheTape(t *testing.T) {
	for seed := range uint64(40) {
		n := newNetwork(seed)
		p, err := vm.Compile(n.g, n.outs, vm.Threads(2))
		if err != nil {
			t.Fatal(err)
		}
		c, err := p.Cost(3)
		if err != nil {
			t.Fatal(err)
		}
		bytes, err := p.ArenaBytes(3)
		if err != nil {
			t.Fatal(err)
		}
		if c.Arena != bytes || c.PeakBytes > c.Arena || c.PeakBytes <= c.Scratch {
			t.Errorf("seed %d: arena %d bytes, want %d; peak %d, scratch %d", seed, c.Arena, bytes, c.PeakBytes, c.Scratch)
		}
		var flops int64
		var predicted time.Duration
		for pc, in := range c.Instructions {
			if !in.Once {
				flops += in.FLOPs
			}
			predicted += in.Predicted
			alive := 0
			for i, a := range c.Buffers {
				if a.First > pc || a.Last < pc {
					continue
				}
				alive += (a.Bytes + 63) &^ 63
				for _, b := range c.Buffers[:i] {
					if b.First <= pc && pc <= b.Last && a.Offset < b.Offset+b.Bytes && b.Offset < a.Offset+a.Bytes {
						t.Fatalf("seed %d: at instruction %d %v and %v lie in the same place", seed, pc, a, b)
					}
				}
			}
			if alive != in.Alive || alive+c.Scratch > c.PeakBytes || pc == c.Peak && alive+c.Scratch != c.PeakBytes {
				t.Errorf("seed %d: instruction %d: %d bytes are in use, it says %d; the peak is %d at %d", seed, pc, alive, in.Alive, c.PeakBytes, c.Peak)
			}
		}
		if flops != c.FLOPs || predicted != c.Predicted || predicted <= 0 {
			t.Errorf("seed %d: %d FLOPs and %v, the instructions have %d and %v", seed, c.FLOPs, c.Predicted, flops, predicted)
		}
	}
}

// A result that is needed until the end, a view of another and scratch memory are buffers of their own or not; what is computed once for the parameters costs
// nothing in a run.
func TestCostOfASmallGraph(t *testing.T) {
	g := graph.New("small")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 8))
	w := g.Param("w", graph.Of(graph.Float32, 4, 8), graph.Normal(0, 1))
	g.Buffer("unused", graph.Of(graph.Float32, 100), graph.Zeros())
	y := ops.MatMul(x, ops.Transpose(ops.Tanh(w))) // Tanh: once
	out := ops.Reshape(ops.Sum(y, 0), 2, 2)
	p, err := vm.Compile(g, []*graph.Value{out}, vm.Threads(1))
	if err != nil {
		t.Fatal(err)
	}
	c, err := p.Cost(16)
	if err != nil {
		t.Fatal(err)
	}
	once := 0
	for _, in := range c.Instructions {
		if in.Once {
			once++
			if in.Predicted != 0 {
				t.Errorf("%v is computed once and takes %v of each run", in.Node, in.Predicted)
			}
		}
	}
	if c.Params != 32 || c.FLOPs != 2*16*4*8 || once == 0 {
		t.Errorf("%d parameters, %d FLOPs, %d instructions run once, want 32, %d, and some", c.Params, c.FLOPs, once, 2*16*4*8)
	}
	last := c.Buffers[len(c.Buffers)-1]
	if len(last.Values) != 2 || last.Last != len(c.Instructions) || last.Bytes != 16 {
		t.Errorf("the last buffer is %+v, want the sum and its view, until the end", last)
	}
}
