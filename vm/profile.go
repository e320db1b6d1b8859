package vm

import (
	"slices"
	"time"

	"neocog/graph"
)

// WithProfile makes every machine of the program measure how long each
// instruction takes: see Machine.Profile. It costs three readings of the clock for
// each step and worker, about 0.1 µs.
func WithProfile() Option { return func(o *options) { o.profile = true } }

// A Profile is what a machine has measured at one batch size.
type Profile struct {
	Batch        int // 0 where no shape depends on it
	Runs         int // complete ones, which the times are sums of
	Workers      int
	Total        time.Duration // of all runs, from the first instruction to the last
	Arena        int           // bytes: see Program.ArenaBytes
	Instructions []Timing      // in the order of the tape
}

// A Timing is an instruction with what was measured of it.
type Timing struct {
	Instruction
	Time time.Duration // sum over Runs, waiting for the last worker included
	// Spans are when each worker was busy in the last run.
	Spans []Span
}

// A Span is when a worker was busy, measured from the begin of a run; with the waits
// between the steps of an instruction. A worker without work has none.
type Span struct {
	Worker      int
	Begin, Time time.Duration
}

// A meter keeps times while a tape runs.
type meter struct {
	runs     int
	start    time.Time
	total    time.Duration
	times    []time.Duration // by instruction, of the complete runs
	now      []time.Duration // by instruction, when it ended in this run
	begun    [][]time.Duration
	finished [][]time.Duration // by worker and instruction, 0 where it had no work
}

func newMeter(instructions, workers int) *meter {
	m := &meter{times: make([]time.Duration, instructions), now: make([]time.Duration, instructions)}
	for range workers {
		m.begun = append(m.begun, make([]time.Duration, instructions))
		m.finished = append(m.finished, make([]time.Duration, instructions))
	}
	return m
}

// begin starts a run.
func (m *meter) begin() {
	for w := range m.begun {
		clear(m.begun[w])
		clear(m.finished[w])
	}
	clear(m.now)
	m.start = time.Now()
}

// enter and leave say that worker w begins and ends a step of instruction pc.
func (m *meter) enter(w, pc int) {
	if m.begun[w][pc] == 0 {
		m.begun[w][pc] = max(1, time.Since(m.start))
	}
}

func (m *meter) leave(w, pc int) { m.finished[w][pc] = time.Since(m.start) }

// done says that instruction pc has ended, for all workers.
func (m *meter) done(pc int) { m.now[pc] = time.Since(m.start) }

// end ends a run which has come to its end.
func (m *meter) end() {
	last := time.Duration(0)
	for pc, t := range m.now {
		t = max(t, last) // an instruction without steps has no end of its own
		m.times[pc] += t - last
		last = t
	}
	m.total += last
	m.runs++
}

// Profile returns what the machine's runs at a batch size took; batch is 0
// where no shape depends on it. The program must be compiled WithProfile, and there
// must have been a run to the end: otherwise it returns nil.
func (m *Machine) Profile(batch int) *Profile {
	m.running.Lock()
	defer m.running.Unlock()
	b := m.bindings[batch]
	if b == nil || b.meter == nil || b.meter.runs == 0 {
		return nil
	}
	p := &Profile{Batch: batch, Runs: b.meter.runs, Workers: len(m.workers), Total: b.meter.total, Arena: b.t.arena + len(m.workers)*b.t.local}
	of := m.p.computes()
	for pc := range b.t.code {
		t := Timing{Instruction: m.p.instruction(b.t, pc, of), Time: b.meter.times[pc]}
		for w := range m.workers {
			if begin, end := b.meter.begun[w][pc], b.meter.finished[w][pc]; end > 0 {
				t.Spans = append(t.Spans, Span{w, begin, end - begin})
			}
		}
		p.Instructions = append(p.Instructions, t)
	}
	return p
}

// ResetProfile forgets what has been measured so far.
func (m *Machine) ResetProfile() {
	m.running.Lock()
	defer m.running.Unlock()
	for _, b := range m.bindings {
		if b.meter != nil {
			b.meter = newMeter(len(b.t.code), len(m.workers))
		}
	}
}

// computes returns by node of p.g which nodes of the compiled graph it computes. A node
// which has no image, since a pass has fused it with others, is computed by the
// node which computes its readers.
func (p *Program) computes() map[*graph.Node][]*graph.Node {
	of := map[*graph.Node][]*graph.Node{}
	by := map[*graph.Node]*graph.Node{} // by node of user
	nodes := p.user.Nodes()
	for i := len(nodes) - 1; i >= 0; i-- {
		n := nodes[i]
		if n.IsSource() {
			continue
		}
		for _, v := range n.Outs() {
			if image := p.images[v]; image != nil {
				by[n] = image.Node()
			}
		}
		if by[n] == nil {
			continue // nobody needs it
		}
		if !by[n].IsSource() { // not folded
			of[by[n]] = append(of[by[n]], n)
		}
		for _, v := range n.Ins() {
			if from := v.Node(); by[from] == nil {
				by[from] = by[n]
			}
		}
	}
	for _, list := range of {
		slices.Reverse(list)
	}
	for n, first := range p.again {
		of[n] = of[first]
	}
	return of
}
