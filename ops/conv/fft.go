package conv

import (
	"fmt"
	"unsafe"

	"neocog/internal/fft"
	"neocog/internal/micro"
	"neocog/vm/kernel"
)

// FFT multiplies spectra: by the convolution theorem a convolution is, frequency by frequency, the product of the transforms of image
// and filter, summed over the channels.
//
//	y  = F⁻¹( Σ_c F(x_c) · conj F(w_c) )
//	dx = F⁻¹( Σ_k F(dy_k) · conj F(w_k rotated by 180°) )
//	dw = F⁻¹( Σ_n F(x_n) · conj F(dy_n) )
//
// The image is cut into tiles which overlap by the extent of the filter less one (overlap-save); where all of an axis fits one tile, the zeros of both sides are the same.
// Tiles may be smaller than they may: as large as promises the shortest time. The gradient of the filter is summed over tiles and
// images before it is transformed back, once. For each frequency the products are one product of complex matrices, [tiles × C]·[C × K],
// [C × tiles]·[tiles × K] for the gradient of the filter. A pixel costs about (t/(t−R+1))² products of complex numbers and channels, of which
// half are known by symmetry, instead of R·S of real ones.
//
// Vectors are neighbouring channels of one pixel or frequency, and blocks of them are what is side by side in
// memory, so that transforms never shuffle (package internal/fft).
//
//	| buffer   | blocks of lanes                     | lies as                                  |
//	|----------|-------------------------------------|------------------------------------------|
//	| filters  | outputs, for each input             | [column][block][frequency of the column] |
//	| inputs   | inputs, for each tile               | likewise                                 |
//	| outputs  | outputs, for each tile              | likewise                                 |
//
// It takes all three passes with stride 1, any padding, dilation (a filter with zeros in between) and groups. Scratch
// memory is shared: up to 96 MiB of filters and 32 MiB of tiles, or one block of outputs and one tile if they are more; where
// there is more to do, it is done in slices, each of which transforms its own filters, and its own
// tiles if not all fit at once. Filters too large for the tile are refused, and what would take more than 512 MiB.
//
// Accuracy is that of a direct convolution or better, but relative to the largest outputs of the tile: small ones beside them are less exact. A NaN or an infinity
// makes its whole tile NaN (with bias or filter: the whole plane), and so may numbers whose sum over a tile overflows; it is never hidden.
//
// Cooley and Tukey, “An algorithm for the machine calculation of complex Fourier series”, 1965; Mathieu, Henaff and LeCun, “Fast Training of
// Convolutional Networks through FFTs”, 2013; Vasilache et al., “Fast Convolutional Nets With fbfft”, 2014; Zlateski, Jia, Li and
// Durand, “FFT Convolutions are Faster than Winograd on Modern CPUs, Here is Why”, 2018.
type FFT struct {
	// Tile is the largest height and width of a tile, 2^a·3^b·5^c; 0 stands for one tile over the whole image, up to 512×512.
	Tile int
}

const (
	wholeTile     = 512
	filterBytes   = 96 << 20
	spectrumBytes = 32 << 20 // of tiles, inputs and outputs together
	mostBytes     = 512 << 20
	rowVectors    = 512     // of rows of pixels, so that they stay in the first cache
	streamBytes   = 6 << 20 // of a buffer that the caches do not hold anyway
	pieceTerms    = 128     // complex products that are added up in registers
)

// Name returns "fft 32×32" for tiles of 32, "fft" for the whole image.
func (a FFT) Name() string {
	if a.Tile == 0 {
		return "fft"
	}
	return fmt.Sprintf("fft %d×%d", a.Tile, a.Tile)
}

// Plan refuses p where it is empty or has a stride, where the filter leaves less than a quarter of the tile's height or width to outputs, and
// where it would take too much memory; and filters that meet nothing but padding.
func (a FFT) Plan(_ *kernel.Env, p Problem) (kernel.Plan, error) {
	return a.plan(p, budget{filterBytes, spectrumBytes})
}

// A budget is the bytes of spectra of filters and of tiles that a plan aims at.
type budget struct{ filters, tiles int }

func (a FFT) plan(p Problem, s budget) (kernel.Plan, error) {
	if _, err := kernel.Pick(p.DType, nil, nil); err != nil {
		return kernel.Plan{}, err
	}
	best, err := a.cut(p)
	if err != nil {
		return kernel.Plan{}, err
	}
	var plan kernel.Plan
	if p.DType.Size() == 4 {
		plan = planFFT[float32](p, best, s)
	} else {
		plan = planFFT[float64](p, best, s)
	}
	if bytes := plan.Shared + plan.Prepare.Bytes; bytes > mostBytes {
		return kernel.Plan{}, Refuse(a, p, "it would take %d MiB of scratch memory, at most %d", bytes>>20, mostBytes>>20)
	}
	return plan, nil
}

