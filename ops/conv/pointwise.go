package conv

import (
	"cmp"
	"unsafe"

	"neocog/internal/micro"
	"neocog/internal/simd"
	"neocog/vm/kernel"
)

// Pointwise is a direct convolution with 1×1 filters: for each image a product of matrices.
//
//	forward      y  = w · x        rows of the tile: filters      columns: pixels
//	inputgrad    dx = wᵀ · dy                        channels
//	filtergrad   dw = dy · xᵀ                        filters            channels: see pointwiseFilter
//
// The filter is copied once into panels for the micro-kernels, for all images, and, while it does not change, for all
// runs. Each worker copies some pixels of all channels to scratch memory, side by side, of several images where these are small; with a stride
// only those that the filter meets. It refuses larger filters, padding, the gradient of an image with a stride, and
// fewer pixels than a vector has: of an image, or of all for the gradient of the filter, for which it refuses large images, too.
type Pointwise struct {
	chunk int // pixels that the gradient of the filter takes at a time, for tests; 0 is as many as suit caches
}

// Name returns "pointwise".
func (Pointwise) Name() string { return "pointwise" }

// Plan refuses what is said above, groups of fewer than 8 outputs, and empty problems.
func (a Pointwise) Plan(env *kernel.Env, p Problem) (kernel.Plan, error) {
	return a.PlanThen(env, p, nil)
}

// PlanThen is Plan with something to do with the outputs.
func (a Pointwise) PlanThen(env *kernel.Env, p Problem, then Then) (kernel.Plan, error) {
	if _, err := kernel.Pick(p.DType, nil, nil); err != nil {
		return kernel.Plan{}, err
	}
	P, Q := p.Out()
	outs, pixels := p.K/p.Groups, P*Q
	switch p.Pass {
	case InputGrad:
		outs = p.C / p.Groups
	case FilterGrad:
		pixels *= p.N
	}
	x, w, y := p.Lens()
	switch {
	case p.R != 1 || p.S != 1 || p.Pad != [4]int{}:
		return kernel.Plan{}, Refuse(a, p, "only 1×1 filters without padding")
	case p.Pass == InputGrad && p.Stride != [2]int{1, 1}:
		return kernel.Plan{}, Refuse(a, p, "with a stride most of the gradient is zero")
	case min(x, w, y) == 0:
		return kernel.Plan{}, Refuse(a, p, "it is empty")
	case outs < fewLanes:
		return kernel.Plan{}, Refuse(a, p, "%d outputs in a group fill no tile", outs)
	case pixels < winogradLanes:
		return kernel.Plan{}, Refuse(a, p, "%d pixels do not fill a vector", pixels)
	case p.Pass == FilterGrad && p.C/p.Groups < fewLanes:
		return kernel.Plan{}, Refuse(a, p, "%d channels in a group fill no tile", p.C/p.Groups)
	case p.Pass == FilterGrad && (P*Q > manyPixels || P*Q > fewGradPixels && p.K > p.C):
		return kernel.Plan{}, Refuse(a, p, "the gradient of %d filters, from %d pixels of each image, is multiplied where it lies, by im2col", p.K, P*Q)
	case p.Pass == FilterGrad && p.DType.Size() == 4:
		return planPointwiseFilter[float32](env, a, p)
	case p.Pass == FilterGrad:
		return planPointwiseFilter[float64](env, a, p)
	}
	if p.DType.Size() == 4 {
		return planPointwise[float32](env, a, p, then)
	}
	return planPointwise[float64](env, a, p, then)
}

const (
	pointTile  = 1 << 19 // bytes of a tile of pixels, which shares the second cache with
	pointBlock = 1 << 19 // bytes of panels
	pointTerms = 256     // of an output that are added up in registers: so many of a panel of pixels stay in the first cache
	pointCols  = 512     // the most columns of a tile
	fewColumns = 192     // so many columns lose little at the end of a row
	leastCols  = 192     // of a tile that holds all inputs: else it holds those of a run of terms at a time

	// Copying dy pays for its gradient if rows of pixels are short, or there is less of dy than of x.
	manyPixels, fewGradPixels = 1024, 64
)

// pointwise computes the outputs of 1×1 filters.
//
//	panel[group·panels + panel][term][row]      tile[column÷width][term][column mod width]
//
// A tile is loaded at once, or where that is too much, piece by piece: the terms of one run. While kernels compute, they fetch what is loaded next.
type pointwise[T kernel.Float] struct {
	Problem
	set      micro.Set
	ci, co   int // inputs and outputs of a group
	pixels   int // of an image of outputs
	together int // images in a tile
	cols     int // columns of a tile
	tiles    int // for an image, or for images that are together
	parts    int // of the panels
	wide     int // columns of a tile, whole vectors
	panels   int // which cover the outputs of a group
	most     int // rows of a panel
	block    int // panels that stay in the second cache while all pixels pass by
	runs     []micro.Run
	pieces   int // in which a tile is loaded: 1, or as many as there are runs
	terms    int // of a piece at most
	sums     int // elements of the outputs of a panel in scratch memory, 0 if they are written at once
	then     Then
}

