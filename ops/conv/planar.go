package conv

import (
	"cmp"
	"slices"
	"unsafe"

	"neocog/internal/micro"
	"neocog/vm/kernel"
)

// Planar is a direct convolution for few outputs, or few inputs to each, such as the layers next to
// an image of three channels, the layers of LeNet, and those with a group for each channel. Where Blocked fills a
// vector with outputs, Planar fills it with pixels.
//
// Each worker copies some rows of an image, with the padding around them, into scratch memory, where
// the pixels that a tap sees for neighbouring outputs are neighbours: the columns of an image are sorted by
// their remainder by the stride. Neighbouring taps then are the same memory, one element on.
//
//	forward     rows of the tile: filters      columns: pixels of a row of y
//	inputgrad   channels                       pixels of a row of dx, of one phase; see Blocked
//
// Scratch memory is as for Blocked. It refuses more outputs in a group than suit it, and the gradient of
// filters that see several channels; that of others is planarFilter.
type Planar struct{}

// Name returns "planar".
func (Planar) Name() string { return "planar" }

// Plan refuses the gradient of filters of several channels or 8 in a group, empty problems, and those for which Blocked is faster:
// with 8 outputs in a group or more, unless there are at most 4 inputs, without horizontal stride. Gradients that are mostly products with
// zeros around dy, those of strides above 2 and 32 filters or more, filters that meet nothing but padding, and tiles of more than 4 MiB it refuses as well.
func (a Planar) Plan(env *kernel.Env, p Problem) (kernel.Plan, error) { return a.PlanThen(env, p, nil) }

// PlanThen is Plan with something to do with the outputs.
func (a Planar) PlanThen(_ *kernel.Env, p Problem, then Then) (kernel.Plan, error) {
	if _, err := kernel.Pick(p.DType, nil, nil); err != nil {
		return kernel.Plan{}, err
	}
	if x, w, y := p.Lens(); min(x, w, y) == 0 {
		return kernel.Plan{}, Refuse(a, p, "it is empty")
	}
	if p.wasteful() {
		return kernel.Plan{}, Refuse(a, p, "most products would be with the zeros around dy")
	}
	if p.Pass == FilterGrad {
		switch cg, kg := p.C/p.Groups, p.K/p.Groups; {
		case cg > 1 || kg >= fewLanes:
			return kernel.Plan{}, Refuse(a, p, "its gradient of the filter is for one channel and fewer than %d filters a group, not %d and %d", fewLanes, cg, kg)
		case p.DType.Size() == 4:
			return planPlanarFilter[float32](a, p)
		}
		return planPlanarFilter[float64](a, p)
	}
	c := newCorrelation(p)
	if c.co >= fewLanes && (c.ci > fewInputs || p.Stride[1] > 1) {
		return kernel.Plan{}, Refuse(a, p, "%d outputs fill the vectors of Blocked", c.co)
	}
	if p.Pass == InputGrad && p.Stride[1] > fewSteps && c.ci >= manyInputs {
		return kernel.Plan{}, Refuse(a, p, "with stride %d too few taps meet in a pixel: a matrix product, im2col, is faster", p.Stride[1])
	}
	if !slices.ContainsFunc(c.phases, func(ph phase) bool { return len(ph.taps) > 0 }) {
		return kernel.Plan{}, Refuse(a, p, "the filter meets nothing but padding")
	}
	if p.DType.Size() == 4 {
		return planPlanar[float32](a, c, then)
	}
	return planPlanar[float64](a, c, then)
}

// fewInputs is how many inputs an output may have for which bringing the outputs of Blocked
// into their order takes longer than what Planar loses at the end of each row.
const fewInputs = 4

// Gradients of the image whose pixels are written one by one, fewSteps apart or more, and which only add up many filters for
// each of a few taps, are faster as a matrix product. Measured: 1.5 times for 11×11 filters with stride 4, four times for 16×16 with stride 16;
// with stride 2 they are not.
const (
	fewSteps   = 2
	manyInputs = 32
)

// planarTerms is about how many terms of an output are added up in registers: few, since each is added to the same sum,
// and C is near.
const planarTerms = 256

