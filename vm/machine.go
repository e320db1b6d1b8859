package vm

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/internal/arena"
	"neocog/internal/par"
	"neocog/vm/kernel"
)

// A Machine runs a Program on a State. It owns the arena and the workers; it
// may be used by one goroutine at a time. Any number of machines may share a
// Program and a State.
type Machine struct {
	p        *Program
	s        *State
	params   map[int]*variable // by value ID
	bindings map[int]*binding  // by batch size
	arena    *arena.Block      // all values but the outputs, which a caller may hold
	team     *par.Team
	workers  []kernel.Call // one for each worker
	scratch  *arena.Block  // the workers' own scratch memory
	local    int           // bytes of it for each worker
	running  sync.Mutex    // held by Run and Close

	races map[int]*race // by instruction; nil but during Compare

	// Method values, made once: making one allocates.
	walk  func(w int)
	check func()
	agree func()

	// During Run, written by worker 0 or at a barrier:
	ctx  context.Context
	b    *binding
	pc   int  // instruction
	done bool // pc has no further step
	stop bool
	err  error

	// Written by any worker:
	fault kernel.Fault
	crash atomic.Pointer[error] // of a kernel which panicked, with its stack
}

// A binding is a tape with the addresses of all values in one machine.
type binding struct {
	t       *tape
	mem     [][]byte // by store; nil for inputs
	bufs    []kernel.Buf
	inputs  [][]int         // by input: the IDs of the values which lie in it
	copies  [][]byte        // by input: memory for feeds which are not contiguous
	outputs []*tensor.Dense // on Go's heap
	kept    []keptBlock     // by index in the tape
	own     *arena.Block    // for stores that outlive a run
	meter   *meter          // nil unless times are measured
}

// A keptBlock is what was made of parameters when they had the given version; 0 is none.
type keptBlock struct {
	mem     *arena.Block // nil where it is the results of an instruction
	params  []*variable
	version uint64
	fresh   bool // in this run its steps are left out
}

// current returns the version of what the block is made of: since versions only grow, their sum is the same only if all of them are.
func (k *keptBlock) current() uint64 {
	sum := uint64(1)
	for _, v := range k.params {
		sum += v.version
	}
	return sum
}

// NewMachine returns a machine for p whose parameters live in s. Parameters that
// s does not hold yet are made; one that has another type there is an error.
func (p *Program) NewMachine(s *State) (*Machine, error) {
	if s == nil {
		return nil, errors.New("the state is nil")
	}
	m := &Machine{p: p, s: s, params: map[int]*variable{}, bindings: map[int]*binding{}}
	for _, n := range p.g.Nodes() {
		if _, ok := n.Op.(graph.ParamOp); ok {
			v, err := s.ensure(n.Out(0))
			if err != nil {
				return nil, err
			}
			m.params[n.Out(0).ID()] = v
		}
	}
	m.team = par.NewTeam(p.opts.threads)
	m.walk, m.check, m.agree = m.work, m.decide, m.settle
	m.workers = make([]kernel.Call, m.team.Size())
	for i := range m.workers {
		m.workers[i].Fault = &m.fault
	}
	return m, nil
}

