package kernel

import (
	"fmt"
	"sync"
)

// A Fault collects what a kernel finds wrong with the data of a run. The zero
// Fault is ready for use.
type Fault struct {
	mu   sync.Mutex
	item int
	err  error
}

// Set records the message for an item unless a lower item has one already, so
// that what is reported does not depend on the number of workers.
func (f *Fault) Set(item int, format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil || item < f.item {
		f.item, f.err = item, fmt.Errorf(format, args...)
	}
}

// Take returns the recorded error and forgets it.
func (f *Fault) Take() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.err
	f.err = nil
	return err
}
