package conv

import (
	"unsafe"

	"neocog/internal/micro"
	"neocog/vm/kernel"
)

// planarFilter computes the gradient of filters that see one channel: those of layers with a group for each channel, and of
// first layers on grey images.
//
// A band of rows of dy is copied with gaps between its rows, of zeros, so wide that an element of dy and what a tap sees for it are the same distance apart
// all over the band: then the sum for a tap is that of the products of two stretches of memory, micro.Correlate. With strides,
// x is sorted by the remainders of its rows and columns, so that this holds for each tap.
//
//	dy    [row·pitch + column]
//	x     [((row mod stride)·stride + column mod stride)·plane + row÷stride·pitch + column÷stride]
//
// A NaN or an infinity of x that meets the zeros of a gap makes a NaN that the definition does not have: sums that are NaN are taken
// again, term by term.
//
// The images of a channel are added up one after the other, in parts which depend on the problem alone.
type planarFilter[T kernel.Float] struct {
	Problem
	P, Q, kg int
	rows     int // of dy in a band
	bands    int
	pitch    int
	down     int   // rows of x below those of dy that the last tap sees
	plane    int   // elements of x with the same remainders
	at       []int // where each tap begins in x
	used     [][2]int
	parts    int // of the images
}

func planPlanarFilter[T kernel.Float](a Planar, p Problem) (kernel.Plan, error) {
	P, Q := p.Out()
	m := &planarFilter[T]{Problem: p, P: P, Q: Q, kg: p.K / p.Groups}
	m.down = (p.R - 1) * p.Dilation[0] / p.Stride[0]
	m.pitch = Q + (p.S-1)*p.Dilation[1]/p.Stride[1]
	remainders := min(p.Stride[0], p.R) * min(p.Stride[1], p.S)
	row := m.pitch * (1 + remainders) * int(unsafe.Sizeof(T(0)))
	m.bands = ceilDiv(P, max(tileBytes/row-m.down, 1))
	m.rows = ceilDiv(P, m.bands)
	m.bands = ceilDiv(P, m.rows)
	m.plane = (m.rows+m.down)*m.pitch + micro.CorrelateBlock
	for r := range p.R {
		for s := range p.S {
			h, w := r*p.Dilation[0], s*p.Dilation[1]
			m.at = append(m.at, m.remainder(h%p.Stride[0], w%p.Stride[1])*m.plane+h/p.Stride[0]*m.pitch+w/p.Stride[1])
		}
	}
	local := kernel.SizeOf(p.DType, m.dySize()+m.xSize())
	if local > mostLocal {
		return kernel.Plan{}, refuseLarge(a, p, local)
	}
	m.parts = min(p.N, ceilDiv(fewItems, p.Groups))
	items := p.Groups * m.parts
	plan := kernel.One(items, grain(p.FLOPs(), items), m.run)
	plan.Local = local
	if m.parts > 1 {
		_, w, _ := p.Lens()
		plan.Shared = kernel.SizeOf(p.DType, m.parts*w)
		plan.Steps = append(plan.Steps, kernel.Step{N: p.Groups, Grain: max(1, 1<<14/(m.parts*m.sums())), Run: m.addParts})
	}
	return plan, nil
}

// sums is the number of elements of dw that a group has.
func (m *planarFilter[T]) sums() int { return m.kg * m.R * m.S }

// stretch is the number of elements of dy that rows take, with what fills the last block of Correlate.
func (m *planarFilter[T]) stretch(rows int) int {
	n := (rows-1)*m.pitch + m.Q
	return ceilDiv(n, micro.CorrelateBlock) * micro.CorrelateBlock
}

func (m *planarFilter[T]) dySize() int { return m.rows*m.pitch + micro.CorrelateBlock }
func (m *planarFilter[T]) xSize() int  { return len(m.used) * m.plane }

// remainder returns the number of the part of x whose rows and columns leave these remainders.
func (m *planarFilter[T]) remainder(h, w int) int {
	for i, u := range m.used {
		if u == [2]int{h, w} {
			return i
		}
	}
	m.used = append(m.used, [2]int{h, w})
	return len(m.used) - 1
}

