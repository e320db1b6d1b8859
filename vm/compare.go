package vm

import (
	"context"
	"slices"
	"time"

	"github.com/pkg/errors"

	"neocog/graph"
	"neocog/internal/arena"
	"neocog/internal/par"
	"neocog/ops/conv"
	"neocog/vm/kernel"
)

// What Compare spends on each problem.
const (
	compareRounds = 7
	compareTime   = 2 * time.Millisecond // of runs of an algorithm in a round
	mostCompared  = 20                   // runs in a round
	hopeless      = 1.7                  // times the fastest: what takes longer at first is not run again
)

// Compare is a Run in which, when the turn of a convolution comes, all algorithms that can do it compute it, on the program's own
// buffers and workers, before the chosen one does. It returns the convolutions with the measured times. Algorithms take turns, round by round, so that what else goes on in the machine slows all of them, and times
// are medians. One that takes more than 1.7 times as long as the fastest runs once. Convolutions which are alike are
// measured once.
//
// It takes some ten milliseconds for each kind of convolution and, for that long, the scratch memory of all algorithms.
func (m *Machine) Compare(ctx context.Context, feeds Feeds) ([]Convolution, error) {
	batch, err := batchOf(m.p.user, m.p.inputs, feeds, m.p.static)
	if err != nil {
		return nil, err
	}
	all, err := m.p.Convolutions(batch)
	if err != nil {
		return nil, err
	}
	type kind struct {
		problem conv.Problem
		kept    bool
	}
	races := map[kind]*race{}
	at := map[int]*race{}
	for i := range all {
		c := &all[i]
		k := kind{c.Problem, c.Kept}
		if races[k] == nil {
			races[k] = newRace(m, c)
			at[c.pc] = races[k]
		}
	}
	if !m.running.TryLock() {
		return nil, errBusy
	}
	m.races = at
	m.running.Unlock()
	_, err = m.Run(ctx, feeds)
	m.running.Lock()
	m.races = nil
	m.running.Unlock()
	for _, r := range races {
		r.close()
	}
	if err != nil {
		return nil, err
	}
	for i := range all {
		c := &all[i]
		r := races[kind{c.Problem, c.Kept}]
		for j := range c.Candidates {
			if n := r.runnerOf(c.Candidates[j].Algo); n != nil {
				c.Candidates[j].Measured = n.median()
			}
		}
	}
	return all, nil
}

var errBusy = errors.New("the machine is running already; make one for each goroutine")

// A race compares the algorithms of one instruction.
type race struct {
	m       *Machine
	pc      int
	node    *graph.Node
	kept    bool
	runners []*runner

	// Written at barriers:
	next    int // of runners
	left    int // runs of it that are left in this round; the first does not count
	round   int
	begin   time.Time
	running *runner // nil when the race is over
	outs    [][]byte
	advance func() // method value
}

// A runner is an algorithm with its memory.
type runner struct {
	algo   string
	plan   kernel.Plan
	calls  []kernel.Call // by worker
	blocks []*arena.Block
	fault  kernel.Fault
	first  int // step of a run
	reps   int
	times  []time.Duration
	once   time.Duration // the first run
	out    bool          // it is hopeless
}

// newRace returns the race for c. The reference is not in it: it is for comparing results, not times.
func newRace(m *Machine, c *Convolution) *race {
	r := &race{m: m, pc: c.pc, node: c.Node, kept: c.Kept, next: -1}
	for _, found := range c.Candidates {
		if found.able && found.Algo != (conv.Direct{}).Name() {
			r.runners = append(r.runners, &runner{algo: found.Algo, plan: found.plan})
		}
	}
	r.advance = r.turn
	return r
}

func (r *race) runnerOf(algo string) *runner {
	for _, n := range r.runners {
		if n.algo == algo {
			return n
		}
	}
	return nil
}

// run is a worker's part in the race.
func (r *race) run(w int) {
	m := r.m
	m.team.Barrier(r.advance)
	for r.running != nil {
		n := r.running
		c := &n.calls[w]
		for i := n.first; i < len(n.plan.Steps); i++ {
			s := &n.plan.Steps[i]
			parts := m.team.Size()
			if s.Grain > 1 {
				parts = min(parts, max(1, s.N/s.Grain))
			}
			if w < parts {
				if lo, hi := par.Split(s.N, parts, w); lo < hi {
					m.call(s.Run, c, lo, hi)
				}
			}
			if i < len(n.plan.Steps)-1 {
				m.team.Barrier(nil)
			}
		}
		m.team.Barrier(r.advance)
	}
}

