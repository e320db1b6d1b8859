package gen

// A reduction sums terms in float64. Term i is added to accumulator i mod lanes;
// in the end the upper half of the accumulators is added to the lower half until
// one is left, which is added to args.s[2], a second sum to args.s[3].
type reduction struct {
	name  string
	ins   []string
	sums  int // 1 or 2
	lanes int
	init  func(a *asm)
	// terms leaves the terms of a vector in registers t, t+1.
	terms func(a *asm, t int)
}

func (s reduction) define() definition {
	return definition{s.name, func(a *asm) {
		a.wide, a.lanes = true, a.bytes/8
		groups := s.lanes / a.lanes
		t := groups * s.sums // the first register behind the accumulators
		a.p("MOVQ p+0(FP), R8")
		a.p("MOVQ args_at(R8), AX")
		a.p("MOVQ args_n(R8), DX")
		for _, in := range s.ins {
			a.p("MOVQ args_%s(R8), %s", in, pointers[in])
		}
		if s.init != nil {
			s.init(a)
		}
		a.prepare(func(a *asm) { s.terms(a, t) })
		for i := range t {
			a.op("VXORPD", i, i, i)
		}
		a.p("SUBQ $%d, DX", s.lanes)
		a.p("JLT  last")
		a.p("PCALIGN $32")
		a.label("loop")
		for a.vec = range groups {
			s.terms(a, t)
			for i := range s.sums {
				acc := i*groups + a.vec
				a.op("VADDPD", t+i, acc, acc)
			}
		}
		a.p("ADDQ $%d, AX", s.lanes)
		a.p("SUBQ $%d, DX", s.lanes)
		a.p("JGE  loop")
		a.label("last")
		a.p("ADDQ $%d, DX", s.lanes)
		a.p("JEQ  fold")
		a.mask()
		if a.masks {
			a.p("KMOVD K1, K3")
		}
		a.tail = true
		for a.vec = range groups {
			if a.masks {
				a.p("KSHIFTRD $%d, K3, K1", a.vec*a.lanes)
			} else {
				a.p("VMOVUPS %d(R9), X15", 4*a.vec*a.lanes)
			}
			s.terms(a, t)
			for i := range s.sums {
				acc := i*groups + a.vec
				if a.masks {
					a.p("VADDPD %s, %s, K1, %s", a.r(t+i), a.r(acc), a.r(acc))
					continue
				}
				a.p("VPMOVSXDQ X15, Y13")
				a.op("VANDPD", 13, t+i, t+i)
				a.op("VADDPD", t+i, acc, acc)
			}
		}
		a.tail, a.vec = false, 0
		a.label("fold")
		for i := range s.sums {
			acc := i * groups
			for n := groups / 2; n > 0; n /= 2 {
				for g := range n {
					a.op("VADDPD", acc+g+n, acc+g, acc+g)
				}
			}
			if a.masks {
				a.p("VEXTRACTF64X4 $1, Z%d, Y%d", acc, t)
				a.p("VADDPD Y%d, Y%d, Y%d", t, acc, acc)
			}
			a.p("VEXTRACTF128 $1, Y%d, X%d", acc, t)
			a.p("VADDPD X%d, X%d, X%d", t, acc, acc)
			a.p("VPERMILPD $1, X%d, X%d", acc, t)
			a.p("VADDSD X%d, X%d, X%d", t, acc, acc)
			a.p("VADDSD args_s+%d(R8), X%d, X%d", 16+8*i, acc, acc)
			a.p("VMOVSD X%d, args_s+%d(R8)", acc, 16+8*i)
		}
		a.p("VZEROUPPER")
		a.p("RET")
	}}
}

// wideNumber fills register i with number n of args.s.
func (a *asm) wideNumber(n, i int) { a.p("VBROADCASTSD args_s+%d(R8), %s", 8*n, a.r(i)) }

