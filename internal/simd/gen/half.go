package gen

// conversions returns the kernels between float32 and 16 bits, for whole vectors.
// VCVTPS2PH and VCVTPH2PS are of F16C, which every processor with AVX2 has.
func conversions() []definition {
	// integer fills register i with copies of a 32-bit integer.
	integer := func(a *asm, v uint32, i int) {
		a.p("MOVL $%#x, R9", v)
		a.p("VMOVD R9, X%d", i)
		a.p("VPBROADCASTD X%d, %s", i, a.r(i))
	}
	const one, round, quiet = 12, 13, 14
	return []definition{
		stream{name: "toFloat16", ins: []string{"a"}, whole: true, unroll: 2, body: func(a *asm) {
			a.load("a", a.vec)
			a.p("VCVTPS2PH $0, %s, %s", a.r(a.vec), a.place("dst", 2))
		}}.define(),
		stream{name: "fromFloat16", ins: []string{"a"}, whole: true, unroll: 2, body: func(a *asm) {
			a.p("VCVTPH2PS %s, %s", a.place("a", 2), a.r(a.vec))
			a.store(a.vec, "dst")
		}}.define(),
		// The bit above those which are dropped, and all of these but the first, are added
		// before they are dropped.
		stream{name: "toBfloat16", ins: []string{"a"}, whole: true, unroll: 2,
			init: func(a *asm) { integer(a, 1, one); integer(a, 0x7fff, round); integer(a, 0x400000, quiet) },
			body: func(a *asm) {
				x, y, z, t := 4*a.vec, 4*a.vec+1, 4*a.vec+2, 4*a.vec+3
				a.load("a", x)
				a.p("VPSRLD $16, %s, %s", a.r(x), a.r(y))
				a.op("VANDPS", one, y, y)
				a.op("VPADDD", round, y, y)
				a.op("VPADDD", x, y, y)
				a.op("VORPS", quiet, x, z)
				a.choose(unordered, x, x, z, t, y)
				a.p("VPSRLD $16, %s, %s", a.r(y), a.r(y))
				if a.masks {
					a.p("VPMOVDW %s, %s", a.r(y), a.place("dst", 2))
					return
				}
				a.op("VPACKUSDW", y, y, y) // within each half
				a.p("VPERMQ $8, %s, %s", a.r(y), a.r(y))
				a.p("VMOVUPS %s, %s", a.h(y), a.place("dst", 2))
			}}.define(),
		stream{name: "fromBfloat16", ins: []string{"a"}, whole: true, unroll: 2, body: func(a *asm) {
			a.p("VPMOVZXWD %s, %s", a.place("a", 2), a.r(a.vec))
			a.p("VPSLLD $16, %s, %s", a.r(a.vec), a.r(a.vec))
			a.store(a.vec, "dst")
		}}.define(),
	}
}
