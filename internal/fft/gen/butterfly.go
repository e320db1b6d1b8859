package gen

// prepare loads constants and returns what writes a butterfly.
func (p pass) prepare(a *asm) func() {
	var c []value
	if p.inputs > 1 {
		names := map[int][]string{3: {"half", "sin3"}, 6: {"half", "sin3"}, 5: {"cos51", "cos52", "sin51", "sin52"}, 8: {"rootHalf"}}[p.radix]
		for _, name := range names {
			c = append(c, a.constant(name))
		}
	}
	return func() {
		if p.inputs < 2 {
			a.copies(p.load(a, 0), p.radix)
			return
		}
		switch p.radix {
		case 2:
			y0, y1 := a.bothNumbers(p.load(a, 0), p.load(a, 1))
			a.store(0, y0)
			a.store(1, y1)
		case 3:
			for i, y := range a.three(p.load(a, 0), p.load(a, 1), p.load(a, 2), c) {
				a.store(i, y)
			}
		case 4:
			for i, y := range a.four(p.load(a, 0), p.load(a, 1), p.load(a, 2), p.load(a, 3)) {
				a.store(i, y)
			}
		case 5:
			p.five(a, c)
		case 6:
			p.six(a, c)
		case 8:
			p.eight(a, c)
		}
	}
}

// load loads element q and multiplies it by its root, or returns zero.
func (p pass) load(a *asm, q int) (x number) {
	if q >= p.inputs {
		return number{}
	}
	x = number{a.fresh(), a.fresh()}
	a.p("VMOVUPS %s, %s", element(q, true, false), a.name(x.re))
	a.p("VMOVUPS %s, %s", element(q, false, false), a.name(x.im))
	if !p.twiddled || q == 0 {
		return x
	}
	root := number{a.fresh(), a.fresh()}
	a.p("VBROADCASTSS %d(R14), %s", 8*(q-1), a.name(root.re))
	a.p("VBROADCASTSS %d(R14), %s", 8*(q-1)+4, a.name(root.im))
	y := number{a.times(root.re, x.re), a.times(root.im, x.re)}
	y.re = a.plusTimes(y.re, root.im, x.im.minus())
	y.im = a.plusTimes(y.im, root.re, x.im)
	a.drop(x.re, x.im, root.re, root.im)
	return y
}

// store stores element i of the result and drops it.
func (a *asm) store(i int, y number) {
	for _, part := range []struct {
		v  value
		re bool
	}{{y.re, true}, {y.im, false}} {
		v := part.v
		if v.zero() {
			v = a.fresh()
			a.p("VXORPS %s, %s, %s", a.name(v), a.name(v), a.name(v))
		}
		if v.neg {
			panic("gen: a negative cannot be stored")
		}
		move := "VMOVUPS"
		if a.stream {
			move = "VMOVNTPS"
		}
		a.p("%s %s, %s", move, a.name(v), element(i, part.re, true))
		a.drop(v)
	}
}

func (a *asm) four(x0, x1, x2, x3 number) [4]number {
	s0, d0 := a.bothNumbers(x0, x2)
	s1, d1 := a.bothNumbers(x1, x3)
	y0, y2 := a.bothNumbers(s0, s1)
	y1, y3 := a.bothNumbers(d0, d1.turned())
	return [4]number{y0, y1, y2, y3}
}

// eight is two butterflies of four, of the even and of the odd elements.
func (p pass) eight(a *asm, c []value) {
	e := a.four(p.load(a, 0), p.load(a, 2), p.load(a, 4), p.load(a, 6))
	o := a.four(p.load(a, 1), p.load(a, 3), p.load(a, 5), p.load(a, 7))
	var y [8]number
	y[0], y[4] = a.bothNumbers(e[0], o[0])
	a.store(0, y[0])
	a.store(4, y[4])
	y[2], y[6] = a.bothNumbers(e[2], o[2].turned())
	a.store(2, y[2])
	a.store(6, y[6])
	// o[1]·exp(−iπ/4) is (re + im, im − re)·√½, o[3]·exp(−3iπ/4) is (im − re, −(re + im))·√½.
	for i := 1; i < 4; i += 2 {
		sum, diff := a.both(o[i].im, o[i].re)
		t := number{sum, diff}
		if i == 3 {
			t = number{diff, sum.minus()}
		}
		y[i].re, y[i+4].re = a.bothTimes(e[i].re, c[0], t.re)
		y[i].im, y[i+4].im = a.bothTimes(e[i].im, c[0], t.im)
		a.store(i, y[i])
		a.store(i+4, y[i+4])
	}
}

