package gen

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// An asm writes one kernel for one instruction set.
type asm struct {
	set
	w     *bytes.Buffer
	wide  bool // vectors hold float64
	lanes int  // elements of a vector
	vec   int  // the vector of the group which the loop treats at once
	tail  bool // the vector is partial
	// constants are those of package simd which the kernel uses. With opmasks there
	// are registers for the first of them.
	constants []string
}

func (a *asm) p(f string, args ...any) { fmt.Fprintf(a.w, "\t"+f+"\n", args...) }

func (a *asm) label(name string) { fmt.Fprintf(a.w, "\n%s:\n", name) }

// r is full register i, h the same register at half its length.
func (a *asm) r(i int) string { return fmt.Sprintf("%s%d", a.reg, i) }
func (a *asm) h(i int) string { return fmt.Sprintf("%s%d", a.half, i) }

// A stream kernel computes elements of its streams one by one.
type stream struct {
	name string
	ins  []string // streams besides dst which are walked
	wide bool     // vectors hold float64, so that half a register is loaded and stored
	// whole says that there is no partial vector.
	whole bool
	// rows says that the elements are rows of args.size, for each of which init
	// reads four numbers of stream c.
	rows bool
	// unroll is how many vectors the loop treats at once.
	unroll int
	// init, if not nil, prepares registers from the arguments.
	init func(a *asm)
	// body computes one vector.
	body func(a *asm)
}

func (s stream) define() definition {
	return definition{s.name, func(a *asm) {
		a.wide, a.lanes = s.wide, a.bytes/4
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
		if s.rows {
			a.p("MOVQ args_size(R8), R13")
			a.p("MOVQ DX, R11")
			a.label("row")
			a.p("MOVQ R13, DX")
		}
		if s.init != nil {
			s.init(a)
		}
		a.prepare(s.body)
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
		if !s.whole {
			a.p("ADDQ $%d, DX", a.lanes)
			a.p("JEQ  done")
			if s.rows {
				a.p("MOVQ DX, R12")
			}
			a.mask()
			a.tail = true
			s.body(a)
			a.tail = false
			if s.rows {
				a.p("ADDQ R12, AX")
			}
			a.label("done")
		}
		if s.rows {
			a.p("ADDQ $16, R10")
			a.p("SUBQ R13, R11")
			a.p("JNE  row")
		}
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
	at, mov, r, mask := a.place(stream, 4), "VMOVUPS", a.r(i), "Y15"
	if a.wide {
		mov, mask = "VCVTPS2PD", "X15"
	}
	switch {
	case !a.tail:
		a.p("%s %s, %s", mov, at, r)
	case a.masks:
		a.p("%s.Z %s, K1, %s", mov, at, r)
	case a.wide:
		a.p("VMASKMOVPS %s, %s, %s", at, mask, a.h(i))
		a.p("VCVTPS2PD %s, %s", a.h(i), r)
	default:
		a.p("VMASKMOVPS %s, %s, %s", at, mask, r)
	}
}

// store stores register i, which is lost, as a vector of float32.
func (a *asm) store(i int, stream string) {
	at, r, mask := a.place(stream, 4), a.r(i), "Y15"
	if a.wide {
		narrow := "VCVTPD2PS"
		if !a.masks {
			narrow = "VCVTPD2PSY"
		}
		a.p("%s %s, %s", narrow, r, a.h(i))
		r, mask = a.h(i), "X15"
	}
	switch {
	case !a.tail:
		a.p("VMOVUPS %s, %s", r, at)
	case a.masks:
		a.p("VMOVUPS %s, K1, %s", r, at)
	default:
		a.p("VMASKMOVPS %s, %s, %s", r, mask, at)
	}
}

// Registers for constants: with opmasks, resident of them below register 31; for
// what finds no place there, and without opmasks, one register in turn.
const resident = 23

func (a *asm) passing() int {
	if a.masks {
		return 8
	}
	return 14
}

// prepare finds out which constants body uses and loads those for which there are
// registers.
func (a *asm) prepare(body func(a *asm)) {
	w := a.w
	a.w = new(bytes.Buffer)
	body(a)
	a.w = w
	if len(a.constants) == 0 {
		return
	}
	a.p("LEAQ ·constant(SB), R12")
	if a.masks {
		for i, name := range a.constants[:min(resident, len(a.constants))] {
			a.broadcast(name, 31-i)
		}
	}
}

func (a *asm) broadcast(name string, i int) {
	field := "constants_" + name
	if group, name, ok := strings.Cut(name, "."); ok {
		field = "constants_" + group + "+" + group + "Constants_" + name
	}
	a.p("VBROADCASTSD %s(R12), %s", field, a.r(i))
}

// k returns a register which holds a constant until k is called again.
func (a *asm) k(name string) int {
	n := slices.Index(a.constants, name)
	if n < 0 {
		n = len(a.constants)
		a.constants = append(a.constants, name)
	}
	if a.masks && n < resident {
		return 31 - n
	}
	a.broadcast(name, a.passing())
	return a.passing()
}

// keepIn fills register i with a constant.
func (a *asm) keepIn(name string, i int) { a.p("VMOVAPD %s, %s", a.r(a.k(name)), a.r(i)) }

// scalar fills register i with the one element of a stream.
func (a *asm) scalar(stream string, i int) {
	a.p("MOVQ args_%s(R8), R9", stream)
	a.p("VBROADCASTSS (R9), %s", a.r(i))
}

// rowNumber fills register i with number n of the row.
func (a *asm) rowNumber(n, i int) { a.p("VBROADCASTSS %d(R10), %s", 4*n, a.r(i)) }

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
		a.p("VCMP%s $%s, %s, %s, K2", a.float(), predicate, a.r(z), a.r(y))
		a.p("VMOVA%s.Z %s, K2, %s", a.float(), a.r(x), a.r(dst))
		return
	}
	a.p("VCMP%s $%s, %s, %s, %s", a.float(), predicate, a.r(z), a.r(y), a.r(t))
	a.op("VANDPS", x, t, dst)
}

// choose overwrites register dst with register x in the lanes where the
// comparison predicate of y with z holds. Register t is lost.
func (a *asm) choose(predicate string, z, y, x, t, dst int) {
	if a.masks {
		a.p("VCMP%s $%s, %s, %s, K2", a.float(), predicate, a.r(z), a.r(y))
		a.p("VMOVA%s %s, K2, %s", a.float(), a.r(x), a.r(dst))
		return
	}
	a.p("VCMP%s $%s, %s, %s, %s", a.float(), predicate, a.r(z), a.r(y), a.r(t))
	a.p("VBLENDV%s %s, %s, %s, %s", a.float(), a.r(t), a.r(x), a.r(dst), a.r(dst))
}

// float is what instructions on the elements of vectors end with.
func (a *asm) float() string {
	if a.wide {
		return "PD"
	}
	return "PS"
}

// Predicates of comparisons, by what they hold for.
const (
	equal     = "0"
	less      = "1"
	unordered = "3"
	notLess   = "5" // at least, or unordered
	notAtMost = "6" // greater, or unordered
	greater   = "14"
)

// zero clears register i.
func (a *asm) zero(i int) { a.op("VXORPS", i, i, i) }
