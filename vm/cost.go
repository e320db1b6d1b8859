package vm

import (
	"slices"
	"time"

	"neocog/graph"
	"neocog/internal/cpu"
	"neocog/ops/conv"
)

// A Cost is what a program is planned to take for one run at one batch size. It follows from the plans alone: nothing has run.
type Cost struct {
	Batch   int   // 0 where no shape depends on it
	Workers int   // what the program was compiled for: see Threads
	Params  int64 // elements of all parameters of the compiled graph, buffers apart
	// FLOPs are the multiplications and additions of convolutions and matrix products in one run, by their definition.
	FLOPs int64
	// Moved is the size in bytes of the operands and results of all instructions, each read or written once.
	Moved   int64
	Arena   int // bytes: see Program.ArenaBytes
	Scratch int // bytes of it that belong to the workers, for the whole run
	// Peak is the instruction at which most of that is in use, the first if there are several, -1 where there are none; and PeakBytes how much then is: less than Arena where
	// blocks of different lives do not fit each other's place.
	Peak, PeakBytes int
	// Predicted is the time of one run from the second on: see Instruction.Predicted.
	Predicted    time.Duration
	Commit       int           // the first instruction which may change a parameter; their number if there is none
	Instructions []Instruction // in the order of the tape
	Buffers      []Buffer      // by their first instruction, then by offset
}

// An Instruction is a node of a program at one batch size.
type Instruction struct {
	Node *graph.Node // of Program.Graph
	// Of are the nodes of the compiled graph which the instruction computes, in their
	// order: several where passes have merged or fused them.
	Of    []*graph.Node
	Algo  string // "" where there is no choice
	FLOPs int64  // of one run, as the plan counts them
	// Moved is the size in bytes of operands and results, each read or written once.
	Moved int64
	// Memory is the size in bytes of the memory that its results and its scratch
	// space take: nothing where it works in place.
	Memory int64
	// Alive is how many bytes of the arena are in use while it runs, the workers' scratch memory apart; 0 in a Profile.
	Alive int
	// Once says that the results depend on parameters alone which the program does not change: it runs when these have changed.
	Once bool
	// Predicted is the time by a formula for two cores of the processor whose constants it has: for convolutions conv.Cost, for
	// others products and memory. It is 0 where Once is true. Other numbers of workers are taken to share the work evenly.
	Predicted time.Duration
}

// A Buffer is a block of the arena which values, or scratch memory, occupy from one instruction to another.
type Buffer struct {
	Values        []*graph.Value // of Program.Graph: views and what is computed in place lie in one buffer; none for scratch memory
	Offset, Bytes int
	First, Last   int // instructions, both included; Last is the number of instructions for what is still needed after the last
}

// Cost returns what a run at this batch size is planned to take; batch is 0 where no shape depends on it.
func (p *Program) Cost(batch int) (*Cost, error) {
	t, err := p.tape(batch)
	if err != nil {
		return nil, err
	}
	c := &Cost{Batch: batch, Workers: p.opts.threads, Scratch: p.opts.threads * t.local, Peak: -1, Commit: t.commit}
	for _, v := range p.user.Params() {
		if op, ok := v.Node().Op.(graph.ParamOp); ok && !op.Buffer {
			c.Params += int64(v.Shape().Size())
		}
	}
	c.Arena, c.PeakBytes = t.arena+c.Scratch, c.Scratch
	c.Buffers = p.buffers(t)
	of := p.computes()
	alive := alive(c.Buffers, len(t.code))
	for pc := range t.code {
		in := p.instruction(t, pc, of)
		in.Alive = alive[pc]
		if !in.Once {
			c.FLOPs += in.FLOPs
			c.Moved += in.Moved
		}
		c.Predicted += in.Predicted
		if bytes := in.Alive + c.Scratch; c.Peak < 0 || bytes > c.PeakBytes {
			c.Peak, c.PeakBytes = pc, bytes
		}
		c.Instructions = append(c.Instructions, in)
	}
	return c, nil
}