// Run computes the program's outputs for the feeds and performs its updates. It
// returns the outputs in the order in which Compile got them; they are views
// into the machine, valid until the next Run: Clone what is to stay. After the
// first run at a batch size Run does not allocate.
//
// Run returns an error for wrong feeds, for bad data such as a label out of
// range, for a value that is watched for, and when ctx is done, which is looked
// at between instructions: errors.Is(err, ctx.Err()). A run which ends with an
// error has changed no parameter, unless the error comes from a kernel which
// computes the new value of a parameter, or reads one: it may run when others
// have changed already. WithWatch rules that out.
func (m *Machine) Run(ctx context.Context, feeds Feeds) ([]*tensor.Dense, error) {
	if ctx == nil {
		return nil, errors.New("the context is nil")
	}
	if !m.running.TryLock() {
		return nil, errBusy
	}
	defer m.running.Unlock()
	batch, err := batchOf(m.p.user, m.p.inputs, feeds, m.p.static)
	if err != nil {
		return nil, err
	}
	b, err := m.bind(batch)
	if err != nil {
		return nil, err
	}
	b.feed(m.p.inputs, feeds)
	m.ctx, m.b, m.stop, m.err = ctx, b, false, nil
	if len(m.p.g.Updates()) > 0 {
		m.s.mu.Lock()
		defer m.s.mu.Unlock()
	} else {
		m.s.mu.RLock()
		defer m.s.mu.RUnlock()
	}
	if err := ctx.Err(); err != nil {
		return nil, errors.WithMessage(err, "the run did not begin")
	}
	for i := range b.kept {
		k := &b.kept[i]
		k.fresh = k.version == k.current()
		k.version = 0 // until the run has come to its end
	}
	for _, u := range m.p.g.Updates() {
		m.params[u.Param.ID()].version++
	}
	if b.meter != nil {
		b.meter.begin()
	}
	if m.team.Size() == 1 {
		m.work(0)
	} else {
		m.team.Run(m.walk)
	}
	runtime.KeepAlive(feeds)
	m.ctx = nil
	if m.err != nil {
		return nil, m.err
	}
	if b.meter != nil {
		b.meter.end()
	}
	b.finish(m.p)
	for i := range b.kept {
		b.kept[i].version = b.kept[i].current()
	}
	return b.outputs, nil
}

// Close ends the machine's workers and gives its memory back, except for the
// outputs of the last run. A Run after Close starts anew. A machine that is no longer
// reachable is closed by itself.
func (m *Machine) Close() {
	m.running.Lock()
	defer m.running.Unlock()
	m.team.Close()
	m.unbind()
	m.arena.Close()
	m.scratch.Close()
	m.arena, m.scratch, m.local = nil, nil, 0
}

// unbind forgets all bindings, which point into the arena.
func (m *Machine) unbind() {
	for _, b := range m.bindings {
		for _, k := range b.kept {
			k.mem.Close()
		}
		b.own.Close()
	}
	clear(m.bindings)
}

// work walks the tape as worker w. Steps that are too small to be shared are worker 0's, which goes from one to the next without waiting for anybody; the others
// wait for it before the next step that is shared. All workers make the same decisions: they
// read stop only after a barrier, and it is only written at one.
func (m *Machine) work(w int) {
	t, c, meter := m.b.t, &m.workers[w], m.b.meter
	c.Bufs = m.b.bufs
	n := m.team.Size()
	alone := false // worker 0 is ahead of the last barrier
	for pc := range t.code {
		in := &t.code[pc]
		if in.once >= 0 && m.b.kept[in.once].fresh {
			continue
		}
		if r := m.races[pc]; r != nil {
			if r.run(w); m.stop {
				return
			}
		}
		c.Ins, c.Outs, c.Scratch = in.ins, in.outs, nil
		if in.scratch >= 0 {
			c.Scratch = pointer(m.b.mem[in.scratch])
		}
		first := 0
		switch {
		case in.kept >= 0:
			k := &m.b.kept[in.kept]
			c.Prepared = pointer(k.mem.Bytes())
			if k.fresh {
				first = in.plan.Prepare.Steps
			}
		case in.prepared >= 0:
			c.Prepared = pointer(m.b.mem[in.prepared])
		}
		for i := first; i < len(in.plan.Steps); i++ {
			s := &in.plan.Steps[i]
			if w == 0 {
				m.pc, m.done = pc, i == len(in.plan.Steps)-1
			}
			parts := max(1, min(n, s.N))
			if s.Grain > 1 {
				parts = min(n, max(1, s.N/s.Grain))
			}
			if parts == 1 && m.races == nil {
				alone = true
				if w == 0 && m.err == nil {
					m.step(c, s, pc, meter)
				}
				continue
			}
			if alone {
				m.team.Barrier(m.agree)
				if m.stop {
					return
				}
				alone = false
			}
			if w < parts {
				if lo, hi := par.Split(s.N, parts, w); lo < hi {
					if meter != nil {
						meter.enter(w, pc)
					}
					m.call(s.Run, c, lo, hi)
					if meter != nil {
						meter.leave(w, pc)
					}
				}
			}
			m.team.Barrier(m.check)
			if m.stop {
				return
			}
		}
	}
}