func planPointwise[T kernel.Float](env *kernel.Env, a Algorithm, p Problem, then Then) (kernel.Plan, error) {
	P, Q := p.Out()
	m := &pointwise[T]{Problem: p, set: micro.For[T](), ci: p.C / p.Groups, co: p.K / p.Groups, pixels: P * Q, then: then}
	if p.Pass == InputGrad {
		m.ci, m.co = m.co, m.ci
	}
	m.panels = ceilDiv(m.co, m.set.Rows())
	m.most = ceilDiv(m.co, m.panels)
	m.cut(env)
	m.parts = min(m.parts, m.panels)
	m.block = max(pointBlock/(m.most*pointTerms*int(unsafe.Sizeof(T(0)))), 1)
	if m.together > 1 {
		m.sums = min(m.block, m.panels) * m.most * m.wide
	}
	local := kernel.SizeOf(p.DType, m.tileSize()+m.sums)
	if local > mostLocal {
		return kernel.Plan{}, refuseLarge(a, p, local)
	}
	pack := kernel.Step{N: p.Groups * m.panels, Grain: max(1, 1<<15/(m.most*m.ci)), Run: m.pack}
	items := ceilDiv(p.N, m.together) * p.Groups * m.tiles * m.parts
	return kernel.Plan{
		Steps: []kernel.Step{pack, {N: items, Grain: grain(p.FLOPs(), items), Run: m.run}},
		Local: local,
		Prepare: kernel.Preparation{
			Steps: 1, Input: p.FilterInput(), Bytes: kernel.SizeOf(p.DType, p.Groups*m.panels*m.panelSize()),
		},
	}, nil
}

// cut chooses the tiles, and parts of the outputs where there are too few tiles.
func (m *pointwise[T]) cut(env *kernel.Env) {
	size := int(unsafe.Sizeof(T(0)))
	width := m.set.Width()
	runs := ceilDiv(m.ci, pointTerms)
	m.pieces, m.terms = 1, m.ci
	if pointTile/(m.ci*size) < min(leastCols, m.pixels*m.N) {
		m.pieces, m.terms = runs, ceilDiv(m.ci, runs)
	}
	for i := range runs {
		lo, hi := share(m.ci, runs, i)
		run := micro.Run{A: bytesOf[T](lo * m.most), B: bytesOf[T](lo * width), K: hi - lo}
		if m.pieces > 1 {
			run.B = 0
		}
		m.runs = append(m.runs, run)
	}
	most := min(max(pointTile/(m.terms*size)/width*width, width), pointCols)
	m.together = 1
	if m.pixels <= most/2 {
		m.together = min(most/m.pixels, ceilDiv(fewColumns, m.pixels), max(1, m.N*m.Groups/cmp.Or(env.Workers, someItems)), m.N)
	}
	m.tiles = ceilDiv(m.pixels, most)
	m.cols = min(ceilDiv(ceilDiv(m.pixels, m.tiles), width)*width, m.pixels)
	m.tiles = ceilDiv(m.pixels, m.cols)
	m.parts = ceilDiv(shares(env), ceilDiv(m.N, m.together)*m.Groups*m.tiles)
	if m.parts > 1 && ceilDiv(m.N, m.together)*m.Groups*m.tiles%max(env.Workers, 1) == 0 && env.Workers > 0 {
		m.parts = 1 // as many tiles for each, if not two
	}
	m.wide = ceilDiv(m.cols*m.together, width) * width
}

// tileSize is the number of elements of a tile, or of a piece.
func (m *pointwise[T]) tileSize() int { return m.terms * m.wide }

// panelSize is the number of elements of a panel: a row for each term.
func (m *pointwise[T]) panelSize() int { return m.ci * m.most }

// pack copies the filter into panels. Items are panels of a group.
func (m *pointwise[T]) pack(c *kernel.Call, lo, hi int) {
	w := kernel.In[T](c, m.FilterInput())
	for i := lo; i < hi; i++ {
		panel := kernel.Prepared[T](c, i*m.panelSize(), m.panelSize())
		o0, o1 := share(m.co, m.panels, i%m.panels)
		g := i / m.panels
		if m.Pass == Forward {
			micro.Transpose(panel, m.most, w[(g*m.co+o0)*m.ci:], m.ci, o1-o0, m.ci)
			continue
		}
		for k := range m.ci {
			copy(panel[k*m.most:], w[(g*m.ci+k)*m.co+o0:][:o1-o0])
		}
	}
}