// three is x0 + s, and x0 − s/2 ± (−i)·sin(2π/3)·d, where s and d are the sum and the difference of x1 and x2.
func (a *asm) three(x0, x1, x2 number, c []value) (y [3]number) {
	half, sin := c[0], c[1]
	s, d := a.bothNumbers(x1, x2)
	m := number{a.plusTimes(x0.re.keep(), half, s.re.minus()), a.plusTimes(x0.im.keep(), half, s.im.minus())}
	y[0] = number{a.plus(x0.re, s.re), a.plus(x0.im, s.im)}
	d = d.turned()
	y[1].re, y[2].re = a.bothTimes(m.re, sin, d.re)
	y[1].im, y[2].im = a.bothTimes(m.im, sin, d.im)
	return y
}

// six is two butterflies of three, which need no roots in between: A of elements 0, 2 and 4, B of elements 3, 5 and 1. Result k is
// A_{k mod 3} + (−1)^k·B_{k mod 3}.
func (p pass) six(a *asm, c []value) {
	x := a.three(p.load(a, 0), p.load(a, 2), p.load(a, 4), c)
	y := a.three(p.load(a, 3), p.load(a, 5), p.load(a, 1), c)
	for k := range 3 {
		sum, diff := a.bothNumbers(x[k], y[k])
		even, odd := k+k%2*3, k+3-k%2*3 // which of k and k + 3 is even
		a.store(even, sum)
		a.store(odd, diff)
	}
}

// five is, with s1 and d1 the sum and difference of x1 and x4, s2 and d2 those of x2 and x3,
//
//	x0 + s1 + s2
//	x0 + cos(2π/5)·s1 + cos(4π/5)·s2 ± (−i)·(sin(2π/5)·d1 + sin(4π/5)·d2)
//	x0 + cos(4π/5)·s1 + cos(2π/5)·s2 ± (−i)·(sin(4π/5)·d1 − sin(2π/5)·d2)
func (p pass) five(a *asm, c []value) {
	s1, d1 := a.bothNumbers(p.load(a, 1), p.load(a, 4))
	s2, d2 := a.bothNumbers(p.load(a, 2), p.load(a, 3))
	x0 := p.load(a, 0)
	var y [5]number
	sums := func(x0, s1, s2 value) (y0, m1, m2 value) {
		m1 = a.plusTimes(a.plusTimes(x0.keep(), c[0], s1), c[1], s2)
		m2 = a.plusTimes(a.plusTimes(x0.keep(), c[1], s1), c[0], s2)
		return a.plus(a.plus(x0, s1), s2), m1, m2
	}
	var m1, m2 number
	y[0].re, m1.re, m2.re = sums(x0.re, s1.re, s2.re)
	y[0].im, m1.im, m2.im = sums(x0.im, s1.im, s2.im)
	a.store(0, y[0])
	d1, d2 = d1.turned(), d2.turned()
	part := func(m1, m2, d1, d2 value) (y1, y2, y3, y4 value) {
		e1 := a.plusTimes(a.times(c[2], d1), c[3], d2)
		e2 := a.plusTimes(a.times(c[3], d1), c[2], d2.minus())
		a.drop(d1, d2)
		y1, y4 = a.both(m1, e1)
		y2, y3 = a.both(m2, e2)
		return y1, y2, y3, y4
	}
	y[1].re, y[2].re, y[3].re, y[4].re = part(m1.re, m2.re, d1.re, d2.re)
	y[1].im, y[2].im, y[3].im, y[4].im = part(m1.im, m2.im, d1.im, d2.im)
	for i := 1; i < 5; i++ {
		a.store(i, y[i])
	}
}

// copies stores x, or zero, n times.
func (a *asm) copies(x number, n int) {
	for i := range n {
		if i < n-1 {
			x = number{x.re.keep(), x.im.keep()}
		}
		a.store(i, x)
	}
}
