package gen

import (
	"bytes"
	"fmt"
)

// correlateTaps is the number of sums of a call of correlate512 and correlate256: with nine, each of a filter of 3×3 has its
// register, and there are enough chains to hide the latency of the multiply-add.
const correlateTaps = 9

// correlate writes the kernels behind micro.Correlate. A vector of y is loaded once and multiplied by what each tap sees.
func correlate(w *bytes.Buffer) {
	p := func(f string, args ...any) { fmt.Fprintf(w, "\t"+f+"\n", args...) }
	taps := [correlateTaps]string{"R8", "R9", "R10", "R11", "R12", "R13", "R15", "DX", "BX"}
	for _, k := range []kernel{{set: sets[0]}, {set: sets[2]}} {
		name := fmt.Sprintf("correlate%d", 8*k.width)
		fmt.Fprintf(w, "\n// func %s(c *correlation)\nTEXT ·%s(SB), NOSPLIT, $0-8\n", name, name)
		p("MOVQ c+0(FP), DI")
		p("MOVQ correlation_y(DI), SI")
		p("MOVQ correlation_x(DI), AX")
		for t, r := range taps {
			p("MOVQ correlation_at+%d(DI), %s", 8*t, r)
			p("LEAQ (AX)(%s*%d), %s", r, k.elem, r)
		}
		p("MOVQ correlation_n(DI), CX")
		for t := range taps {
			k.zero(p, fmt.Sprintf("%s%d", k.reg, t))
		}
		p("XORL AX, AX")
		fmt.Fprintf(w, "\tPCALIGN $32\n\nloop:\n")
		p("VMOVU%s (SI)(AX*%d), %s%d", k.suffix, k.elem, k.reg, correlateTaps)
		for t, r := range taps {
			p("VFMADD231%s (%s)(AX*%d), %s%d, %s%d", k.suffix, r, k.elem, k.reg, correlateTaps, k.reg, t)
		}
		p("ADDQ $%d, AX", k.width/k.elem)
		p("CMPQ AX, CX")
		p("JLT  loop")

		// Halves are added until one element is left.
		for t := range taps {
			half := correlateTaps + t%2
			if k.reg == "Z" {
				p("VEXTRACTF64X4 $1, Z%d, Y%d", t, half)
				p("VADDPS Y%d, Y%d, Y%d", half, t, t)
			}
			p("VEXTRACTF128 $1, Y%d, X%d", t, half)
			p("VADDPS X%d, X%d, X%d", half, t, t)
			p("VPERMILPS $0xee, X%d, X%d", t, half)
			p("VADDPS X%d, X%d, X%d", half, t, t)
			p("VPERMILPS $0x55, X%d, X%d", t, half)
			p("VADDSS X%d, X%d, X%d", half, t, t)
			p("VMOVSS X%d, correlation_sums+%d(DI)", t, 4*t)
		}
		p("VZEROUPPER")
		p("RET")
	}
}

const correlateDeclarations = `
//go:noescape
func correlate512(c *correlation)

//go:noescape
func correlate256(c *correlation)

`
