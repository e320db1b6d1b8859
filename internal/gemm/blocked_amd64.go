package gemm

import (
	"unsafe"

	"neocog/internal/cpu"
)

// A tile describes one call of a micro-kernel, which computes
//
//	C(i,:) = Σ_l A(i,l)·B(l,:)  (+ C(i,:) if add)
//
// for the rows and vectors that are in the kernel's name. Strides are in bytes.
// mask has a bit for each column that exists, by vector; kernels without masks
// write all columns.
type tile struct {
	a, b, c    unsafe.Pointer
	sa, sb, sc uintptr
	k          int // at least 1
	mask       [2]uint64
	add        uint64
}

// A family is the kernels of one instruction set and element type.
type family struct {
	rows, lanes int
	masked      bool
	kernels     [2][2][]func(*tile) // by form of A, vectors less one, rows less one
}

// Blocks: a panel of B, 2·lanes columns of blockL terms, stays in the first
// cache, a block of A in the second, a block of B in the second or third.
const (
	blockL    = 256 // terms
	aPanels   = 24  // panels of A in a block
	bColumns  = 768 // columns of B in a block
	fewPanels = 3   // panels of the other operand below which copying does not pay
)

// A workspace is what one Gemm needs while it runs: copies of blocks of A and B
// in the order in which kernels read them, the description of the tile, and a
// tile of C for the edges. They are kept for the next Gemm, one for each that ever
// ran at the same time; calls through function values let their arguments escape,
// so that on the stack they would be allocations.
type workspace struct {
	tile tile
	edge [64 / 4 * 14 * 2]float64 // the largest tile of either type
	a, b []float64                // aligned to 64 bytes
}

var workspaces = make(chan *workspace, 256)

func takeWorkspace() *workspace {
	select {
	case w := <-workspaces:
		return w
	default:
		return &workspace{a: aligned(14 * aPanels * blockL), b: aligned(bColumns * blockL)}
	}
}

func putWorkspace(w *workspace) {
	select {
	case workspaces <- w:
	default:
	}
}

// aligned returns n elements whose address is a multiple of 64.
func aligned(n int) []float64 {
	b := make([]float64, n+8)
	off := -int(uintptr(unsafe.Pointer(&b[0]))) & 63 / 8
	return b[off : off+n]
}

// kernelsFor returns the family for T at the current level, nil if there is none.
func kernelsFor[T Float]() *family {
	var z T
	wide := unsafe.Sizeof(z) == 8
	switch cpu.Current() {
	case cpu.AVX512:
		if wide {
			return &avx512F64
		}
		return &avx512F32
	case cpu.AVX2:
		if wide {
			return &avx2F64
		}
		return &avx2F32
	}
	return nil
}

// blocked computes Gemm with micro-kernels and reports whether there are any. An element's terms are added in
// their order within blocks of blockL, and blocks in their order, whatever m, n and the strides are:
// its bits depend on k and its own operands alone.
func blocked[T Float](transA, transB bool, m, n, k int, a []T, lda int, b []T, ldb int, add bool, c []T, ldc int) bool {
	f := kernelsFor[T]()
	if f == nil {
		return false
	}
	w := takeWorkspace()
	for j := 0; j < n; j += bColumns {
		jn := min(bColumns, n-j)
		for l := 0; l < k; l += blockL {
			g := product[T]{f: f, w: w, n: jn, k: min(blockL, k-l), add: add || l > 0}
			g.takeB(transB, m, b[at(transB, l, j, ldb):], ldb)
			for i := 0; i < m; i += f.rows * aPanels {
				im := min(f.rows*aPanels, m-i)
				g.takeA(transA, im, a[at(transA, i, l, lda):], lda)
				g.multiply(im, c[i*ldc+j:], ldc)
			}
		}
	}
	putWorkspace(w)
	return true
}

// product is one block of C: how its operands lie.
type product[T Float] struct {
	f    *family
	w    *workspace
	n, k int
	add  bool

	a       []T
	columns int     // 1 if a is read by columns, packed or transposed, else 0
	sa      uintptr // bytes, as in tile
	panelA  int     // elements between panels of A
	b       []T
	sb      uintptr
	panelB  int
}

func view[T Float](f []float64) []T {
	var z T
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(f))), len(f)*8/int(unsafe.Sizeof(z)))
}

func bytesOf[T Float](n int) uintptr {
	var z T
	return uintptr(n) * unsafe.Sizeof(z)
}

