package opstest

import (
	"bytes"
	"runtime/debug"
	"testing"
	"unsafe"

	"neocog/graph"
	"neocog/vm/kernel"
)

// What fills results and scratch memory before a run. A run must not depend on
// it. As floats, the first is NaN and the second a small number.
const (
	poisonOnes  = 0xff
	poisonSmall = 0x3c
)

// guard is the number of bytes before and after each buffer that must stay as
// they are. What they are differs with what fills the results, so that a kernel
// which reads them is found out too.
const guard = 64

// A bench runs a plan on buffers between guards.
type bench struct {
	t       TB
	name    string
	plan    kernel.Plan
	in, out []graph.Type
	values  [][]float64
	faulty  bool
}

func (r *bench) fail(format string, args ...any) {
	r.t.Helper()
	r.faulty = true
	r.t.Errorf(format, args...)
}

// A buffer is memory between guards.
type buffer struct {
	all   []byte
	n     int
	guard byte
}

func newBuffer(n int, fill, guards byte) buffer {
	words := make([]uint64, (n+2*guard)/8+1) // aligned for every element type
	all := unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), n+2*guard)
	for i := range all {
		all[i] = guards
	}
	b := buffer{all, n, guards}
	for i := range b.data() {
		b.data()[i] = fill
	}
	return b
}

func (b buffer) data() []byte { return b.all[guard : guard+b.n] }

func (b buffer) intact() bool {
	for i, v := range b.all {
		if (i < guard || i >= guard+b.n) && v != b.guard {
			return false
		}
	}
	return true
}

// run runs the plan with the items of each step cut into parts, last part
// first, and returns the results. If inPlace is at least 0 that output lies
// over the input which the plan names.
func (r *bench) run(parts int, fill byte, inPlace int) result {
	r.t.Helper()
	c, in, out, scratch := r.call(fill, inPlace)
	defer func() {
		if p := recover(); p != nil {
			r.t.Fatalf("%s: the kernel panicked: %v\n%s", r.name, p, debug.Stack())
		}
	}()
	for _, s := range r.plan.Steps {
		for p := parts - 1; p >= 0; p-- {
			if lo, hi := s.N*p/parts, s.N*(p+1)/parts; lo < hi {
				s.Run(c, lo, hi)
			}
		}
	}
	if err := c.Fault.Take(); err != nil {
		r.fail("%s: %v", r.name, err)
	}
	var res result
	for i, b := range out {
		res = append(res, append([]byte(nil), b.data()...))
		if !b.intact() {
			r.fail("%s: the kernel writes beyond result %d", r.name, i)
		}
	}
	for i, b := range in {
		if !b.intact() {
			r.fail("%s: the kernel writes beyond input %d", r.name, i)
		}
		if inPlace < 0 && !bytes.Equal(b.data(), encode(r.in[i].DType, r.values[i])) {
			r.fail("%s: the kernel changes input %d", r.name, i)
		}
	}
	for _, b := range scratch {
		if !b.intact() {
			r.fail("%s: the kernel writes beyond its scratch memory", r.name)
		}
	}
	return res
}

func (r *bench) call(fill byte, inPlace int) (c *kernel.Call, in, out, scratch []buffer) {
	c = &kernel.Call{Fault: &kernel.Fault{}}
	add := func(b buffer, t graph.Type) int32 {
		c.Bufs = append(c.Bufs, kernel.Buf{Ptr: unsafe.Pointer(&b.all[guard]), Len: t.Shape.Size()})
		return int32(len(c.Bufs) - 1)
	}
	for i, t := range r.in {
		b := newBuffer(t.Bytes(), 0, fill^0x99)
		copy(b.data(), encode(t.DType, r.values[i]))
		in = append(in, b)
		c.Ins = append(c.Ins, add(b, t))
	}
	for i, t := range r.out {
		b := newBuffer(t.Bytes(), fill, fill^0x99)
		if i == inPlace {
			b = in[r.plan.InPlace[i]-1]
		}
		out = append(out, b)
		c.Outs = append(c.Outs, add(b, t))
	}
	filled := func(bytes int) buffer { return newBuffer(bytes, fill, fill^0x99) }
	shared, local, prepared := filled(r.plan.Shared), filled(r.plan.Local), filled(r.plan.Prepare.Bytes)
	c.Scratch, c.Local, c.Prepared = unsafe.Pointer(&shared.all[guard]), unsafe.Pointer(&local.all[guard]), unsafe.Pointer(&prepared.all[guard])
	return c, in, out, []buffer{shared, local, prepared}
}

// exclusive fails if two halves of a step's items write to the same memory: two
// workers would.
func (r *bench) exclusive() {
	r.t.Helper()
	for s, step := range r.plan.Steps {
		if step.N < 2 {
			continue
		}
		var written [2][]bool
		for half := range 2 {
			c, _, out, scratch := r.call(poisonOnes, -1)
			for _, before := range r.plan.Steps[:s] {
				before.Run(c, 0, before.N)
			}
			watched := append(out, scratch[0]) // results and shared memory
			var old [][]byte
			for _, b := range watched {
				old = append(old, append([]byte(nil), b.data()...))
			}
			step.Run(c, step.N*half/2, step.N*(half+1)/2)
			for i, b := range watched {
				for j, v := range b.data() {
					written[half] = append(written[half], v != old[i][j])
				}
			}
		}
		for i, w := range written[0] {
			if w && written[1][i] {
				r.faulty = true
				r.t.Errorf("%s: step %d: items of the first half and of the second write to the same place; a kernel may only write what belongs to items lo to hi-1", r.name, s)
				return
			}
		}
	}
}

// allocations fails if running the plan allocates.
func (r *bench) allocations() {
	r.t.Helper()
	c, _, _, _ := r.call(poisonOnes, -1)
	n := testing.AllocsPerRun(3, func() {
		for _, s := range r.plan.Steps {
			s.Run(c, 0, s.N)
		}
	})
	if n > 0 {
		r.fail("%s: running allocates %v times", r.name, n)
	}
}

func (r *bench) same(how string, a, b result) {
	r.t.Helper()
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			at := 0
			for a[i][at] == b[i][at] {
				at++
			}
			r.fail("%s: result %d differs from element %d on %s", r.name, i, at/r.out[i].DType.Size(), how)
		}
	}
}

// encode returns the elements of v, of type d, in the machine's byte order.
func encode(d graph.DType, v []float64) []byte {
	switch d {
	case graph.Float32:
		return raw(convert[float32](v))
	case graph.Float64:
		return raw(v)
	case graph.Int32:
		return raw(convert[int32](v))
	case graph.Int64:
		return raw(convert[int64](v))
	}
	b := make([]byte, len(v))
	for i, x := range v {
		if x != 0 {
			b[i] = 1
		}
	}
	return b
}

func convert[T float32 | int32 | int64](v []float64) []T {
	out := make([]T, len(v))
	for i, x := range v {
		out[i] = T(x)
	}
	return out
}

func raw[T any](v []T) []byte {
	var z T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v)*int(unsafe.Sizeof(z)))
}

// floats returns the elements in b as float64, nil where d is no float.
func floats(b []byte, d graph.DType) []float64 {
	switch d {
	case graph.Float64:
		return append([]float64{}, unsafe.Slice((*float64)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/8)...)
	case graph.Float32:
		out := make([]float64, len(b)/4)
		for i, v := range unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4) {
			out[i] = float64(v)
		}
		return out
	}
	return nil
}
