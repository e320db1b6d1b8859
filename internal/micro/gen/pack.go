package gen

import (
	"bytes"
	"fmt"
)

// pack writes the copying loops for 4-byte elements.
//
// transpose512 writes the transpose of up to 16 rows of any length: blocks of
// 16×16 are loaded, transposed in registers in four rounds of 16 shuffles – pairs,
// fours, then quarters of registers twice – and stored as columns. Rows that are
// missing repeat the last one, and a mask keeps them from being stored.
//
// transpose256 does the same with blocks of 8×8 for a number of columns that is a
// multiple of 8. Both exist in three forms, see places.
//
// copy512 copies rows that are ld bytes apart into panels whose rows are 128 bytes
// apart: a row goes to all panels before the next one follows, since memory is
// faster along a row. copy256 does the same with whole panels of 64 bytes.
func pack(w *bytes.Buffer) {
	p := func(f string, args ...any) { fmt.Fprintf(w, "\t"+f+"\n", args...) }
	for _, rows := range []places{regular, to, from} {
		rows.transpose512(w, p)
		rows.transpose256(w, p)
	}

	fmt.Fprintf(w, "\n// func copy256(t *copying)\nTEXT ·copy256(SB), NOSPLIT, $0-8\n")
	p("MOVQ t+0(FP), DI")
	p("MOVQ copying_dst(DI), BX")
	p("MOVQ copying_src(DI), AX")
	p("MOVQ copying_ld(DI), SI")
	p("MOVQ copying_rows(DI), CX")
	p("MOVQ copying_panel(DI), R8")
	fmt.Fprintf(w, "\nrow:\n")
	p("MOVQ AX, R9")
	p("MOVQ BX, R10")
	p("MOVQ copying_panels(DI), DX")
	fmt.Fprintf(w, "\tPCALIGN $32\n\npanel:\n")
	p("VMOVUPS (R9), Y0")
	p("VMOVUPS 32(R9), Y1")
	p("VMOVUPS Y0, (R10)")
	p("VMOVUPS Y1, 32(R10)")
	p("ADDQ $64, R9")
	p("ADDQ R8, R10")
	p("DECQ DX")
	p("JNZ  panel")
	p("ADDQ SI, AX")
	p("ADDQ $64, BX")
	p("DECQ CX")
	p("JNZ  row")
	p("VZEROUPPER")
	p("RET")

	fmt.Fprintf(w, "\n// func copy512(t *copying)\nTEXT ·copy512(SB), NOSPLIT, $0-8\n")
	p("MOVQ t+0(FP), DI")
	p("MOVQ copying_dst(DI), BX")
	p("MOVQ copying_src(DI), AX")
	p("MOVQ copying_ld(DI), SI")
	p("MOVQ copying_rows(DI), CX")
	p("MOVQ copying_panel(DI), R8")
	p("KMOVQ copying_mask+0(DI), K1")
	p("KMOVQ copying_mask+8(DI), K2")
	fmt.Fprintf(w, "\nrow:\n")
	p("MOVQ AX, R9")
	p("MOVQ BX, R10")
	p("MOVQ copying_panels(DI), DX")
	fmt.Fprintf(w, "\tPCALIGN $32\n\npanel:\n")
	p("VMOVUPS.Z (R9), K1, Z0")
	p("VMOVUPS.Z 64(R9), K2, Z1")
	p("VMOVUPS Z0, (R10)")
	p("VMOVUPS Z1, 64(R10)")
	p("ADDQ $128, R9")
	p("ADDQ R8, R10")
	p("DECQ DX")
	p("JNZ  panel")
	p("ADDQ SI, AX")
	p("ADDQ $128, BX")
	p("DECQ CX")
	p("JNZ  row")
	p("VZEROUPPER")
	p("RET")
}

// places is which side of a transposition lies at the places of a list: neither, the columns that it writes, or the
// rows that it reads. The list, of elements from dst or src, is in R12 while one is taken after the other.
type places string

const (
	regular places = ""
	to      places = "To"
	from    places = "From"
)

// first brings the address of the first row to AX.
func (at places) first(p func(string, ...any)) {
	if at != from {
		p("MOVQ DX, AX")
		return
	}
	p("MOVQ transposition_at(DI), R12")
	p("MOVQ (R12), R9")
	p("LEAQ (DX)(R9*4), AX")
}

// next brings the address of the next row to AX, if R11 says that there is one.
func (at places) next(p func(string, ...any)) {
	if at != from {
		p("LEAQ (AX)(R8*1), R9")
		p("DECQ R11")
		p("CMOVQGT R9, AX")
		return
	}
	p("LEAQ 8(R12), R9")
	p("DECQ R11")
	p("CMOVQGT R9, R12")
	p("MOVQ (R12), R9")
	p("LEAQ (DX)(R9*4), AX")
}

// column returns where a column goes, advance moves on to the next.
func (at places) column(p func(string, ...any)) string {
	if at != to {
		return "(BX)"
	}
	p("MOVQ (R12), R9")
	return "(BX)(R9*4)"
}

