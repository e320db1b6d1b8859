package conv

import (
	"unsafe"

	"neocog/internal/micro"
	"neocog/vm/kernel"
)

// blockedFilter computes the gradient of the filter.
//
// The rows of a tile are taps and channels that are neighbours in the copy of
// the image: (s, c) of one row of the filter and one block of channels. The terms are pixels:
// from one to the next the image moves on by the stride, dy by one row of its panel.
type blockedFilter[T kernel.Float] struct {
	Problem
	set       micro.Set
	in        image[T]
	P, Q      int
	cg, kg    int
	panels    int // which cover the filters of a group
	wide      int // panels of an item
	tall      int // blocks of channels of an item
	partsK    int // items which cover the panels
	partsC    int // items which cover the blocks
	rows      int // of outputs of a tile
	cols      int // of them
	pieces    int // which cover a row
	tiles     int // of an image
	parts     int // of the sum: of all tiles of all images, in order
	taps      int
	stretches []stretch
	runs      [2][]micro.Run // one for each row of outputs of a tile, and of the last piece of the rows
	places    []int          // of the sums of a block, in the order of dw: by channel and tap
}

// A stretch is elements of a row of the tile that become rows of the micro-kernel's
// tile: n of them, from one element of the filter's row r on.
type stretch struct {
	r, s, c, n int
}

func planBlockedFilter[T kernel.Float](a Blocked, p Problem) (kernel.Plan, error) {
	P, Q := p.Out()
	m := &blockedFilter[T]{
		Problem: p, set: micro.For[T](), P: P, Q: Q, cg: p.C / p.Groups, kg: p.K / p.Groups, taps: p.R * p.S,
		in: newImage[T](p.C, p.Groups, p.H, p.W),
	}
	m.in.used = make([]bool, p.Stride[0])
	for r := range p.R {
		m.in.used[r*p.Dilation[0]%p.Stride[0]] = true
	}
	m.panels = ceilDiv(m.kg, m.set.Width())
	m.findStretches()
	for ch := range m.in.bc {
		for tap := range m.taps {
			m.places = append(m.places, (tap*m.in.bc+ch)*m.set.Width())
		}
	}
	m.cut()
	local := kernel.SizeOf(p.DType, m.tall*m.wide*m.blockSize()+m.in.size(m.tall)+m.wide*m.panelSize())
	if local > mostLocal {
		return kernel.Plan{}, refuseLarge(a, p, local)
	}

	items := m.parts * p.Groups * m.partsK * m.partsC
	plan := kernel.One(items, grain(p.FLOPs(), items), m.run)
	plan.Local = local
	if m.parts > 1 {
		items := p.Groups * m.panels * m.in.blocks
		plan.Shared = kernel.SizeOf(p.DType, m.parts*items*m.blockSize())
		plan.Steps = append(plan.Steps, kernel.Step{
			N: items, Grain: max(1, 1<<14/(m.parts*m.blockSize())), Run: m.addParts,
		})
	}
	return plan, nil
}

// blockSize is the number of sums of a block of channels and a panel of filters: a row of filters for each of
// r, s and channel.
func (m *blockedFilter[T]) blockSize() int { return m.in.bc * m.taps * m.set.Width() }

// panelSize is the number of elements of a panel of dy: a row for each output of a tile.
func (m *blockedFilter[T]) panelSize() int { return m.rows * m.cols * m.set.Width() }

// findStretches cuts the rows of a filter, of a whole block of channels, into tiles.
func (m *blockedFilter[T]) findStretches() {
	joined := m.S // taps whose elements lie next to each other
	if m.Dilation[1] > 1 {
		joined = 1
	}
	for r := range m.R {
		for s := 0; s < m.S; s += joined {
			elems := joined * m.in.bc
			pieces := ceilDiv(elems, m.set.Rows())
			for piece := range pieces {
				e0, e1 := piece*elems/pieces, (piece+1)*elems/pieces
				m.stretches = append(m.stretches, stretch{r, s + e0/m.in.bc, e0 % m.in.bc, e1 - e0})
			}
		}
	}
}

