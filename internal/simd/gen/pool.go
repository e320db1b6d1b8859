package gen

import (
	"bytes"
	"fmt"
)

// The kernels of pooling treat as many windows at once as a vector has lanes:
// lane i holds, for one tap after another, the element of window i. How these
// elements lie in memory depends on the stride of the windows.
type lay string

const (
	dense   lay = "Dense"   // stride 1: side by side
	pairs   lay = "Pairs"   // stride 2: two vectors hold them for two taps
	strided lay = "Strided" // any stride: gathered
)

// A pool is a kernel of pooling.
type pool struct {
	name    string
	lays    []lay
	indices bool // which tap it is matters
	fold         // what is done with the taps
	// careful, if not nil, is done over again where doubt leaves the processor's zero flag
	// clear; look is called once for every one or two taps, for doubt to remember what it saw.
	careful *fold
	look    func(a *poolAsm, v, w int)
	doubt   func(a *poolAsm)
	// end stores the results.
	end func(a *poolAsm)
}

// A fold goes over the taps of windows: begin starts, row starts a row of taps,
// tap takes the elements in register v, endRow ends a row.
type fold struct {
	begin, row, endRow func(a *poolAsm)
	tap                func(a *poolAsm, v int)
}

// Registers of the kernels. The masks, without opmasks, are registers 10 to 14.
const (
	acc     = 0 // the result
	second  = 1 // the place of the maximum; the sum of a row
	offset  = 2 // of the tap from the window's first element, in all lanes
	temp    = 3
	temp2   = 4
	first   = 5 // loaded
	base    = 6 // the index of the first element of each window; without indices, that from the first window's
	value   = 7
	value2  = 8
	loaded  = 9
	unclear = 15 // without opmasks: the lanes which have seen a NaN
)

// Masks: of the results; and of the elements which two vectors hold, for two
// taps and for the first of two.
const (
	lanesMask = iota
	bothLow
	bothHigh
	oneLow
	oneHigh
)

// opmask and vectorMask are the registers of the masks.
func opmask(m int) int     { return []int{5, 1, 2, 3, 4}[m] }
func vectorMask(m int) int { return 10 + m }

type poolAsm struct {
	*asm
	lay lay
}

func nothing(*poolAsm) {}

// Larger elements win. Where one is NaN nothing else does, which greatestOrNaN settles.
var greatest = fold{
	begin: func(a *poolAsm) {
		// No element is less than −Inf, so that the first is the largest if all are −Inf.
		a.p("VBROADCASTSS poolNumbers<>(SB), %s", a.r(acc))
		a.zero(offset)
		// The first element is the first tap which is no padding.
		a.p("VPBROADCASTD poolArgs_start(R8), %s", a.r(second))
		a.op("VPSUBD", base, second, second)
		a.op("VPMAXSD", offset, second, second)
		if a.masks {
			a.p("KXORW K6, K6, K6")
		} else {
			a.zero(unclear)
		}
	},
	row: nothing,
	tap: func(a *poolAsm, v int) {
		if a.masks {
			a.p("VCMPPS $30, %s, %s, K7", a.r(acc), a.r(v)) // greater
			a.win(v, 0)
		} else {
			a.p("VCMPPS $30, %s, %s, %s", a.r(acc), a.r(v), a.r(temp))
			a.win(v, temp)
		}
	},
	endRow: nextRow,
}

// Larger elements win, or a NaN where there is none yet. Where there is one already nothing does. The comparison for
// that waits for the one before, which makes it slow.
var greatestOrNaN = fold{
	begin: func(a *poolAsm) {
		greatest.begin(a)
		if a.masks {
			a.p("KXNORW K6, K6, K6")
		}
	},
	row: nothing,
	tap: func(a *poolAsm, v int) {
		if a.masks {
			a.p("VCMPPS $22, %s, %s, K6, K7", a.r(acc), a.r(v)) // not at most, or unordered
			a.win(v, 0)
			a.p("VCMPPS $7, %s, %s, K6", a.r(acc), a.r(acc)) // ordered
		} else {
			a.p("VCMPPS $22, %s, %s, %s", a.r(acc), a.r(v), a.r(temp))
			a.p("VCMPPS $7, %s, %s, %s", a.r(acc), a.r(acc), a.r(temp2))
			a.op("VANDPS", temp2, temp, temp)
			a.win(v, temp)
		}
	},
	endRow: nextRow,
}

