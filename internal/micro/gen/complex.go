package gen

import (
	"bytes"
	"fmt"
	"go/format"
)

// complexSets are the families of complex kernels; the C stands for complex.
var complexSets = []set{
	{"avx512C32", 4, 64, "Z", "PS", "SS", 14, true},
	{"avx512C64", 8, 64, "Z", "PD", "SD", 14, true},
	{"avx2C32", 4, 32, "Y", "PS", "SS", 6, true},
	{"avx2C64", 8, 32, "Y", "PD", "SD", 6, true},
}

// eachComplex calls f for the complex kernels of a set, form by form.
func eachComplex(s set, f func(k kernel)) {
	for _, columns := range []bool{false, true} {
		for rows := 1; rows <= s.rows; rows++ {
			f(kernel{s, columns, 2, rows})
		}
	}
}

// ComplexAssembly returns the text of complex_amd64.s. The two vectors of a kernel are the real and the imaginary parts
// of one block; a step is
//
//	C.re += A.re·B.re + A.im·B.im        C.im += A.im·B.re − A.re·B.im
func ComplexAssembly() []byte {
	var w bytes.Buffer
	w.WriteString(header)
	w.WriteString(`#include "go_asm.h"
#include "textflag.h"

// Registers: as in kernels_amd64.s.
`)
	for _, s := range complexSets {
		eachComplex(s, func(k kernel) { k.writeComplex(&w) })
	}
	return w.Bytes()
}

func (k kernel) writeComplex(w *bytes.Buffer) {
	p := func(f string, args ...any) { fmt.Fprintf(w, "\t"+f+"\n", args...) }
	whole := k
	whole.masked = false // there are no masks to load
	whole.begin(w, p, k.fn())
	whole.fetchC(p)

	p("MOVQ Tile_C(DI), AX") // what the next call writes often lies behind C
	for i := range k.rows {
		for at := 2 * k.width; at < 4*k.width; at += 64 {
			p("PREFETCHT0 %d(AX)", at)
		}
		if i < k.rows-1 {
			p("ADDQ R13, AX")
		}
	}
	fmt.Fprintf(w, "\nrun:\n")
	p("MOVQ Tile_A(DI), AX")
	p("ADDQ Run_A(CX), AX")
	p("MOVQ Tile_B(DI), BX")
	p("ADDQ Run_B(CX), BX")
	p("MOVQ Run_K(CX), DX")
	if !k.columns {
		for g := 1; 3*g < k.rows; g++ {
			p("LEAQ (%s)(R8*2), %s", bases[g-1], bases[g])
			p("ADDQ R8, %s", bases[g])
		}
	}
	fmt.Fprintf(w, "\tPCALIGN $32\n\nloop:\n")
	for v := range 2 {
		p("VMOVU%s %d(BX), %s", k.suffix, v*k.width, k.b(v))
	}
	for at := 2 * k.width; at < 4*k.width; at += 64 {
		p("PREFETCHT1 %d(BX)", at) // what a kernel is called for next often lies behind
	}
	for i := range k.rows {
		re, im := k.a(0), k.a(1)
		p("VBROADCAST%s %s, %s", k.scalar, k.element(i, 0, 0), re)
		p("VBROADCAST%s %s, %s", k.scalar, k.element(i, 0, k.width), im)
		p("VFMADD231%s %s, %s, %s", k.suffix, k.b(0), re, k.acc(i, 0))
		p("VFNMADD231%s %s, %s, %s", k.suffix, k.b(1), re, k.acc(i, 1))
		p("VFMADD231%s %s, %s, %s", k.suffix, k.b(1), im, k.acc(i, 0))
		p("VFMADD231%s %s, %s, %s", k.suffix, k.b(0), im, k.acc(i, 1))
	}
	k.advance(p, 1)
	p("DECQ DX")
	p("JNZ  loop")
	p("ADDQ $24, CX")
	p("CMPQ CX, R15")
	p("JNE  run")

	p("MOVQ Tile_C(DI), CX")
	p("CMPQ Tile_Add(DI), $0")
	p("JEQ  store")
	p("MOVQ CX, AX")
	for i := range k.rows {
		for v := range 2 {
			p("VADD%s %d(AX), %s, %s", k.suffix, v*k.width, k.acc(i, v), k.acc(i, v))
		}
		p("ADDQ R13, AX")
	}
	fmt.Fprintf(w, "\nstore:\n")
	for i := range k.rows {
		for v := range 2 {
			p("VMOVU%s %s, %d(CX)", k.suffix, k.acc(i, v), v*k.width)
		}
		if i < k.rows-1 {
			p("ADDQ R13, CX")
		}
	}
	p("VZEROUPPER")
	p("RET")
}

// ComplexDeclarations returns the text of complex_amd64.go.
func ComplexDeclarations() []byte {
	var w bytes.Buffer
	w.WriteString(header)
	w.WriteString("package micro\n")
	for _, s := range complexSets {
		eachComplex(s, func(k kernel) { fmt.Fprintf(&w, "//go:noescape\nfunc %s(t *Tile)\n\n", k.fn()) })
	}
	for _, s := range complexSets {
		fmt.Fprintf(&w, "// %s are the kernels by form (rows, columns) and rows of C, less one.\n", s.name)
		fmt.Fprintf(&w, "var %s = complexKernels{rows: %d, lanes: %d, run: [2][]func(*Tile){\n", s.name, s.rows, s.width/s.elem)
		eachComplex(s, func(k kernel) {
			if k.rows == 1 {
				w.WriteString("{")
			}
			fmt.Fprintf(&w, "%s, ", k.fn())
			if k.rows == s.rows {
				w.WriteString("},\n")
			}
		})
		w.WriteString("}}\n\n")
	}
	out, err := format.Source(w.Bytes())
	if err != nil {
		panic(err) // a bug of this generator, whose text is in err
	}
	return out
}
