package gen

import (
	"bytes"
	"fmt"
	"slices"

	"neocog/internal/toomcook"
)

// A writer writes one kernel. Values live in registers 0 … free−1 and in slots on the stack; the bias, which is never changed, has its home in memory.
type writer struct {
	set
	w       *bytes.Buffer
	program *toomcook.Program
	table   *constants

	pins    map[int]int   // registers of constants
	free    int           // the number of registers for values
	uses    map[int][]int // operations which will use a value, the next first
	holds   []int         // the value in a register, or -1
	reg     map[int]int   // where a value is
	slot    map[int]int
	taken   []bool // slots
	highest int    // slots that were ever taken
}

func (g *writer) p(f string, args ...any) { fmt.Fprintf(g.w, "\t"+f+"\n", args...) }

func (g *writer) r(i int) string { return fmt.Sprintf("%s%d", g.set.reg, i) }

// groups are the registers of elements 0, 3 and 6.
var (
	srcGroups = []string{"AX", "BX", "CX"}
	dstGroups = []string{"DX", "SI", "R10"}
)

// element is the address of element i.
func element(groups []string, stride string, i int) string {
	switch base := groups[i/3]; i % 3 {
	case 0:
		return "(" + base + ")"
	default:
		return fmt.Sprintf("(%s)(%s*%d)", base, stride, i%3)
	}
}

// reach makes the groups after the first.
func (g *writer) reach(groups []string, stride string, n int) {
	for i := 1; 3*i < n; i++ {
		g.p("LEAQ (%s)(%s*2), %s", groups[i-1], stride, groups[i])
		g.p("ADDQ %s, %s", stride, groups[i])
	}
}

// advance moves the groups by a stride.
func (g *writer) advance(groups []string, stride string, n int) {
	for i := 0; 3*i < n; i++ {
		g.p("ADDQ %s, %s", stride, groups[i])
	}
}

func (g writer) write(t toomcook.Transform) {
	out := g.w
	g.w = new(bytes.Buffer)
	g.body()
	name, frame := t.Name()+g.suffix, 0
	flag := "NOSPLIT"
	if g.highest > 0 {
		frame, flag = (g.highest+1)*g.bytes, "0"
	}
	fmt.Fprintf(out, "\n// func %s(c *Call)\nTEXT ·%s(SB), %s, $%d-8\n", name, name, flag, frame)
	if frame > 0 { // values on the stack lie in lines of the cache
		fmt.Fprintf(out, "\tLEAQ %d(SP), R15\n\tANDQ $%d, R15\n", g.bytes-1, -g.bytes)
	}
	out.Write(g.w.Bytes())
}

func (g *writer) body() {
	p := g.program
	g.pins, g.uses, g.reg, g.slot = map[int]int{}, map[int][]int{}, map[int]int{}, map[int]int{}
	g.free = g.regs
	for _, c := range often(p)[:min(g.pinned, len(p.Constants))] {
		g.free--
		g.pins[c] = g.free
	}
	g.holds = slices.Repeat([]int{-1}, g.free)
	for i, op := range p.Ops {
		for _, v := range operands(op) {
			g.uses[v] = append(g.uses[v], i)
		}
	}

	g.p("MOVQ c+0(FP), DI")
	g.p("MOVQ Call_SrcRow(DI), R8")
	g.p("MOVQ Call_SrcCol(DI), R9")
	g.p("MOVQ Call_DstCol(DI), R11")
	g.p("MOVQ Call_DstRow(DI), R12")
	if p.HasBias {
		g.p("MOVQ Call_Bias(DI), R13")
	}
	for _, c := range often(p) {
		if r, ok := g.pins[c]; ok {
			g.p("VBROADCASTSS %s, %s", g.table.at(bits(p, c)), g.r(r))
		}
	}
	fmt.Fprintf(g.w, "\tPCALIGN $32\n\ntile:\n")
	g.p("MOVQ Call_Src(DI), AX")
	g.reach(srcGroups, "R8", p.In[0])
	g.p("MOVQ Call_Dst(DI), DX")
	g.reach(dstGroups, "R11", p.Out[1])
	column, row := 0, 0
	for i, op := range p.Ops {
		switch op.Kind {
		case toomcook.Load:
			for ; column < op.J; column++ {
				g.advance(srcGroups, "R9", p.In[0])
			}
			g.p("VMOVUPS %s, %s", element(srcGroups, "R8", op.I), g.r(g.define(i)))
		case toomcook.Bias: // where it is used
		case toomcook.Store:
			for ; row < op.I; row++ {
				g.advance(dstGroups, "R12", p.Out[1])
			}
			g.p("VMOVUPS %s, %s", g.r(g.fetch(i, op.A)), element(dstGroups, "R11", op.J))
			g.used(i, op.A)
		default:
			g.compute(i, op)
		}
	}
	g.p("MOVQ Call_SrcNext(DI), AX")
	g.p("MOVQ Call_DstNext(DI), DX")
	g.p("ADDQ AX, Call_Src(DI)")
	g.p("ADDQ DX, Call_Dst(DI)")
	g.p("DECQ Call_N(DI)")
	g.p("JNZ  tile")
	g.p("VZEROUPPER")
	g.p("RET")
}

