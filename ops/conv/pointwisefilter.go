package conv

import (
	"cmp"
	"unsafe"

	"neocog/internal/micro"
	"neocog/vm/kernel"
)

const (
	pointChunk      = 2 << 20 // bytes of dy that are copied into panels at a time, for all workers
	pointChunkTerms = 2048    // pixels at a time at most, so that a panel of x stays in the second cache
)

// pointwiseFilter computes the gradient of 1×1 filters, a product of matrices over all pixels of all images:
//
//	dw[k][c] = Σ_t dy[k][t]·x[c][t]     t: pixels of an image, image after image
//
// Chunk after chunk of the pixels, dy is copied into panels, by all workers together, and each worker then transposes panels of channels of x and
// multiplies. In memory filters that belong to a panel, and channels, lie side by side:
//
//	dyPanel[group·panels + panel][term][row]      xPanel[term][channel]
type pointwiseFilter[T kernel.Float] struct {
	Problem
	set      micro.Set
	kg, cg   int // filters and channels of a group
	pixels   int // of an image of outputs
	panels   int // of the filters of a group
	most     int // rows of a panel
	channels int // panels of the channels of a group
	parts    int // of the panels of filters, for several workers
	chunks   []pointChunkOf
	terms    int // of a chunk at most
}

// A pointChunkOf is pixels p0 … p1-1 of images n0 … n1-1, all of them if there is more than one image, and how they are added up: in
// registers run by run.
type pointChunkOf struct {
	n0, n1, p0, p1 int
	runs           []micro.Run
}

func (ch *pointChunkOf) terms() int { return (ch.n1 - ch.n0) * (ch.p1 - ch.p0) }

func planPointwiseFilter[T kernel.Float](env *kernel.Env, a Pointwise, p Problem) (kernel.Plan, error) {
	P, Q := p.Out()
	m := &pointwiseFilter[T]{Problem: p, set: micro.For[T](), kg: p.K / p.Groups, cg: p.C / p.Groups, pixels: P * Q}
	m.panels = ceilDiv(m.kg, m.set.Rows())
	m.most = ceilDiv(m.kg, m.panels)
	m.channels = ceilDiv(m.cg, m.set.Width())
	m.parts = min(m.panels, ceilDiv(shares(env), m.channels*m.Groups))
	most := min(max(pointChunk/int(bytesOf[T](p.K)), pointTerms), pointChunkTerms)
	m.cut(cmp.Or(a.chunk, most))
	local := kernel.SizeOf(p.DType, (m.terms+m.gathered())*m.set.Width())
	if local > mostLocal {
		return kernel.Plan{}, refuseLarge(a, p, local)
	}
	plan := kernel.Plan{Shared: kernel.SizeOf(p.DType, m.Groups*m.panels*m.most*m.terms), Local: local}
	for i := range m.chunks {
		ch := &m.chunks[i]
		flops := p.FLOPs() / int64(len(m.chunks))
		copies, items := (ch.n1-ch.n0)*m.Groups*m.panels, m.Groups*m.channels*m.parts
		plan.Steps = append(plan.Steps,
			kernel.Step{N: copies, Grain: max(1, 1<<15/(m.most*(ch.p1-ch.p0))), Run: func(c *kernel.Call, lo, hi int) { m.pack(c, ch, lo, hi) }},
			kernel.Step{N: items, Grain: grain(flops, items), Run: func(c *kernel.Call, lo, hi int) { m.multiply(c, ch, i > 0, lo, hi) }})
	}
	return plan, nil
}

// cut chooses the chunks, of so many pixels at most: several images, or parts of one.
func (m *pointwiseFilter[T]) cut(most int) {
	add := func(ch pointChunkOf) {
		n := ch.terms()
		pieces := ceilDiv(n, pointTerms)
		for i := range pieces {
			lo, hi := share(n, pieces, i)
			ch.runs = append(ch.runs, micro.Run{A: bytesOf[T](lo * m.most), B: bytesOf[T](lo * m.set.Width()), K: hi - lo})
		}
		m.chunks = append(m.chunks, ch)
		m.terms = max(m.terms, n)
	}
	if parts := ceilDiv(m.pixels, most); parts > 1 {
		for i := range m.N * parts {
			p0, p1 := share(m.pixels, parts, i%parts)
			add(pointChunkOf{n0: i / parts, n1: i/parts + 1, p0: p0, p1: p1})
		}
		return
	}
	parts := ceilDiv(m.N, most/m.pixels)
	for i := range parts {
		n0, n1 := share(m.N, parts, i)
		add(pointChunkOf{n0: n0, n1: n1, p1: m.pixels})
	}
}

