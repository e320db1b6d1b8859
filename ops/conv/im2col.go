package conv

import (
	"cmp"

	"neocog/internal/gemm"
	"neocog/internal/micro"
	"neocog/internal/simd"
	"neocog/vm/kernel"
)

// Im2col unfolds the image into a matrix with a row for each tap of the filter
// and a column for each output, whose product with the filter is the
// convolution. It accepts every Problem.
//
//	cols         [C·R·S, P·Q]   the pixel that each tap sees for each output
//	y            = w · cols
//	dcols        = wᵀ · dy      dx adds up the elements of dcols that are one pixel of x
//	dw           = Σ_n dy · colsᵀ
//
// Chellapilla, Puri and Simard, “High Performance Convolutional Neural Networks for
// Document Processing”, 2006; Jia et al., “Caffe: Convolutional Architecture for Fast Feature Embedding”, 2014.
//
// The whole matrix is R·S times as large as the image. It is never made: each worker unfolds a tile of
// it, at most 2^16 elements (256 KiB of float32), into scratch memory of its own and multiplies it while it is in the cache. A 1×1 filter with stride 1 and no padding needs
// no unfolding at all. The gradient of the filter takes up to 16 accumulators of the size of the
// filter, for fixed parts of the batch, 2^20 elements together at most; larger filters have none.
//
// All sums are taken in the element type, in blocks: terms of a block by gemm.Gemm, blocks one
// after the other, parts of the batch as a binary tree. How they are cut depends on the Problem alone.
type Im2col struct{}

// Name returns "im2col".
func (Im2col) Name() string { return "im2col" }

// Plan never refuses a valid p.
func (a Im2col) Plan(env *kernel.Env, p Problem) (kernel.Plan, error) { return a.PlanThen(env, p, nil) }

// PlanThen is Plan with something to do with the outputs.
func (Im2col) PlanThen(env *kernel.Env, p Problem, then Then) (kernel.Plan, error) {
	if _, err := kernel.Pick(p.DType, nil, nil); err != nil {
		return kernel.Plan{}, err
	}
	if p.DType.Size() == 4 {
		return planIm2col[float32](env, p, then), nil
	}
	return planIm2col[float64](env, p, then), nil
}

// What the tiles aim at.
const (
	tileElems = 1 << 16 // the most elements of a tile of cols
	tileCols  = 1024    // the most columns of a tile
	fewCols   = 128     // fewer columns are not worth a worker
	fewFilter = 32      // nor are fewer filters, since the tile is unfolded again for each part of them
	fewItems  = 16      // as many workers should find something to do
	partElems = 1 << 20 // the most elements of all accumulators of the filter's gradient
)

// im2col is a problem cut into tiles.
type im2col[T kernel.Float] struct {
	unfolding[T]
	K, kg, cg int // filters; filters and channels of a group
	groups    int
	images    int
	bias      bool
	problem   Problem
	then      Then

	terms      int // of a tile: rows of cols
	cols       int // of a tile: outputs
	filters    int // of an item of the forward pass
	channels   int // of an item of the image's gradient
	parts      int // of the batch, for the gradient of the filter
	tilesT     int // tiles which cover the terms of a group
	tilesO     int // tiles which cover the outputs
	tilesK     int // items which cover the filters of a group
	tilesC     int // items which cover the channels of a group
	copied     bool
	filterElem int // elements of w
}

func planIm2col[T kernel.Float](env *kernel.Env, p Problem, then Then) kernel.Plan {
	m := &im2col[T]{
		unfolding: newUnfolding[T](p),
		K:         p.K, kg: p.K / p.Groups, cg: p.C / p.Groups, groups: p.Groups,
		images: p.N, bias: p.Bias, copied: !p.Pointwise(), problem: p, then: then,
	}
	_, m.filterElem, _ = p.Lens()
	m.cut(p.Pass, env.Workers)

	var plan kernel.Plan
	step := func(items int, flops int64, run kernel.Kernel) {
		plan.Steps = append(plan.Steps, kernel.Step{N: items, Grain: grain(flops, items), Run: run})
	}
	switch p.Pass {
	case Forward:
		step(m.images*m.groups*m.tilesK*m.tilesO, p.FLOPs(), m.forward)
	case InputGrad:
		step(m.images*m.groups*m.tilesC, p.FLOPs(), m.inputGrad)
	case FilterGrad:
		if m.filterElem == 0 {
			break
		}
		step(m.parts*m.groups*m.tilesT, p.FLOPs(), m.filterGrad)
		if m.parts > 1 {
			plan.Shared = kernel.SizeOf(p.DType, m.parts*m.filterElem)
			plan.Steps = append(plan.Steps, kernel.Step{N: m.filterElem, Grain: kernel.Grain, Run: m.addParts})
		}
	}
	if m.copied {
		plan.Local = kernel.SizeOf(p.DType, m.terms*m.cols)
	}
	return plan
}

