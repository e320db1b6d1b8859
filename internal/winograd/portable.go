package winograd

import (
	"sync"
	"unsafe"

	"neocog/internal/toomcook"
)

// A step is an operation of a program on slots, of which each holds a vector. A slot is used again once its value is not needed.
type step struct {
	kind      toomcook.Kind
	a, b, dst uint8
	i, j      uint8
	c         float64 // rounded for T already
}

// slots is the most that a program needs.
const slots = 80

type steps struct{ f32, f64 []step }

// programs are the steps of each kernel.
var programs = sync.OnceValue(func() []steps {
	var all []steps
	for _, t := range toomcook.Transforms() {
		p := t.Program()
		all = append(all, steps{stepsOf(p, true), stepsOf(p, false)})
	}
	return all
})

func stepsOf(p *toomcook.Program, single bool) []step {
	last := make([]int, len(p.Ops)) // where a value is used last
	for i, op := range p.Ops {
		if op.Kind >= toomcook.Add {
			last[op.A] = i
			if op.Kind != toomcook.Mul && op.Kind != toomcook.Store {
				last[op.B] = i
			}
		}
	}
	slot := make([]uint8, len(p.Ops))
	var taken [slots]int // until which operation
	var all []step
	for i, op := range p.Ops {
		s := step{kind: op.Kind, i: uint8(op.I), j: uint8(op.J)}
		if op.Kind >= toomcook.Add {
			s.a, s.b = slot[op.A], slot[op.B]
		}
		if len(p.Constants) > 0 {
			s.c, _ = p.Constants[op.C].Float64()
			if single {
				f, _ := p.Constants[op.C].Float32()
				s.c = float64(f)
			}
		}
		if op.Kind != toomcook.Store {
			for taken[s.dst] > i {
				s.dst++
			}
			taken[s.dst] = last[i]
			slot[i] = s.dst
		}
		all = append(all, s)
	}
	return all
}

// runPortable is the specification. The conversions keep compilers from fusing: every architecture gives the same bits.
func runPortable[T Float](k Kernel, c *Call) {
	program := programs()[k].f64
	if unsafe.Sizeof(T(0)) == 4 {
		program = programs()[k].f32
	}
	var v [slots][Lanes]T
	lanes := c.Lanes
	for n := range c.N {
		src, dst := unsafe.Add(c.Src, uintptr(n)*c.SrcNext), unsafe.Add(c.Dst, uintptr(n)*c.DstNext)
		for p := range program {
			s := &program[p]
			a, b, out, f := v[s.a][:lanes], v[s.b][:lanes], v[s.dst][:lanes], T(s.c)
			switch s.kind {
			case toomcook.Load:
				copy(out, unsafe.Slice((*T)(unsafe.Add(src, uintptr(s.i)*c.SrcRow+uintptr(s.j)*c.SrcCol)), lanes))
			case toomcook.Bias:
				copy(out, unsafe.Slice((*T)(c.Bias), lanes))
			case toomcook.Add:
				for l := range out {
					out[l] = a[l] + b[l]
				}
			case toomcook.Sub:
				for l := range out {
					out[l] = a[l] - b[l]
				}
			case toomcook.Mul:
				for l := range out {
					out[l] = f * a[l]
				}
			case toomcook.MAdd:
				for l := range out {
					out[l] = T(f*a[l]) + b[l]
				}
			case toomcook.MSub:
				for l := range out {
					out[l] = T(f*a[l]) - b[l]
				}
			case toomcook.NMAdd:
				for l := range out {
					out[l] = b[l] - T(f*a[l])
				}
			case toomcook.Store:
				copy(unsafe.Slice((*T)(unsafe.Add(dst, uintptr(s.i)*c.DstRow+uintptr(s.j)*c.DstCol)), lanes), a)
			}
		}
	}
}