// turn runs at a barrier: it takes the time of the run that has ended, and says what runs next.
func (r *race) turn() {
	now := time.Now()
	if n := r.running; n != nil {
		r.ended(n, now.Sub(r.begin))
		r.m.settle()
	} else {
		r.save()
	}
	switch {
	case r.m.stop:
		r.over()
		return
	case r.left > 0:
		r.left--
	case !r.pick():
		r.over()
		return
	}
	r.begin = time.Now()
}

// ended keeps the time of a run, and looks whether it went well.
func (r *race) ended(n *runner, took time.Duration) {
	switch {
	case n.reps == 0: // the first one: memory is touched, the filter prepared
		n.reps = -1
		r.left = 1
	case n.reps < 0:
		n.once = took
		n.reps = min(max(1, int(compareTime/max(took, 1))), mostCompared)
		if r.kept {
			n.first = n.plan.Prepare.Steps
		}
	case r.left < n.reps:
		n.times = append(n.times, took)
	}
	if crash := r.m.crash.Swap(nil); crash != nil {
		r.m.fail(&RunError{Node: r.node, Algo: n.algo, Err: *crash})
	} else if n.fault.Pending() {
		r.m.fail(&RunError{Node: r.node, Algo: n.algo, Err: n.fault.Take()})
	} else if err := r.m.ctx.Err(); err != nil {
		r.m.fail(errors.WithMessage(err, "the comparison of algorithms stopped"))
	}
}

// pick makes the next runner run, and reports whether there is one.
func (r *race) pick() bool {
	for {
		if r.next++; r.next == len(r.runners) {
			r.next = 0
			if r.round++; r.round == 1 {
				r.dropHopeless()
			}
		}
		if r.round > compareRounds || len(r.runners) == 0 {
			return false
		}
		n := r.runners[r.next]
		if n.out {
			continue
		}
		if n.calls == nil {
			if err := n.reserve(r.m, r.pc); err != nil { // it needs more memory than there is
				n.out = true
				continue
			}
		}
		r.running = n
		if r.left = 0; r.round > 0 {
			r.left = n.reps
		}
		return true
	}
}

// dropHopeless takes those out that are far from the fastest, and gives their memory back.
func (r *race) dropHopeless() {
	best := time.Duration(never)
	for _, n := range r.runners {
		if !n.out {
			best = min(best, n.once)
		}
	}
	for _, n := range r.runners {
		if !n.out && float64(n.once) > hopeless*float64(best) {
			n.out = true
			n.close()
		}
	}
}

// save and over keep the results of the instruction, which may lie where an operand does that algorithms add to.
func (r *race) save() {
	for _, id := range r.m.b.t.code[r.pc].outs {
		r.outs = append(r.outs, slices.Clone(r.m.b.mem[r.m.b.t.home[id]]))
	}
}

func (r *race) over() {
	for i, id := range r.m.b.t.code[r.pc].outs {
		copy(r.m.b.mem[r.m.b.t.home[id]], r.outs[i])
	}
	r.running, r.outs = nil, nil
	r.close()
}

func (r *race) close() {
	for _, n := range r.runners {
		n.close()
	}
}

// reserve gives n its scratch memory.
func (n *runner) reserve(m *Machine, pc int) error {
	block := func(bytes int) (*arena.Block, error) {
		b, err := arena.New(bytes)
		if err == nil {
			n.blocks = append(n.blocks, b)
		}
		return b, err
	}
	in := &m.b.t.code[pc]
	c := kernel.Call{Bufs: m.b.bufs, Ins: in.ins, Outs: in.outs, Fault: &n.fault}
	shared, err := block(n.plan.Shared)
	if err != nil {
		return err
	}
	prepared, err := block(n.plan.Prepare.Bytes)
	if err != nil {
		return err
	}
	c.Scratch, c.Prepared = pointer(shared.Bytes()), pointer(prepared.Bytes())
	for range m.team.Size() {
		local, err := block(n.plan.Local)
		if err != nil {
			return err
		}
		c.Local = pointer(local.Bytes())
		n.calls = append(n.calls, c)
	}
	return nil
}

func (n *runner) close() {
	for _, b := range n.blocks {
		b.Close()
	}
	n.blocks = nil
}

// median returns the median of the times that count.
func (n *runner) median() time.Duration {
	if len(n.times) == 0 {
		return n.once
	}
	slices.Sort(n.times)
	return (n.times[(len(n.times)-1)/2] + n.times[len(n.times)/2]) / 2
}