// win lets register v, and its offset, take the place of what was greatest before, in the lanes of
// K7 or of register t, and moves on to the next tap.
func (a *poolAsm) win(v, t int) {
	if a.masks {
		a.p("VMOVAPS %s, K7, %s", a.r(v), a.r(acc))
		a.p("VMOVDQA32 %s, K7, %s", a.r(offset), a.r(second))
	} else {
		a.p("VBLENDVPS %s, %s, %s, %s", a.r(t), a.r(v), a.r(acc), a.r(acc))
		a.p("VBLENDVPS %s, %s, %s, %s", a.r(t), a.r(offset), a.r(second), a.r(second))
	}
	a.p("VPADDD poolOnes<>(SB), %s, %s", a.r(offset), a.r(offset))
}

func nextRow(a *poolAsm) {
	a.p("VPBROADCASTD poolArgs_jump(R8), %s", a.r(temp))
	a.op("VPADDD", temp, offset, offset)
}

func pools() []pool {
	store := func(a *poolAsm) { a.storeTo(acc, "DI") }
	return []pool{
		{
			name: "maxPool", lays: []lay{dense, pairs, strided}, indices: true,
			fold: greatest, careful: &greatestOrNaN,
			look: func(a *poolAsm, v, w int) {
				if a.masks {
					a.p("VCMPPS $3, %s, %s, K0", a.r(v), a.r(w)) // unordered
					a.p("KORW K0, K6, K6")
				} else {
					a.p("VCMPPS $3, %s, %s, %s", a.r(v), a.r(w), a.r(temp))
					a.op("VORPS", temp, unclear, unclear)
				}
			},
			doubt: func(a *poolAsm) {
				if a.masks {
					a.p("KORTESTW K6, K6")
				} else {
					a.p("VMOVMSKPS %s, R9", a.r(unclear))
					a.p("TESTL R9, R9")
				}
			},
			end: func(a *poolAsm) {
				a.storeTo(acc, "DI")
				a.op("VPADDD", base, second, second)
				a.storeTo(second, "R10")
			},
		},
		{
			name: "meanPool", lays: []lay{dense, pairs, strided},
			fold: fold{
				begin:  func(a *poolAsm) { a.zero(acc) },
				row:    func(a *poolAsm) { a.zero(second) },
				tap:    func(a *poolAsm, v int) { a.op("VADDPS", v, second, second) },
				endRow: func(a *poolAsm) { a.op("VADDPS", second, acc, acc) },
			},
			end: func(a *poolAsm) {
				a.p("VBROADCASTSS poolArgs_divisor(R8), %s", a.r(temp))
				a.op("VDIVPS", temp, acc, acc)
				store(a)
			},
		},
		{
			name: "sumPool", lays: []lay{dense},
			fold: fold{
				begin:  func(a *poolAsm) { a.zero(acc) },
				row:    nothing,
				tap:    func(a *poolAsm, v int) { a.op("VADDPS", v, acc, acc) },
				endRow: nothing,
			},
			end: store,
		},
	}
}