// A pointPiece is what a worker loads at once: channels c0 … c1-1 of a group, columns o0 … o1-1, of images n0 … n1-1.
type pointPiece struct{ n0, n1, g, o0, o1, c0, c1 int }

// piece returns a piece of what item i loads.
func (m *pointwise[T]) piece(i, piece int) pointPiece {
	o0 := i / m.parts % m.tiles * m.cols
	n0 := i / (m.parts * m.tiles * m.Groups) * m.together
	p := pointPiece{n0: n0, n1: min(n0+m.together, m.N), g: i / (m.parts * m.tiles) % m.Groups, o0: o0, o1: min(o0+m.cols, m.pixels)}
	p.c0, p.c1 = share(m.ci, m.pieces, piece)
	return p
}

// planes returns the channels of a piece of image n, and how many pixels each has.
func (m *pointwise[T]) planes(x []T, p pointPiece, n int) ([]T, int) {
	pixels := m.H * m.W
	if m.Pass == InputGrad {
		pixels = m.pixels
	}
	return x[((n*m.Groups+p.g)*m.ci+p.c0)*pixels:][:(p.c1-p.c0)*pixels], pixels
}

// load copies a piece into a tile, an image after the other.
func (m *pointwise[T]) load(tile, x []T, p pointPiece) {
	width, terms := m.set.Width(), p.c1-p.c0
	at := 0 // column of the tile
	for n := p.n0; n < p.n1; n++ {
		planes, pixels := m.planes(x, p, n)
		for o := p.o0; o < p.o1; {
			cols := min(p.o1-o, width-at%width)
			to := tile[at/width*width*terms+at%width:]
			switch {
			case m.Stride != [2]int{1, 1}:
				m.loadStrided(to, planes, o, cols)
			case cols == width || n == p.n1-1 && at%width == 0:
				micro.Copy(to, width, planes[o:], pixels, terms, cols)
			default: // beside another image, which Copy would write over
				for i := range terms {
					copy(to[i*width:][:cols], planes[i*pixels+o:])
				}
			}
			o, at = o+cols, at+cols
		}
	}
}

// A pointAhead fetches the piece that is loaded next while kernels compute.
type pointAhead[T kernel.Float] struct {
	m         *pointwise[T]
	x         []T
	piece     pointPiece
	image     int // the place where the next kernel goes on: image, channel and column
	row, col  int
	exhausted bool
}

// fetch lets the next call of a kernel, of so many terms, fetch some rows of a panel of the piece.
func (h *pointAhead[T]) fetch(t *micro.Tile, terms int) {
	t.Next, t.SNext = t.B, 0
	if h.exhausted {
		return
	}
	planes, pixels := h.m.planes(h.x, h.piece, h.image)
	t.Next, t.SNext = unsafe.Pointer(&planes[h.row*pixels+h.piece.o0+h.col]), bytesOf[T](pixels)
	if h.row += max(terms/micro.Round, 1); h.row < h.piece.c1-h.piece.c0 {
		return
	}
	h.row = 0
	if h.col += h.m.set.Width(); h.col < h.piece.o1-h.piece.o0 {
		return
	}
	h.col = 0
	h.image++
	h.exhausted = h.image == h.piece.n1
}

// ahead returns what fetches for the worker whose items end at hi, after a piece of a block of item i.
func (m *pointwise[T]) ahead(x []T, i, hi, piece int, lastBlock bool) pointAhead[T] {
	h := pointAhead[T]{m: m, x: x, exhausted: m.Stride != [2]int{1, 1}}
	switch next := (i/m.parts + 1) * m.parts; {
	case piece+1 < m.pieces:
		h.piece = m.piece(i, piece+1)
	case m.pieces > 1 && !lastBlock:
		h.piece = m.piece(i, 0)
	case m.pieces > 1 && i+1 < hi:
		h.piece = m.piece(i+1, 0)
	case m.pieces == 1 && next < hi:
		h.piece = m.piece(next, 0)
	default:
		h.exhausted = true
	}
	h.image = h.piece.n0
	return h
}

// loadStrided copies the pixels that the filter meets for outputs o … o+cols-1.
func (m *pointwise[T]) loadStrided(to, planes []T, o, cols int) {
	_, Q := m.Out()
	var from [micro.MaxWidth]int
	for j := range cols {
		from[j] = (o+j)/Q*m.Stride[0]*m.W + (o+j)%Q*m.Stride[1]
	}
	for i := range len(planes) / (m.H * m.W) {
		row, plane := to[i*m.set.Width():][:cols], planes[i*m.H*m.W:][:m.H*m.W]
		for j := range row {
			row[j] = plane[from[j]]
		}
	}
}

