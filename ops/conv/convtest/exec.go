package convtest

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"unsafe"

	"neocog/internal/par"
	"neocog/vm/kernel"
)

// A cutting says how the items of each step are given out.
type cutting struct {
	name       string
	workers    int
	concurrent bool
	single     bool // one item at a time, the last first
}

var cuttings = []cutting{
	{name: "all items at once", workers: 1},
	{name: "each item by itself, the last first", single: true, workers: 1},
	{name: "3 workers at the same time", workers: 3, concurrent: true},
	{name: "16 workers, one after the other", workers: 16},
}

const guards = 8 // elements before and after each buffer

// execute runs plan and returns its output, of size n. Outputs and scratch memory are full of NaN before, and
// each worker's own scratch memory again before each item.
func execute[T kernel.Float](plan kernel.Plan, in [][]T, n int, cut cutting) ([]T, error) {
	bufs := make([]guarded[T], 0, len(in)+1)
	proto := kernel.Call{Fault: new(kernel.Fault), Outs: []int32{int32(len(in))}}
	for i, s := range in {
		bufs = append(bufs, guard(s))
		proto.Ins = append(proto.Ins, int32(i))
	}
	bufs = append(bufs, guard(slices.Repeat([]T{T(math.NaN())}, n)))
	for _, b := range bufs {
		proto.Bufs = append(proto.Bufs, kernel.Buf{Ptr: unsafe.Pointer(&b.all[guards]), Len: len(b.all) - 2*guards})
	}
	shared := scratch(plan.Shared)
	proto.Scratch = shared.ptr()

	calls := make([]kernel.Call, cut.workers)
	locals := make([]guarded[uint64], cut.workers)
	for w := range calls {
		calls[w] = proto
		locals[w] = scratch(plan.Local)
		calls[w].Local = locals[w].ptr()
	}
	for _, step := range plan.Steps {
		var wg sync.WaitGroup
		for w := range cut.workers {
			lo, hi := par.Split(step.N, cut.workers, w)
			work := func() {
				if !cut.single {
					if lo < hi {
						step.Run(&calls[w], lo, hi)
					}
					return
				}
				for i := hi - 1; i >= lo; i-- {
					locals[w].poison()
					step.Run(&calls[w], i, i+1)
				}
			}
			if cut.concurrent {
				wg.Go(work)
			} else {
				work()
			}
		}
		wg.Wait()
	}

	for i, b := range bufs {
		if !b.intact() {
			return nil, fmt.Errorf("wrote outside of buffer %d of %d", i, len(bufs))
		}
		if i < len(in) && !sameBits(b.contents(), in[i]) {
			return nil, fmt.Errorf("changed input %d", i)
		}
	}
	for _, l := range append(locals, shared) {
		if !l.intact() {
			return nil, fmt.Errorf("wrote outside of its scratch memory, %d shared bytes and %d of each worker", plan.Shared, plan.Local)
		}
	}
	if err := proto.Fault.Take(); err != nil {
		return nil, err
	}
	return bufs[len(in)].contents(), nil
}

// guarded is a buffer between guard cells.
type guarded[E float32 | float64 | uint64] struct{ all, before []E }

func guard[E float32 | float64 | uint64](s []E) guarded[E] {
	all := make([]E, len(s)+2*guards)
	copy(all[guards:], s)
	for i := range guards {
		all[i], all[len(all)-1-i] = 12345, 54321
	}
	return guarded[E]{all, slices.Clone(all)}
}

// scratch returns memory of which each float32 and float64 is NaN. Bytes up to a multiple of 8 are not guarded.
func scratch(bytes int) guarded[uint64] {
	return guard(slices.Repeat([]uint64{math.MaxUint64}, (bytes+7)/8))
}

func (g guarded[E]) contents() []E       { return g.all[guards : len(g.all)-guards] }
func (g guarded[E]) ptr() unsafe.Pointer { return unsafe.Pointer(&g.all[guards]) }

func (g guarded[E]) poison() { copy(g.contents(), g.before[guards:]) }

func (g guarded[E]) intact() bool {
	n := len(g.all) - guards
	return slices.Equal(g.all[:guards], g.before[:guards]) && slices.Equal(g.all[n:], g.before[n:])
}

// sameBits reports whether a and b are the same, NaN being the same as NaN.
func sameBits[E float32 | float64 | uint64](a, b []E) bool {
	for i := range a {
		if bits(a[i]) != bits(b[i]) && (a[i] == a[i] || b[i] == b[i]) {
			return false
		}
	}
	return len(a) == len(b)
}

func bits[E float32 | float64 | uint64](v E) uint64 { return math.Float64bits(float64(v)) }