// gathered is how many pixels of each channel of a panel are copied first, since with a stride they do not lie side by side.
func (m *pointwiseFilter[T]) gathered() int {
	if m.Stride == [2]int{1, 1} {
		return 0
	}
	return min(m.pixels, m.terms)
}

// pack copies filters of dy into panels. Items are panels of a group of an image.
func (m *pointwiseFilter[T]) pack(c *kernel.Call, ch *pointChunkOf, lo, hi int) {
	dy, terms, pixels := kernel.In[T](c, 1), ch.terms(), ch.p1-ch.p0
	all := kernel.Shared[T](c, 0, m.Groups*m.panels*m.most*m.terms)
	for i := lo; i < hi; i++ {
		g, n := i/m.panels%m.Groups, i/(m.panels*m.Groups)
		k0, k1 := share(m.kg, m.panels, i%m.panels)
		panel := all[(i%(m.panels*m.Groups)*terms+n*pixels)*m.most:]
		micro.Transpose(panel, m.most, dy[((ch.n0+n)*m.K+g*m.kg+k0)*m.pixels+ch.p0:], m.pixels, k1-k0, pixels)
	}
}

// multiply adds what a chunk contributes to dw, or writes it. Items are a part of the filters for a panel of channels of a group.
func (m *pointwiseFilter[T]) multiply(c *kernel.Call, ch *pointChunkOf, add bool, lo, hi int) {
	x, dw := kernel.In[T](c, 0), kernel.Out[T](c, 0)
	width, lanes, terms := m.set.Width(), m.set.Lanes(), ch.terms()
	filters := kernel.Shared[T](c, 0, m.Groups*m.panels*m.most*m.terms)
	panel := kernel.Local[T](c, 0, m.terms*width)
	t := micro.Take()
	defer micro.Put(t)
	t.SA, t.SB, t.SC, t.N = bytesOf[T](m.most), bytesOf[T](width), bytesOf[T](m.cg), 1
	t.B = unsafe.Pointer(&panel[0])
	t.SNext = 128
	loaded := -1
	for i := lo; i < hi; i++ {
		part, which := i%m.parts, i/m.parts
		g, c0 := which/m.channels, which%m.channels*width
		cols := min(width, m.cg-c0)
		if which != loaded {
			m.load(c, panel, x, ch, g*m.cg+c0, cols)
			loaded = which
		}
		t.Mask = micro.Masks(cols, lanes)
		for r := range ch.runs {
			t.Runs, t.Add = &ch.runs[r], 0
			if add || r > 0 {
				t.Add = 1
			}
			for j := part * m.panels / m.parts; j < (part+1)*m.panels/m.parts; j++ {
				k0, k1 := share(m.kg, m.panels, j)
				t.A = unsafe.Pointer(&filters[(g*m.panels+j)*terms*m.most])
				t.C = unsafe.Pointer(&dw[(g*m.kg+k0)*m.cg+c0])
				t.Next = t.A
				if next := (g*m.panels + j + 1) * terms * m.most; next < len(filters) {
					t.Next = unsafe.Add(unsafe.Pointer(&filters[next]), t.Runs.A)
				}
				m.set.Kernel(micro.Columns, k1-k0, ceilDiv(cols, lanes))(t)
			}
		}
	}
}

// load transposes the chunk's pixels of some channels into a panel.
func (m *pointwiseFilter[T]) load(c *kernel.Call, panel, x []T, ch *pointChunkOf, first, cols int) {
	width, pixels, all := m.set.Width(), ch.p1-ch.p0, m.H*m.W
	_, Q := m.Out()
	strip := kernel.Local[T](c, m.terms*width, m.gathered()*width)
	for n := ch.n0; n < ch.n1; n++ {
		to, planes := panel[(n-ch.n0)*pixels*width:], x[(n*m.C+first)*all:]
		if len(strip) == 0 {
			micro.Transpose(to, width, planes[ch.p0:], all, cols, pixels)
			continue
		}
		for i := range cols {
			row, plane := strip[i*pixels:][:pixels], planes[i*all:][:all]
			for j, p := 0, ch.p0; j < pixels; {
				from, end := p/Q*m.Stride[0]*m.W+p%Q*m.Stride[1], min(j+Q-p%Q, pixels)
				for p += end - j; j < end; j++ {
					row[j] = plane[from]
					from += m.Stride[1]
				}
			}
		}
		micro.Transpose(to, width, strip, pixels, cols, pixels)
	}
}