// planar computes the outputs of a correlation.
//
//	tile[((input·inRows + row)·step + column mod step)·pitch + column÷step]
//
// With a bias there is one more input, of ones.
type planar[T kernel.Float] struct {
	correlation
	set           micro.Set
	most          int // outputs of a panel
	panels        int // which cover the outputs of a group
	inRows        int
	inCols, pitch int
	rows, tiles   int      // of the output, a multiple of every[0]
	terms         []int    // for each row of a panel, the element of an output's filter, –1 for the bias
	rowSums       [][]*sum // by phase and row of outputs
	strip         int      // elements of a row of outputs of one phase, 0 if they are written at once
	then          Then
}

func planPlanar[T kernel.Float](a Planar, c correlation, then Then) (kernel.Plan, error) {
	m := &planar[T]{correlation: c, set: micro.For[T](), then: then}
	p := m.Problem
	m.panels = ceilDiv(m.co, m.set.Rows())
	m.most = ceilDiv(m.co, m.panels)
	m.cut()
	if m.every[1] > 1 {
		m.strip = ceilDiv(m.cols, m.every[1])
	}
	local := kernel.SizeOf(p.DType, m.tileSize()+max(m.most, micro.SlideRows)*m.strip)
	if local > mostLocal {
		return kernel.Plan{}, refuseLarge(a, p, local)
	}
	m.findSums()

	pack := kernel.Step{N: p.Groups * m.panels, Grain: max(1, 1<<14/m.panelSize()), Run: m.pack}
	items := p.N * p.Groups * m.tiles * m.pieces
	return kernel.Plan{
		Steps:  []kernel.Step{pack, {N: items, Grain: grain(p.FLOPs(), items), Run: m.run}},
		Shared: kernel.SizeOf(p.DType, p.Groups*m.panels*m.panelSize()),
		Local:  local,
	}, nil
}

// inputs is the number of planes of a tile.
func (m *planar[T]) inputs() int {
	if m.Bias {
		return m.ci + 1
	}
	return m.ci
}

// planeSize is the number of elements of an input of a tile.
func (m *planar[T]) planeSize() int { return m.inRows * m.step[1] * m.pitch }

// tileSize is the number of elements of a tile, and of what kernels read, but do not use, after it.
func (m *planar[T]) tileSize() int { return m.inputs()*m.planeSize() + micro.MaxWidth }

// panelSize is the number of elements of a panel of the filter: a row of outputs for each term.
func (m *planar[T]) panelSize() int { return len(m.terms) * m.most }

// cut chooses the rows of outputs of a tile, and the pieces of rows that are too long.
func (m *planar[T]) cut() {
	size := int(unsafe.Sizeof(T(0)))
	m.cutColumns(m.inputs()*size, m.Q, fewItems)
	m.inCols = m.span(m.cols, 1)
	m.pitch = ceilDiv(m.inCols, m.step[1])
	row := m.inputs() * m.step[1] * m.pitch * size
	most := max((tileBytes/row-m.span(1, 0))/m.step[0]+1, 1)
	units := ceilDiv(m.P, m.every[0])
	tiles := ceilDiv(units, most)
	if batch := m.N * m.Groups * m.pieces; batch*tiles < fewItems {
		tiles = max(tiles, min(ceilDiv(fewItems, batch), units/m.span(1, 0)))
	}
	m.rows = ceilDiv(units, tiles) * m.every[0]
	m.tiles = ceilDiv(m.P, m.rows)
	m.inRows = m.span(m.rows, 0)
}