// cut chooses the tiles: large enough for the matrix product, small enough for the cache, and enough of them
// for several workers. A tile has whole rows of outputs if they are short, and in the image's gradient whole
// channels if their filters are small.
func (m *im2col[T]) cut(pass Pass, workers int) {
	batch, outs, taps := max(m.images*m.groups, 1), m.P*m.Q, m.R*m.S
	m.cols = min(cmp.Or(tileCols/m.Q*m.Q, tileCols), outs)
	m.filters, m.channels = max(m.kg, 1), max(m.cg, 1)
	m.terms = m.channels * taps
	m.parts = 1
	switch pass {
	case Forward:
		if tiles := ceilDiv(fewItems, batch); tiles > ceilDiv(outs, m.cols) {
			cols := max(ceilDiv(outs, tiles), fewCols)
			if cols > m.Q {
				cols = ceilDiv(cols, m.Q) * m.Q
			}
			m.cols = min(m.cols, cols)
		}
		if tiles := ceilDiv(fewItems, batch*ceilDiv(outs, m.cols)); tiles > 1 {
			m.filters = min(m.filters, max(ceilDiv(m.filters, tiles), fewFilter))
		}
	case InputGrad:
		m.channels = min(m.channels, max(ceilDiv(m.channels, ceilDiv(fewItems, batch)), m.least(m.channels, workers)))
	case FilterGrad:
		for m.parts < min(m.images, fewItems) && (m.parts+1)*m.filterElem <= partElems {
			m.parts++
		}
		m.terms = min(m.terms, max(ceilDiv(m.terms, ceilDiv(fewItems, m.parts*m.groups)), m.least(m.terms, workers)))
	}
	if m.copied {
		m.terms = ceilDiv(m.terms, ceilDiv(m.terms, tileElems/m.cols)) // tiles alike
	}
	if pass == InputGrad {
		m.channels = min(m.channels, max(m.terms/taps, 1))
		m.terms = min(m.terms, m.channels*taps)
	}
	m.tilesT, m.tilesO = ceilDiv(m.cg*taps, m.terms), ceilDiv(outs, m.cols)
	m.tilesK, m.tilesC = ceilDiv(m.kg, m.filters), ceilDiv(m.cg, m.channels)
}