// step runs all of a step as worker 0.
func (m *Machine) step(c *kernel.Call, s *kernel.Step, pc int, meter *meter) {
	if s.N > 0 {
		if meter != nil {
			meter.enter(0, pc)
		}
		m.call(s.Run, c, 0, s.N)
		if meter != nil {
			meter.leave(0, pc)
		}
	}
	m.note()
}

// call runs a kernel and catches its panic.
func (m *Machine) call(k kernel.Kernel, c *kernel.Call, lo, hi int) {
	defer func() {
		if r := recover(); r != nil {
			err := errors.Errorf("the kernel panicked: %v", r)
			m.crash.CompareAndSwap(nil, &err)
		}
	}()
	k(c, lo, hi)
}

// decide runs at the end of a step, while all workers wait, and decides
// whether the run goes on.
func (m *Machine) decide() {
	m.note()
	m.settle()
}

// settle tells all workers whether the run goes on.
func (m *Machine) settle() { m.stop = m.err != nil }

// note runs after each step and keeps an error that ends the run.
func (m *Machine) note() {
	in := &m.b.t.code[m.pc]
	if m.done && m.b.meter != nil {
		m.b.meter.done(m.pc)
	}
	switch {
	case m.crash.Load() != nil:
		m.fault.Take() // what else was found wrong is of no interest, least of all to the next run
		m.fail(&RunError{Node: in.node, Algo: in.plan.Algo, Err: *m.crash.Swap(nil)})
	case m.fault.Pending():
		m.fail(&RunError{Node: in.node, Algo: in.plan.Algo, Err: m.fault.Take()})
	case m.p.opts.watch != 0 && m.done:
		for _, id := range in.outs {
			if err := m.look(int(id)); err != nil {
				m.fail(&RunError{Node: in.node, Algo: in.plan.Algo, Err: err})
				break
			}
		}
	}
	// Once parameters change the run goes through to its end.
	if m.err == nil && m.pc < m.b.t.commit {
		if err := m.ctx.Err(); err != nil {
			m.fail(errors.WithMessagef(err, "the run stopped after instruction %d of %d", m.pc+1, len(m.b.t.code)))
		}
	}
}

func (m *Machine) fail(err error) {
	if m.err == nil {
		m.err = err
	}
}

// look returns an error if value id holds what the program watches for.
func (m *Machine) look(id int) error {
	typ, buf := m.b.t.types[id], m.b.bufs[id]
	switch typ.DType {
	case graph.Float32:
		return inspect(m.p.opts.watch, typ, unsafe.Slice((*float32)(buf.Ptr), buf.Len))
	case graph.Float64:
		return inspect(m.p.opts.watch, typ, unsafe.Slice((*float64)(buf.Ptr), buf.Len))
	}
	return nil
}

func inspect[T kernel.Float](w Watch, typ graph.Type, x []T) error {
	for i, v := range x {
		f := float64(v)
		if w&NaN != 0 && f != f || w&Inf != 0 && math.IsInf(f, 0) {
			at := make([]int, len(typ.Shape))
			for d, rest := len(at)-1, i; d >= 0; d-- {
				at[d], rest = rest%typ.Shape[d], rest/typ.Shape[d]
			}
			return fmt.Errorf("element %v of the result %v is %v", at, typ, f)
		}
	}
	return nil
}

