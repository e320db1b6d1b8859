package conv

import (
	"unsafe"

	"neocog/internal/micro"
	"neocog/vm/kernel"
)

// Pointwise is a direct convolution with 1×1 filters: for each image a product of matrices.
//
//	forward      y  = w · x        rows of the tile: filters      columns: pixels
//	inputgrad    dx = wᵀ · dy                        channels
//
// The filter is copied once into panels for the micro-kernels, for all images, and, while it does not change, for all
// runs. Each worker copies some pixels of all channels to scratch memory, side by side, of several images where these are small; with a stride
// only those that the filter meets. It refuses larger filters, padding, the gradient of the filter, that of an image with a stride, and
// images of fewer pixels than a vector has.
type Pointwise struct{}

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
	outs := p.K / p.Groups
	if p.Pass == InputGrad {
		outs = p.C / p.Groups
	}
	x, w, y := p.Lens()
	switch {
	case p.R != 1 || p.S != 1 || p.Pad != [4]int{}:
		return kernel.Plan{}, Refuse(a, p, "only 1×1 filters without padding")
	case p.Pass == FilterGrad:
		return kernel.Plan{}, Refuse(a, p, "it has no gradient of the filter")
	case p.Pass == InputGrad && p.Stride != [2]int{1, 1}:
		return kernel.Plan{}, Refuse(a, p, "with a stride most of the gradient is zero")
	case min(x, w, y) == 0:
		return kernel.Plan{}, Refuse(a, p, "it is empty")
	case outs < fewLanes:
		return kernel.Plan{}, Refuse(a, p, "%d outputs in a group fill no tile", outs)
	case P*Q < winogradLanes:
		return kernel.Plan{}, Refuse(a, p, "%d pixels do not fill a vector", P*Q)
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
)

// pointwise computes the outputs of 1×1 filters.
//
//	panel[group·panels + panel][term][row]      tile[column÷width][term][column mod width]
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
	sums     int // elements of the outputs of a panel in scratch memory, 0 if they are written at once
	then     Then
}

func planPointwise[T kernel.Float](env *kernel.Env, a Algorithm, p Problem, then Then) (kernel.Plan, error) {
	P, Q := p.Out()
	m := &pointwise[T]{Problem: p, set: micro.For[T](), ci: p.C / p.Groups, co: p.K / p.Groups, pixels: P * Q, then: then}
	if p.Pass == InputGrad {
		m.ci, m.co = m.co, m.ci
	}
	m.cut(env)
	m.panels = ceilDiv(m.co, m.set.Rows())
	m.most = ceilDiv(m.co, m.panels)
	m.parts = min(m.parts, m.panels)
	pieces := ceilDiv(m.ci, pointTerms)
	for i := range pieces {
		lo, hi := share(m.ci, pieces, i)
		m.runs = append(m.runs, micro.Run{A: bytesOf[T](lo * m.most), B: bytesOf[T](lo * m.set.Width()), K: hi - lo})
	}
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
	most := min(max(pointTile/(m.ci*size)/width*width, width), pointCols)
	m.together = 1
	if m.pixels <= most/2 {
		m.together = min(most/m.pixels, ceilDiv(fewColumns, m.pixels), max(1, m.N*m.Groups/shares(env)), m.N)
	}
	m.tiles = ceilDiv(m.pixels, most)
	m.cols = min(ceilDiv(ceilDiv(m.pixels, m.tiles), width)*width, m.pixels)
	m.tiles = ceilDiv(m.pixels, m.cols)
	m.parts = ceilDiv(shares(env), ceilDiv(m.N, m.together)*m.Groups*m.tiles)
	if m.parts > 1 && m.tiles*m.N*m.Groups >= max(env.Workers, 1) && m.tiles > 1 {
		m.parts = 1 // tiles enough for all, if not two for each
	}
	m.wide = ceilDiv(m.cols*m.together, width) * width
}

// tileSize is the number of elements of a tile.
func (m *pointwise[T]) tileSize() int { return m.ci * m.wide }

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

