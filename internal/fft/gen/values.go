package gen

import (
	"bytes"
	"fmt"
	"math"
)

// An asm writes instructions and keeps track of which vector registers are free.
type asm struct {
	set
	w      *bytes.Buffer
	used   []bool
	stream bool // stores go past the caches
}

func newAsm(s set, w *bytes.Buffer) *asm { return &asm{set: s, w: w, used: make([]bool, s.count)} }

func (a *asm) p(f string, args ...any) { fmt.Fprintf(a.w, "\t"+f+"\n", args...) }

func (a *asm) label(name string) { fmt.Fprintf(a.w, "\n%s:\n", name) }

func (a *asm) r(i int) string { return fmt.Sprintf("%s%d", a.reg, i) }

// A register holds a value as long as there are references to it.
type register struct {
	n    int
	refs int
}

// A value is a register, or its negative; without a register it is zero.
type value struct {
	*register
	neg bool
}

func (v value) zero() bool { return v.register == nil }

func (v value) minus() value { return value{v.register, v.neg != (v.register != nil)} }

// number is a complex value.
type number struct{ re, im value }

// turned is x·(−i).
func (x number) turned() number { return number{x.im, x.re.minus()} }

// fresh takes a free register.
func (a *asm) fresh() value {
	for i, used := range a.used {
		if !used {
			a.used[i] = true
			return value{&register{i, 1}, false}
		}
	}
	panic(fmt.Sprintf("gen: %d registers are not enough", a.count))
}

// drop takes references away.
func (a *asm) drop(values ...value) {
	for _, v := range values {
		if v.zero() {
			continue
		}
		if v.refs--; v.refs == 0 {
			a.used[v.n] = false
		}
	}
}

// keep adds a reference.
func (v value) keep() value {
	if !v.zero() {
		v.refs++
	}
	return v
}

func (a *asm) name(v value) string { return a.r(v.n) }

// both returns x + y and x − y, and drops x and y.
func (a *asm) both(x, y value) (sum, diff value) {
	switch {
	case y.zero():
		return x, x.keep()
	case x.zero():
		return y, y.keep().minus()
	}
	sum = a.add(x, y)
	diff = a.add(x, y.minus())
	a.drop(x, y)
	return sum, diff
}

// plus returns x + y, in x's register if nobody else needs that, and drops both.
func (a *asm) plus(x, y value) value {
	if x.zero() {
		return y
	}
	if y.zero() {
		return x
	}
	s := x.register
	if x.refs > 1 {
		s = a.fresh().register
		a.drop(x)
	}
	sum := a.addTo(s, x, y)
	a.drop(y)
	return sum
}

// add returns x + y in a fresh register.
func (a *asm) add(x, y value) value {
	switch {
	case y.zero():
		return x.keep()
	case x.zero():
		return y.keep()
	}
	return a.addTo(a.fresh().register, x, y)
}

// addTo writes x + y to register r.
func (a *asm) addTo(r *register, x, y value) value {
	s := value{r, false}
	switch {
	case x.neg == y.neg:
		a.p("VADDPS %s, %s, %s", a.name(y), a.name(x), a.name(s))
		s.neg = x.neg
	case y.neg:
		a.p("VSUBPS %s, %s, %s", a.name(y), a.name(x), a.name(s))
	default:
		a.p("VSUBPS %s, %s, %s", a.name(x), a.name(y), a.name(s))
	}
	return s
}

// bothTimes returns x + c·y and x − c·y, and drops x and y, not c.
func (a *asm) bothTimes(x, c, y value) (sum, diff value) {
	if y.zero() {
		return x, x.keep()
	}
	if x.zero() {
		s := a.times(c, y)
		a.drop(y)
		return s, s.keep().minus()
	}
	sum, diff = a.plusTimes(x.keep(), c, y), a.plusTimes(x, c, y.minus())
	a.drop(y)
	return sum, diff
}

// times returns c·y in a fresh register.
func (a *asm) times(c, y value) value {
	if y.zero() {
		return y
	}
	s := a.fresh()
	a.p("VMULPS %s, %s, %s", a.name(c), a.name(y), a.name(s))
	s.neg = y.neg != c.neg
	return s
}

// plusTimes returns x + c·y, in x's register if nobody else needs that, and drops x.
func (a *asm) plusTimes(x, c, y value) value {
	if y.zero() {
		return x
	}
	if x.zero() {
		return a.times(c, y)
	}
	s := x
	if x.refs > 1 {
		s = a.fresh()
		a.p("VMOVAPS %s, %s", a.name(x), a.name(s))
		s.neg = x.neg
		a.drop(x)
	}
	op := "VFMADD231PS"
	if x.neg != (c.neg != y.neg) {
		op = "VFNMADD231PS"
	}
	a.p("%s %s, %s, %s", op, a.name(c), a.name(y), a.name(s))
	return s
}

// bothNumbers is both for complex values.
func (a *asm) bothNumbers(x, y number) (sum, diff number) {
	sum.re, diff.re = a.both(x.re, y.re)
	sum.im, diff.im = a.both(x.im, y.im)
	return sum, diff
}

// constants are those of butterflies.
var constants = []constant{
	{"half", 0.5},
	{"rootHalf", math.Sqrt2 / 2},
	{"sin3", math.Sqrt(3) / 2},
	{"cos51", math.Cos(2 * math.Pi / 5)},
	{"cos52", math.Cos(4 * math.Pi / 5)},
	{"sin51", math.Sin(2 * math.Pi / 5)},
	{"sin52", math.Sin(4 * math.Pi / 5)},
}

type constant struct {
	name  string
	value float64
}

func bits(v float64) uint32 { return math.Float32bits(float32(v)) }

// constant returns a register that holds a constant for good.
func (a *asm) constant(name string) value {
	v := value{&register{a.count - 1, 1}, false}
	for a.used[v.n] {
		v.n--
	}
	a.used[v.n] = true
	a.p("VBROADCASTSS %s<>(SB), %s", name, a.name(v))
	return v
}