// bind returns the binding for a batch size.
func (m *Machine) bind(batch int) (*binding, error) {
	if b := m.bindings[batch]; b != nil {
		return b, nil
	}
	t, err := m.p.tape(batch)
	if err != nil {
		return nil, err
	}
	if err := m.reserve(t); err != nil {
		return nil, errors.WithMessagef(err, "at batch size %d", batch)
	}
	b := &binding{t: t, mem: make([][]byte, len(t.stores)), bufs: make([]kernel.Buf, len(t.home))}
	for _, s := range t.outputs {
		if b.mem[s] == nil {
			b.mem[s] = alloc(t.stores[s].bytes)
		}
	}
	if b.own, err = arena.New(t.own); err != nil {
		return nil, errors.WithMessagef(err, "at batch size %d", batch)
	}
	for i, s := range t.stores {
		switch {
		case b.mem[i] != nil: // an output
		case s.kind == inOwn:
			b.mem[i] = b.own.Bytes()[s.offset : s.offset+s.bytes : s.offset+s.bytes]
		case s.kind == inArena:
			b.mem[i] = m.arena.Bytes()[s.offset : s.offset+s.bytes : s.offset+s.bytes]
		case s.kind == inParam:
			b.mem[i] = m.params[s.value].mem
		}
	}
	for v, image := range m.p.consts {
		b.mem[t.home[v.ID()]] = image
	}
	for id, home := range t.home {
		b.bufs[id] = kernel.Buf{Ptr: pointer(b.mem[home]), Len: t.types[id].Shape.Size()}
	}
	b.inputs, b.copies = make([][]int, len(m.p.inputs)), make([][]byte, len(m.p.inputs))
	for i, in := range m.p.inputs {
		if in.image == nil {
			continue
		}
		for id, home := range t.home {
			if home == t.home[in.image.ID()] {
				b.inputs[i] = append(b.inputs[i], id)
			}
		}
	}
	for i, s := range t.outputs {
		b.outputs = append(b.outputs, dense(t.types[m.p.outputs[i].ID()], b.mem[s]))
	}
	for _, k := range t.kept {
		mem, err := arena.New(k.bytes)
		if err != nil {
			return nil, errors.WithMessagef(err, "at batch size %d", batch)
		}
		block := keptBlock{mem: mem}
		for _, id := range k.params {
			block.params = append(block.params, m.params[id])
		}
		b.kept = append(b.kept, block)
	}
	if m.p.opts.profile {
		b.meter = newMeter(len(t.code), len(m.workers))
	}
	m.bindings[batch] = b
	return b, nil
}

// reserve makes the arena and the workers' scratch memory large enough for t.
func (m *Machine) reserve(t *tape) error {
	if t.arena > len(m.arena.Bytes()) {
		m.unbind()
		m.arena.Close()
		var err error
		if m.arena, err = arena.New(t.arena); err != nil {
			return err
		}
	}
	if t.local > m.local {
		m.scratch.Close()
		m.local = 0
		var err error
		if m.scratch, err = arena.New(t.local * len(m.workers)); err != nil {
			return err
		}
		m.local = t.local
		for i := range m.workers {
			m.workers[i].Local = pointer(m.scratch.Bytes()[i*t.local:])
		}
	}
	return nil
}

// feed lets the input values point to the tensors. A tensor that is an output of
// the run before lies in memory which this run overwrites: it is copied.
func (b *binding) feed(inputs []input, feeds Feeds) {
	for i, in := range inputs {
		if in.image == nil {
			continue
		}
		t, id := feeds[in.user], in.image.ID()
		typ := b.t.types[id]
		ptr := raw(t, typ.DType)
		if !contiguous(t) || b.overwrites(ptr) {
			if b.copies[i] == nil {
				b.copies[i] = alloc(typ.Bytes())
			}
			gather(b.copies[i], t, typ)
			ptr = pointer(b.copies[i])
		}
		for _, v := range b.inputs[i] {
			b.bufs[v].Ptr = ptr
		}
		b.mem[b.t.home[id]] = unsafe.Slice((*byte)(ptr), typ.Bytes())
	}
}

// overwrites reports whether ptr points into an output.
func (b *binding) overwrites(ptr unsafe.Pointer) bool {
	for _, s := range b.t.outputs {
		if within(ptr, b.mem[s]) {
			return true
		}
	}
	return false
}

// finish performs the copies after the last instruction. Outputs and staged
// parameters come first: they want the values from before the updates.
func (b *binding) finish(p *Program) {
	for _, list := range [...][]move{b.t.results, b.t.staged, b.t.updates} {
		for _, mv := range list {
			copy(b.mem[mv.to][:mv.bytes], b.mem[mv.from])
		}
	}
	// A caller may have reshaped or transposed what the run before returned.
	for i, t := range b.outputs {
		if typ := b.t.types[p.outputs[i].ID()]; !typ.Shape.Equal(graph.Shape(t.Shape())) || !contiguous(t) {
			b.outputs[i] = dense(typ, b.mem[b.t.outputs[i]])
		}
	}
}