// takeB lets the product read B where it is, if it is not transposed, few rows of C will read it, and the
// kernels can mask its last columns; otherwise it copies it into panels.
func (g *product[T]) takeB(trans bool, m int, b []T, ldb int) {
	width := 2 * g.f.lanes
	if !trans && g.f.masked && m <= fewPanels*g.f.rows {
		g.b, g.sb, g.panelB = b, bytesOf[T](ldb), width
		return
	}
	p := view[T](g.w.b)
	for j := 0; j < g.n; j += width {
		panel := p[j*g.k:][:g.k*width]
		cols := min(width, g.n-j)
		if trans {
			packColumns(panel, width, cols, g.k, b[j*ldb:], ldb)
		} else {
			packStraight(panel, width, cols, g.k, b[j:], ldb)
		}
	}
	g.b, g.sb, g.panelB = p, bytesOf[T](width), g.k*width
}

// takeA lets the product read A where it is, if few columns of C will read it; otherwise it copies it into panels.
func (g *product[T]) takeA(trans bool, m int, a []T, lda int) {
	rows := g.f.rows
	if g.n <= fewPanels*2*g.f.lanes || m*lda <= 1<<12 {
		g.a, g.columns, g.sa, g.panelA = a, 0, bytesOf[T](lda), rows*lda
		if trans {
			g.columns, g.panelA = 1, rows
		}
		return
	}
	p := view[T](g.w.a)
	for i := 0; i < m; i += rows {
		panel := p[i*g.k:][:g.k*rows]
		im := min(rows, m-i)
		if trans {
			packStraight(panel, rows, im, g.k, a[i:], lda)
		} else {
			packColumns(panel, rows, im, g.k, a[i*lda:], lda)
		}
	}
	g.a, g.columns, g.sa, g.panelA = p, 1, bytesOf[T](rows), g.k*rows
}

// packStraight copies k rows of cols elements, ld apart, into a panel of rows of width; the rest of each row is zero.
func packStraight[T Float](panel []T, width, cols, k int, m []T, ld int) {
	for l := range k {
		row := panel[l*width:][:width]
		clear(row[copy(row, m[l*ld:][:cols]):])
	}
}

// packColumns copies the transpose of cols rows of k elements, ld apart, into a panel of rows of width; the rest of
// each row is zero.
func packColumns[T Float](panel []T, width, cols, k int, m []T, ld int) {
	j := 0
	for ; j+4 <= cols; j += 4 {
		r0, r1, r2, r3 := m[j*ld:][:k], m[(j+1)*ld:][:k], m[(j+2)*ld:][:k], m[(j+3)*ld:][:k]
		for l, v := range r0 {
			q := panel[l*width+j:][:4:4]
			q[0], q[1], q[2], q[3] = v, r1[l], r2[l], r3[l]
		}
	}
	for ; j < width; j++ {
		if j < cols {
			for l, v := range m[j*ld:][:k] {
				panel[l*width+j] = v
			}
			continue
		}
		for l := range k {
			panel[l*width+j] = 0
		}
	}
}

// multiply computes m rows of C.
func (g *product[T]) multiply(m int, c []T, ldc int) {
	f, t := g.f, &g.w.tile
	width := 2 * f.lanes
	t.k, t.sa, t.sb = g.k, g.sa, g.sb
	t.add = 0
	if g.add {
		t.add = 1
	}
	for j := 0; j < g.n; j += width {
		cols := min(width, g.n-j)
		vecs := (cols + f.lanes - 1) / f.lanes
		kernels := f.kernels[g.columns][vecs-1]
		t.mask = masks(cols, f.lanes)
		whole := f.masked || cols == vecs*f.lanes
		t.b = unsafe.Pointer(&g.b[j/width*g.panelB])
		for i := 0; i < m; i += f.rows {
			rows := min(f.rows, m-i)
			t.a = unsafe.Pointer(&g.a[i/f.rows*g.panelA])
			to := c[i*ldc+j:]
			if whole {
				t.c, t.sc = unsafe.Pointer(&to[0]), bytesOf[T](ldc)
				kernels[rows-1](t)
				continue
			}
			edge := view[T](g.w.edge[:])
			t.c, t.sc, t.add = unsafe.Pointer(&edge[0]), bytesOf[T](width), 0
			kernels[rows-1](t)
			for r := range rows {
				row := to[r*ldc:][:cols]
				for q, v := range edge[r*width:][:cols] {
					if g.add {
						v += row[q]
					}
					row[q] = v
				}
			}
			if g.add {
				t.add = 1
			}
		}
	}
	t.a, t.b, t.c = nil, nil, nil // the workspace must not keep the user's memory alive
}

// masks returns the lanes that hold cols columns, by vector.
func masks(cols, lanes int) [2]uint64 {
	first := min(cols, lanes)
	return [2]uint64{1<<first - 1, 1<<(cols-first) - 1}
}