// cut divides the work: sums which the second cache holds beside the tiles, tiles that it holds, and enough
// items for several workers.
func (m *blockedFilter[T]) cut() {
	size := int(unsafe.Sizeof(T(0)))
	width := m.set.Width()
	one := m.in.bc * m.taps * width * size // the sums of a block and a panel
	m.wide, m.tall = 1, 1
	for one*m.wide*m.tall*2 <= tileBytes && (m.wide < m.panels || m.tall < m.in.blocks) {
		// An element of x is used for wide panels once it is copied, one of dy for taps·tall blocks.
		if m.wide < m.panels && (m.wide*width <= m.tall*m.in.bc*m.taps || m.tall == m.in.blocks) {
			m.wide = min(2*m.wide, m.panels)
		} else {
			m.tall = min(2*m.tall, m.in.blocks)
		}
	}
	m.partsK, m.partsC = ceilDiv(m.panels, m.wide), ceilDiv(m.in.blocks, m.tall)
	m.wide, m.tall = ceilDiv(m.panels, m.partsK), ceilDiv(m.in.blocks, m.partsC) // items alike
	m.partsK, m.partsC = ceilDiv(m.panels, m.wide), ceilDiv(m.in.blocks, m.tall)

	items := m.Groups * m.partsK * m.partsC
	m.cutColumns(size, ceilDiv(fewItems, items))
	row := (m.tall*m.in.cols*m.in.bc*m.Stride[0] + m.wide*m.cols*width) * size
	m.rows = min(max((tileBytes-m.tall*m.in.cols*m.in.bc*size*m.spanH())/row, 1), m.P)
	if units := m.N * m.pieces * ceilDiv(m.P, m.rows); items < someItems && units < ceilDiv(fewItems, items) {
		m.rows = min(m.rows, max(ceilDiv(m.P*m.N*m.pieces, ceilDiv(fewItems, items)), min(4, m.P)))
	}
	m.tiles = ceilDiv(m.P, m.rows)
	m.rows = ceilDiv(m.P, m.tiles)
	m.parts = 1
	if items < someItems {
		all := m.Groups * m.panels * m.in.blocks * m.blockSize()
		m.parts = max(min(ceilDiv(fewItems, items), m.N*m.tiles*m.pieces, partElems/all), 1)
	}
	m.in.rows = (m.rows-1)*m.Stride[0] + m.spanH()
	for i, cols := range []int{m.cols, m.Q - (m.pieces-1)*m.cols} {
		for p := range m.rows {
			m.runs[i] = append(m.runs[i], micro.Run{
				A: uintptr(m.in.at(0, p*m.Stride[0], 0) * size),
				B: uintptr(p * cols * width * size),
				K: cols,
			})
		}
	}
}

// cutColumns chooses how many columns of outputs a tile has, as correlation.cutColumns does.
func (m *blockedFilter[T]) cutColumns(size, items int) {
	pixel := m.tall * m.in.bc * m.spanH()
	fit := (tileBytes/size - pixel*m.spanW()) / (pixel*m.Stride[1] + m.wide*m.set.Width())
	least := max(fewCols, 2*m.spanW()/m.Stride[1])
	m.pieces = ceilDiv(m.Q, max(fit, least))
	if rows := m.N * m.P; rows < items {
		m.pieces = max(m.pieces, min(ceilDiv(items, rows), m.Q/least))
	}
	m.cols = ceilDiv(m.Q, m.pieces)
	m.pieces = ceilDiv(m.Q, m.cols)
	m.in.cols = (m.cols-1)*m.Stride[1] + m.spanW()
}

