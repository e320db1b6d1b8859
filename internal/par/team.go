package par

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// A Team is a fixed number of workers which execute the same function together and meet at barriers.
// Worker 0 is the calling goroutine.
//
// A Team serves one Run at a time: a Run that overlaps another of the same Team, from another goroutine or from
// within the body, is a bug of the caller and panics. A Team that becomes unreachable without Close ends its
// workers by itself.
type Team struct {
	// The workers refer to the crew alone, so that they do not keep the Team itself alive.
	*crew
}

// crew is what the workers of a Team share.
type crew struct {
	n    int
	busy sync.Mutex     // held by Run and Close
	up   bool           // the n−1 goroutines exist
	done sync.WaitGroup // counts them
	body func(worker int)
	quit bool
	spin bool // there is a processor for each worker

	start   gate // opened by Run and Close
	meet    gate // opened by the last worker to arrive at a barrier
	arrived atomic.Int32
}

// NewTeam returns a team of n workers; n < 1 means 1. The n−1 goroutines are started by the first Run, and
// park when idle.
func NewTeam(n int) *Team {
	c := &crew{n: max(n, 1)}
	c.start.init()
	c.meet.init()
	t := &Team{c}
	runtime.AddCleanup(t, func(c *crew) { c.dismiss() }, c)
	return t
}

// Size returns the number of workers, at least 1.
func (t *Team) Size() int { return t.n }

// Run calls body(0) … body(n−1), one on each worker, and returns when all have returned. What was written
// before Run is visible to every worker, and what they wrote is visible after it. Run allocates nothing when
// body is a func value made beforehand; on a team of one it just calls body(0).
//
// The body must not panic: on worker 0 the panic would leave the others waiting, on another it would end
// the process. A caller that expects panics recovers within body and still makes every worker pass
// the same barriers.
func (t *Team) Run(body func(worker int)) {
	if t.n == 1 {
		body(0)
		return
	}
	c := t.crew
	if !c.busy.TryLock() {
		panic("par: Run overlaps another Run or Close of the same Team")
	}
	c.muster()
	c.body = body
	c.start.open()
	body(0)
	t.Barrier(nil)
	c.body = nil // it may refer to t, and the parked workers must not
	c.busy.Unlock()
	runtime.KeepAlive(t)
}

// Barrier returns once every worker of the current Run has called it. The last to arrive first calls last, which
// may be nil: it sees everything that was written before the barrier, and everyone sees what it wrote.
// Every worker must pass the same number of barriers in a Run; all should give the same last, since any of
// them may arrive last. Barrier allocates nothing; on a team of one it just calls last.
func (t *Team) Barrier(last func()) { t.barrier(last) }

// Close ends the workers and waits until they are gone. It waits for a Run in progress, so that it must not be
// called from within one. Closing twice does nothing, and a Run after Close starts the workers anew.
func (t *Team) Close() {
	c := t.crew
	c.busy.Lock()
	defer c.busy.Unlock()
	c.dismiss()
	c.done.Wait()
	runtime.KeepAlive(t)
}

// muster starts the workers if there are none.
func (c *crew) muster() {
	c.spin = c.n <= runtime.GOMAXPROCS(0)
	if c.up {
		return
	}
	c.up, c.quit = true, false
	seen := c.start.count.Load()
	for w := 1; w < c.n; w++ {
		c.done.Go(func() { c.work(w, seen) })
	}
}

// dismiss tells the workers, if there are any, to end.
func (c *crew) dismiss() {
	if c.up {
		c.up, c.quit = false, true
		c.start.open()
	}
}

// work is the life of worker w, born when the start gate had been opened seen times. No Run can start before
// the one before it has met every worker, so a worker is never more than one opening behind.
func (c *crew) work(w int, seen uint32) {
	spin := true
	for ; ; seen++ {
		c.start.wait(seen, spin)
		if c.quit {
			return
		}
		spin = c.spin
		c.body(w)
		c.barrier(nil)
	}
}

func (c *crew) barrier(last func()) {
	if c.n == 1 {
		if last != nil {
			last()
		}
		return
	}
	// Read before arriving: from then on the others may finish this Run, and the next one may begin.
	seen, spin := c.meet.count.Load(), c.spin
	if int(c.arrived.Add(1)) < c.n {
		c.meet.wait(seen, spin)
		return
	}
	if last != nil {
		last()
	}
	c.arrived.Store(0) // before anyone can come back
	c.meet.open()
}