// cut returns the height and width of tiles which promise the shortest time, or the reason for which there are none.
func (a FFT) cut(p Problem) (best [2]axis, err error) {
	most := a.Tile
	if most == 0 {
		most = wholeTile
	}
	if most < 1 || fft.Smooth(most) != most {
		return best, Refuse(a, p, "there are no transforms of length %d, only 2^a·3^b·5^c", most)
	}
	if x, w, y := p.Lens(); min(x, w, y) == 0 {
		return best, Refuse(a, p, "it is empty")
	}
	if p.Stride != [2]int{1, 1} {
		return best, Refuse(a, p, "the stride is %d×%d, only 1×1", p.Stride[0], p.Stride[1])
	}
	var axes [2][]axis // ways to cut them
	for i := range axes {
		x := newAxis(p, i)
		what := [...]string{"height", "width"}[i]
		if !x.sees(p.Dilation[i]) {
			return best, Refuse(a, p, "the filter meets nothing but padding")
		}
		if x.size <= most {
			axes[i] = append(axes[i], x)
		} else if a.Tile == 0 {
			return best, Refuse(a, p, "the %s would take a transform of length %d, at most %d", what, x.size, most)
		}
		if a.Tile > 0 {
			axes[i] = append(axes[i], x.cuts(most)...)
		}
		if len(axes[i]) == 0 {
			return best, Refuse(a, p, "the filter's %s is %d, which leaves %d of a tile to outputs", what, x.span, max(most-x.span+1, 0))
		}
	}
	best = [2]axis{axes[0][0], axes[1][0]}
	for _, y := range axes[0] {
		for _, x := range axes[1] {
			if cost(p, y, x) < cost(p, best[0], best[1]) {
				best = [2]axis{y, x}
			}
		}
	}
	return best, nil
}

// fourier is a convolution planned for FFT.
type fourier[T kernel.Float] struct {
	Problem
	set     micro.ComplexSet
	lanes   int // of a block
	block   int // elements of a complex block
	plane   *fft.Plane[T]
	axes    [2]axis
	tiles   int // of an image
	inputs  operand
	outputs operand // dy in the gradient of the filter, else the result

	height    int // rows of pixels that are transformed at a time
	units     int // blocks of outputs of a slice
	some      int // tiles of a slice
	filters   layout
	ins, outs layout
	terms     terms // of an output or of the gradient of the image
}

// An operand is planes in blocks of channels, no block being of two groups.
type operand struct {
	channels, group, blocks int // blocks of a group
	h, w                    int
	rows, cols              window
}

func newOperand(channels, groups, lanes int, rows, cols window) operand {
	group := channels / groups
	return operand{channels, group, ceilDiv(group, lanes), rows.extent, cols.extent, rows, cols}
}

// in returns the channels of block b of all, and the first of them.
func (o operand) in(b, lanes int) (first, n int) {
	g, b := b/o.blocks, b%o.blocks
	return g*o.group + b*lanes, min(lanes, o.group-b*lanes)
}

// A layout is where a buffer of spectra lies in shared memory, and how large it is, in elements: [column][block][frequency of the column]. From one block of a column
// to the next is an odd multiple of a complex block, so that they do not compete for the same places in a cache.
type layout struct {
	at, size, block, column int
	stream                  bool // transforms write past the caches
	prepared                bool // not in shared memory, but prepared
}

func planFFT[T kernel.Float](p Problem, axes [2]axis, s budget) kernel.Plan {
	set := micro.Complex[T]()
	m := &fourier[T]{Problem: p, set: set, lanes: set.Lanes(), block: 2 * set.Lanes(), axes: axes, tiles: axes[0].tiles * axes[1].tiles}
	m.height = 2 * max(min(rowVectors/axes[1].size/2, 8), 1)
	m.plane = fft.NewPlane[T](axes[0].size, axes[1].size, m.lanes)
	in, out := p.C, p.K
	if p.Pass == InputGrad {
		in, out = out, in
	}
	m.inputs = newOperand(in, p.Groups, m.lanes, axes[0].inputs(), axes[1].inputs())
	m.outputs = newOperand(out, p.Groups, m.lanes, axes[0].outputs(), axes[1].outputs())
	if p.Pass == FilterGrad {
		return m.planFilter(s)
	}
	return m.planImage(s)
}