// sums returns the kernels of reductions, and of what is computed from their results.
func sums() []definition {
	first := func(a *asm) { a.wideNumber(0, 12) }
	both := func(a *asm) { a.wideNumber(0, 12); a.wideNumber(1, 13) }
	return []definition{
		reduction{name: "sum", ins: []string{"a"}, sums: 1, lanes: 32, terms: func(a *asm, t int) {
			a.load("a", t)
		}}.define(),
		// (x − s0)²
		reduction{name: "squares", ins: []string{"a"}, sums: 1, lanes: 32, init: first, terms: func(a *asm, t int) {
			a.load("a", t)
			a.op("VSUBPD", 12, t, t)
			a.op("VMULPD", t, t, t)
		}}.define(),
		reduction{name: "dot", ins: []string{"a", "b"}, sums: 1, lanes: 32, terms: func(a *asm, t int) {
			a.load("a", t)
			a.load("b", t+1)
			a.op("VMULPD", t+1, t, t)
		}}.define(),
		// b and b·(a − s0)
		reduction{name: "moments", ins: []string{"a", "b"}, sums: 2, lanes: 16, init: first, terms: func(a *asm, t int) {
			a.load("b", t)
			a.load("a", t+1)
			a.op("VSUBPD", 12, t+1, t+1)
			a.op("VMULPD", t, t+1, t+1)
		}}.define(),
		// e^(x − s0)
		reduction{name: "sumExp", ins: []string{"a"}, sums: 1, lanes: 16, init: first, terms: func(a *asm, t int) {
			a.load("a", t+1)
			a.op("VSUBPD", 12, t+1, t+1)
			a.exp(t+1, t, t+2)
		}}.define(),
		// e^(x − s0)·s1
		stream{name: "expScale", ins: []string{"a"}, wide: true, init: both, body: func(a *asm) {
			a.load("a", 0)
			a.op("VSUBPD", 12, 0, 0)
			a.exp(0, 1, 2)
			a.op("VMULPD", 13, 1, 1)
			a.store(1, "dst")
		}}.define(),
		// (x − s0)·s1 + s2
		stream{name: "affineWide", ins: []string{"a"}, wide: true, unroll: 2,
			init: func(a *asm) { a.wideNumber(0, 11); a.wideNumber(1, 12); a.wideNumber(2, 13) },
			body: func(a *asm) {
				a.load("a", a.vec)
				a.op("VSUBPD", 11, a.vec, a.vec)
				a.op("VMULPD", 12, a.vec, a.vec)
				a.op("VADDPD", 13, a.vec, a.vec)
				a.store(a.vec, "dst")
			}}.define(),
		// dst += a, dst being float64
		stream{name: "accumulate", ins: []string{"a"}, wide: true, unroll: 4, body: func(a *asm) {
			x, acc := 2*a.vec, 2*a.vec+1
			a.load("a", x)
			a.load64("dst", acc)
			a.op("VADDPD", x, acc, acc)
			a.store64(acc, "dst")
		}}.define(),
		extreme("greatest", "VMAXPS"),
		extreme("least", "VMINPS"),
		// scale·(b − mean − (a − center)·slope)
		stream{name: "normGrad", ins: []string{"a", "b", "c"}, unroll: 4, rows: true,
			init: func(a *asm) { a.rowNumber(1, 10); a.rowNumber(2, 11); a.rowNumber(0, 12); a.rowNumber(3, 13) },
			body: func(a *asm) {
				x, dy := 2*a.vec, 2*a.vec+1
				a.load("a", x)
				a.load("b", dy)
				a.op("VSUBPS", 12, x, x)
				a.op("VMULPS", 13, x, x)
				a.op("VSUBPS", 11, dy, dy)
				a.op("VSUBPS", x, dy, dy)
				a.op("VMULPS", 10, dy, dy)
				a.store(dy, "dst")
			}}.define(),
	}
}

// load64 loads a vector of float64 into register i, store64 stores it.
func (a *asm) load64(stream string, i int)  { a.move64(a.place(stream, 8), a.r(i), true) }
func (a *asm) store64(i int, stream string) { a.move64(a.r(i), a.place(stream, 8), false) }