// run adds up the products of some tiles. Items are some blocks of channels and some panels of filters for one part of the sum.
func (m *blockedFilter[T]) run(c *kernel.Call, lo, hi int) {
	x, dy := kernel.In[T](c, 0), kernel.In[T](c, 1)
	width := m.set.Width()
	plane := m.P * m.Q
	tileSize, panelSize, blockSize := m.in.size(m.tall), m.panelSize(), m.blockSize()
	sums := kernel.Local[T](c, 0, m.tall*m.wide*blockSize)
	tile := kernel.Local[T](c, len(sums), tileSize)
	panel := kernel.Local[T](c, len(sums)+tileSize, m.wide*panelSize)
	t := micro.Take()
	defer micro.Put(t)
	for i := lo; i < hi; i++ {
		b0 := i % m.partsC * m.tall
		f0 := i / m.partsC % m.partsK * m.wide
		g := i / (m.partsC * m.partsK) % m.Groups
		part := i / (m.partsC * m.partsK * m.Groups)
		b1, f1 := min(b0+m.tall, m.in.blocks), min(f0+m.wide, m.panels)

		units := m.N * m.tiles * m.pieces
		begin, end := part*units/m.parts, (part+1)*units/m.parts
		for u := begin; u < end; u++ {
			n, p0, q0 := u/(m.tiles*m.pieces), u/m.pieces%m.tiles*m.rows, u%m.pieces*m.cols
			p1, q1 := min(p0+m.rows, m.P), min(q0+m.cols, m.Q)
			m.in.load(tile, x, n, g, b0, b1, p0*m.Stride[0]-m.Pad[0], (p1-p0-1)*m.Stride[0]+m.spanH(), m.Pad[1]-q0*m.Stride[1])
			rows, pixels := p1-p0, q1-q0
			if pixels == m.Q {
				rows, pixels = 1, rows*pixels // whole rows are neighbours
			}
			for f := f0; f < f1; f++ {
				cols := min(width, m.kg-f*width)
				for row := range rows {
					micro.Transpose(panel[(f-f0)*panelSize+row*pixels*width:], width,
						dy[(n*m.K+g*m.kg+f*width)*plane+(p0+row)*m.Q+q0:], plane, cols, pixels)
				}
			}
			for f := f0; f < f1; f++ {
				cols := min(width, m.kg-f*width)
				for b := b0; b < b1; b++ {
					m.multiply(t, sums[((f-f0)*m.tall+b-b0)*blockSize:], tile[m.in.at(b-b0, 0, 0):], panel[(f-f0)*panelSize:],
						p1-p0, q1-q0, cols, u > begin)
				}
			}
		}
		for f := f0; f < f1; f++ {
			for b := b0; b < b1; b++ {
				block := sums[((f-f0)*m.tall+b-b0)*blockSize:][:blockSize]
				if m.parts > 1 {
					at := (g*m.panels+f)*m.in.blocks + b
					copy(kernel.Shared[T](c, (at*m.parts+part)*blockSize, blockSize), block)
				} else {
					m.store(c, block, g, f, b)
				}
			}
		}
	}
}

// addParts adds the parts of the sum up: neighbours first, then neighbouring pairs, and so on. Items are blocks and panels.
func (m *blockedFilter[T]) addParts(c *kernel.Call, lo, hi int) {
	size := m.blockSize()
	for i := lo; i < hi; i++ {
		parts := kernel.Shared[T](c, i*m.parts*size, m.parts*size)
		for step := 1; step < m.parts; step *= 2 {
			for j := 0; j+step < m.parts; j += 2 * step {
				add(parts[j*size:][:size], parts[(j+step)*size:][:size])
			}
		}
		m.store(c, parts[:size], i/(m.in.blocks*m.panels), i/m.in.blocks%m.panels, i%m.in.blocks)
	}
}

// store writes the sums of a block and a panel to dw.
func (m *blockedFilter[T]) store(c *kernel.Call, sums []T, g, f, b int) {
	width, channels := m.set.Width(), m.in.in(b)
	cols := min(width, m.kg-f*width)
	dw := kernel.Out[T](c, 0)[((g*m.kg+f*width)*m.cg+b*m.in.bc)*m.taps:]
	micro.TransposeFrom(dw, m.cg*m.taps, sums, m.places[:channels*m.taps], cols)
}

// multiply adds the products of rows of so many pixels of dy to the sums of a block and a panel.
func (m *blockedFilter[T]) multiply(t *micro.Tile, sums, tile, panel []T, rows, pixels, cols int, add bool) {
	size := unsafe.Sizeof(T(0))
	width, lanes := m.set.Width(), m.set.Lanes()
	vecs := ceilDiv(cols, lanes)
	t.Mask = micro.Masks(cols, lanes)
	t.B, t.SB = unsafe.Pointer(&panel[0]), uintptr(width)*size
	t.SA, t.SC = uintptr(m.Stride[1]*m.in.bc)*size, uintptr(width)*size
	runs := m.runs[0]
	if pixels < m.cols {
		runs = m.runs[1]
	}
	some := max(chunkTerms/pixels, 1) // rows whose products are added up in registers
	for _, st := range m.stretches {
		multiply := m.set.Kernel(micro.Columns, st.n, vecs)
		t.A = unsafe.Pointer(&tile[m.in.at(0, st.r*m.Dilation[0], st.s*m.Dilation[1])+st.c])
		t.C = unsafe.Pointer(&sums[((st.r*m.S+st.s)*m.in.bc+st.c)*width])
		for p := 0; p < rows; p += some {
			t.Runs, t.N = &runs[p], min(some, rows-p)
			t.Add = 0
			if add || p > 0 {
				t.Add = 1
			}
			multiply(t)
		}
	}
}
