package gemm

import (
	"sync"
	"unsafe"

	"neocog/internal/cpu"
	"neocog/internal/micro"
)

// Blocks: a panel of B, two vectors wide and up to blockL terms long, stays in the first
// cache, a block of A in the second.
const (
	blockL        = 256     // terms at most
	finishColumns = 512     // of C, which wait in a cache for the epilogue
	fewPanels     = 3       // panels of the other operand below which copying does not pay
	compactB      = 1 << 17 // elements within which the rows of B lie so close that copying it does not pay

	// farBytes is the size of B from which on a product with few rows takes as long as reading B from memory, which is faster along rows: then B
	// goes strip by strip, each with all of its terms.
	farBytes = 1 << 20
)

// aBytes is the size of a block of A, 640 KiB or half of the second cache. It decides how many rows a block has, and no sum: results are
// the same with any.
var aBytes = sync.OnceValue(func() int { return min(5<<17, cpu.DataCaches().L2/2) })

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

// block is the part of a product that one block of A contributes to: m rows of C, k terms.
type block[T Float] struct {
	set     micro.Set
	w       *workspace
	m, n, k int
	add     bool

	a      []T // panels of A, or A itself
	form   micro.Form
	sa     uintptr // bytes, as in micro.Tile
	panelA int     // elements between panels of A

	b      []T // from the first term of the block
	ldb    int
	transB bool
	direct bool     // kernels read B where it is
	copied []T      // all panels of B, if there are
	nextA  ahead[T] // the block of A that comes next
}

func bytesOf[T Float](n int) uintptr {
	var z T
	return uintptr(n) * unsafe.Sizeof(z)
}

// takeB lets the block read B where it is, if it is not transposed, few rows of C will read it, or it fits a cache, and the
// kernels can mask its last columns; otherwise it copies it, panel after panel, or from far away all panels row by row.
func (g *block[T]) takeB(trans, far bool, m int, b []T, ldb int) {
	g.b, g.ldb, g.transB = b, ldb, trans
	if far && !trans {
		width := g.set.Width()
		g.copied = room[T](&g.w.b, (g.n+width-1)/width*width*g.k)
		micro.Copy(g.copied, width, b, ldb, g.k, g.n)
		return
	}
	g.direct = !trans && g.set.Masked() && (m <= fewPanels*g.set.Rows() || g.k*ldb <= compactB)
}

// panelB points t to the panel of B that begins at column j.
func (g *block[T]) panelB(t *micro.Tile, j int) {
	width := g.set.Width()
	if g.direct {
		t.B, t.SB = unsafe.Pointer(&g.b[j]), bytesOf[T](g.ldb)
		return
	}
	t.SB = bytesOf[T](width)
	if g.copied != nil {
		t.B = unsafe.Pointer(&g.copied[j*g.k])
		return
	}
	cols := min(width, g.n-j)
	p := room[T](&g.w.b, width*g.k)
	if g.transB {
		micro.Transpose(p, width, g.b[j*g.ldb:], g.ldb, cols, g.k)
	} else {
		micro.Copy(p, width, g.b[j:], g.ldb, g.k, cols)
	}
	t.B = unsafe.Pointer(&p[0])
}

// takeA lets the block read A where it is, if few columns of C will read it; otherwise it copies it into panels.
func (g *block[T]) takeA(trans bool, a []T, lda int) {
	rows := g.set.Rows()
	if g.n <= fewPanels*g.set.Width() || g.m*lda <= 1<<12 {
		g.a, g.form, g.sa, g.panelA = a, micro.Rows, bytesOf[T](lda), rows*lda
		if trans {
			g.form, g.panelA = micro.Columns, rows
		}
		return
	}
	p := room[T](&g.w.a, (g.m+rows-1)/rows*rows*g.k)
	if trans {
		micro.Copy(p, rows, a, lda, g.k, g.m)
	} else {
		for i := 0; i < g.m; i += rows {
			micro.Transpose(p[i*g.k:], rows, a[i*lda:], lda, min(rows, g.m-i), g.k)
		}
	}
	g.a, g.form, g.sa, g.panelA = p, micro.Columns, bytesOf[T](rows), g.k*rows
}

// ahead is a block of a matrix that will be needed soon. Kernels fetch it into the second cache while they
// compute, in strips as wide as a tile.
type ahead[T Float] struct {
	matrix         []T
	ld, rows, cols int
	row, col       int // where the next call goes on
}

// fetch lets the next call of a kernel, which has that many terms for it, fetch some rows of a strip. It reports whether there was something left.
func (h *ahead[T]) fetch(t *micro.Tile, terms, width int) bool {
	at := h.row*h.ld + h.col
	if h.col >= h.cols || at >= len(h.matrix) {
		return false
	}
	t.Next, t.SNext = unsafe.Pointer(&h.matrix[at]), bytesOf[T](h.ld)
	h.row += max(terms/micro.Round, 1)
	if h.row >= h.rows {
		h.row, h.col = 0, h.col+width
	}
	return true
}

// multiply computes columns j0 … j1-1 of C, c being the block's first row.
func (g *block[T]) multiply(c []T, ldc, j0, j1 int) {
	t := &g.w.tile
	width, most, lanes := g.set.Width(), g.set.Rows(), g.set.Lanes()
	t.SA, t.SC = g.sa, bytesOf[T](ldc)
	t.Add = 0
	if g.add {
		t.Add = 1
	}
	g.w.run.K = g.k
	for j := j0; j < j1; j += width {
		cols := min(width, g.n-j)
		vecs := 1
		if cols > lanes {
			vecs = 2
		}
		t.Mask = micro.Masks(cols, lanes)
		g.panelB(t, j)
		nextB := ahead[T]{}
		if !g.transB && g.copied == nil && j+width < g.n {
			nextB = ahead[T]{matrix: g.b[j+width:], ld: g.ldb, rows: g.k, cols: width}
		}
		whole := g.set.Kernel(g.form, most, vecs)
		early := g.form == micro.Columns && cols == width && g.k >= most*micro.Round // kernels have the time to fetch the next tile of C
		left := g.k
		if early {
			left -= most * micro.Round
		}
		for i := 0; i < g.m; i += most {
			if !nextB.fetch(t, left, width) && !g.nextA.fetch(t, left, width) {
				t.Next, t.SNext = t.B, 0
			}
			t.A = unsafe.Pointer(&g.a[i/most*g.panelA])
			t.C = unsafe.Pointer(&c[i*ldc+j])
			switch t.NextC = nil; {
			case !early:
			case i+most < g.m:
				t.NextC = unsafe.Pointer(&c[(i+most)*ldc+j])
			case j+width < j1:
				t.NextC = unsafe.Pointer(&c[j+width])
			default:
				t.NextC = t.C
			}
			if rows := g.m - i; rows < most {
				g.set.Kernel(g.form, rows, vecs)(t)
			} else {
				whole(t)
			}
		}
	}
	t.A, t.B, t.C, t.Next, t.NextC = nil, nil, nil, nil, nil // the workspace must not keep the user's memory alive
}
