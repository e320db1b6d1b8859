package gen

import (
	"bytes"
	"fmt"
)

// An asm writes one kernel for one instruction set.
type asm struct {
	set
	w     *bytes.Buffer
	lanes int  // elements of a vector
	vec   int  // the vector of the group which the loop treats at once
	tail  bool // the vector is partial
}

func (a *asm) p(f string, args ...any) { fmt.Fprintf(a.w, "\t"+f+"\n", args...) }

func (a *asm) label(name string) { fmt.Fprintf(a.w, "\n%s:\n", name) }

// r is register i.
func (a *asm) r(i int) string { return fmt.Sprintf("%s%d", a.reg, i) }

// A stream kernel computes elements of its streams one by one.
type stream struct {
	name string
	ins  []string // streams besides dst which are walked
	wide bool     // vectors hold float64, so that half a register is loaded and stored
	// unroll is how many vectors the loop treats at once.
	unroll int
	// init, if not nil, prepares registers from the arguments.
	init func(a *asm)
	// body computes one vector.
	body func(a *asm)
}

func (s stream) define() definition {
	return definition{s.name, func(a *asm) {
		a.lanes = a.bytes / 4
		if s.wide {
			a.lanes = a.bytes / 8
		}
		a.p("MOVQ p+0(FP), R8")
		a.p("MOVQ args_dst(R8), DI")
		a.p("MOVQ args_at(R8), AX")
		a.p("MOVQ args_n(R8), DX")
		for _, in := range s.ins {
			a.p("MOVQ args_%s(R8), %s", in, pointers[in])
		}
		if s.init != nil {
			s.init(a)
		}
		unroll := s.unroll
		if unroll > 1 {
			a.p("SUBQ $%d, DX", unroll*a.lanes)
			a.p("JLT  few")
			a.p("PCALIGN $32")
			a.label("loop")
			for a.vec = range unroll {
				s.body(a)
			}
			a.vec = 0
			a.p("ADDQ $%d, AX", unroll*a.lanes)
			a.p("SUBQ $%d, DX", unroll*a.lanes)
			a.p("JGE  loop")
			a.label("few")
			a.p("ADDQ $%d, DX", unroll*a.lanes)
		}
		a.p("SUBQ $%d, DX", a.lanes)
		a.p("JLT  last")
		a.label("one")
		s.body(a)
		a.p("ADDQ $%d, AX", a.lanes)
		a.p("SUBQ $%d, DX", a.lanes)
		a.p("JGE  one")
		a.label("last")
		a.p("ADDQ $%d, DX", a.lanes)
		a.p("JEQ  done")
		a.mask()
		a.tail = true
		s.body(a)
		a.tail = false
		a.label("done")
		a.p("VZEROUPPER")
		a.p("RET")
	}}
}

// mask makes the mask of the first DX elements of a vector: K1, or register 15.
func (a *asm) mask() {
	if a.masks {
		a.p("MOVQ  DX, CX")
		a.p("MOVL  $1, R9")
		a.p("SHLL  CX, R9")
		a.p("DECL  R9")
		a.p("KMOVD R9, K1")
		return
	}
	a.p("LEAQ tails<>+128(SB), R9")
	a.p("SHLQ $2, DX")
	a.p("SUBQ DX, R9")
	a.p("VMOVUPS (R9), Y15")
}

// place is the address of the vector in a stream of elements of so many bytes.
func (a *asm) place(stream string, size int) string {
	return fmt.Sprintf("%d(%s)(AX*%d)", a.vec*a.lanes*size, pointers[stream], size)
}

// load loads a vector of float32 into register i.
func (a *asm) load(stream string, i int) {
	switch at := a.place(stream, 4); {
	case !a.tail:
		a.p("VMOVUPS %s, %s", at, a.r(i))
	case a.masks:
		a.p("VMOVUPS.Z %s, K1, %s", at, a.r(i))
	default:
		a.p("VMASKMOVPS %s, Y15, %s", at, a.r(i))
	}
}

// store stores register i as a vector of float32.
func (a *asm) store(i int, stream string) {
	switch at := a.place(stream, 4); {
	case !a.tail:
		a.p("VMOVUPS %s, %s", a.r(i), at)
	case a.masks:
		a.p("VMOVUPS %s, K1, %s", a.r(i), at)
	default:
		a.p("VMASKMOVPS %s, Y15, %s", a.r(i), at)
	}
}

// scalar fills register i with the one element of a stream.
func (a *asm) scalar(stream string, i int) {
	a.p("MOVQ args_%s(R8), R9", stream)
	a.p("VBROADCASTSS (R9), %s", a.r(i))
}

// number fills register i with number n of args.f.
func (a *asm) number(n, i int) { a.p("VBROADCASTSS args_f+%d(R8), %s", 4*n, a.r(i)) }

// op writes an instruction on full registers, the last of which is the result.
func (a *asm) op(name string, regs ...int) {
	a.p("%s", name+" "+a.list(regs))
}

func (a *asm) list(regs []int) string {
	s := ""
	for i, r := range regs {
		if i > 0 {
			s += ", "
		}
		s += a.r(r)
	}
	return s
}

// keep writes to register dst the lanes of register x for which the comparison
// predicate of y with z holds, and 0 in the others. Register t is lost.
func (a *asm) keep(predicate string, z, y, x, t, dst int) {
	if a.masks {
		a.p("VCMPPS $%s, %s, %s, K2", predicate, a.r(z), a.r(y))
		a.p("VMOVAPS.Z %s, K2, %s", a.r(x), a.r(dst))
		return
	}
	a.p("VCMPPS $%s, %s, %s, %s", predicate, a.r(z), a.r(y), a.r(t))
	a.op("VANDPS", x, t, dst)
}

// choose overwrites register dst with register x in the lanes where the
// comparison predicate of y with z holds. Register t is lost.
func (a *asm) choose(predicate string, z, y, x, t, dst int) {
	if a.masks {
		a.p("VCMPPS $%s, %s, %s, K2", predicate, a.r(z), a.r(y))
		a.p("VMOVAPS %s, K2, %s", a.r(x), a.r(dst))
		return
	}
	a.p("VCMPPS $%s, %s, %s, %s", predicate, a.r(z), a.r(y), a.r(t))
	a.p("VBLENDVPS %s, %s, %s, %s", a.r(t), a.r(x), a.r(dst), a.r(dst))
}

// Predicates of comparisons, by what they hold for.
const (
	equal      = "0"
	unordered  = "3"
	notAtMost  = "6" // greater, or unordered
	notGreater = "10"
	greater    = "14"
)

// zero clears register i.
func (a *asm) zero(i int) { a.op("VXORPS", i, i, i) }