func (at places) advance(p func(string, ...any)) {
	if at == to {
		p("ADDQ $8, R12")
	} else {
		p("ADDQ SI, BX")
	}
}

func (at places) transpose512(w *bytes.Buffer, p func(string, ...any)) {
	name := "transpose512" + string(at)
	fmt.Fprintf(w, "\n// func %s(t *transposition)\nTEXT ·%s(SB), NOSPLIT, $0-8\n", name, name)
	p("MOVQ t+0(FP), DI")
	p("MOVQ transposition_dst(DI), BX")
	p("MOVQ transposition_src(DI), DX")
	p("MOVQ transposition_toStride(DI), SI")
	p("MOVQ transposition_fromStride(DI), R8")
	p("MOVQ transposition_cols(DI), CX")
	if at != regular {
		p("MOVQ transposition_at(DI), R12")
	}
	p("KMOVQ transposition_mask(DI), K1")
	p("MOVQ $0xffff, R10")
	p("KMOVQ R10, K2")
	fmt.Fprintf(w, "\nblock:\n")
	p("CMPQ CX, $16")
	p("JGE  load")
	p("MOVQ $1, R10") // the last columns: a mask of as many bits
	p("SHLQ CX, R10")
	p("DECQ R10")
	p("KMOVQ R10, K2")
	fmt.Fprintf(w, "\nload:\n")
	at.first(p)
	p("MOVQ transposition_rows(DI), R11")
	for i := range 16 {
		p("PREFETCHT0 256(AX)") // rows are far apart: the processor itself does not follow so many
		p("VMOVUPS.Z (AX), K2, Z%d", i)
		if i < 15 {
			at.next(p)
		}
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
		p("VMOVUPS Z%d, K1, %s", i, at.column(p))
		p("DECQ CX")
		p("JZ   done")
		at.advance(p)
	}
	p("ADDQ $64, DX")
	p("JMP  block")
	fmt.Fprintf(w, "\ndone:\n")
	p("VZEROUPPER")
	p("RET")

}

func (at places) transpose256(w *bytes.Buffer, p func(string, ...any)) {
	name := "transpose256" + string(at)
	fmt.Fprintf(w, "\n// func %s(t *transposition)\nTEXT ·%s(SB), NOSPLIT, $0-8\n", name, name)
	p("MOVQ t+0(FP), DI")
	p("MOVQ transposition_dst(DI), BX")
	p("MOVQ transposition_src(DI), DX")
	p("MOVQ transposition_toStride(DI), SI")
	p("MOVQ transposition_fromStride(DI), R8")
	p("MOVQ transposition_cols(DI), CX")
	if at != regular {
		p("MOVQ transposition_at(DI), R12")
	}
	fmt.Fprintf(w, "\nblock:\n")
	at.first(p)
	p("MOVQ transposition_rows(DI), R11")
	for i := range 8 {
		p("VMOVUPS (AX), Y%d", i)
		if i < 7 {
			at.next(p)
		}
	}
	for i := 0; i < 8; i += 2 { // pairs of rows
		p("VUNPCKLPS Y%d, Y%d, Y%d", i+1, i, 8+i)
		p("VUNPCKHPS Y%d, Y%d, Y%d", i+1, i, 9+i)
	}
	for g := 0; g < 8; g += 4 { // fours: register 4g+j holds columns j and j+4
		p("VUNPCKLPD Y%d, Y%d, Y%d", 8+g+2, 8+g, g)
		p("VUNPCKHPD Y%d, Y%d, Y%d", 8+g+2, 8+g, g+1)
		p("VUNPCKLPD Y%d, Y%d, Y%d", 8+g+3, 8+g+1, g+2)
		p("VUNPCKHPD Y%d, Y%d, Y%d", 8+g+3, 8+g+1, g+3)
	}
	for j := range 4 { // both halves of the rows
		p("VPERM2F128 $0x20, Y%d, Y%d, Y%d", 4+j, j, 8+j)
		p("VPERM2F128 $0x31, Y%d, Y%d, Y%d", 4+j, j, 12+j)
	}
	p("VMOVDQU bits32<>(SB), Y1")
	p("VPBROADCASTD transposition_mask(DI), Y0")
	p("VPAND Y1, Y0, Y0")
	p("VPCMPEQD Y1, Y0, Y0")
	for i := range 8 {
		p("VMASKMOVPS Y%d, Y0, %s", 8+i, at.column(p))
		at.advance(p)
	}
	p("ADDQ $32, DX")
	p("SUBQ $8, CX")
	p("JNZ  block")
	p("VZEROUPPER")
	p("RET")

}

const packDeclarations = `
//go:noescape
func transpose512(t *transposition)

//go:noescape
func transpose256(t *transposition)

//go:noescape
func transpose512To(t *transposition)

//go:noescape
func transpose256To(t *transposition)

//go:noescape
func transpose512From(t *transposition)

//go:noescape
func transpose256From(t *transposition)

//go:noescape
func copy256(t *copying)

//go:noescape
func copy512(t *copying)

`
