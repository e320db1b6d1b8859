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
	blockL    = 256     // terms
	aPanels   = 24      // panels of A in a block
	bColumns  = 2048    // columns of B in a block
	fewPanels = 3       // panels of the other operand below which copying does not pay
	compactB  = 1 << 17 // elements within which the rows of B lie so close that copying it does not pay
)

// A workspace is what one Gemm needs while it runs: copies of blocks of A and B
// in the order in which kernels read them, the descriptions of a tile and of a
// copy, and a tile of C for the edges. They are kept for the next Gemm, one for
// each that ever ran at the same time; calls through function values let their
// arguments escape, so that on the stack they would be allocations.
type workspace struct {
	tile tile
	copy transposition
	edge [14 * 2 * 16]float64 // the largest tile of either type
	a, b []float64            // aligned to 64 bytes; they grow
}

var workspaces = make(chan *workspace, 256)

func takeWorkspace() *workspace {
	select {
	case w := <-workspaces:
		return w
	default:
		return new(workspace)
	}
}

func putWorkspace(w *workspace) {
	select {
	case workspaces <- w:
	default:
	}
}

// room returns n elements of T in *buf, whose address is a multiple of 64, and 16 more after them, into which
// transpose512 may write.
func room[T Float](buf *[]float64, n int) []T {
	if need := int(bytesOf[T](n+16)) / 8; need > len(*buf) {
		b := make([]float64, need+8)
		off := -int(uintptr(unsafe.Pointer(&b[0]))) & 63 / 8
		*buf = b[off:]
	}
	var z T
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(*buf))), len(*buf)*8/int(unsafe.Sizeof(z)))
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

func bytesOf[T Float](n int) uintptr {
	var z T
	return uintptr(n) * unsafe.Sizeof(z)
}

// takeB lets the product read B where it is, if it is not transposed, few rows of C will read it, and the
// kernels can mask its last columns; otherwise it copies it into panels.
func (g *product[T]) takeB(trans bool, m int, b []T, ldb int) {
	width := 2 * g.f.lanes
	if !trans && g.f.masked && (m <= fewPanels*g.f.rows || g.k*ldb <= compactB) {
		g.b, g.sb, g.panelB = b, bytesOf[T](ldb), width
		return
	}
	p := room[T](&g.w.b, (g.n+width-1)/width*width*g.k)
	for j := 0; j < g.n; j += width {
		cols := min(width, g.n-j)
		if trans {
			packColumns(g.w, p[j*g.k:], width, cols, g.k, b[j*ldb:], ldb)
		} else {
			packStraight(p[j*g.k:], width, cols, g.k, b[j:], ldb)
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
	p := room[T](&g.w.a, (m+rows-1)/rows*rows*g.k)
	for i := 0; i < m; i += rows {
		im := min(rows, m-i)
		if trans {
			packStraight(p[i*g.k:], rows, im, g.k, a[i:], lda)
		} else {
			packColumns(g.w, p[i*g.k:], rows, im, g.k, a[i*lda:], lda)
		}
	}
	g.a, g.columns, g.sa, g.panelA = p, 1, bytesOf[T](rows), g.k*rows
}

// A transposition describes one call of transpose512: rows of 16·n elements at src become columns of 16
// elements at dst, stride bytes apart.
type transposition struct {
	src    [16]unsafe.Pointer
	dst    unsafe.Pointer
	stride uintptr
	n      int
}

// packStraight copies k rows of cols elements, ld apart, into a panel whose rows are width apart. What is left of
// each row is not defined: kernels compute with it but do not write the results.
func packStraight[T Float](panel []T, width, cols, k int, m []T, ld int) {
	if bytesOf[T](width) == 128 && cpu.Current() == cpu.AVX512 {
		_ = m[(k-1)*ld+cols-1]
		mask := masks(int(bytesOf[T](cols))/4, 16)
		straight512(unsafe.Pointer(&panel[0]), unsafe.Pointer(&m[0]), bytesOf[T](ld), k, &mask)
		return
	}
	for l := range k {
		copy(panel[l*width:][:width], m[l*ld:][:cols])
	}
}

// packColumns copies the transpose of cols rows of k elements, ld apart, into a panel whose rows are width apart.
func packColumns[T Float](w *workspace, panel []T, width, cols, k int, m []T, ld int) {
	done := 0
	if bytesOf[T](1) == 4 && cpu.Current() == cpu.AVX512 && k >= 16 {
		done = k &^ 15
		_ = m[(cols-1)*ld+k-1]
		for j := 0; j < cols; j += 16 {
			t := &w.copy
			for i := range t.src {
				t.src[i] = unsafe.Pointer(&m[min(j+i, cols-1)*ld])
			}
			t.dst, t.stride, t.n = unsafe.Pointer(&panel[j]), bytesOf[T](width), k/16
			transpose512(t)
		}
		clear(w.copy.src[:])
	}
	if done == k {
		return
	}
	for j := range cols {
		for l, v := range m[j*ld+done:][:k-done] {
			panel[(done+l)*width+j] = v
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
			edge := edgeOf[T](g.w)
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

func edgeOf[T Float](w *workspace) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(&w.edge)), len(w.edge))
}

// masks returns the lanes that hold cols columns, by vector.
func masks(cols, lanes int) [2]uint64 {
	first := min(cols, lanes)
	return [2]uint64{1<<first - 1, 1<<(cols-first) - 1}
}
