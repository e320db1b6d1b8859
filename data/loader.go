package data

import (
	"errors"
	"fmt"
	"iter"
)

// Batch is one step's input. All slices belong to the Loader and are overwritten by the next step: copy what you keep.
type Batch struct {
	X     []float32 // N·C·H·W normalised pixels
	Y     []int32   // N labels
	N     int       // images in this batch; below Loader.Batch only in the last one of an epoch
	Index []int     // N positions in the set
}

// Loader cuts a set into batches, epoch after epoch.
//
// The order depends on nothing but (Seed, epoch, Len of the set): a resumed run asks for its epoch by number and sees what the
// interrupted one would have seen. Buffers are made once: in steady state a batch costs no allocation, an epoch
// a handful. One Loader serves one loop at a time; take a Loader each for concurrent loops, which may share the Set.
type Loader struct {
	Set      *Set
	Batch    int        // images in a batch, at least 1
	Norm     Normalizer // the zero value leaves the grey levels 0..255
	Seed     uint64     // of the order
	Shuffle  bool       // a new order every epoch; otherwise that of the set
	DropLast bool       // leave out a last batch that is short
	Prefetch bool       // prepare the next batch in another goroutine while the loop works on this one; same batches

	order   []int
	buffers [2]Batch
}

// Validate says what is wrong with the fields: no set or one that is not valid, a batch below 1, a normaliser of other dimensions.
func (l *Loader) Validate() error {
	if l.Set == nil {
		return errors.New("loader: want a set, got none")
	}
	if l.Batch < 1 {
		return fmt.Errorf("loader: want a batch of at least 1 image, got %d", l.Batch)
	}
	if err := l.Set.Validate(); err != nil {
		return err
	}
	return l.Norm.checkFor(l.Set.C, l.Set.H, l.Set.W)
}

// Len returns the number of batches in an epoch, 0 if the fields are not valid.
func (l *Loader) Len() int {
	if l.Set == nil || l.Batch < 1 {
		return 0
	}
	n := l.Set.Len()
	if l.DropLast {
		return n / l.Batch
	}
	return n/l.Batch + min(n%l.Batch, 1)
}

// Epoch yields the batches of epoch e. An iteration may be broken off at any batch; the next one starts anew.
// A Loader that Validate refuses yields nothing: call Validate once before the first epoch.
func (l *Loader) Epoch(e int) iter.Seq[Batch] {
	return func(yield func(Batch) bool) {
		if l.Validate() != nil {
			return
		}
		l.prepare(e)
		if l.Prefetch {
			l.ahead(yield)
			return
		}
		for k := range l.Len() {
			if !yield(l.fill(&l.buffers[0], k)) {
				return
			}
		}
	}
}

// prepare orders the images and makes the buffers. Both follow the fields, which may have changed since the last epoch.
func (l *Loader) prepare(e int) {
	n, dim := l.Set.Len(), l.Set.Dim()
	if len(l.order) != n {
		l.order = make([]int, n)
	}
	if l.Shuffle {
		permute(l.order, l.Seed, streamEpoch^uint64(e))
	} else {
		for i := range l.order {
			l.order[i] = i
		}
	}
	most := min(l.Batch, n)
	used := 1
	if l.Prefetch {
		used = 2
	}
	for i := range used {
		if b := &l.buffers[i]; cap(b.Y) < most || cap(b.X) < most*dim {
			*b = Batch{X: make([]float32, most*dim), Y: make([]int32, most)}
		}
	}
}

// fill prepares batch k in b's memory.
func (l *Loader) fill(b *Batch, k int) Batch {
	dim := l.Set.Dim()
	from := k * l.Batch
	to := min(from+l.Batch, len(l.order))
	out := Batch{X: b.X[:(to-from)*dim], Y: b.Y[:to-from], N: to - from, Index: l.order[from:to:to]}
	for j, i := range out.Index {
		l.Norm.apply(out.X[j*dim:(j+1)*dim], l.Set.Image(i))
		out.Y[j] = l.Set.Labels[i]
	}
	return out
}

// ahead fills one buffer while the consumer holds the other. It returns only after its goroutine has ended, whether the
// consumer finished, broke off or panicked: nobody else then touches the buffers.
func (l *Loader) ahead(yield func(Batch) bool) {
	filled := make(chan Batch)
	stop := make(chan struct{})
	done := make(chan struct{})
	defer func() {
		close(stop)
		<-done
	}()
	go func() {
		defer close(done)
		defer close(filled)
		for k := range l.Len() {
			// Batch k-2 used this buffer. The send of batch k-1 was received after the consumer was through with k-2.
			b := l.fill(&l.buffers[k%2], k)
			select {
			case filled <- b:
			case <-stop:
				return
			}
		}
	}()
	for b := range filled {
		if !yield(b) {
			return
		}
	}
}