// load copies columns o0 … o1-1 of images n0 … n1-1 of a group into a tile, an image after the other.
func (m *pointwise[T]) load(tile, x []T, n0, n1, g, o0, o1 int) {
	width, inPixels := m.set.Width(), m.H*m.W
	if m.Pass == InputGrad {
		inPixels = m.pixels
	}
	at := 0 // column of the tile
	for n := n0; n < n1; n++ {
		planes := x[(n*m.Groups+g)*m.ci*inPixels:][:m.ci*inPixels]
		for o := o0; o < o1; {
			cols := min(o1-o, width-at%width)
			to := tile[at/width*width*m.ci+at%width:]
			switch {
			case m.Stride != [2]int{1, 1}:
				m.loadStrided(to, planes, o, cols)
			case cols == width || n == n1-1 && at%width == 0:
				micro.Copy(to, width, planes[o:], inPixels, m.ci, cols)
			default: // beside another image, which Copy would write over
				for i := range m.ci {
					copy(to[i*width:][:cols], planes[i*inPixels+o:])
				}
			}
			o, at = o+cols, at+cols
		}
	}
}

// loadStrided copies the pixels that the filter meets for outputs o … o+cols-1.
func (m *pointwise[T]) loadStrided(to, planes []T, o, cols int) {
	_, Q := m.Out()
	var from [micro.MaxWidth]int
	for j := range cols {
		from[j] = (o+j)/Q*m.Stride[0]*m.W + (o+j)%Q*m.Stride[1]
	}
	for i := range m.ci {
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
	for i := lo; i < hi; i++ {
		part := i % m.parts
		o0 := i / m.parts % m.tiles * m.cols
		g := i / (m.parts * m.tiles) % m.Groups
		n0 := i / (m.parts * m.tiles * m.Groups) * m.together
		n1, o1 := min(n0+m.together, m.N), min(o0+m.cols, m.pixels)
		m.load(tile, x, n0, n1, g, o0, o1)
		end := (part + 1) * m.panels / m.parts
		for first := part * m.panels / m.parts; first < end; first += m.block {
			last := min(first+m.block, end)
			k0, _ := share(m.co, m.panels, first)
			_, k1 := share(m.co, m.panels, last-1)
			k0, k1 = g*m.co+k0, g*m.co+k1
			y := out[(n0*m.Groups*m.co+k0)*m.pixels+o0:]
			if m.sums == 0 {
				m.multiply(c, t, y, m.pixels, tile, g, first, last, o1-o0)
			} else {
				m.multiply(c, t, sums, m.wide, tile, g, first, last, (n1-n0)*m.pixels)
				for n := range n1 - n0 {
					micro.Copy(y[n*m.Groups*m.co*m.pixels:], m.pixels, sums[n*m.pixels:], m.wide, k1-k0, m.pixels)
				}
			}
			for n := n0; n < n1; n++ {
				m.finish(c, n, k0, k1, o0, o1)
			}
		}
	}
}

// multiply computes columns of the outputs of panels first … last-1 of a group, whose rows begin at y and are pitch apart.
func (m *pointwise[T]) multiply(c *kernel.Call, t *micro.Tile, y []T, pitch int, tile []T, g, first, last, cols int) {
	width, lanes := m.set.Width(), m.set.Lanes()
	base, _ := share(m.co, m.panels, first)
	filter := kernel.Prepared[T](c, g*m.panels*m.panelSize(), m.panels*m.panelSize())
	t.SA, t.SB, t.SC, t.N = bytesOf[T](m.most), bytesOf[T](width), bytesOf[T](pitch), 1
	for j := range m.runs {
		t.Runs, t.Add = &m.runs[j], uint64(min(j, 1))
		for q := 0; q < cols; q += width {
			n := min(width, cols-q)
			t.Mask = micro.Masks(n, lanes)
			t.B = unsafe.Pointer(&tile[q*m.ci])
			t.Next, t.SNext = t.B, 0
			for panel := first; panel < last; panel++ {
				k0, k1 := share(m.co, m.panels, panel)
				t.A, t.C = unsafe.Pointer(&filter[panel*m.panelSize()]), unsafe.Pointer(&y[(k0-base)*pitch+q])
				if m.Bias && j == 0 {
					bias := kernel.In[T](c, 2)[g*m.co+k0 : g*m.co+k1]
					for i, v := range bias {
						row := y[(k0-base+i)*pitch+q:][:n]
						for l := range row {
							row[l] = v
						}
					}
					t.Add = 1
				}
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