func operands(op toomcook.Op) []int {
	switch op.Kind {
	case toomcook.Load, toomcook.Bias:
		return nil
	case toomcook.Mul, toomcook.Store:
		return []int{op.A}
	}
	return []int{op.A, op.B}
}

// compute writes operation i.
func (g *writer) compute(i int, op toomcook.Op) {
	a := g.fetch(i, op.A)
	if op.Kind == toomcook.Mul {
		g.used(i, op.A)
		name, c := g.number("VMULPS", op.C)
		g.p("%s %s, %s, %s", name, c, g.r(a), g.r(g.define(i)))
		return
	}
	b := g.fetch(i, op.B)
	lastA, lastB := g.used(i, op.A), g.used(i, op.B)
	switch op.Kind {
	case toomcook.Add:
		g.p("VADDPS %s, %s, %s", g.r(b), g.r(a), g.r(g.define(i)))
		return
	case toomcook.Sub:
		g.p("VSUBPS %s, %s, %s", g.r(b), g.r(a), g.r(g.define(i)))
		return
	}
	name := map[toomcook.Kind]string{toomcook.MAdd: "VFMADD", toomcook.MSub: "VFMSUB", toomcook.NMAdd: "VFNMADD"}[op.Kind]
	switch {
	case lastB: // it becomes the result
		g.take(i, b)
		name, c := g.number(name+"231PS", op.C)
		g.p("%s %s, %s, %s", name, c, g.r(a), g.r(b))
	case lastA:
		g.take(i, a)
		name, c := g.number(name+"132PS", op.C)
		g.p("%s %s, %s, %s", name, c, g.r(b), g.r(a))
	default:
		dst := g.define(i)
		g.p("VMOVAPS %s, %s", g.r(b), g.r(dst))
		name, c := g.number(name+"231PS", op.C)
		g.p("%s %s, %s, %s", name, c, g.r(a), g.r(dst))
	}
}

// number returns the operand of a constant, and the name that the instruction has with it.
func (g *writer) number(name string, c int) (instruction, operand string) {
	if r, ok := g.pins[c]; ok {
		return name, g.r(r)
	}
	if g.bcst {
		name += ".BCST"
	}
	return name, g.table.at(bits(g.program, c))
}

// fetch returns the register of value v, an operand of operation i.
func (g *writer) fetch(i, v int) int {
	if r, ok := g.reg[v]; ok {
		return r
	}
	r := g.room(i)
	if g.program.Ops[v].Kind == toomcook.Bias {
		g.p("VMOVUPS (R13), %s", g.r(r))
	} else {
		g.p("VMOVUPS %d(R15), %s", g.slot[v]*g.bytes, g.r(r))
	}
	g.holds[r], g.reg[v] = v, r
	return r
}

// used notes that operation i has used v, and reports whether nobody will again. Its register is free then.
func (g *writer) used(i, v int) (last bool) {
	for len(g.uses[v]) > 0 && g.uses[v][0] <= i {
		g.uses[v] = g.uses[v][1:]
	}
	if len(g.uses[v]) > 0 {
		return false
	}
	if r, ok := g.reg[v]; ok {
		g.holds[r] = -1
		delete(g.reg, v)
	}
	if s, ok := g.slot[v]; ok {
		g.taken[s] = false
		delete(g.slot, v)
	}
	return true
}

// define returns a register for the value of operation i.
func (g *writer) define(i int) int {
	r := g.room(i)
	g.take(i, r)
	return r
}

func (g *writer) take(i, r int) { g.holds[r], g.reg[i] = i, r }

// room returns a register which holds nothing, after what will be used last has left it. Operands of operation i stay.
func (g *writer) room(i int) int {
	if r := slices.Index(g.holds, -1); r >= 0 {
		return r
	}
	needed := operands(g.program.Ops[i])
	r, far := -1, -1
	for k, v := range g.holds {
		if next := g.uses[v][0]; next > far && !slices.Contains(needed, v) {
			r, far = k, next
		}
	}
	v := g.holds[r]
	delete(g.reg, v)
	g.holds[r] = -1
	if _, ok := g.slot[v]; !ok && g.program.Ops[v].Kind != toomcook.Bias {
		s := slices.Index(g.taken, false)
		if s < 0 {
			s = len(g.taken)
			g.taken = append(g.taken, false)
			g.highest = len(g.taken)
		}
		g.taken[s] = true
		g.slot[v] = s
		g.p("VMOVUPS %s, %d(R15)", g.r(r), s*g.bytes)
	}
	return r
}
