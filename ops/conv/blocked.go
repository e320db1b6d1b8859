package conv

import (
	"unsafe"

	"neocog/internal/micro"
	"neocog/vm/kernel"
)

// Blocked is a direct convolution: the matrix product of Im2col without the matrix.
//
// Each worker copies some rows of an image, with the padding around them, into scratch memory, where the
// channels of a pixel are neighbours, 16 at a time. There the operand of a micro-kernel for one row of a
// filter's taps is a stretch of memory: rows of outputs need not be unfolded, only
// the kernel be told where the taps are (micro.Run). The filter is copied once into panels of vectors.
//
//	forward      rows of the tile: pixels of y       columns: filters
//	inputgrad    pixels of dx of one phase           channels
//	filtergrad   taps and channels of a filter's row filters
//
// With strides the gradient of the image falls into stride² phases, which are
// convolutions with a part of the filter's taps each; no product with a zero in between is taken.
//
// Beyond the panels of the filter it takes scratch memory for each worker only, about the size of
// the second cache; the gradient of the filter takes up to 16 accumulators as Im2col does.
// It refuses convolutions with fewer than 8 outputs to fill a vector with, small 1×1 ones, empty ones, and those for which a worker would
// need more than 4 MiB.
//
// Georganas et al., “Anatomy of High-Performance Deep Learning Convolutions on SIMD
// Architectures”, 2018; Heinecke et al. call the runs a batch-reduce product.
type Blocked struct{}

// Name returns "blocked".
func (Blocked) Name() string { return "blocked" }

// Plan refuses p where it is empty, or has fewer than 8 filters in a group (channels, for
// the gradient of the image), 1×1 filters that are faster as a matrix product, gradients
// that are mostly products with zeros around dy, and tiles of more than 4 MiB.
func (a Blocked) Plan(env *kernel.Env, p Problem) (kernel.Plan, error) {
	return a.PlanThen(env, p, nil)
}

// PlanThen is Plan with something to do with the outputs.
func (a Blocked) PlanThen(env *kernel.Env, p Problem, then Then) (kernel.Plan, error) {
	if _, err := kernel.Pick(p.DType, nil, nil); err != nil {
		return kernel.Plan{}, err
	}
	if x, w, y := p.Lens(); min(x, w, y) == 0 {
		return kernel.Plan{}, Refuse(a, p, "it is empty")
	}
	if p.wasteful() {
		return kernel.Plan{}, Refuse(a, p, "most products would be with the zeros around dy")
	}
	lanes := p.K / p.Groups
	if p.Pass == InputGrad {
		lanes = p.C / p.Groups
	}
	if lanes < fewLanes {
		return kernel.Plan{}, Refuse(a, p, "only %d of %d lanes of a vector would be used", lanes, blockC)
	}
	if p.R == 1 && p.S == 1 {
		P, Q := p.Out()
		switch pixels := p.N * P * Q; {
		case pixels <= fewPixels:
			return kernel.Plan{}, Refuse(a, p, "a 1×1 filter for %d pixels is multiplied where it lies, by im2col", pixels)
		case p.Pointwise():
			return kernel.Plan{}, Refuse(a, p, "im2col multiplies the image where it lies")
		}
	}
	if p.DType.Size() == 4 {
		return planBlocked[float32](env, a, p, then)
	}
	return planBlocked[float64](env, a, p, then)
}

const (
	blockC     = 16      // channels that are neighbours
	fewLanes   = 8       // fewer outputs leave more than half of a vector empty
	fewPixels  = 800     // no more do not pay for the panels of a 1×1 filter
	tileBytes  = 3 << 17 // of an image that a worker copies: it shares the second cache with a part of the filter
	sumBytes   = 1 << 17 // of outputs that a worker computes at a time
	chunkTerms = 576     // of an output that are added up in registers
	mostLocal  = 4 << 20 // bytes that a worker may need
	someItems  = 8       // items, if it is not known how many workers there are
)

// shares returns how many items there should be: two for each worker, so that no one has much more to do than another.
func shares(env *kernel.Env) int {
	if env.Workers == 0 {
		return someItems
	}
	return 2 * env.Workers
}

func planBlocked[T kernel.Float](env *kernel.Env, a Blocked, p Problem, then Then) (kernel.Plan, error) {
	if p.Pass == FilterGrad {
		return planBlockedFilter[T](a, p)
	}
	return planBlockedImage[T](env, a, p, then)
}

// refuseLarge refuses a problem whose tiles need more scratch memory than a worker may have.
func refuseLarge(a Algorithm, p Problem, bytes int) error {
	return Refuse(a, p, "a worker would need %d KiB of scratch memory, more than %d", bytes>>10, mostLocal>>10)
}