func (k pool) write(a *poolAsm) {
	a.lanes = a.bytes / 4
	a.p("MOVQ p+0(FP), R8")
	a.p("MOVQ poolArgs_y(R8), DI")
	a.p("MOVQ poolArgs_argmax(R8), R10")
	a.p("MOVQ poolArgs_pitch(R8), R11")
	if a.lay == strided {
		a.p("VPBROADCASTD poolArgs_stride(R8), %s", a.r(temp))
		a.p("VPMULLD poolLanes<>(SB), %s, %s", a.r(temp), a.r(a.gathered()))
	}
	if a.lay == pairs && a.masks {
		a.p("VMOVUPS poolEven<>(SB), Z20")
		a.p("VMOVUPS poolOdd<>(SB), Z21")
	}

	a.label("line")
	a.p("MOVQ poolArgs_x(R8), SI")
	a.p("MOVQ poolArgs_n(R8), DX")
	if k.indices {
		a.p("VPBROADCASTD poolArgs_stride(R8), %s", a.r(temp))
		a.p("VPMULLD poolLanes<>(SB), %s, %s", a.r(temp), a.r(base))
		a.p("VPBROADCASTD poolArgs_at(R8), %s", a.r(temp))
		a.op("VPADDD", temp, base, base)
	}
	a.p("MOVQ $%d, AX", a.lanes)
	a.masksFor()

	a.label("windows")
	a.p("CMPQ DX, $%d", a.lanes)
	a.p("JGE  begin")
	a.p("MOVQ DX, AX")
	a.masksFor()
	a.label("begin")
	a.fold(k.fold, k.look, "")
	if k.careful != nil {
		k.doubt(a)
		a.p("JNE  careful")
		a.label("end")
	}
	k.end(a)
	a.p("MOVQ poolArgs_stride(R8), R9")
	a.p("IMULQ $%d, R9", a.bytes)
	a.p("ADDQ R9, SI")
	if k.indices {
		a.p("SHRQ $2, R9")
		a.p("VMOVD R9, X%d", temp)
		a.p("VPBROADCASTD X%d, %s", temp, a.r(temp))
		a.op("VPADDD", temp, base, base)
		a.p("ADDQ $%d, R10", a.bytes)
	}
	a.p("ADDQ $%d, DI", a.bytes)
	a.p("SUBQ $%d, DX", a.lanes)
	a.p("JGT  windows")

	a.p("DECQ poolArgs_lines(R8)")
	a.p("JEQ  done") // before x leaves its slice: the garbage collector may look at it
	a.p("MOVQ poolArgs_line(R8), R9")
	a.p("ADDQ R9, poolArgs_x(R8)")
	// DX says, as a negative number, how far the last vector went beyond the line.
	a.p("LEAQ (DI)(DX*4), DI")
	if k.indices {
		a.p("LEAQ (R10)(DX*4), R10")
		a.p("MOVL poolArgs_further(R8), R9")
		a.p("ADDL R9, poolArgs_at(R8)")
		a.p("ADDL R9, poolArgs_start(R8)")
	}
	a.p("JMP  line")
	a.label("done")
	a.p("VZEROUPPER")
	a.p("RET")
	if k.careful != nil {
		a.label("careful")
		a.fold(*k.careful, nil, "Carefully")
		a.p("JMP  end")
	}
}

// fold goes over the taps of the windows from SI on.
func (a *poolAsm) fold(f fold, look func(a *poolAsm, v, w int), how string) {
	if look == nil {
		look = func(*poolAsm, int, int) {}
	}
	a.p("MOVQ SI, BX")
	a.p("MOVQ poolArgs_rows(R8), R12")
	f.begin(a)
	a.label("row" + how)
	a.p("MOVQ BX, CX")
	a.p("MOVQ poolArgs_taps(R8), R13")
	f.row(a)
	if a.lay == pairs {
		a.p("SUBQ $2, R13")
		a.p("JLT  single%s", how)
		a.label("pair" + how)
		a.loadPair(true)
		look(a, value, value2)
		f.tap(a, value)
		f.tap(a, value2)
		a.p("ADDQ $8, CX")
		a.p("SUBQ $2, R13")
		a.p("JGE  pair%s", how)
		a.label("single" + how)
		a.p("ADDQ $2, R13")
		a.p("JEQ  ended%s", how)
		a.loadPair(false)
		look(a, value, value)
		f.tap(a, value)
		a.label("ended" + how)
	} else {
		a.label("tap" + how)
		a.loadTap()
		look(a, value, value)
		f.tap(a, value)
		a.p("ADDQ $4, CX")
		a.p("DECQ R13")
		a.p("JNZ  tap%s", how)
	}
	f.endRow(a)
	a.p("ADDQ R11, BX")
	a.p("DECQ R12")
	a.p("JNZ  row%s", how)
}

