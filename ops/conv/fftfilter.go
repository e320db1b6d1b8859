package conv

import (
	"unsafe"

	"neocog/internal/micro"
	"neocog/vm/kernel"
)

// planFilter plans the gradient of the filter: for each slice of filters
//
//	tiles of x and of dy → spectra      for each slice of tiles, once if all fit
//	products, added to those before
//	sums → taps of the filters
func (m *fourier[T]) planFilter(s budget) kernel.Plan {
	ins, outs := m.Groups*m.inputs.blocks, m.Groups*m.outputs.blocks
	plan := kernel.Plan{Shared: m.cut(s, ins+outs, 0), Local: m.localSize()}
	tiles := m.N * m.tiles
	for u0 := 0; u0 < outs; u0 += m.units {
		u1 := min(u0+m.units, outs)
		for t0 := 0; t0 < tiles; t0 += m.some {
			t1 := min(t0+m.some, tiles)
			if u0 == 0 || m.some < tiles {
				m.step(&plan, (t1-t0)*(ins+outs), func(c *kernel.Call, lo, hi int) { m.transformBoth(c, t0, lo, hi) })
			}
			sum := m.sum(t1 - t0)
			m.step(&plan, m.plane.Frequencies(), func(c *kernel.Call, lo, hi int) { m.accumulate(c, sum, u0, u1, t0 > 0, lo, hi) })
		}
		m.step(&plan, (u1-u0)*m.inputs.group, func(c *kernel.Call, lo, hi int) { m.transformTaps(c, u0, lo, hi) })
	}
	return plan
}

// sum returns the terms of the sum over some tiles.
func (m *fourier[T]) sum(tiles int) terms {
	size := int(unsafe.Sizeof(T(0)))
	var runs []micro.Run
	for t := 0; t < tiles; t += pieceTerms {
		runs = append(runs, micro.Run{
			A: uintptr(t * m.Groups * m.inputs.blocks * m.ins.block * size),
			B: uintptr(t * m.Groups * m.outputs.blocks * m.outs.block * size),
			K: min(pieceTerms, tiles-t),
		})
	}
	return newTerms(runs)
}

// transformBoth transforms tiles of x and of dy. Items are blocks of channels, then blocks of filters, of the tiles from t0 on.
func (m *fourier[T]) transformBoth(c *kernel.Call, t0, lo, hi int) {
	x, dy := kernel.In[T](c, 0), kernel.In[T](c, 1)
	ins, outs := m.Groups*m.inputs.blocks, m.Groups*m.outputs.blocks
	pixels, _, _ := m.buffers(c)
	clear(pixels)
	for i := lo; i < hi; i++ {
		tile, block := i/(ins+outs), i%(ins+outs)
		if block < ins {
			m.load(c, m.ins, tile*ins+block, x, m.inputs, t0+tile, block, 1)
			continue
		}
		block -= ins
		m.load(c, m.outs, tile*outs+block, dy, m.outputs, t0+tile, block, 1/T(m.plane.H*m.plane.W))
	}
}

// accumulate computes sums for blocks u0 … u1-1 of filters, or adds to them. Items are frequencies.
func (m *fourier[T]) accumulate(c *kernel.Call, tiles terms, u0, u1 int, add bool, lo, hi int) {
	size := unsafe.Sizeof(T(0))
	ins, outs, sums := m.spectra(c, m.ins), m.spectra(c, m.outs), m.spectra(c, m.filters)
	t := micro.Take()
	defer micro.Put(t)
	t.SA, t.SC = uintptr(m.Groups*m.inputs.blocks*m.ins.block)*size, uintptr(m.filters.block)*size
	t.SB = uintptr(m.Groups*m.outputs.blocks*m.outs.block) * size
	for f := lo; f < hi; f++ {
		ins, outs, sums := ins[m.index(m.ins, f):], outs[m.index(m.outs, f):], sums[m.index(m.filters, f):]
		for u := u0; u < u1; u++ {
			g := u / m.outputs.blocks
			t.B = unsafe.Pointer(&outs[u*m.outs.block])
			for b := range m.inputs.blocks {
				_, channels := m.inputs.in(b, m.lanes)
				pieces := ceilDiv(channels, m.set.Rows())
				for piece := range pieces {
					c0, c1 := piece*channels/pieces, (piece+1)*channels/pieces
					t.A = unsafe.Pointer(&ins[(g*m.inputs.blocks+b)*m.ins.block+c0])
					t.C = unsafe.Pointer(&sums[((u-u0)*m.inputs.group+b*m.lanes+c0)*m.filters.block])
					tiles.multiply(t, m.set.Kernel(micro.Columns, c1-c0), add)
				}
			}
		}
	}
}

// transformTaps transforms sums back and writes them to dw. Items are inputs for each of the blocks of filters from u0 on.
func (m *fourier[T]) transformTaps(c *kernel.Call, u0, lo, hi int) {
	dw := kernel.Out[T](c, 0)
	rows, half, work := m.buffers(c)
	sums := m.spectra(c, m.filters)
	width, rs := m.plane.W*m.lanes, m.R*m.S
	taps := rows[m.height*width:][:rs*m.lanes]
	for i := lo; i < hi; i++ {
		in := i % m.inputs.group
		first, filters := m.outputs.in(u0+i/m.inputs.group, m.lanes)
		m.plane.ColumnsBack(half, sums, m.place(m.filters, i), work)
		for r := 0; r < m.R; {
			from := m.axes[0].position(r * m.Dilation[0])
			n := 1
			if m.Dilation[0] == 1 {
				n = min(m.height, m.R-r, m.plane.H-from)
			}
			m.plane.RowsBack(rows, half, from, n, work)
			for k := range n {
				for s := range m.S {
					copy(taps[((r+k)*m.S+s)*m.lanes:][:m.lanes], rows[k*width+m.axes[1].position(s*m.Dilation[1])*m.lanes:])
				}
			}
			r += n
		}
		micro.Transpose(dw[(first*m.inputs.group+in)*rs:], m.inputs.group*rs, taps, m.lanes, rs, filters)
	}
}