// cut chooses how much is done at a time, and lays out shared memory, whose bytes it returns. A tile takes that many blocks, and each more for each block of
// outputs of a slice.
func (m *fourier[T]) cut(s budget, tile, each int) (shared int) {
	size := int(unsafe.Sizeof(T(0)))
	block := m.plane.Frequencies() * m.block * size
	all := m.Groups * m.outputs.blocks
	m.units = even(all, s.filters/(m.inputs.group*block))
	m.some = even(m.N*m.tiles, s.tiles/((tile+each*m.units)*block))
	place := func(blocks int) layout {
		l := layout{at: shared, block: (m.plane.H | 1) * m.block}
		l.column = blocks * l.block
		l.size = m.plane.Width() * l.column
		l.stream = l.size*size > streamBytes
		shared += l.size
		return l
	}
	m.ins = place(m.some * m.Groups * m.inputs.blocks)
	m.outs = place(m.some * (tile - m.Groups*m.inputs.blocks + each*m.units))
	m.filters = place(m.units * m.inputs.group) // last, so that a plan may take them out
	return shared * size
}

// even cuts n into as few parts of at most that size as there can be, alike, and returns their size.
func even(n, most int) int { return ceilDiv(n, ceilDiv(n, max(most, 1))) }

// terms are those of a sum: runs, and the ends of those that are added up in registers.
type terms struct {
	runs []micro.Run
	ends []int
}

func newTerms(runs []micro.Run) terms {
	t, k := terms{runs: runs}, 0
	for i, r := range runs {
		if k += r.K; k >= pieceTerms || i == len(runs)-1 {
			t.ends, k = append(t.ends, i+1), 0
		}
	}
	return t
}

// multiply calls a micro-kernel for all terms. add says that they go on top of what is there.
func (s *terms) multiply(t *micro.Tile, product func(*micro.Tile), add bool) {
	begin := 0
	for _, end := range s.ends {
		t.Runs, t.N, t.Add = &s.runs[begin], end-begin, 0
		if add || begin > 0 {
			t.Add = 1
		}
		product(t)
		begin = end
	}
}

// local returns where the parts of a worker's scratch memory end: rows of pixels or taps, a half spectrum, and the transform's own.
func (m *fourier[T]) local() (rows, half, work int) {
	rows = m.lanes * max(m.spanH()*m.spanW(), m.height*m.plane.W+m.R*m.S)
	half = rows + m.plane.Half()
	return rows, half, half + m.plane.Work()
}

func (m *fourier[T]) localSize() int {
	_, _, end := m.local()
	return kernel.SizeOf(m.DType, end)
}

// buffers returns the parts of a worker's scratch memory.
func (m *fourier[T]) buffers(c *kernel.Call) (rows, half, work []T) {
	r, h, w := m.local()
	all := kernel.Local[T](c, 0, w)
	return all[:r], all[r:h], all[h:]
}

// place returns the place of the spectrum in block b of a buffer.
func (m *fourier[T]) place(l layout, b int) fft.Place {
	return fft.Place{Re: b * l.block, Im: b*l.block + m.lanes, Step: m.block, Line: l.column}
}

// index returns where block 0 of a buffer lies for frequency f.
func (m *fourier[T]) index(l layout, f int) int { return f/m.plane.H*l.column + f%m.plane.H*m.block }

// spectra returns a buffer.
func (m *fourier[T]) spectra(c *kernel.Call, l layout) []T {
	if l.prepared {
		return kernel.Prepared[T](c, 0, l.size)
	}
	return kernel.Shared[T](c, l.at, l.size)
}

// load transforms a block of channels of a tile of an operand to block number at of a buffer.
func (m *fourier[T]) load(c *kernel.Call, l layout, at int, planes []T, o operand, tile, block int, scale T) {
	to, out := m.place(l, at), m.spectra(c, l)
	pixels, half, work := m.buffers(c)
	n, tile := tile/m.tiles, tile%m.tiles
	first, channels := o.in(block, m.lanes)
	y, top, bottom := o.rows.at(tile / m.axes[1].tiles)
	x, left, right := o.cols.at(tile % m.axes[1].tiles)
	row := m.plane.Half() / (m.plane.H + 1)
	if top >= bottom || left >= right { // the tile lies in the padding
		clear(half[:row])
		m.plane.Columns(out, to, half, 1, l.stream, work)
		return
	}
	clear(half[:top*row])
	width := m.plane.W * m.lanes
	for r := range m.height {
		clear(pixels[r*width:][:left*m.lanes])
	}
	plane := o.h * o.w
	for r := top; r < bottom; r += m.height {
		rows := min(m.height, bottom-r)
		from := planes[(n*o.channels+first)*plane+(y+r)*o.w+x+left:]
		micro.TransposeEach(pixels[left*m.lanes:], width, m.lanes, from, o.w, plane, channels, right-left, rows)
		m.plane.Rows(half, r, rows, pixels, fft.Real{Row: width, Col: m.lanes}, right, scale, work)
	}
	m.plane.Columns(out, to, half, bottom, l.stream, work)
}
