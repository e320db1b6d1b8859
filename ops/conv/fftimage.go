package conv

import (
	"unsafe"

	"neocog/internal/fft"
	"neocog/internal/micro"
	"neocog/vm/kernel"
)

// planImage plans the output, or the gradient of the image: for each slice of filters and of tiles
//
//	filters of the slice → spectra      once for a slice of filters
//	tiles of the input → spectra        once, if all fit
//	products
//	spectra → tiles of the output
func (m *fourier[T]) planImage(s budget) kernel.Plan {
	size := unsafe.Sizeof(T(0))
	plan := kernel.Plan{Shared: m.cut(s, m.Groups*m.inputs.blocks, 1), Local: m.localSize()}
	var runs []micro.Run
	for b := range m.inputs.blocks {
		_, channels := m.inputs.in(b, m.lanes)
		runs = append(runs, micro.Run{
			A: uintptr(b*m.ins.block) * size,
			B: uintptr(b*m.lanes*m.filters.block) * size,
			K: channels,
		})
	}
	m.terms = newTerms(runs)
	units, tiles := m.Groups*m.outputs.blocks, m.N*m.tiles
	if m.units == units { // all filters are transformed at once
		m.filters.prepared = true
		plan.Prepare = kernel.Preparation{Steps: 1, Input: m.FilterInput(), Bytes: kernel.SizeOf(m.DType, m.filters.size)}
		plan.Shared -= plan.Prepare.Bytes
	}
	for u0 := 0; u0 < units; u0 += m.units {
		u1 := min(u0+m.units, units)
		m.step(&plan, (u1-u0)*m.inputs.group, func(c *kernel.Call, lo, hi int) { m.transformFilters(c, u0, lo, hi) })
		for t0 := 0; t0 < tiles; t0 += m.some {
			t1 := min(t0+m.some, tiles)
			if u0 == 0 || m.some < tiles {
				m.step(&plan, (t1-t0)*m.Groups*m.inputs.blocks, func(c *kernel.Call, lo, hi int) { m.transformInputs(c, t0, lo, hi) })
			}
			m.step(&plan, m.plane.Frequencies(), func(c *kernel.Call, lo, hi int) { m.multiply(c, u0, u1, t1-t0, lo, hi) })
			m.step(&plan, (t1-t0)*(u1-u0), func(c *kernel.Call, lo, hi int) { m.transformBack(c, u0, u1, t0, lo, hi) })
		}
	}
	return plan
}

// step adds a step of items which are all worth a worker.
func (m *fourier[T]) step(plan *kernel.Plan, items int, run kernel.Kernel) {
	plan.Steps = append(plan.Steps, kernel.Step{N: items, Run: run})
}

// transformFilters transforms filters; the lanes are outputs. Items are inputs for each of the blocks of outputs from u0 on.
func (m *fourier[T]) transformFilters(c *kernel.Call, u0, lo, hi int) {
	w := kernel.In[T](c, m.FilterInput())
	taps, half, work := m.buffers(c)
	cg, kg, rs := m.C/m.Groups, m.K/m.Groups, m.R*m.S
	h, width := m.spanH(), m.spanW()
	taps = taps[:h*width*m.lanes]
	clear(taps)
	from := fft.Real{Row: width * m.lanes, Col: m.lanes}
	if m.Pass == InputGrad {
		from = fft.Real{At: len(taps) - m.lanes, Row: -from.Row, Col: -from.Col}
	}
	out := m.spectra(c, m.filters)
	for i := lo; i < hi; i++ {
		unit, in := u0+i/m.inputs.group, i%m.inputs.group
		g := unit / m.outputs.blocks
		first, channels := m.outputs.in(unit, m.lanes)
		// Rows of src are the outputs of the block.
		at, distance := (first*cg+in)*rs, cg*rs
		if m.Pass == InputGrad {
			at, distance = ((g*kg+in)*cg+first-g*cg)*rs, rs
		}
		src := w[at:]
		if m.Dilation == [2]int{1, 1} {
			micro.Transpose(taps, m.lanes, src, distance, channels, rs)
		} else {
			for r := range m.R {
				micro.Transpose(taps[r*m.Dilation[0]*width*m.lanes:], m.Dilation[1]*m.lanes, src[r*m.S:], distance, channels, m.S)
			}
		}
		m.plane.Rows(half, 0, h, taps, from, width, 1/T(m.plane.H*m.plane.W), work)
		m.plane.Columns(out, m.place(m.filters, i), half, h, m.filters.stream, work)
	}
}