// findSums finds the runs of each row of outputs. Taps that are neighbours in memory are one run.
func (m *planar[T]) findSums() {
	size := unsafe.Sizeof(T(0))
	v := m.step[1]
	for _, ph := range m.phases {
		taps, start := slices.Clone(ph.taps), len(m.terms)
		slices.SortFunc(taps, func(a, b tap) int {
			return cmp.Or(a.h-b.h, (a.w+m.left)%v-(b.w+m.left)%v, a.w-b.w)
		})
		for c := range m.ci {
			for _, t := range taps {
				m.terms = append(m.terms, c*m.R*m.S+t.index)
			}
		}
		sums := m.sums(taps, m.ci, count(m.P, ph.first[0], m.every[0]), planarTerms,
			func(c, j int) micro.Run {
				t := taps[j]
				col := t.w + m.left
				return micro.Run{
					A: uintptr((start+c*len(taps)+j)*m.most) * size,
					B: uintptr(c*m.planeSize()+((t.h+m.top)*v+col%v)*m.pitch+col/v) * size,
					K: 1,
				}
			},
			func(_, j int) bool { return taps[j-1].h == taps[j].h && taps[j-1].w+v == taps[j].w })
		if m.Bias {
			done := map[*sum]bool{}
			for _, s := range sums {
				if done[s] {
					continue
				}
				done[s] = true
				s.runs = append(s.runs, micro.Run{
					A: uintptr(len(m.terms)*m.most) * size,
					B: uintptr(m.ci*m.planeSize()) * size,
					K: 1,
				})
				s.cuts[len(s.cuts)-1]++
			}
			m.terms = append(m.terms, -1)
		}
		m.rowSums = append(m.rowSums, sums)
	}
}

// pack copies the filter into panels. Items are panels.
func (m *planar[T]) pack(c *kernel.Call, lo, hi int) {
	cg, kg, taps := m.C/m.Groups, m.K/m.Groups, m.R*m.S
	w := kernel.In[T](c, 1)
	// From one output to the next, and from one input.
	output, input := cg*taps, taps
	if m.Pass == InputGrad {
		w = kernel.In[T](c, 0)
		output, input = input, output
	}
	for i := lo; i < hi; i++ {
		panel := kernel.Shared[T](c, i*m.panelSize(), m.panelSize())
		o0, g := i%m.panels*m.most, i/m.panels
		for o := range min(m.most, m.co-o0) {
			from := w[g*kg*cg*taps+(o0+o)*output:]
			for j, term := range m.terms {
				if term < 0 {
					panel[j*m.most+o] = kernel.In[T](c, 2)[g*m.co+o0+o]
				} else {
					panel[j*m.most+o] = from[term/taps*input+term%taps]
				}
			}
		}
	}
}

// load copies rows of group g of image n into a tile; margin columns lie before the image.
func (m *planar[T]) load(tile, x []T, n, g, first, rows, margin int) {
	v := m.step[1]
	from, to := min(max(margin, 0), m.inCols), min(max(margin+m.inW, 0), m.inCols)
	r0 := min(max(-first, 0), rows) // rows r0 … r1-1 are the image's
	r1 := max(min(m.inH-first, rows), r0)
	if from >= to {
		r1 = r0
	}
	row := v * m.pitch
	for c := range m.ci {
		part := tile[c*m.planeSize():][:rows*row]
		clear(part[:r0*row])
		clear(part[r1*row:])
		if m.pieces > 1 { // the padding is not where it was
			clear(part)
		}
		if r0 == r1 {
			continue
		}
		pixels := x[((n*m.Groups+g)*m.ci+c)*m.inH*m.inW:][:m.inH*m.inW][(first+r0)*m.inW+from-margin:]
		for rest := range min(v, to-from) {
			at := (from+rest)%v*m.pitch + (from+rest)/v
			micro.CopyEvery(part[r0*row+at:], row, pixels[rest:], m.inW, r1-r0, ceilDiv(to-from-rest, v), v)
		}
	}
}

// run computes rows of outputs, or pieces of them. Items are some rows of all outputs of a group of an image.
func (m *planar[T]) run(c *kernel.Call, lo, hi int) {
	x, out := kernel.In[T](c, 0), kernel.Out[T](c, 0)
	if m.Pass == InputGrad {
		x = kernel.In[T](c, 1)
	}
	tile := kernel.Local[T](c, 0, m.tileSize())
	strip := kernel.Local[T](c, m.tileSize(), max(m.most, micro.SlideRows)*m.strip)
	clear(tile)
	if m.Bias {
		ones := tile[m.ci*m.planeSize():]
		for i := range ones {
			ones[i] = 1
		}
	}
	t := micro.Take()
	defer micro.Put(t)
	for i := lo; i < hi; i++ {
		q0 := i % m.pieces * m.cols
		p0 := i / m.pieces % m.tiles * m.rows
		g := i / (m.pieces * m.tiles) % m.Groups
		n := i / (m.pieces * m.tiles * m.Groups)
		p1, q1 := min(p0+m.rows, m.P), min(q0+m.cols, m.Q)
		m.load(tile, x, n, g, m.firstRow(p0), m.span(p1-p0, 0), m.margin(q0))
		for panel := range m.panels {
			o0 := panel * m.most
			planes := out[(n*m.Groups*m.co+g*m.co+o0)*m.P*m.Q+q0:]
			filter := kernel.Shared[T](c, (g*m.panels+panel)*m.panelSize(), m.panelSize())
			m.multiply(t, planes, strip, tile, filter, p0, p1, q1-q0, min(m.most, m.co-o0))
			m.then.finish(c, &m.Problem, n, g*m.co+o0, g*m.co+min(o0+m.most, m.co), p0, p1, q0, q1)
		}
	}
}