// gathered is the register of the distances of the windows from the first one.
func (a *poolAsm) gathered() int {
	if a.masks {
		return 20
	}
	return vectorMask(bothLow)
}

// masksFor makes the masks for AX windows.
func (a *poolAsm) masksFor() {
	if !a.masks {
		a.p("LEAQ poolTails<>+64(SB), R9")
		a.p("SHLQ $2, AX")
		a.p("SUBQ AX, R9")
		a.p("VMOVUPS (R9), %s", a.r(vectorMask(lanesMask)))
		if a.lay == pairs {
			a.p("SUBQ AX, R9")
			a.p("VMOVUPS (R9), %s", a.r(vectorMask(bothLow)))
			a.p("VMOVUPS 32(R9), %s", a.r(vectorMask(bothHigh)))
			a.p("VMOVUPS 4(R9), %s", a.r(vectorMask(oneLow)))
			a.p("VMOVUPS 36(R9), %s", a.r(vectorMask(oneHigh)))
		}
		return
	}
	a.p("MOVQ  AX, CX")
	a.p("MOVL  $1, R9")
	a.p("SHLQ  CX, R9")
	a.p("DECQ  R9")
	a.p("KMOVW R9, K%d", opmask(lanesMask))
	if a.lay == pairs {
		a.p("ADDQ  AX, CX")
		a.p("MOVL  $1, R9")
		a.p("SHLQ  CX, R9")
		a.p("DECQ  R9")
		a.p("KMOVW R9, K%d", opmask(bothLow))
		a.p("MOVQ  R9, CX")
		a.p("SHRQ  $16, CX")
		a.p("KMOVW CX, K%d", opmask(bothHigh))
		a.p("SHRQ  $1, R9")
		a.p("KMOVW R9, K%d", opmask(oneLow))
		a.p("SHRQ  $16, R9")
		a.p("KMOVW R9, K%d", opmask(oneHigh))
	}
}

func (a *poolAsm) loadMasked(from string, mask, to int) {
	if a.masks {
		a.p("VMOVUPS.Z %s, K%d, %s", from, opmask(mask), a.r(to))
	} else {
		a.p("VMASKMOVPS %s, %s, %s", from, a.r(vectorMask(mask)), a.r(to))
	}
}

func (a *poolAsm) storeTo(i int, to string) {
	if a.masks {
		a.p("VMOVUPS %s, K%d, (%s)", a.r(i), opmask(lanesMask), to)
	} else {
		a.p("VMASKMOVPS %s, %s, (%s)", a.r(i), a.r(vectorMask(lanesMask)), to)
	}
}

// loadTap loads the elements of one tap into register value.
func (a *poolAsm) loadTap() {
	switch {
	case a.lay == dense:
		a.loadMasked("(CX)", lanesMask, value)
	case a.masks:
		a.zero(value)
		a.p("KMOVW K%d, K7", opmask(lanesMask))
		a.p("VGATHERDPS (CX)(%s*4), K7, %s", a.r(a.gathered()), a.r(value))
	default:
		a.zero(value)
		a.p("VMOVAPS %s, %s", a.r(vectorMask(lanesMask)), a.r(temp))
		a.p("VGATHERDPS %s, (CX)(%s*4), %s", a.r(temp), a.r(a.gathered()), a.r(value))
	}
}