func (a *asm) move64(from, to string, load bool) {
	switch {
	case !a.tail:
		a.p("VMOVUPD %s, %s", from, to)
	case a.masks && load:
		a.p("VMOVUPD.Z %s, K1, %s", from, to)
	case a.masks:
		a.p("VMOVUPD %s, K1, %s", from, to)
	case load:
		a.p("VPMOVSXDQ X15, Y13")
		a.p("VMASKMOVPD %s, Y13, %s", from, to)
	default:
		a.p("VMASKMOVPD %s, Y13, %s", from, to)
	}
}

// extreme returns the kernel of the greatest or least element of a, and of f0:
// NaN where there is one. Which zero it finds is left open.
func extreme(name, op string) definition {
	return definition{name, func(a *asm) {
		const unroll = 4 // accumulators 0 … 3, elements 4 … 7, the NaN found 8, of one element 9
		a.lanes = a.bytes / 4
		a.p("MOVQ p+0(FP), R8")
		a.p("MOVQ args_at(R8), AX")
		a.p("MOVQ args_n(R8), DX")
		a.p("MOVQ args_a(R8), SI")
		for i := range unroll {
			a.number(0, i)
		}
		nan := func(x int) {
			if a.masks {
				k := ""
				if a.tail {
					k = " K1,"
				}
				a.p("VCMPPS $%s, %s, %s,%s K2", unordered, a.r(x), a.r(x), k)
				a.p("KORW K2, K3, K3")
				return
			}
			a.p("VCMPPS $%s, %s, %s, Y9", unordered, a.r(x), a.r(x))
			a.p("VORPS Y9, Y8, Y8")
		}
		if a.masks {
			a.p("KXORW K3, K3, K3")
		} else {
			a.zero(8)
		}
		nan(0)
		a.p("SUBQ $%d, DX", unroll*a.lanes)
		a.p("JLT  few")
		a.p("PCALIGN $32")
		a.label("loop")
		for a.vec = range unroll {
			a.load("a", 4+a.vec)
			nan(4 + a.vec)
			a.op(op, 4+a.vec, a.vec, a.vec)
		}
		a.vec = 0
		a.p("ADDQ $%d, AX", unroll*a.lanes)
		a.p("SUBQ $%d, DX", unroll*a.lanes)
		a.p("JGE  loop")
		a.label("few")
		a.p("ADDQ $%d, DX", (unroll-1)*a.lanes)
		a.p("JLT  last")
		a.label("one")
		a.load("a", 4)
		nan(4)
		a.op(op, 4, 0, 0)
		a.p("ADDQ $%d, AX", a.lanes)
		a.p("SUBQ $%d, DX", a.lanes)
		a.p("JGE  one")
		a.label("last")
		a.p("ADDQ $%d, DX", a.lanes)
		a.p("JEQ  fold")
		a.mask()
		a.tail = true
		a.load("a", 4)
		nan(4)
		if a.masks {
			a.p("%s %s, %s, K1, %s", op, a.r(4), a.r(0), a.r(0))
		} else {
			a.p("VBLENDVPS Y15, Y4, Y0, Y4")
			a.op(op, 4, 0, 0)
		}
		a.tail = false
		a.label("fold")
		a.op(op, 1, 0, 0)
		a.op(op, 3, 2, 2)
		a.op(op, 2, 0, 0)
		if a.masks {
			a.p("VEXTRACTF64X4 $1, Z0, Y1")
			a.p("%s Y1, Y0, Y0", op)
		}
		a.p("VEXTRACTF128 $1, Y0, X1")
		a.p("%s X1, X0, X0", op)
		a.p("VPERMILPS $0x4e, X0, X1")
		a.p("%s X1, X0, X0", op)
		a.p("VPERMILPS $0xb1, X0, X1")
		a.p("%s X1, X0, X0", op)
		a.p("VMOVSS X0, args_f(R8)")
		if a.masks {
			a.p("KORTESTW K3, K3")
		} else {
			a.p("VTESTPS Y8, Y8")
		}
		a.p("JEQ  done")
		a.p("MOVL $0x7fc00000, args_f(R8)")
		a.label("done")
		a.p("VZEROUPPER")
		a.p("RET")
	}}
}