// image is an image as a worker sees it: a tile of rows with the padding that some taps need,
// in blocks of channels.
//
//	tile[((block·rows + row)·cols + col)·bc + channel]
//
// Row 0 of a tile is row first of the image, column 0 is column −margin.
type image[T kernel.Float] struct {
	channels   int // of all groups
	H, W       int
	group      int // channels of a group
	bc, blocks int
	rows, cols int
	used       []bool // rows that some tap sees, by their remainder; the others are not loaded
}

func newImage[T kernel.Float](channels, groups, h, w int) image[T] {
	i := image[T]{channels: channels, H: h, W: w, group: channels / groups}
	i.bc = min(i.group, blockC)
	i.blocks = ceilDiv(i.group, i.bc)
	return i
}

// size is the number of elements of a tile of some blocks, rounded up to whole lines of the cache.
func (m *image[T]) size(blocks int) int { return (blocks*m.rows*m.cols*m.bc + 15) &^ 15 }

// at is the index of channel 0 of a pixel of a tile.
func (m *image[T]) at(block, row, col int) int { return ((block*m.rows+row)*m.cols + col) * m.bc }

// in returns the number of channels of a block.
func (m *image[T]) in(block int) int { return min(m.bc, m.group-block*m.bc) }

// load fills the first rows of the blocks b0 … b1-1 of a tile from group g of image n; margin columns lie before the image.
func (m *image[T]) load(tile, x []T, n, g, b0, b1, first, rows, margin int) {
	plane := m.H * m.W
	from, to := min(max(margin, 0), m.cols), min(max(margin+m.W, 0), m.cols)
	for b := b0; b < b1; b++ {
		channels := m.in(b)
		planes := x[(n*m.channels+g*m.group+b*m.bc)*plane:][:channels*plane]
		for r := range rows {
			if !m.used[r%len(m.used)] {
				continue
			}
			h := first + r
			row := tile[m.at(b-b0, r, 0):][:m.cols*m.bc]
			if h < 0 || h >= m.H || from >= to {
				clear(row)
				continue
			}
			clear(row[:from*m.bc])
			clear(row[to*m.bc:])
			micro.Transpose(row[from*m.bc:], m.bc, planes[h*m.W+from-margin:], plane, channels, to-from)
		}
	}
}

// blockedImage computes the output of a convolution, or the gradient of its image.
type blockedImage[T kernel.Float] struct {
	correlation
	set           micro.Set
	in            image[T]
	rowSums       [][]*sum // by phase and row of outputs, in the order of the panels
	rows, tiles   int      // of the output, a multiple of every[0]
	panels, split int      // which cover the outputs of a group, in split parts
	places        [][]int  // of the filter's elements in a panel: by block, channel and index of the tap
	then          Then
}

func planBlockedImage[T kernel.Float](env *kernel.Env, a Blocked, p Problem, then Then) (kernel.Plan, error) {
	m := &blockedImage[T]{correlation: newCorrelation(p), set: micro.For[T](), then: then}
	m.in = newImage[T](m.ci*p.Groups, p.Groups, m.inH, m.inW)
	m.in.used = make([]bool, m.step[0])
	for _, ph := range m.phases {
		for _, t := range ph.taps {
			m.in.used[(t.h+m.top)%m.step[0]] = true
		}
	}
	m.panels = ceilDiv(m.co, m.set.Width())
	m.cut(shares(env))
	local := kernel.SizeOf(p.DType, m.in.size(m.in.blocks)+m.sumSize())
	if local > mostLocal {
		return kernel.Plan{}, refuseLarge(a, p, local)
	}
	m.findSums()
	m.findPlaces()

	weights := p.Groups * m.panels * m.in.blocks
	pack := kernel.Step{N: weights, Grain: max(1, 1<<16/(m.set.Width()*m.in.bc*m.taps)), Run: m.pack}
	items := p.N * p.Groups * m.tiles * m.pieces * m.split
	return kernel.Plan{
		Steps: []kernel.Step{pack, {N: items, Grain: grain(p.FLOPs(), items), Run: m.run}},
		Local: local,
		Prepare: kernel.Preparation{
			Steps: 1, Input: p.FilterInput(), Bytes: kernel.SizeOf(p.DType, p.Groups*m.panels*m.panelSize()),
		},
	}, nil
}

// panelSize is the number of elements of a panel: a row for each term of an output.
func (m *blockedImage[T]) panelSize() int { return m.in.group * m.taps * m.set.Width() }

func (m *blockedImage[T]) sumSize() int { return m.rows * m.cols * m.set.Width() }