// loadPair loads the elements of one tap into register value and, for two taps,
// those of the next into register value2.
func (a *poolAsm) loadPair(both bool) {
	low, high := oneLow, oneHigh
	if both {
		low, high = bothLow, bothHigh
	}
	a.loadMasked("(CX)", low, first)
	a.loadMasked(fmt.Sprintf("%d(CX)", a.bytes), high, loaded)
	if a.masks {
		a.p("VMOVAPS %s, %s", a.r(first), a.r(value))
		a.p("VPERMT2PS %s, Z20, %s", a.r(loaded), a.r(value))
		if both {
			a.p("VMOVAPS %s, %s", a.r(first), a.r(value2))
			a.p("VPERMT2PS %s, Z21, %s", a.r(loaded), a.r(value2))
		}
		return
	}
	a.p("VSHUFPS $0x88, %s, %s, %s", a.r(loaded), a.r(first), a.r(value))
	a.p("VPERMPD $0xd8, %s, %s", a.r(value), a.r(value))
	if both {
		a.p("VSHUFPS $0xdd, %s, %s, %s", a.r(loaded), a.r(first), a.r(value2))
		a.p("VPERMPD $0xd8, %s, %s", a.r(value2), a.r(value2))
	}
}

// eachPool calls f for every kernel of pooling, with its name.
func eachPool(f func(k pool, l lay, s set, name string)) {
	for _, s := range sets {
		for _, k := range pools() {
			for _, l := range k.lays {
				f(k, l, s, k.name+string(l)+s.suffix)
			}
		}
	}
}

// PoolAssembly returns the text of pool_amd64.s.
func PoolAssembly() []byte {
	var w bytes.Buffer
	w.WriteString(header)
	w.WriteString(`#include "go_asm.h"
#include "textflag.h"

// Registers: R8 the arguments, DX how many windows of the line are left, SI the first element of
// the first of them, DI and R10 where y and argmax go, R11 the bytes from row to row,
// BX the row, R12 how many are left, CX the tap, R13 how many are left.

// −Inf.
DATA poolNumbers<>+0(SB)/4, $0xff800000
GLOBL poolNumbers<>(SB), RODATA|NOPTR, $4

`)
	table := func(comment, name string, n int, value func(i int) uint32) {
		fmt.Fprintf(&w, "// %s\n", comment)
		for i := range n {
			fmt.Fprintf(&w, "DATA %s<>+%d(SB)/4, $%#x\n", name, 4*i, value(i))
		}
		fmt.Fprintf(&w, "GLOBL %s<>(SB), RODATA|NOPTR, $%d\n\n", name, 4*n)
	}
	table("The mask of the first n of 16 elements begins n elements before the middle.", "poolTails", 32, func(i int) uint32 {
		if i < 16 {
			return 0xffffffff
		}
		return 0
	})
	table("One in each lane.", "poolOnes", 16, func(int) uint32 { return 1 })
	table("The number of each lane.", "poolLanes", 16, func(i int) uint32 { return uint32(i) })
	table("The even elements of two vectors.", "poolEven", 16, func(i int) uint32 { return uint32(2 * i) })
	table("The odd ones.", "poolOdd", 16, func(i int) uint32 { return uint32(2*i + 1) })
	eachPool(func(k pool, l lay, s set, name string) {
		fmt.Fprintf(&w, "\n// func %s(p *poolArgs)\nTEXT ·%s(SB), NOSPLIT, $0-8\n", name, name)
		k.write(&poolAsm{&asm{set: s, w: &w}, l})
	})
	return w.Bytes()
}

// PoolDeclarations returns the text of pool_amd64.go.
func PoolDeclarations() []byte {
	var w bytes.Buffer
	w.WriteString(header)
	w.WriteString("package simd\n\n")
	eachPool(func(_ pool, _ lay, _ set, name string) {
		fmt.Fprintf(&w, "//go:noescape\nfunc %s(p *poolArgs)\n\n", name)
	})
	for _, s := range sets {
		fmt.Fprintf(&w, "// runPool%s calls kernel k. The calls are static, so that p stays on the stack.\nfunc runPool%s(k poolKernel, p *poolArgs) {\nswitch k {\n", s.suffix, s.suffix)
		eachPool(func(k pool, l lay, of set, name string) {
			if of == s {
				fmt.Fprintf(&w, "case %s%s:\n%s(p)\n", k.name, l, name)
			}
		})
		w.WriteString("}\n}\n\n")
	}
	return source(w.Bytes())
}