// least returns the fewest rows or columns of a gradient, of n, that are worth an item. Where nothing is unfolded, and the product is all there is to do, that is
// as many as a panel of it has, but a worker's share if there are many workers.
func (m *im2col[T]) least(n, workers int) int {
	if m.copied {
		return 1
	}
	return min(fewFilter, max(ceilDiv(n, max(workers, 1)), micro.MaxRows))
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// Items are tiles of y: some outputs of some filters of one group of one image.
func (m *im2col[T]) forward(c *kernel.Call, lo, hi int) {
	x, w, y := kernel.In[T](c, 0), kernel.In[T](c, 1), kernel.Out[T](c, 0)
	terms, outs := m.cg*m.R*m.S, m.P*m.Q
	for i := lo; i < hi; i++ {
		o0 := i % m.tilesO * m.cols
		k0 := i / m.tilesO % m.tilesK * m.filters
		g := i / (m.tilesO * m.tilesK) % m.groups
		n := i / (m.tilesO * m.tilesK * m.groups)
		o1, k1 := min(o0+m.cols, outs), min(k0+m.filters, m.kg)
		k0, k1 = g*m.kg+k0, g*m.kg+k1

		to := y[(n*m.K+k0)*outs+o0:]
		bias := gemm.Epilogue[T]{}
		if m.bias {
			bias.Shift = kernel.In[T](c, 2)[k0:k1]
		}
		if terms == 0 {
			gemm.GemmWith(false, false, k1-k0, o1-o0, 0, nil, 0, nil, o1-o0, 0, to, outs, bias)
		}
		for t0 := 0; t0 < terms; t0 += m.terms {
			t1 := min(t0+m.terms, terms)
			tile, ld := m.tile(c, x, n, g, t0, t1, o0, o1)
			var beta T
			if t0 > 0 {
				beta = 1
			}
			var after gemm.Epilogue[T]
			if t1 == terms {
				after = bias
			}
			gemm.GemmWith(false, false, k1-k0, o1-o0, t1-t0, w[k0*terms+t0:], terms, tile, ld, beta, to, outs, after)
		}
		m.finish(c, n, k0, k1, o0, o1)
	}
}

// finish does what is to be done with outputs o0 … o1-1 of some filters of an image.
func (m *im2col[T]) finish(c *kernel.Call, n, k0, k1, o0, o1 int) {
	outs := m.P * m.Q
	if m.then == nil || o0 == 0 && o1 == outs {
		m.then.finish(c, &m.problem, n, k0, k1, 0, m.P, 0, m.Q)
		return
	}
	for k := k0; k < k1; k++ {
		m.then(c, (n*m.K+k)*outs+o0, (n*m.K+k)*outs+o1)
	}
}

// Items are some channels of one group of one image.
func (m *im2col[T]) inputGrad(c *kernel.Call, lo, hi int) {
	w, dy, dx := kernel.In[T](c, 0), kernel.In[T](c, 1), kernel.Out[T](c, 0)
	taps, outs, pixels := m.R*m.S, m.P*m.Q, m.H*m.W
	for i := lo; i < hi; i++ {
		c0 := i % m.tilesC * m.channels
		g := i / m.tilesC % m.groups
		n := i / (m.tilesC * m.groups)
		c1 := min(c0+m.channels, m.cg)

		planes := dx[(n*m.C+g*m.cg+c0)*pixels:][:(c1-c0)*pixels]
		clear(planes)
		if m.K == 0 {
			continue
		}
		filters, grad := w[(g*m.kg*m.cg+c0)*taps:], dy[(n*m.K+g*m.kg)*outs:]
		for o0 := 0; o0 < outs; o0 += m.cols {
			o1 := min(o0+m.cols, outs)
			for t0 := 0; t0 < (c1-c0)*taps; t0 += m.terms {
				t1 := min(t0+m.terms, (c1-c0)*taps)
				var tile []T
				ld := o1 - o0
				if m.copied {
					tile = kernel.Local[T](c, 0, (t1-t0)*ld)
				} else { // the tile is dx itself
					tile, ld = planes[t0*pixels+o0:], pixels
				}
				gemm.Gemm(true, false, t1-t0, o1-o0, m.kg, filters[t0:], m.cg*taps, grad[o0:], outs, 0, tile, ld)
				if m.copied {
					m.fold(planes, tile, t0, t1, o0, o1)
				}
			}
		}
	}
}

// Items are some terms of one group for one part of the batch.
func (m *im2col[T]) filterGrad(c *kernel.Call, lo, hi int) {
	x, dy, dw := kernel.In[T](c, 0), kernel.In[T](c, 1), kernel.Out[T](c, 0)
	terms, outs := m.cg*m.R*m.S, m.P*m.Q
	for i := lo; i < hi; i++ {
		t0 := i % m.tilesT * m.terms
		g := i / m.tilesT % m.groups
		part := i / (m.tilesT * m.groups)
		t1 := min(t0+m.terms, terms)

		sum := dw
		if m.parts > 1 {
			sum = kernel.Shared[T](c, part*m.filterElem, m.filterElem)
		}
		sum = sum[g*m.kg*terms+t0:]
		for k := range m.kg {
			clear(sum[k*terms:][:t1-t0])
		}
		for n := part * m.images / m.parts; n < (part+1)*m.images/m.parts; n++ {
			for o0 := 0; o0 < outs; o0 += m.cols {
				o1 := min(o0+m.cols, outs)
				tile, ld := m.tile(c, x, n, g, t0, t1, o0, o1)
				gemm.Gemm(false, true, m.kg, t1-t0, o1-o0, dy[(n*m.K+g*m.kg)*outs+o0:], outs, tile, ld, 1, sum, terms)
			}
		}
	}
}

// addParts adds the parts of the batch up: the first half and the second half, each in the same way.
// Items are elements of dw.
func (m *im2col[T]) addParts(c *kernel.Call, lo, hi int) {
	sums, dw := kernel.Shared[T](c, 0, m.parts*m.filterElem), kernel.Out[T](c, 0)
	part := func(j int) []T { return sums[j*m.filterElem:][lo:hi] }
	for n, apart := m.parts, 1; n > 1; n, apart = (n+1)/2, 2*apart {
		for j := range n / 2 {
			to := part(2 * j * apart)
			if n == 2 {
				to = dw[lo:hi]
			}
			simd.Add(to, part(2*j*apart), part((2*j+1)*apart))
		}
	}
}

// tile returns terms t0 … t1-1 and outputs o0 … o1-1 of group g of the unfolded image n, and the distance of its rows.
func (m *im2col[T]) tile(c *kernel.Call, x []T, n, g, t0, t1, o0, o1 int) ([]T, int) {
	pixels := m.H * m.W
	planes := x[(n*m.C+g*m.cg)*pixels:][:m.cg*pixels]
	if !m.copied {
		return planes[t0*pixels+o0:], pixels
	}
	tile := kernel.Local[T](c, 0, (t1-t0)*(o1-o0))
	m.unfold(tile, planes, t0, t1, o0, o1)
	return tile, o1 - o0
}
