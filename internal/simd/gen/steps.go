package gen

// steps returns the kernels of optimisers: dst the parameters, a their gradients, b
// and c what the rule remembers, args.f the numbers in the order of steps.go in
// package simd.
func steps() []definition {
	// numbers keeps the first n numbers in registers first, first+1, …
	numbers := func(n, first int) func(a *asm) {
		return func(a *asm) {
			for i := range n {
				a.number(i, first+i)
			}
		}
	}
	const w, g, m, v, t = 0, 1, 2, 3, 4
	// average leaves in register m the number old·m + now·x, x being lost.
	average := func(a *asm, m, x, old, now int) {
		a.op("VMULPS", old, m, m)
		a.op("VMULPS", now, x, x)
		a.op("VADDPS", x, m, m)
	}
	adam := func(name string, decays bool) definition {
		const rate, root, old1, now1, old2, now2, eps, decay = 7, 8, 9, 10, 11, 12, 13, 14
		return stream{name: name, ins: []string{"a", "b", "c"}, init: numbers(8, rate), body: func(a *asm) {
			a.load("a", g)
			a.load("b", m)
			a.load("c", v)
			a.load("dst", w)
			a.op("VMULPS", g, g, t)
			average(a, m, g, old1, now1)
			average(a, v, t, old2, now2)
			a.store(m, "b")
			a.store(v, "c")
			if decays {
				a.op("VMULPS", decay, w, t)
				a.op("VSUBPS", t, w, w)
			}
			a.op("VSQRTPS", v, v)
			a.op("VDIVPS", root, v, v)
			a.op("VADDPS", eps, v, v)
			a.op("VMULPS", rate, m, m)
			a.op("VDIVPS", v, m, m)
			a.op("VSUBPS", m, w, w)
			a.store(w, "dst")
		}}.define()
	}
	const lr, mu = 13, 14
	return []definition{
		stream{name: "momentum", ins: []string{"a", "b"}, init: numbers(2, lr), body: func(a *asm) {
			a.load("a", g)
			a.load("b", v)
			a.load("dst", w)
			a.op("VMULPS", lr, g, g)
			a.op("VMULPS", mu, v, v)
			a.op("VSUBPS", g, v, v)
			a.op("VADDPS", v, w, w)
			a.store(v, "b")
			a.store(w, "dst")
		}}.define(),
		stream{name: "nesterov", ins: []string{"a", "b"}, init: numbers(2, lr), body: func(a *asm) {
			a.load("a", g)
			a.load("b", v)
			a.load("dst", w)
			a.op("VMULPS", lr, g, g)
			a.op("VMULPS", mu, v, v)
			a.op("VSUBPS", g, v, v)
			a.op("VMULPS", mu, v, t)
			a.op("VSUBPS", t, g, g)
			a.op("VSUBPS", g, w, w)
			a.store(v, "b")
			a.store(w, "dst")
		}}.define(),
		stream{name: "rmsprop", ins: []string{"a", "b"}, init: numbers(4, 11), body: func(a *asm) {
			const lr, old, now, eps = 11, 12, 13, 14
			a.load("a", g)
			a.load("b", v)
			a.load("dst", w)
			a.op("VMULPS", g, g, t)
			average(a, v, t, old, now)
			a.store(v, "b")
			a.op("VSQRTPS", v, v)
			a.op("VADDPS", eps, v, v)
			a.op("VMULPS", lr, g, g)
			a.op("VDIVPS", v, g, g)
			a.op("VSUBPS", g, w, w)
			a.store(w, "dst")
		}}.define(),
		adam("adam", false),
		adam("adamW", true),
	}
}
