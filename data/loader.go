package data

import (
	"errors"
	"fmt"
	"iter"
	"runtime/debug"
	"sync"
	"time"
)

// Batch is one step's input. All slices belong to the Loader and are overwritten by the next step: copy what you keep.
type Batch struct {
	X     []float32 // N·C·H·W normalised pixels
	Y     []int32   // N labels
	N     int       // images in this batch; below Loader.Batch only in the last one of an epoch
	Index []int     // N positions in the set

	// Of images that Mixup has mixed: the label of the other image, and the share of Y's. Empty without Mixup.
	Other []int32
	Share []float32
}

// Loader cuts a set into batches, epoch after epoch.
//
// The order depends on nothing but (Seed, epoch, Len of the set), and what Augment does to an image on nothing but (Seed, epoch,
// position in the set): a resumed run asks for its epoch by number and sees what the interrupted one would have seen, with
// any number of workers. Buffers are made once, Workers + 1 batches of them: in steady state a batch costs no
// allocation, an epoch a handful. One Loader serves one loop at a time; take a Loader each for concurrent loops,
// which may share the Set.
type Loader struct {
	Set      *Set
	Batch    int        // images in a batch, at least 1
	Norm     Normalizer // the zero value leaves the grey levels 0..255
	Seed     uint64     // of the order and of Augment
	Shuffle  bool       // a new order every epoch; otherwise that of the set
	DropLast bool       // leave out a last batch that is short
	Augment  Augment    // changes to the images, by epoch
	Workers  int        // goroutines that prepare the next batches while the loop works on this one; 0 has it done in the loop

	order     []int
	buffers   []Batch
	augmenter *Augmenter // nil without steps
	made      madeFor    // what augmenter is for
	clones    []*Augmenter
	h, w      int // of the images as the network sees them
	err       error
	waited    time.Duration
}

type madeFor struct {
	set   *Set
	steps string
	seed  uint64
}

// MaxWorkers is the most goroutines that a Loader starts.
const MaxWorkers = 256

