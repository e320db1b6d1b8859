package gen

// arithmetic returns the kernels of the elementary operations, one after the
// other in float32.
func arithmetic() []definition {
	var k []definition
	add := func(s stream) { k = append(k, s.define()) }

	// Of two streams, and of a stream and the one element of the other.
	for _, o := range []struct {
		name, op string
		sv, vs   bool
	}{
		{"add", "VADDPS", false, true},
		{"sub", "VSUBPS", true, true},
		{"mul", "VMULPS", false, true},
		{"div", "VDIVPS", true, true},
	} {
		add(stream{name: o.name, ins: []string{"a", "b"}, unroll: 4, body: func(a *asm) {
			x, y := 2*a.vec, 2*a.vec+1
			a.load("a", x)
			a.load("b", y)
			a.op(o.op, y, x, x)
			a.store(x, "dst")
		}})
		if o.sv {
			add(stream{name: o.name + "SV", ins: []string{"b"}, unroll: 4,
				init: func(a *asm) { a.scalar("a", 14) },
				body: func(a *asm) {
					a.load("b", a.vec)
					a.op(o.op, a.vec, 14, a.vec)
					a.store(a.vec, "dst")
				}})
		}
		if o.vs {
			add(stream{name: o.name + "VS", ins: []string{"a"}, unroll: 4,
				init: func(a *asm) { a.scalar("b", 14) },
				body: func(a *asm) {
					a.load("a", a.vec)
					a.op(o.op, 14, a.vec, a.vec)
					a.store(a.vec, "dst")
				}})
		}
	}

	// VMAXPS and VMINPS give their second operand for a NaN and for two zeros. Equal
	// numbers differ in the sign of zero alone, which AND and OR settle.
	for _, o := range []struct{ name, op, zero string }{{"max", "VMAXPS", "VANDPS"}, {"min", "VMINPS", "VORPS"}} {
		add(stream{name: o.name, ins: []string{"a", "b"}, unroll: 2, body: func(a *asm) {
			x, y, z, t := 6*a.vec, 6*a.vec+1, 6*a.vec+2, 6*a.vec+3
			u := 6*a.vec + 4
			a.load("a", x)
			a.load("b", y)
			a.op(o.op, y, x, z) // y where one is NaN
			a.op(o.zero, x, y, u)
			a.choose(equal, x, y, u, t, z)
			a.choose(unordered, x, x, x, t, z)
			a.store(z, "dst")
		}})
	}

	add(stream{name: "neg", ins: []string{"a"}, unroll: 4, init: signs, body: func(a *asm) {
		a.load("a", a.vec)
		a.op("VXORPS", 14, a.vec, a.vec)
		a.store(a.vec, "dst")
	}})
	add(stream{name: "abs", ins: []string{"a"}, unroll: 4, init: signs, body: func(a *asm) {
		a.load("a", a.vec)
		a.op("VANDNPS", a.vec, 14, a.vec)
		a.store(a.vec, "dst")
	}})
	add(stream{name: "sqrt", ins: []string{"a"}, unroll: 2, body: func(a *asm) {
		a.load("a", a.vec)
		a.op("VSQRTPS", a.vec, a.vec)
		a.store(a.vec, "dst")
	}})
	add(stream{name: "axpy", ins: []string{"a"}, unroll: 4,
		init: func(a *asm) { a.number(0, 14) },
		body: func(a *asm) {
			x, y := 2*a.vec, 2*a.vec+1
			a.load("a", x)
			a.load("dst", y)
			a.op("VMULPS", 14, x, x)
			a.op("VADDPS", x, y, y)
			a.store(y, "dst")
		}})
	// (x − center)·scale + shift
	add(stream{name: "affine", ins: []string{"a", "c"}, unroll: 4, rows: true,
		init: func(a *asm) { a.rowNumber(0, 12); a.rowNumber(1, 13); a.rowNumber(2, 14) },
		body: func(a *asm) {
			a.load("a", a.vec)
			a.op("VSUBPS", 12, a.vec, a.vec)
			a.op("VMULPS", 13, a.vec, a.vec)
			a.op("VADDPS", 14, a.vec, a.vec)
			a.store(a.vec, "dst")
		}})
	add(stream{name: "relu", ins: []string{"a"}, unroll: 4,
		init: func(a *asm) { a.zero(14) },
		body: func(a *asm) {
			x, t := 2*a.vec, 2*a.vec+1
			a.load("a", x)
			a.keep(notAtMost, 14, x, x, t, x)
			a.store(x, "dst")
		}})
	// a: y, b: dy. A NaN in y stays visible.
	add(stream{name: "reluGrad", ins: []string{"a", "b"}, unroll: 4,
		init: func(a *asm) { a.zero(14) },
		body: func(a *asm) {
			y, dy, t := 3*a.vec, 3*a.vec+1, 3*a.vec+2
			a.load("a", y)
			a.load("b", dy)
			a.keep(greater, 14, y, dy, t, dy)
			a.choose(unordered, y, y, y, t, dy)
			a.store(dy, "dst")
		}})
	return k
}

// signs fills register 14 with sign bits.
func signs(a *asm) {
	a.p("MOVL $0x80000000, R9")
	a.p("VMOVD R9, X14")
	a.p("VBROADCASTSS X14, %s", a.r(14))
}