// transformInputs transforms tiles of the input. Items are blocks of channels of the tiles from t0 on.
func (m *fourier[T]) transformInputs(c *kernel.Call, t0, lo, hi int) {
	x := kernel.In[T](c, 0)
	if m.Pass == InputGrad {
		x = kernel.In[T](c, 1)
	}
	blocks := m.Groups * m.inputs.blocks
	pixels, _, _ := m.buffers(c)
	clear(pixels)
	for i := lo; i < hi; i++ {
		m.load(c, m.ins, i, x, m.inputs, t0+i/blocks, i%blocks, 1)
	}
}

// multiply computes the products of some tiles with the filters of blocks u0 … u1-1 of outputs. Items are frequencies.
func (m *fourier[T]) multiply(c *kernel.Call, u0, u1, tiles, lo, hi int) {
	size := unsafe.Sizeof(T(0))
	ins, filters, outs := m.spectra(c, m.ins), m.spectra(c, m.filters), m.spectra(c, m.outs)
	blocks := m.Groups * m.inputs.blocks
	t := micro.Take()
	defer micro.Put(t)
	t.SA, t.SB, t.SC = uintptr(blocks*m.ins.block)*size, uintptr(m.filters.block)*size, uintptr((u1-u0)*m.outs.block)*size
	pieces := ceilDiv(tiles, m.set.Rows())
	for f := lo; f < hi; f++ {
		ins, filters, outs := ins[m.index(m.ins, f):], filters[m.index(m.filters, f):], outs[m.index(m.outs, f):]
		for u := u0; u < u1; u++ {
			a := ins[u/m.outputs.blocks*m.inputs.blocks*m.ins.block:]
			t.B = unsafe.Pointer(&filters[(u-u0)*m.inputs.group*m.filters.block])
			o := outs[(u-u0)*m.outs.block:]
			for piece := range pieces {
				t0, t1 := piece*tiles/pieces, (piece+1)*tiles/pieces
				t.A, t.C = unsafe.Pointer(&a[t0*blocks*m.ins.block]), unsafe.Pointer(&o[t0*(u1-u0)*m.outs.block])
				m.terms.multiply(t, m.set.Kernel(micro.Rows, t1-t0), false)
			}
		}
	}
}

// transformBack transforms products back and writes them to y or dx. Items are blocks u0 … u1-1 of outputs for each of the tiles
// from t0 on.
func (m *fourier[T]) transformBack(c *kernel.Call, u0, u1, t0, lo, hi int) {
	y := kernel.Out[T](c, 0)
	rows, half, work := m.buffers(c)
	products := m.spectra(c, m.outs)
	o, width, plane := m.outputs, m.plane.W*m.lanes, m.outputs.h*m.outputs.w
	for i := lo; i < hi; i++ {
		image, tile := (t0+i/(u1-u0))/m.tiles, (t0+i/(u1-u0))%m.tiles
		first, channels := o.in(u0+i%(u1-u0), m.lanes)
		if m.Bias { // added to frequency 0
			for l, b := range kernel.In[T](c, 2)[first:][:channels] {
				products[i*m.outs.block+l] += b
			}
		}
		m.plane.ColumnsBack(half, products, m.place(m.outs, i), work)
		h, _, bottom := o.rows.at(tile / m.axes[1].tiles)
		w, _, right := o.cols.at(tile % m.axes[1].tiles)
		at := m.axes[1].position(0)
		before := min(right, m.plane.W-at) // columns until the row begins anew
		for r := 0; r < bottom; {
			from := m.axes[0].position(r)
			n := min(m.height, bottom-r, m.plane.H-from)
			m.plane.RowsBack(rows, half, from, n, work)
			to := y[(image*o.channels+first)*plane+(h+r)*o.w+w:]
			micro.TransposeEach(to, o.w, plane, rows[at*m.lanes:], width, m.lanes, before, channels, n)
			if before < right {
				micro.TransposeEach(to[before:], o.w, plane, rows, width, m.lanes, right-before, channels, n)
			}
			r += n
		}
	}
}
