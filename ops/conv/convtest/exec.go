package convtest

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"unsafe"

	"neocog/internal/guard"
	"neocog/internal/par"
	"neocog/vm/kernel"
)

// A cutting says how the items of each step are given out, and at which of their
// ends the buffers lie beside memory that cannot be touched.
type cutting struct {
	name       string
	workers    int
	concurrent bool
	single     bool // one item at a time, the last first
	side       guard.Side
}

var cuttings = []cutting{
	{name: "all items at once", workers: 1, side: guard.End},
	{name: "each item by itself, the last first", single: true, workers: 1, side: guard.Start},
	{name: "2 workers at the same time", workers: 2, concurrent: true, side: guard.Start},
	{name: "3 workers at the same time", workers: 3, concurrent: true, side: guard.End},
	{name: "8 workers, one after the other", workers: 8, side: guard.End},
}

// execute runs plan and returns its output, of size n. Outputs and scratch memory are full of NaN before, and
// each worker's own scratch memory again before each item.
func execute[T kernel.Float](plan kernel.Plan, in [][]T, n int, cut cutting) ([]T, error) {
	bufs := make([]*guard.Buffer[T], 0, len(in)+1)
	proto := kernel.Call{Fault: new(kernel.Fault), Outs: []int32{int32(len(in))}}
	for i, s := range in {
		bufs = append(bufs, guard.Copy(s, cut.side))
		proto.Ins = append(proto.Ins, int32(i))
	}
	bufs = append(bufs, guard.Make[T](n, cut.side))
	for _, b := range bufs {
		proto.Bufs = append(proto.Bufs, kernel.Buf{Ptr: pointer(b), Len: len(b.Slice())})
		defer b.Free()
	}
	shared, prepared := scratch(plan.Shared, cut.side), scratch(plan.Prepare.Bytes, cut.side)
	defer shared.Free()
	defer prepared.Free()
	proto.Scratch, proto.Prepared = pointer(shared), pointer(prepared)

	calls := make([]kernel.Call, cut.workers)
	locals := make([]*guard.Buffer[uint64], cut.workers)
	for w := range calls {
		calls[w] = proto
		locals[w] = scratch(plan.Local, cut.side)
		defer locals[w].Free()
		calls[w].Local = pointer(locals[w])
	}
	errs, first := make([]error, cut.workers), []T(nil)
	result := bufs[len(in)]
	for i, step := range slices.Concat(plan.Steps, plan.Steps[plan.Prepare.Steps:]) {
		if i == len(plan.Steps) { // once more, with what the first steps prepared
			if plan.Prepare.Steps == 0 {
				break
			}
			first = slices.Clone(result.Slice())
			result.Fill()
			shared.Fill()
		}
		var wg sync.WaitGroup
		for w := range cut.workers {
			lo, hi := par.Split(step.N, cut.workers, w)
			work := func() {
				errs[w] = guard.Catch(func() {
					if !cut.single {
						if lo < hi {
							step.Run(&calls[w], lo, hi)
						}
						return
					}
					for i := hi - 1; i >= lo; i-- {
						locals[w].Fill()
						step.Run(&calls[w], i, i+1)
					}
				})
			}
			if cut.concurrent {
				wg.Go(work)
			} else {
				work()
			}
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			return nil, fmt.Errorf("%w, with %d shared bytes and %d of each worker", err, plan.Shared, plan.Local)
		}
	}

	for i, b := range bufs {
		if err := b.Check(); err != nil {
			return nil, fmt.Errorf("outside of buffer %d of %d: %w", i, len(bufs), err)
		}
		if i < len(in) && !sameBits(b.Slice(), in[i]) {
			return nil, fmt.Errorf("changed input %d", i)
		}
	}
	for _, l := range append(locals, shared, prepared) {
		if err := l.Check(); err != nil {
			return nil, fmt.Errorf("outside of scratch memory, %d shared bytes and %d of each worker: %w", plan.Shared, plan.Local, err)
		}
	}
	if err := proto.Fault.Take(); err != nil {
		return nil, err
	}
	if first != nil && !sameBits(result.Slice(), first) {
		return nil, errors.New("without the steps that prepare an input the result is another one")
	}
	return slices.Clone(result.Slice()), nil
}

// scratch returns memory of which each float32 and float64 is NaN. Bytes up to a multiple of 8 are not guarded.
func scratch(bytes int, side guard.Side) *guard.Buffer[uint64] {
	return guard.Make[uint64]((bytes+7)/8, side)
}

func pointer[E guard.Element](b *guard.Buffer[E]) unsafe.Pointer {
	return unsafe.Pointer(unsafe.SliceData(b.Slice()))
}

// sameBits reports whether a and b are the same, NaN being the same as NaN.
func sameBits[E float32 | float64](a, b []E) bool {
	for i := range a {
		if bits(a[i]) != bits(b[i]) && (a[i] == a[i] || b[i] == b[i]) {
			return false
		}
	}
	return len(a) == len(b)
}

func bits[E float32 | float64](v E) uint64 { return math.Float64bits(float64(v)) }
