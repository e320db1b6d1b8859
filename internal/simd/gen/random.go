package gen

import (
	"bytes"
	"fmt"
)

// counters writes for both sets the offsets of the counters of a vector. Blocks leave
// the registers transposed within each 128 bits: number j of lane l of the
// counters must be block j·lanes + l for the numbers to be in order.
func counters(w *bytes.Buffer) {
	for _, s := range sets {
		lanes := s.bytes / 16
		for i := range 4 * lanes {
			fmt.Fprintf(w, "DATA counters%s<>+%d(SB)/4, $%d\n", s.suffix, 4*i, i%4*lanes+i/4)
		}
		fmt.Fprintf(w, "GLOBL counters%s<>(SB), RODATA|NOPTR, $%d\n", s.suffix, s.bytes)
	}
}

// random returns the kernels of random numbers.
func random() []definition {
	return []definition{{"philox", philox},
		// dst = a·f0 where b is at least the number that c points to
		stream{name: "drop", ins: []string{"a", "b"}, unroll: 2,
			init: func(a *asm) { a.number(0, 13); a.scalar("c", 14) },
			body: func(a *asm) {
				x, r, t := 3*a.vec, 3*a.vec+1, 3*a.vec+2
				a.load("a", x)
				a.load("b", r)
				a.op("VMULPS", 13, x, x)
				if a.masks {
					a.p("VPCMPUD $5, %s, %s, K2", a.r(14), a.r(r))
					a.p("VMOVAPS.Z %s, K2, %s", a.r(x), a.r(x))
				} else {
					a.op("VPMAXUD", 14, r, t)
					a.op("VPCMPEQD", r, t, t)
					a.op("VANDPS", t, x, x)
				}
				a.store(x, "dst")
			}}.define()}
}

// philox makes as many blocks at a time as a vector has numbers. n is a multiple of 64.
func philox(a *asm) {
	const m0, m1, k0, k1, w0, w1 = 4, 5, 6, 7, 14, 15
	fill := func(v uint32, i int) {
		a.p("MOVL $%#x, R9", v)
		a.p("VMOVD R9, X%d", i)
		a.p("VPBROADCASTD X%d, %s", i, a.r(i))
	}
	state := func(field string, at, i int) { a.p("VPBROADCASTD philoxState_%s+%d(SI), %s", field, at, a.r(i)) }
	a.p("MOVQ p+0(FP), R8")
	a.p("MOVQ args_dst(R8), DI")
	a.p("MOVQ args_a(R8), SI")
	a.p("MOVQ args_at(R8), AX")
	a.p("MOVQ args_n(R8), DX")
	fill(0xD2511F53, m0)
	fill(0xCD9E8D57, m1)
	fill(0x9E3779B9, w0)
	fill(0xBB67AE85, w1)
	if a.masks {
		a.p("MOVL $0xaaaa, R9")
		a.p("KMOVW R9, K2") // the upper halves of products
	}
	a.label("loop")
	a.p("MOVQ AX, R9")
	a.p("SHRQ $2, R9")
	a.p("ADDL philoxState_counter(SI), R9")
	a.p("VMOVD R9, X0")
	a.p("VPBROADCASTD X0, %s", a.r(0))
	a.p("VPADDD counters%s<>(SB), %s, %s", a.suffix, a.r(0), a.r(0))
	for i := 1; i < 4; i++ {
		state("counter", 4*i, i)
	}
	state("key", 0, k0)
	state("key", 4, k1)
	// upper copies the upper halves of the 64-bit lanes of register x to register y.
	upper := func(x, y int) {
		if a.masks {
			a.p("VMOVDQA32 %s, K2, %s", a.r(x), a.r(y))
			return
		}
		a.p("VPBLENDD $0xaa, %s, %s, %s", a.r(x), a.r(y), a.r(y))
	}
	// multiply leaves the low and high words of the products of register c with m in
	// registers low and high; c and t are lost.
	multiply := func(c, m, low, high, t int) {
		a.p("VPSRLQ $32, %s, %s", a.r(c), a.r(t))
		a.op("VPMULUDQ", m, c, low) // of the even numbers
		a.op("VPMULUDQ", m, t, t)   // of the odd ones
		a.p("VPSRLQ $32, %s, %s", a.r(low), a.r(high))
		upper(t, high)
		a.p("VPSLLQ $32, %s, %s", a.r(t), a.r(t))
		upper(t, low)
	}
	c := [4]int{0, 1, 2, 3}
	free := [4]int{8, 9, 10, 11}
	const t, u = 12, 13
	for round := range 10 {
		if round > 0 {
			a.op("VPADDD", w0, k0, k0)
			a.op("VPADDD", w1, k1, k1)
		}
		lowA, highA, lowB, highB := free[0], free[1], free[2], free[3]
		multiply(c[0], m0, lowA, highA, t)
		multiply(c[2], m1, lowB, highB, u)
		a.op("VXORPS", highB, c[1], c[1])
		a.op("VXORPS", k0, c[1], c[1])
		a.op("VXORPS", highA, c[3], c[3])
		a.op("VXORPS", k1, c[3], c[3])
		c, free = [4]int{c[1], lowB, c[3], lowA}, [4]int{c[0], highA, c[2], highB}
	}
	a.op("VPUNPCKLDQ", c[1], c[0], free[0])
	a.op("VPUNPCKHDQ", c[1], c[0], free[1])
	a.op("VPUNPCKLDQ", c[3], c[2], free[2])
	a.op("VPUNPCKHDQ", c[3], c[2], free[3])
	a.op("VPUNPCKLQDQ", free[2], free[0], c[0])
	a.op("VPUNPCKHQDQ", free[2], free[0], c[1])
	a.op("VPUNPCKLQDQ", free[3], free[1], c[2])
	a.op("VPUNPCKHQDQ", free[3], free[1], c[3])
	for i, r := range c {
		a.p("VMOVUPS %s, %d(DI)(AX*4)", a.r(r), i*a.bytes)
	}
	a.p("ADDQ $%d, AX", a.bytes)
	a.p("SUBQ $%d, DX", a.bytes)
	a.p("JNE  loop")
	a.p("VZEROUPPER")
	a.p("RET")
}
