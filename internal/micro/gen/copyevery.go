package gen

import (
	"bytes"
	"fmt"
)

// copyEvery writes the kernels behind micro.CopyEvery: copyRows512 copies rows, copyEven512 every second element of them.
func copyEvery(w *bytes.Buffer) {
	p := func(f string, args ...any) { fmt.Fprintf(w, "\t"+f+"\n", args...) }
	fmt.Fprintf(w, "\n// The even elements of two vectors.\n")
	for i := range 8 {
		fmt.Fprintf(w, "DATA evens<>+%d(SB)/8, $%#x\n", 8*i, (4*i+2)<<32|4*i)
	}
	fmt.Fprintf(w, "GLOBL evens<>(SB), RODATA|NOPTR, $64\n")
	for _, even := range []bool{false, true} {
		name := "copyRows512"
		if even {
			name = "copyEven512"
		}
		fmt.Fprintf(w, "\n// func %s(c *rowCopy)\nTEXT ·%s(SB), NOSPLIT, $0-8\n", name, name)
		p("MOVQ c+0(FP), DI")
		p("MOVQ rowCopy_dst(DI), BX")
		p("MOVQ rowCopy_src(DI), AX")
		p("MOVQ rowCopy_toStride(DI), R8")
		p("MOVQ rowCopy_rowStride(DI), R9")
		p("MOVQ rowCopy_rows(DI), CX")
		p("MOVQ rowCopy_vectors(DI), R10")
		p("MOVQ rowCopy_mask(DI), R11")
		p("KMOVQ R11, K1")
		if even {
			p("KMOVQ rowCopy_from(DI), K2")
			p("KMOVQ rowCopy_from+8(DI), K3")
			p("MOVQ $0x7fff, DX") // the last element of the second vector is odd, and may lie beyond the rows
			p("KMOVQ DX, K4")
			p("VMOVDQU64 evens<>(SB), Z2")
		}
		fmt.Fprintf(w, "\nrow:\n")
		p("MOVQ AX, SI")
		p("MOVQ BX, DX")
		p("MOVQ R10, R12")
		p("TESTQ R12, R12")
		p("JEQ  rest")
		fmt.Fprintf(w, "\nvector:\n")
		p("VMOVUPS (SI), Z0")
		if even {
			p("VMOVUPS.Z 64(SI), K4, Z1")
			p("VPERMT2PS Z1, Z2, Z0")
			p("ADDQ $128, SI")
		} else {
			p("ADDQ $64, SI")
		}
		p("VMOVUPS Z0, (DX)")
		p("ADDQ $64, DX")
		p("DECQ R12")
		p("JNZ  vector")
		fmt.Fprintf(w, "\nrest:\n")
		p("TESTQ R11, R11")
		p("JEQ  next")
		if even {
			p("VMOVUPS.Z (SI), K2, Z0")
			p("VMOVUPS.Z 64(SI), K3, Z1")
			p("VPERMT2PS Z1, Z2, Z0")
		} else {
			p("VMOVUPS.Z (SI), K1, Z0")
		}
		p("VMOVUPS Z0, K1, (DX)")
		fmt.Fprintf(w, "\nnext:\n")
		p("ADDQ R9, AX")
		p("ADDQ R8, BX")
		p("DECQ CX")
		p("JNZ  row")
		p("VZEROUPPER")
		p("RET")
	}
}

const copyEveryDeclarations = `
//go:noescape
func copyRows512(c *rowCopy)

//go:noescape
func copyEven512(c *rowCopy)

`
