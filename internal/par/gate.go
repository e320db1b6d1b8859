package par

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// How long a worker waits before it sleeps. A sleeping goroutine costs its waker a system call, some microseconds,
// which is as long as a small kernel; a spinning one costs a core. So: spin for about a microsecond, then
// offer the processor to others for a hundred microseconds or so, which is what the shares of a step may differ by,
// then sleep.
const (
	spins  = 2000
	yields = 1000
)

// A gate counts how often it was opened, and lets goroutines wait until the count moves on.
type gate struct {
	count    atomic.Uint32
	sleepers atomic.Int32
	mu       sync.Mutex
	wake     sync.Cond
	_        [64]byte // whoever spins here must not slow down a neighbour's counter
}

func (g *gate) init() { g.wake.L = &g.mu }

// open releases everyone who waits for the present count to pass.
func (g *gate) open() {
	g.count.Add(1)
	// wait registers as a sleeper before its last look at count, and count was moved before this look
	// at sleepers: one of the two sees the other (both are sequentially consistent).
	if g.sleepers.Load() > 0 {
		g.mu.Lock()
		g.wake.Broadcast()
		g.mu.Unlock()
	}
}

// wait returns once count is no longer seen. spin says whether every worker has a processor of its
// own; where it has not, the one waited for may need this one.
func (g *gate) wait(seen uint32, spin bool) {
	if spin {
		for range spins {
			if g.count.Load() != seen {
				return
			}
		}
	}
	for range yields {
		if g.count.Load() != seen {
			return
		}
		runtime.Gosched()
	}
	g.mu.Lock()
	g.sleepers.Add(1)
	for g.count.Load() == seen {
		g.wake.Wait()
	}
	g.sleepers.Add(-1)
	g.mu.Unlock()
}