// multiply computes pixels of rows p0 … p1-1 of some outputs, whose planes begin the slice of that name, or
// their columns from the first pixel on.
func (m *planar[T]) multiply(t *micro.Tile, planes, strip, tile, panel []T, p0, p1, pixels, outputs int) {
	size := unsafe.Sizeof(T(0))
	t.A, t.SA, t.SB = unsafe.Pointer(&panel[0]), uintptr(m.most)*size, size
	for k, ph := range m.phases {
		across := count(pixels, ph.first[1], m.every[1])
		if across == 0 {
			continue
		}
		sums := m.rowSums[k][p0/m.every[0]:][:count(p1-p0, ph.first[0], m.every[0])]
		for i, together := 0, 1; i < len(sums); i += together {
			// What is computed together, the same row of several outputs or several rows of the only one, is pitch apart.
			together = m.together(sums[i:])
			lines := outputs
			pitch, next := m.P*m.Q, m.P*m.Q // of the strip or the output, and of the output
			if m.most == 1 {
				lines = together
				pitch, next = m.every[0]*m.Q, m.every[0]*m.Q
				t.SB = uintptr(m.step[0]*m.step[1]*m.pitch) * size
			}
			to := planes[(p0+i*m.every[0]+ph.first[0])*m.Q+ph.first[1]:]
			out := to
			if m.strip > 0 {
				out, pitch = strip, m.strip
			}
			if s := sums[i]; len(s.runs) == 0 {
				for o := range lines {
					clear(out[o*pitch:][:across])
				}
			} else {
				m.multiplyRow(t, s, out, pitch, tile[i*m.step[0]*m.step[1]*m.pitch:], across, lines)
			}
			if m.strip > 0 {
				for o := range lines {
					spread(to[o*next:], strip[o*m.strip:][:across], m.every[1])
				}
			}
		}
	}
}

// together returns how many of the next rows of a phase are one tile: for a single output, those with the same terms.
func (m *planar[T]) together(sums []*sum) int {
	n := 1
	for m.most == 1 && n < min(len(sums), micro.SlideRows) && sums[n] == sums[0] {
		n++
	}
	return n
}

// multiplyRow computes the sums of a row of several outputs, or of several rows of a single one.
func (m *planar[T]) multiplyRow(t *micro.Tile, s *sum, to []T, pitch int, tile []T, across, lines int) {
	size := unsafe.Sizeof(T(0))
	width, lanes := m.set.Width(), m.set.Lanes()
	form := micro.Columns
	if m.most == 1 {
		form = micro.Slide
	}
	t.SC = uintptr(pitch) * size
	for q := 0; q < across; q += width {
		cols := min(width, across-q)
		t.Mask = micro.Masks(cols, lanes)
		t.B, t.C = unsafe.Pointer(&tile[q]), unsafe.Pointer(&to[q])
		t.Add = 0
		begin := 0
		for _, end := range s.cuts {
			if begin == end {
				continue
			}
			t.Runs, t.N = &s.runs[begin], end-begin
			m.set.Kernel(form, lines, ceilDiv(cols, lanes))(t)
			begin, t.Add = end, 1
		}
	}
}

// spread writes the elements of row to every so-many-th element of to.
func spread[T kernel.Float](to, row []T, every int) {
	j := 0
	for _, v := range row {
		to[j] = v
		j += every
	}
}
