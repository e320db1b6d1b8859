package gen

import (
	"bytes"
	"fmt"
)

// pack writes the two copying loops of 512-bit registers for float32. Both take
// the addresses of up to 16 rows, so that missing rows may repeat another one.
//
// transpose copies the transpose of 16 rows of 16·n elements: 16 rows are loaded,
// transposed in registers in four rounds of 16 shuffles – pairs, fours, then
// quarters of registers twice – and stored as 16 columns, stride bytes apart.
//
// straight copies n rows of up to 128 bytes from rows that are ld bytes apart to
// rows that are 128 bytes apart.
func pack(w *bytes.Buffer) {
	p := func(f string, args ...any) { fmt.Fprintf(w, "\t"+f+"\n", args...) }
	fmt.Fprintf(w, "\n// func transpose512(t *transposition)\nTEXT ·transpose512(SB), NOSPLIT, $0-8\n")
	p("MOVQ t+0(FP), DI")
	p("MOVQ transposition_dst(DI), BX")
	p("MOVQ transposition_stride(DI), SI")
	p("MOVQ transposition_n(DI), CX")
	p("XORQ DX, DX")
	fmt.Fprintf(w, "\tPCALIGN $32\n\nloop:\n")
	for i := range 16 {
		p("MOVQ transposition_src+%d(DI), AX", 8*i)
		p("VMOVUPS (AX)(DX*1), Z%d", i)
	}
	// Pairs of rows: a0 b0 a1 b1 in each quarter.
	for i := 0; i < 16; i += 2 {
		p("VUNPCKLPS Z%d, Z%d, Z%d", i+1, i, 16+i)
		p("VUNPCKHPS Z%d, Z%d, Z%d", i+1, i, 17+i)
	}
	// Fours of rows: register 4g+j then holds column j of each quarter for rows 4g … 4g+3.
	for g := 0; g < 16; g += 4 {
		p("VUNPCKLPD Z%d, Z%d, Z%d", 16+g+2, 16+g, g)
		p("VUNPCKHPD Z%d, Z%d, Z%d", 16+g+2, 16+g, g+1)
		p("VUNPCKLPD Z%d, Z%d, Z%d", 16+g+3, 16+g+1, g+2)
		p("VUNPCKHPD Z%d, Z%d, Z%d", 16+g+3, 16+g+1, g+3)
	}
	// Quarters: rows 0–7 and 8–15, even and odd quarters …
	for j := range 4 {
		p("VSHUFF32X4 $0x88, Z%d, Z%d, Z%d", 4+j, j, 16+j)    // quarters 0 2 of rows 0–3, then of 4–7
		p("VSHUFF32X4 $0xdd, Z%d, Z%d, Z%d", 4+j, j, 20+j)    // quarters 1 3
		p("VSHUFF32X4 $0x88, Z%d, Z%d, Z%d", 12+j, 8+j, 24+j) // the same of rows 8–15
		p("VSHUFF32X4 $0xdd, Z%d, Z%d, Z%d", 12+j, 8+j, 28+j)
	}
	// … and each quarter of all 16 rows.
	for j := range 4 {
		p("VSHUFF32X4 $0x88, Z%d, Z%d, Z%d", 24+j, 16+j, j)
		p("VSHUFF32X4 $0x88, Z%d, Z%d, Z%d", 28+j, 20+j, 4+j)
		p("VSHUFF32X4 $0xdd, Z%d, Z%d, Z%d", 24+j, 16+j, 8+j)
		p("VSHUFF32X4 $0xdd, Z%d, Z%d, Z%d", 28+j, 20+j, 12+j)
	}
	for i := range 16 {
		p("VMOVUPS Z%d, (BX)", i)
		p("ADDQ SI, BX")
	}
	p("ADDQ $64, DX")
	p("DECQ CX")
	p("JNZ  loop")
	p("VZEROUPPER")
	p("RET")

	fmt.Fprintf(w, "\n// func straight512(dst, src unsafe.Pointer, ld uintptr, n int, mask *[2]uint64)\nTEXT ·straight512(SB), NOSPLIT, $0-40\n")
	p("MOVQ dst+0(FP), BX")
	p("MOVQ src+8(FP), AX")
	p("MOVQ ld+16(FP), SI")
	p("MOVQ n+24(FP), CX")
	p("MOVQ mask+32(FP), DI")
	p("KMOVQ (DI), K1")
	p("KMOVQ 8(DI), K2")
	fmt.Fprintf(w, "\tPCALIGN $32\n\nloop:\n")
	p("PREFETCHT0 128(AX)") // the next panel: the processor itself does not look beyond a page
	p("PREFETCHT0 192(AX)")
	p("VMOVUPS.Z (AX), K1, Z0")
	p("VMOVUPS.Z 64(AX), K2, Z1")
	p("VMOVUPS Z0, (BX)")
	p("VMOVUPS Z1, 64(BX)")
	p("ADDQ SI, AX")
	p("ADDQ $128, BX")
	p("DECQ CX")
	p("JNZ  loop")
	p("VZEROUPPER")
	p("RET")
}

const packDeclarations = `
//go:noescape
func transpose512(t *transposition)

//go:noescape
func straight512(dst, src unsafe.Pointer, ld uintptr, n int, mask *[2]uint64)

`
