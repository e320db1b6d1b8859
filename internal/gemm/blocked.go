package gemm

import (
	"unsafe"

	"neocog/internal/micro"
)

// Blocks: a panel of B, two vectors wide and up to blockL terms long, stays in the first
// cache, blocks of A and B in the second, with the block of C where it is no larger.
const (
	blockL    = 256     // terms at most
	aPanels   = 24      // panels of A in a block
	bColumns  = 512     // columns of B in a block, if A is one block
	bManyRows = 1536    // likewise, if A is several: they are copied again for each block of B
	fewPanels = 3       // panels of the other operand below which copying does not pay
	compactB  = 1 << 17 // elements within which the rows of B lie so close that copying it does not pay
)

// A workspace is what one Gemm needs while it runs: copies of blocks of A and B
// in the order in which kernels read them, and the description of a tile. They are
// kept for the next Gemm, one for each that ever ran at the same time; calls through
// function values let their arguments escape, so that on the stack they would be allocations.
type workspace struct {
	tile micro.Tile
	run  micro.Run
	a, b []float64 // aligned to 64 bytes; they grow
}

var workspaces = make(chan *workspace, 256)

func takeWorkspace() *workspace {
	select {
	case w := <-workspaces:
		return w
	default:
		w := new(workspace)
		w.tile.Runs, w.tile.N = &w.run, 1
		return w
	}
}

func putWorkspace(w *workspace) {
	select {
	case workspaces <- w:
	default:
	}
}

// room returns n elements of T in *buf, whose address is a multiple of 64.
func room[T Float](buf *[]float64, n int) []T {
	if need := int(bytesOf[T](n)+7) / 8; need > len(*buf) {
		b := make([]float64, need+8)
		off := -int(uintptr(unsafe.Pointer(&b[0]))) & 63 / 8
		*buf = b[off:]
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(*buf))), len(*buf)*8/int(bytesOf[T](1)))
}

// block is one block of C: how its operands lie.
type block[T Float] struct {
	set  micro.Set
	w    *workspace
	n, k int
	add  bool

	a      []T
	form   micro.Form
	sa     uintptr // bytes, as in micro.Tile
	panelA int     // elements between panels of A
	b      []T
	sb     uintptr
	panelB int
}

func bytesOf[T Float](n int) uintptr {
	var z T
	return uintptr(n) * unsafe.Sizeof(z)
}

// takeB lets the block read B where it is, if it is not transposed, few rows of C will read it, and the
// kernels can mask its last columns; otherwise it copies it into panels.
func (g *block[T]) takeB(trans bool, m int, b []T, ldb int) {
	width := g.set.Width()
	if !trans && g.set.Masked() && (m <= fewPanels*g.set.Rows() || g.k*ldb <= compactB) {
		g.b, g.sb, g.panelB = b, bytesOf[T](ldb), width
		return
	}
	p := room[T](&g.w.b, (g.n+width-1)/width*width*g.k)
	if trans {
		for j := 0; j < g.n; j += width {
			micro.Transpose(p[j*g.k:], width, b[j*ldb:], ldb, min(width, g.n-j), g.k)
		}
	} else {
		micro.Copy(p, width, b, ldb, g.k, g.n)
	}
	g.b, g.sb, g.panelB = p, bytesOf[T](width), g.k*width
}

// takeA lets the block read A where it is, if few columns of C will read it; otherwise it copies it into panels.
func (g *block[T]) takeA(trans bool, m int, a []T, lda int) {
	rows := g.set.Rows()
	if g.n <= fewPanels*g.set.Width() || m*lda <= 1<<12 {
		g.a, g.form, g.sa, g.panelA = a, micro.Rows, bytesOf[T](lda), rows*lda
		if trans {
			g.form, g.panelA = micro.Columns, rows
		}
		return
	}
	p := room[T](&g.w.a, (m+rows-1)/rows*rows*g.k)
	if trans {
		micro.Copy(p, rows, a, lda, g.k, m)
	} else {
		for i := 0; i < m; i += rows {
			micro.Transpose(p[i*g.k:], rows, a[i*lda:], lda, min(rows, m-i), g.k)
		}
	}
	g.a, g.form, g.sa, g.panelA = p, micro.Columns, bytesOf[T](rows), g.k*rows
}

// multiply computes m rows of C.
func (g *block[T]) multiply(m int, c []T, ldc int) {
	t := &g.w.tile
	width, most := g.set.Width(), g.set.Rows()
	t.SA, t.SB, t.SC = g.sa, g.sb, bytesOf[T](ldc)
	t.Add = 0
	if g.add {
		t.Add = 1
	}
	g.w.run.K = g.k
	for j := 0; j < g.n; j += width {
		cols := min(width, g.n-j)
		vecs := 1
		if cols > g.set.Lanes() {
			vecs = 2
		}
		t.Mask = micro.Masks(cols, g.set.Lanes())
		t.B = unsafe.Pointer(&g.b[j/width*g.panelB])
		for i := 0; i < m; i += most {
			t.A = unsafe.Pointer(&g.a[i/most*g.panelA])
			t.C = unsafe.Pointer(&c[i*ldc+j])
			g.set.Kernel(g.form, min(most, m-i), vecs)(t)
		}
	}
	t.A, t.B, t.C = nil, nil, nil // the workspace must not keep the user's memory alive
}
