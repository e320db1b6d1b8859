package bench

import (
	"time"
	"unsafe"

	"neocog/internal/arena"
	"neocog/internal/par"
	"neocog/vm/kernel"
)

// A loop runs a plan again and again, as the machine of package vm runs it on its tape: the workers take their shares
// of each step and meet at a barrier after it. What it times are the intervals between barriers.
type loop struct {
	plan  kernel.Plan
	team  *par.Team
	calls []kernel.Call // by worker
	first int           // step of a run
	reps  int
	marks []time.Time // when run i began, or i-1 ended
	walk  func(w int)
	mark  func()
	// scratch memory is that of a machine of package vm: large blocks are on large pages.
	scratch []*arena.Block
}

// newLoop gives plan the operands in, the result out, and scratch memory.
func newLoop(plan kernel.Plan, threads int, in []vector, out vector) *loop {
	l := &loop{plan: plan, team: par.NewTeam(threads), calls: make([]kernel.Call, threads)}
	l.walk, l.mark = l.work, func() { l.marks = append(l.marks, time.Now()) }
	call := kernel.Call{Outs: []int32{int32(len(in))}, Fault: &kernel.Fault{}, Scratch: l.memory(plan.Shared), Prepared: l.memory(plan.Prepare.Bytes)}
	for i, v := range in {
		call.Ins = append(call.Ins, int32(i))
		call.Bufs = append(call.Bufs, v.buf())
	}
	call.Bufs = append(call.Bufs, out.buf())
	for w := range l.calls {
		l.calls[w] = call
		l.calls[w].Local = l.memory(plan.Local)
	}
	return l
}

// memory returns scratch memory, until close.
func (l *loop) memory(bytes int) unsafe.Pointer {
	b, err := arena.New(bytes)
	if err != nil {
		return pointer(bytes)
	}
	l.scratch = append(l.scratch, b)
	return unsafe.Pointer(unsafe.SliceData(b.Bytes()))
}

func (l *loop) close() {
	l.team.Close()
	for _, b := range l.scratch {
		b.Close()
	}
}

// run runs the plan len(times) times.
func (l *loop) run(times []time.Duration) error {
	l.reps, l.marks = len(times), make([]time.Time, 0, len(times)+1)
	l.team.Run(l.walk)
	for i := range times {
		times[i] = l.marks[i+1].Sub(l.marks[i])
	}
	return l.calls[0].Fault.Take()
}

// keep leaves the steps which prepare an input out of the runs to come.
func (l *loop) keep() { l.first = l.plan.Prepare.Steps }

func (l *loop) work(w int) {
	l.team.Barrier(l.mark)
	for range l.reps {
		for i := l.first; i < len(l.plan.Steps); i++ {
			s := &l.plan.Steps[i]
			parts := len(l.calls)
			if s.Grain > 1 {
				parts = min(parts, max(1, s.N/s.Grain))
			}
			if w < parts {
				if lo, hi := par.Split(s.N, parts, w); lo < hi {
					s.Run(&l.calls[w], lo, hi)
				}
			}
			if i < len(l.plan.Steps)-1 {
				l.team.Barrier(nil)
			}
		}
		l.team.Barrier(l.mark)
	}
}

// workspace returns the bytes of the plan's scratch memory.
func (l *loop) workspace() int {
	return l.plan.Shared + l.plan.Prepare.Bytes + len(l.calls)*l.plan.Local
}
