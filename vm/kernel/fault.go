package kernel

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// A Fault collects what a kernel finds wrong with the data of a run. The zero
// Fault is ready for use.
type Fault struct {
	pending atomic.Bool
	mu      sync.Mutex
	item    int
	err     error
}

// Set records the message for an item unless a lower item has one already, so
// that what is reported does not depend on the number of workers.
func (f *Fault) Set(item int, format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil || item < f.item {
		f.item, f.err = item, fmt.Errorf(format, args...)
	}
	f.pending.Store(true)
}

// Pending reports whether there is an error to Take.
func (f *Fault) Pending() bool { return f.pending.Load() }

// Take returns the recorded error and forgets it.
func (f *Fault) Take() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.err
	f.err = nil
	f.pending.Store(false)
	return err
}