// Validate says what is wrong with the fields: no set or one that is not valid, a batch below 1, a normaliser of other
// dimensions, steps that do not suit the images, workers below 0 or above MaxWorkers.
func (l *Loader) Validate() error {
	if l.Set == nil {
		return errors.New("loader: want a set, got none")
	}
	if l.Batch < 1 {
		return fmt.Errorf("loader: want a batch of at least 1 image, got %d", l.Batch)
	}
	if l.Workers < 0 || l.Workers > MaxWorkers {
		return fmt.Errorf("loader: want 0 to %d workers, got %d", MaxWorkers, l.Workers)
	}
	if err := l.Set.Validate(); err != nil {
		return err
	}
	h, w, err := l.Augment.Size(l.Set.C, l.Set.H, l.Set.W)
	if err != nil {
		return err
	}
	return l.Norm.checkFor(l.Set.C, h, w)
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

// Epoch yields the batches of epoch e. An iteration may be broken off at any batch; the next one starts anew. An epoch
// that cannot go on ends early: ask Err after the loop, as with a bufio.Scanner.
func (l *Loader) Epoch(e int) iter.Seq[Batch] { return l.EpochFrom(e, 0) }

// EpochFrom yields the batches of epoch e but the first so many, which are not prepared: what is left of an epoch that was
// broken off. From Len on it yields none.
func (l *Loader) EpochFrom(e, first int) iter.Seq[Batch] {
	return func(yield func(Batch) bool) {
		l.waited = 0
		if first < 0 {
			l.err = fmt.Errorf("loader: want a first batch of at least 0, got %d", first)
			return
		}
		if l.err = l.prepare(e); l.err != nil {
			return
		}
		if l.Workers > 0 {
			l.ahead(e, first, yield)
			return
		}
		for k := first; k < l.Len(); k++ {
			began := time.Now()
			b, err := l.fill(&l.buffers[0], l.augmenter, e, k)
			l.waited += time.Since(began)
			if err != nil {
				l.err = err
				return
			}
			if !yield(b) {
				return
			}
		}
	}
}

// Err returns why the last epoch ended early, nil if it did not or was broken off by the loop: what Validate finds, or an image
// that could not be prepared, with its position.
func (l *Loader) Err() error { return l.err }

// Waited returns for how long the last epoch, or what has passed of it, kept its loop waiting for batches: all the time that it takes to prepare
// them without Workers; with enough of them, and a core for each, that of the first batch.
func (l *Loader) Waited() time.Duration { return l.waited }

// prepare orders the images and makes the buffers. Both follow the fields, which may have changed since the last epoch.
func (l *Loader) prepare(e int) error {
	if err := l.Validate(); err != nil {
		return err
	}
	if made := (madeFor{l.Set, l.Augment.String(), l.Seed}); l.made != made || len(l.Augment) == 0 {
		l.augmenter, l.clones, l.made = nil, nil, made
		l.h, l.w = l.Set.H, l.Set.W
		if len(l.Augment) > 0 {
			g, err := l.Augment.For(l.Set, l.Seed)
			if err != nil {
				return err
			}
			l.augmenter = g
			l.h, l.w = g.Size()
		}
	}
	n, dim := l.Set.Len(), l.Set.C*l.h*l.w
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
	for len(l.buffers) < l.Workers+1 {
		l.buffers = append(l.buffers, Batch{})
	}
	most := min(l.Batch, n)
	for i := range l.Workers + 1 {
		if b := &l.buffers[i]; cap(b.Y) < most || cap(b.X) < most*dim {
			*b = Batch{X: make([]float32, most*dim), Y: make([]int32, most), Other: make([]int32, most), Share: make([]float32, most)}
		}
	}
	for l.augmenter != nil && len(l.clones) < l.Workers {
		l.clones = append(l.clones, l.augmenter.Clone())
	}
	return nil
}

// fill prepares batch k of epoch e in b's memory with g, which is nil without steps.
func (l *Loader) fill(b *Batch, g *Augmenter, e, k int) (out Batch, err error) {
	dim := l.Set.C * l.h * l.w
	from := k * l.Batch
	to := min(from+l.Batch, len(l.order))
	out = Batch{X: b.X[:(to-from)*dim], Y: b.Y[:to-from], N: to - from, Index: l.order[from:to:to]}
	at := -1
	// A set may be a mapped file, which somebody cuts: a fault must reach the reader and not end the program.
	before := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(before)
		if r := recover(); r != nil {
			err = fmt.Errorf("loader: image %d of %s, epoch %d: %v", at, l.Set.Name, e, r)
		}
	}()
	mixup, step, mixes := l.Augment.mixup()
	if mixes {
		out.Other, out.Share = b.Other[:out.N], b.Share[:out.N]
	}
	for j, i := range out.Index {
		at = i
		x := out.X[j*dim : (j+1)*dim]
		out.Y[j] = l.Set.Labels[i]
		if g == nil {
			l.Norm.apply(x, l.Set.Image(i))
			continue
		}
		l.Norm.apply(x, g.Image(e, i))
		if mixes {
			partner, share := g.mix(mixup, step, e, i)
			out.Other[j], out.Share[j] = l.Set.Labels[partner], float32(share)
			l.Norm.mixInto(x, g.Image(e, partner), float32(share))
		}
	}
	return out, nil
}

// filled is a batch that a worker has prepared, or why it could not.
type filled struct {
	batch Batch
	err   error
}

// ahead has the workers fill buffers while the consumer holds one. It returns only after they have ended, whether the
// consumer finished, broke off or panicked: nobody else then touches the buffers.
//
// Worker i makes the batches first + i, first + i + Workers, …, and hands each over before it makes the next. At most Workers
// batches wait or are being made while the consumer holds one, and so batch first + k may use buffer k mod (Workers + 1).
func (l *Loader) ahead(e, first int, yield func(Batch) bool) {
	count := l.Len() - first
	ready := make([]chan filled, l.Workers)
	turn := make([]chan struct{}, l.Workers) // the consumer has come to a batch that allows the worker its next
	stop := make(chan struct{})
	var done sync.WaitGroup
	defer func() {
		close(stop)
		done.Wait()
	}()
	for i := range l.Workers {
		ready[i], turn[i] = make(chan filled), make(chan struct{}, 1)
		var g *Augmenter
		if l.augmenter != nil {
			g = l.clones[i]
		}
		done.Go(func() {
			for k := i; k < count; k += l.Workers {
				if k > i {
					select {
					case <-turn[i]:
					case <-stop:
						return
					}
				}
				b, err := l.fill(&l.buffers[k%(l.Workers+1)], g, e, first+k)
				select {
				case ready[i] <- filled{b, err}:
				case <-stop:
					return
				}
				if err != nil {
					return
				}
			}
		})
	}
	for k := range count {
		began := time.Now()
		f := <-ready[k%l.Workers]
		l.waited += time.Since(began)
		if f.err != nil {
			l.err = f.err
			return
		}
		// The consumer is through with batch k-1, whose buffer is that of batch k + Workers, the next of this worker.
		turn[k%l.Workers] <- struct{}{}
		if !yield(f.batch) {
			return
		}
	}
}