// cut chooses how many rows of outputs a worker computes at a time, and pieces of rows that are too long: as many as the caches hold,
// and fewer where there is not enough for several workers otherwise. Then it divides the outputs.
func (m *blockedImage[T]) cut(items int) {
	size := int(unsafe.Sizeof(T(0)))
	pixel := m.in.blocks * m.in.bc * size
	m.cutColumns(pixel, sumBytes/(m.set.Width()*size*m.every[0]), items)
	m.in.cols = m.span(m.cols, 1)
	most := max((tileBytes/(m.in.cols*pixel)-m.span(1, 0))/m.step[0]+1, 1)
	most = min(most, max(sumBytes/(m.cols*m.set.Width()*size*m.every[0]), 1))
	units := ceilDiv(m.P, m.every[0]) // rows of outputs, of all phases together
	tiles := ceilDiv(units, most)
	want := ceilDiv(items, m.N*m.Groups*m.pieces)
	m.split = 1
	if tiles < want && m.ci*m.co*m.taps > m.ci*m.inH*m.inW*m.panels {
		// Each tile reads the whole filter again, each part of the filter the whole tile: cut what is smaller.
		m.split = min(ceilDiv(want, tiles), m.panels)
	}
	if tiles*m.split < want { // fewer rows than the filter has cost more in copies than parts of the filter do
		tiles = max(tiles, min(ceilDiv(want, m.split), units/max(m.span(1, 0), 4)))
	}
	m.rows = ceilDiv(units, tiles) * m.every[0]
	m.tiles = ceilDiv(m.P, m.rows)
	m.split = max(m.split, min(ceilDiv(want, m.tiles), m.panels))
	m.in.rows = m.span(m.rows, 0)
}

// findSums finds the runs of each row of outputs. Taps that are neighbours in a row of the tile are one run.
func (m *blockedImage[T]) findSums() {
	size := unsafe.Sizeof(T(0))
	for _, ph := range m.phases {
		m.rowSums = append(m.rowSums, m.sums(ph.taps, m.in.blocks, count(m.P, ph.first[0], m.every[0]), chunkTerms,
			func(b, j int) micro.Run {
				t, channels := ph.taps[j], m.in.in(b)
				return micro.Run{
					A: uintptr(m.in.at(b, t.h+m.top, t.w+m.left)) * size,
					B: uintptr(m.row(ph, b, j, 0)*m.set.Width()) * size,
					K: channels,
				}
			},
			func(b, j int) bool {
				t, before := ph.taps[j], ph.taps[j-1]
				return m.in.in(b) == m.in.bc && before.h == t.h && before.w+1 == t.w
			}))
	}
}

// row returns the row of a panel that belongs to tap j of a phase, and a channel of a block.
func (m *blockedImage[T]) row(ph phase, b, j, channel int) int {
	return ph.start*m.ci + b*m.in.bc*len(ph.taps) + j*m.in.in(b) + channel
}

// findPlaces finds where pack puts the elements of the filter.
func (m *blockedImage[T]) findPlaces() {
	width := m.set.Width()
	for b := range m.in.blocks {
		channels := m.in.in(b)
		at := make([]int, channels*m.taps)
		for i := range at { // taps of no phase go to rows of none, the last ones, of which each channel has one: blocks are packed at the same time
			at[i] = m.panelSize() - (m.in.group-b*m.in.bc-i/m.taps)*width
		}
		for _, ph := range m.phases {
			for j, t := range ph.taps {
				for ch := range channels {
					at[ch*m.taps+t.index] = m.row(ph, b, j, ch) * width
				}
			}
		}
		m.places = append(m.places, at)
	}
}

// pack copies the filter into panels. Items are a block of channels of the input for a panel of a group.
func (m *blockedImage[T]) pack(c *kernel.Call, lo, hi int) {
	width, cg, kg := m.set.Width(), m.C/m.Groups, m.K/m.Groups
	w := kernel.In[T](c, m.FilterInput())
	for i := lo; i < hi; i++ {
		b := i % m.in.blocks
		o0 := i / m.in.blocks % m.panels * width
		g := i / (m.in.blocks * m.panels)
		panel := kernel.Prepared[T](c, i/m.in.blocks*m.panelSize(), m.panelSize())
		channels, cols := m.in.in(b), min(width, m.co-o0)
		i0 := b * m.in.bc
		at := m.places[b]
		if m.Pass == Forward {
			micro.TransposeTo(panel, at, w[((g*kg+o0)*cg+i0)*m.taps:], cg*m.taps, cols)
			continue
		}
		for k := range channels {
			from, at := w[((g*kg+i0+k)*cg+o0)*m.taps:], at[k*m.taps:][:m.taps]
			if m.taps == 1 {
				copy(panel[at[0]:], from[:cols])
			} else {
				micro.TransposeTo(panel, at, from, m.taps, cols)
			}
		}
	}
}