// run computes outputs. Items are a part of the outputs for a tile of a group.
func (m *pointwise[T]) run(c *kernel.Call, lo, hi int) {
	x, out := kernel.In[T](c, 0), kernel.Out[T](c, 0)
	if m.Pass == InputGrad {
		x = kernel.In[T](c, 1)
	}
	tile := kernel.Local[T](c, 0, m.tileSize())
	sums := kernel.Local[T](c, m.tileSize(), m.sums)
	t := micro.Take()
	defer micro.Put(t)
	loaded := -1
	for i := lo; i < hi; i++ {
		part, p := i%m.parts, m.piece(i, 0)
		end := (part + 1) * m.panels / m.parts
		for first := part * m.panels / m.parts; first < end; first += m.block {
			last := min(first+m.block, end)
			k0, _ := share(m.co, m.panels, first)
			_, k1 := share(m.co, m.panels, last-1)
			k0, k1 = p.g*m.co+k0, p.g*m.co+k1
			y := out[(p.n0*m.Groups*m.co+k0)*m.pixels+p.o0:]
			to, pitch := y, m.pixels
			if m.sums > 0 {
				to, pitch = sums, m.wide
			}
			for piece := range m.pieces {
				if m.pieces > 1 || i/m.parts != loaded {
					m.load(tile, x, m.piece(i, piece))
					loaded = i / m.parts
				}
				ahead := m.ahead(x, i, hi, piece, last == end)
				runs := len(m.runs) / m.pieces
				m.multiply(c, t, &ahead, to, pitch, tile, p.g, first, last, (p.n1-p.n0)*(p.o1-p.o0), piece*runs, runs)
			}
			if m.Bias {
				for i, b := range kernel.In[T](c, 2)[k0:k1] {
					row := to[i*pitch:][:(p.n1-p.n0)*(p.o1-p.o0)]
					simd.Affine(row, row, 0, 1, b)
				}
			}
			if m.sums > 0 {
				for n := range p.n1 - p.n0 {
					micro.Copy(y[n*m.Groups*m.co*m.pixels:], m.pixels, sums[n*m.pixels:], m.wide, k1-k0, m.pixels)
				}
			}
			for n := p.n0; n < p.n1; n++ {
				m.finish(c, n, k0, k1, p.o0, p.o1)
			}
		}
	}
}

// multiply adds some runs of terms to columns of the outputs of panels first … last-1 of a group, whose rows begin at y and are pitch apart.
func (m *pointwise[T]) multiply(c *kernel.Call, t *micro.Tile, ahead *pointAhead[T], y []T, pitch int, tile []T, g, first, last, cols, run, runs int) {
	width, lanes := m.set.Width(), m.set.Lanes()
	base, _ := share(m.co, m.panels, first)
	filter := kernel.Prepared[T](c, g*m.panels*m.panelSize(), m.panels*m.panelSize())
	t.SA, t.SB, t.SC, t.N = bytesOf[T](m.most), bytesOf[T](width), bytesOf[T](pitch), 1
	terms := m.ci
	if m.pieces > 1 {
		terms = m.runs[run].K
	}
	for j := run; j < run+runs; j++ {
		t.Runs = &m.runs[j]
		for q := 0; q < cols; q += width {
			n := min(width, cols-q)
			t.Mask = micro.Masks(n, lanes)
			t.B = unsafe.Pointer(&tile[q*terms])
			for panel := first; panel < last; panel++ {
				k0, k1 := share(m.co, m.panels, panel)
				t.A, t.C = unsafe.Pointer(&filter[panel*m.panelSize()]), unsafe.Pointer(&y[(k0-base)*pitch+q])
				t.Add = uint64(min(j, 1))
				left := t.Runs.K
				switch t.NextC = nil; {
				case m.sums > 0 || n < width || left < m.most*micro.Round:
				case panel+1 < last:
					t.NextC = unsafe.Pointer(&y[(k1-base)*pitch+q])
				case q+width < cols:
					t.NextC = unsafe.Pointer(&y[q+width])
				}
				if t.NextC != nil {
					left -= (k1 - k0) * micro.Round
				}
				ahead.fetch(t, left)
				m.set.Kernel(micro.Columns, k1-k0, ceilDiv(n, lanes))(t)
			}
		}
	}
}

// finish does what is to be done with pixels o0 … o1-1 of outputs k0 … k1-1 of image n.
func (m *pointwise[T]) finish(c *kernel.Call, n, k0, k1, o0, o1 int) {
	if m.then == nil {
		return
	}
	first := (n*m.Groups*m.co + k0) * m.pixels
	if o0 == 0 && o1 == m.pixels {
		m.then(c, first, first+(k1-k0)*m.pixels)
		return
	}
	for k := range k1 - k0 {
		m.then(c, first+k*m.pixels+o0, first+k*m.pixels+o1)
	}
}