// run adds up some images. Items are parts of the images for a group.
func (m *planarFilter[T]) run(c *kernel.Call, lo, hi int) {
	x, dy, dw := kernel.In[T](c, 0), kernel.In[T](c, 1), kernel.Out[T](c, 0)
	if m.parts > 1 {
		dw = kernel.Shared[T](c, 0, m.parts*m.Groups*m.sums())
	}
	yTile, xTile := kernel.Local[T](c, 0, m.dySize()), kernel.Local[T](c, m.dySize(), m.xSize())
	clear(yTile) // the gaps stay zero
	clear(xTile)
	for i := lo; i < hi; i++ {
		g, part := i%m.Groups, i/m.Groups
		sums := dw[i*m.sums():][:m.sums()]
		clear(sums)
		n0, n1 := share(m.N, m.parts, part)
		for n := n0; n < n1; n++ {
			plane := x[(n*m.C+g)*m.H*m.W:][:m.H*m.W]
			for p0 := 0; p0 < m.P; p0 += m.rows {
				rows := min(m.rows, m.P-p0)
				m.loadImage(xTile, plane, p0, rows)
				for k := range m.kg {
					m.loadGradient(yTile, dy[((n*m.K+g*m.kg+k)*m.P+p0)*m.Q:][:rows*m.Q])
					micro.Correlate(sums[k*len(m.at):][:len(m.at)], m.at, yTile[:m.stretch(rows)], xTile)
				}
			}
		}
		for j, v := range sums {
			if v != v {
				sums[j] = m.exact(x, dy, g, j, n0, n1)
			}
		}
	}
}

// exact is the definition of sum j of a group, over images n0 … n1-1.
func (m *planarFilter[T]) exact(x, dy []T, g, j, n0, n1 int) (sum T) {
	k, r, s := j/(m.R*m.S), j/m.S%m.R, j%m.S
	for n := n0; n < n1; n++ {
		plane := x[(n*m.C+g)*m.H*m.W:][:m.H*m.W]
		grad := dy[(n*m.K+g*m.kg+k)*m.P*m.Q:][:m.P*m.Q]
		for p := range m.P {
			h := p*m.Stride[0] - m.Pad[0] + r*m.Dilation[0]
			for q := range m.Q {
				w := q*m.Stride[1] - m.Pad[1] + s*m.Dilation[1]
				if 0 <= h && h < m.H && 0 <= w && w < m.W {
					sum += grad[p*m.Q+q] * plane[h*m.W+w]
				}
			}
		}
	}
	return sum
}

// loadGradient copies rows of dy.
func (m *planarFilter[T]) loadGradient(tile, dy []T) {
	rows := len(dy) / m.Q
	micro.CopyEvery(tile, m.pitch, dy, m.Q, rows, m.Q, 1)
	end := (rows-1)*m.pitch + m.Q
	clear(tile[end:m.stretch(rows)])
}

// loadImage copies what the taps see for rows of outputs from p0 on.
func (m *planarFilter[T]) loadImage(tile, x []T, p0, rows int) {
	u, v := m.Stride[0], m.Stride[1]
	for i, used := range m.used {
		part := tile[i*m.plane:][:(rows+m.down)*m.pitch+micro.CorrelateBlock]
		// Row r and column j of the part are row r·u + top and column j·v + left of x, where x has them.
		top, left := p0*u+used[0]-m.Pad[0], used[1]-m.Pad[1]
		r0, r1 := inside(top, u, m.H, rows+m.down)
		from, to := inside(left, v, m.W, m.pitch)
		clear(part[:r0*m.pitch])
		clear(part[r1*m.pitch:]) // what lies behind the rows was another image's, perhaps NaN
		if r0 < r1 && from < to {
			micro.CopyEvery(part[r0*m.pitch+from:], m.pitch, x[(r0*u+top)*m.W+from*v+left:], u*m.W, r1-r0, to-from, v)
		} else {
			clear(part)
		}
	}
}

// inside returns the range of those i below n for which i·step + first is at least 0 and less than size.
func inside(first, step, size, n int) (lo, hi int) {
	if first < 0 {
		lo = min(ceilDiv(-first, step), n)
	}
	return lo, max(min(ceilDiv(size-first, step), n), lo)
}

// addParts adds the parts of the sum up: neighbours first, then neighbouring pairs, and so on. Items are groups.
func (m *planarFilter[T]) addParts(c *kernel.Call, lo, hi int) {
	size, all := m.sums(), m.Groups*m.sums()
	shared := kernel.Shared[T](c, 0, m.parts*all)
	for g := lo; g < hi; g++ {
		part := func(i int) []T { return shared[i*all+g*size:][:size] }
		for step := 1; step < m.parts; step *= 2 {
			for j := 0; j+step < m.parts; j += 2 * step {
				add(part(j), part(j+step))
			}
		}
		copy(kernel.Out[T](c, 0)[g*size:][:size], part(0))
	}
}
