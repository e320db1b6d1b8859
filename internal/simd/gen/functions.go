package gen

import "fmt"

// functions returns the kernels of functions, in float64 as functions.go of
// package simd writes them down.
func functions() []definition {
	var k []definition
	add := func(name string, ins []string, body func(a *asm)) {
		k = append(k, stream{name: name, ins: ins, wide: true, body: body}.define())
	}
	x := []string{"a"}
	add("exp", x, func(a *asm) {
		a.load("a", 0)
		a.exp(0, 1, 2)
		a.store(1, "dst")
	})
	add("sigmoid", x, func(a *asm) {
		a.load("a", 0)
		a.op("VSUBPD", 0, a.k("zero"), 0)
		a.exp(0, 1, 2)
		a.op("VADDPD", a.k("one"), 1, 1)
		a.op("VDIVPD", 1, a.k("one"), 1)
		a.store(1, "dst")
	})
	add("tanh", x, func(a *asm) {
		a.load("a", 0)
		a.op("VANDPD", a.k("abs"), 0, 3)
		a.op("VXORPD", 0, 3, 4) // the sign
		a.op("VMINPD", 3, a.k("exp.ten"), 3)
		a.op("VADDPD", 3, 3, 0)
		a.expParts(0, 1, 2)
		a.p("VPSLLQ $52, %s, %s", a.r(2), a.r(2))
		a.op("VPADDQ", a.k("one"), 2, 2)
		a.op("VMULPD", 2, 1, 1)
		a.op("VSUBPD", a.k("one"), 2, 2)
		a.op("VADDPD", 2, 1, 1)
		a.op("VADDPD", a.k("two"), 1, 2)
		a.op("VDIVPD", 2, 1, 1)
		a.op("VORPD", 4, 1, 1)
		a.store(1, "dst")
	})
	add("log", x, func(a *asm) {
		a.load("a", 0)
		a.op("VPADDQ", a.k("log.bias"), 0, 1)
		a.p("VPSRLQ $52, %s, %s", a.r(1), a.r(2))
		a.op("VORPD", a.k("log.magic"), 2, 2)
		a.op("VSUBPD", a.k("log.unbias"), 2, 2) // k
		a.op("VANDPD", a.k("log.fraction"), 1, 1)
		a.op("VPADDQ", a.k("log.root"), 1, 1)
		a.op("VSUBPD", a.k("one"), 1, 1) // f
		a.op("VADDPD", a.k("two"), 1, 3)
		a.op("VDIVPD", 3, 1, 1)      // s
		a.op("VMULPD", 1, 1, 3)      // z
		a.polynomial("log", 5, 3, 4) // p
		a.op("VMULPD", 3, 4, 4)      // p·z
		a.op("VADDPD", 1, 1, 1)      // h
		a.op("VMULPD", 1, 4, 4)
		a.op("VADDPD", 1, 4, 4)
		a.op("VMULPD", a.k("log.ln2"), 2, 2)
		a.op("VADDPD", 2, 4, 4)
		a.keepIn("zero", 5)
		a.keepIn("log.minusInf", 6)
		a.choose(equal, 5, 0, 6, 7, 4)
		a.keepIn("log.nan", 6)
		a.choose(less, 5, 0, 6, 7, 4)
		a.keepIn("log.inf", 6)
		a.choose(notLess, 6, 0, 0, 7, 4)
		a.store(4, "dst")
	})
	add("gelu", x, func(a *asm) {
		a.load("a", 0)
		a.normal()
		a.op("VMAXPD", 0, a.k("gelu.minusFar"), 0)
		a.op("VMULPD", 0, 5, 5)
		a.store(5, "dst")
	})
	// a: x, b: dy
	add("geluGrad", []string{"a", "b"}, func(a *asm) {
		a.load("a", 0)
		a.normal()
		a.op("VMAXPD", 0, a.k("gelu.minusFar"), 0)
		a.op("VMINPD", 0, a.k("gelu.far"), 0)
		a.op("VMULPD", 0, 1, 1)
		a.op("VMULPD", a.k("gelu.density"), 1, 1)
		a.op("VADDPD", 5, 1, 1)
		a.load("b", 2)
		a.op("VMULPD", 2, 1, 1)
		a.store(1, "dst")
	})
	return k
}

// expParts leaves p in register p and n in register n, for x in register x, which is lost.
func (a *asm) expParts(x, p, n int) {
	a.op("VMAXPD", x, a.k("exp.less"), x) // the second operand, which comes first here, where one is NaN
	a.op("VMINPD", x, a.k("exp.limit"), x)
	a.op("VMULPD", a.k("exp.log2e"), x, n)
	a.op("VADDPD", a.k("exp.shift"), n, n)
	a.op("VSUBPD", a.k("exp.shift"), n, p)
	a.op("VMULPD", a.k("exp.ln2"), p, p)
	a.op("VSUBPD", p, x, x)
	a.polynomial("exp", 7, x, p)
	a.op("VMULPD", x, p, p)
}

// exp leaves the exponential of register x in register y; x and t are lost.
func (a *asm) exp(x, y, t int) {
	a.expParts(x, y, t)
	a.op("VADDPD", a.k("one"), y, y)
	a.p("VPSLLQ $52, %s, %s", a.r(t), a.r(t))
	a.op("VPADDQ", t, y, y)
}

// normal leaves Φ of register 0 in register 5, the exponential of −x²/2 in register 1.
func (a *asm) normal() {
	a.op("VANDPD", a.k("abs"), 0, 3)
	a.op("VMINPD", 3, a.k("gelu.far"), 3)
	a.op("VMULPD", a.k("gelu.rootHalf"), 3, 3)
	a.op("VMULPD", 3, 3, 4)
	a.op("VSUBPD", 4, a.k("zero"), 4)
	a.exp(4, 1, 2)
	a.op("VSUBPD", a.k("two"), 3, 4)
	a.op("VADDPD", a.k("two"), 3, 3)
	a.op("VDIVPD", 3, 4, 3)
	a.polynomial("gelu", 13, 3, 4)
	a.op("VMULPD", 1, 4, 4)
	a.op("VMULPD", a.k("gelu.half"), 4, 4)
	a.op("VSUBPD", 4, a.k("one"), 5)
	a.keepIn("zero", 2)
	a.choose(less, 2, 0, 4, 3, 5)
}

// polynomial leaves in register p the polynomial of n coefficients of a group of
// constants, at register x.
func (a *asm) polynomial(group string, n, x, p int) {
	c := func(i int) string { return fmt.Sprintf("%s.c+%d", group, 8*i) }
	a.keepIn(c(n-1), p)
	for i := n - 2; i >= 0; i-- {
		a.op("VMULPD", x, p, p)
		a.op("VADDPD", a.k(c(i)), p, p)
	}
}