// instruction describes the instruction at pc, but for Alive.
func (p *Program) instruction(t *tape, pc int, of map[*graph.Node][]*graph.Node) Instruction {
	in := &t.code[pc]
	i := Instruction{Node: in.node, Of: of[in.node], Algo: in.plan.Algo, FLOPs: in.plan.FLOPs, Once: in.once >= 0}
	for _, id := range slices.Concat(in.ins, in.outs) {
		i.Moved += int64(t.types[id].Bytes())
	}
	for _, id := range in.outs {
		if s := t.stores[t.home[id]]; s.kind == inArena && s.first == in.at {
			i.Memory += int64(s.bytes)
		}
	}
	i.Memory += int64(in.plan.Shared + in.plan.Prepare.Bytes + p.opts.threads*in.plan.Local)
	if !i.Once {
		i.Predicted = time.Duration(p.predict(t, pc) * 1e3)
	}
	return i
}

// buffers returns the blocks of the arena.
func (p *Program) buffers(t *tape) []Buffer {
	values := map[int][]*graph.Value{} // by store
	for _, n := range p.g.Nodes() {
		for _, v := range n.Outs() {
			if s := t.home[v.ID()]; t.stores[s].kind == inArena {
				values[s] = append(values[s], v)
			}
		}
	}
	// The schedule counts views, which are no instructions.
	at := func(time int) int {
		pc, _ := slices.BinarySearchFunc(t.code, time, func(in instr, time int) int { return in.at - time })
		return pc
	}
	var all []Buffer
	for i, s := range t.stores {
		if s.kind != inArena || s.bytes == 0 {
			continue
		}
		b := Buffer{Values: values[i], Offset: s.offset, Bytes: s.bytes, First: at(s.first), Last: len(t.code)}
		if s.last != never {
			b.Last = max(b.First, at(s.last+1)-1)
		}
		all = append(all, b)
	}
	slices.SortStableFunc(all, func(a, b Buffer) int {
		if a.First != b.First {
			return a.First - b.First
		}
		return a.Offset - b.Offset
	})
	return all
}

// alive returns by instruction how many bytes are in use.
func alive(buffers []Buffer, instructions int) []int {
	change := make([]int, instructions+2)
	for _, b := range buffers {
		change[b.First] += roundUp(b.Bytes)
		change[b.Last+1] -= roundUp(b.Bytes)
	}
	sum := 0
	for pc, by := range change {
		sum += by
		change[pc] = sum
	}
	return change[:instructions]
}

// What nodes other than convolutions take, on two cores of the Xeon that the constants of package conv were measured on.
const (
	productsPerMicro = 137e3 // multiply-adds of matrix products with AVX-512, in a microsecond
	bytesPerMicro    = 30e3
	microsPerCall    = 1 // of an instruction, however many workers share it
)

// predict returns about how many microseconds the instruction at pc takes.
func (p *Program) predict(t *tape, pc int) float64 {
	in := &t.code[pc]
	moved := 0
	for _, id := range slices.Concat(in.ins, in.outs) {
		moved += t.types[id].Bytes()
	}
	µs := 0.0
	if problem, ok := in.plan.Problem.(conv.Problem); ok {
		x, w, y := problem.Lens()
		moved -= (x + w + y) * problem.DType.Size() // what it does behind the convolution reads the rest
		a, err := conv.Find(in.plan.Algo)
		if err != nil { // of another package
			a = conv.Direct{}
		}
		µs = conv.Cost(a, problem, in.kept >= 0)
	} else {
		µs += float64(in.plan.FLOPs) / 2 / productsPerMicro * slower()
	}
	µs += float64(max(moved, 0)) / bytesPerMicro
	return µs*2/float64(p.opts.threads) + microsPerCall
}

// slower is how much longer products take than with AVX-512.
func slower() float64 {
	switch cpu.Current() {
	case cpu.AVX512:
		return 1
	case cpu.AVX2:
		return 2
	}
	return 32
}