// run computes rows of outputs, or pieces of them. Items are some rows of some of the outputs of a group of an image.
func (m *blockedImage[T]) run(c *kernel.Call, lo, hi int) {
	x, out := kernel.In[T](c, 0), kernel.Out[T](c, 0)
	if m.Pass == InputGrad {
		x = kernel.In[T](c, 1)
	}
	width, plane := m.set.Width(), m.P*m.Q
	tile := kernel.Local[T](c, 0, m.in.size(m.in.blocks))
	sums := kernel.Local[T](c, m.in.size(m.in.blocks), m.sumSize())
	t := micro.Take()
	defer micro.Put(t)
	for i := lo; i < hi; i++ {
		part := i % m.split
		q0 := i / m.split % m.pieces * m.cols
		p0 := i / (m.split * m.pieces) % m.tiles * m.rows
		g := i / (m.split * m.pieces * m.tiles) % m.Groups
		n := i / (m.split * m.pieces * m.tiles * m.Groups)
		p1, q1 := min(p0+m.rows, m.P), min(q0+m.cols, m.Q)
		m.in.load(tile, x, n, g, 0, m.in.blocks, m.firstRow(p0), m.in.rows, m.margin(q0))
		for panel := part * m.panels / m.split; panel < (part+1)*m.panels/m.split; panel++ {
			o0 := panel * width
			cols := min(width, m.co-o0)
			sums := sums[:(p1-p0)*(q1-q0)*width]
			switch {
			case m.Bias:
				repeat(sums, kernel.In[T](c, 2)[g*m.co+o0:][:cols], width)
			case m.empty:
				clear(sums)
			}
			m.multiply(t, sums, tile, kernel.Prepared[T](c, (g*m.panels+panel)*m.panelSize(), m.panelSize()), p0, p1, q1-q0, cols)
			to := out[(n*m.Groups*m.co+g*m.co+o0)*plane+p0*m.Q+q0:]
			rows, pixels := p1-p0, q1-q0
			if pixels == m.Q {
				rows, pixels = 1, rows*pixels // whole rows are neighbours
			}
			for row := range rows {
				micro.Transpose(to[row*m.Q:], plane, sums[row*pixels*width:], width, pixels, cols)
			}
			m.then.finish(c, &m.Problem, n, g*m.co+o0, g*m.co+o0+cols, p0, p1, q0, q1)
		}
	}
}

// multiply computes the sums of pixels of rows p0 … p1-1, cols outputs for each, from a tile whose first row belongs to p0.
func (m *blockedImage[T]) multiply(t *micro.Tile, sums, tile, panel []T, p0, p1, pixels, cols int) {
	size := unsafe.Sizeof(T(0))
	width, lanes := m.set.Width(), m.set.Lanes()
	vecs := ceilDiv(cols, lanes)
	t.Mask = micro.Masks(cols, lanes)
	t.B, t.SB = unsafe.Pointer(&panel[0]), uintptr(width)*size
	t.SA, t.SC = uintptr(m.step[1]*m.in.bc)*size, uintptr(m.every[1]*width)*size
	for k, ph := range m.phases {
		rows := count(p1-p0, ph.first[0], m.every[0])
		across := count(pixels, ph.first[1], m.every[1])
		if rows == 0 || across == 0 { // the last tile may end before the phase begins
			continue
		}
		pieces := ceilDiv(across, m.set.Rows())
		sums0 := m.rowSums[k][p0/m.every[0]:]
		for j := range sums0[0].cuts { // a piece of the panel stays near for all rows
			for i := range rows {
				s, begin := sums0[i], 0
				if j > 0 {
					begin = s.cuts[j-1]
				}
				if begin == s.cuts[j] {
					continue
				}
				t.Runs, t.N = &s.runs[begin], s.cuts[j]-begin
				t.Add = 0
				if begin > 0 || m.Bias {
					t.Add = 1
				}
				a := tile[m.in.at(0, i*m.step[0], 0):]
				o := sums[((i*m.every[0]+ph.first[0])*pixels+ph.first[1])*width:]
				for piece := range pieces {
					q0, q1 := piece*across/pieces, (piece+1)*across/pieces
					t.A = unsafe.Pointer(&a[q0*m.step[1]*m.in.bc])
					t.C = unsafe.Pointer(&o[q0*m.every[1]*width])
					m.set.Kernel(micro.Rows, q1-q0, vecs)(t)
				}
			}
		}
	}
}

// repeat fills rows of width elements with row, which may be shorter.
func repeat[T kernel.Float](rows, row []T, width int) {
	if len(rows) == 0 {
		return
	}
	clear(rows[:width])
	copy(rows, row)
	for done := width; done < len(rows); done *= 2 {
		copy(rows[done:], rows[:done])
	}
}
