package conv

import (
	"slices"
	"unsafe"

	"neocog/internal/micro"
	"neocog/internal/toomcook"
	"neocog/internal/winograd"
	"neocog/vm/kernel"
)

// winogradImage computes the output of a convolution, or the gradient of its image.
//
// The filter is transformed first, into panels of vectors for each element of a tile:
//
//	U[group][point][panel][channel][lane]
//
// Tiles of the input and products are V[point][tile][channel] and M[point][tile][filter]. With few channels a
// worker has them for some tiles in its own scratch memory, where they stay in the second cache (fused). With many, the transformed
// filter does not fit there: then all workers transform some thousand tiles, multiply one element of all
// tiles after the other, each with a part of the filter that does fit, and transform the products back (staged). Where there are few
// tiles, and the transformed filter is not kept for the next run, it is never in memory as a whole: each worker transforms a
// panel of filters for some channels after the others, multiplies all tiles by it, and transforms the panel's products back (paneled).
type winogradImage[T kernel.Float] struct {
	*winogradTiles[T]
	panels  int // which cover the filters of a group
	uPoint  int // elements of U for a point
	v, m    tileLayout
	filters int         // of M: all, or as many as the second cache has room for
	blocks  int         // fused: parts of the strips
	cuts    []int       // staged: pieces of the strips
	cols    int         // staged: parts of an element's product, by panels
	terms   int         // paneled: channels that are transformed at a time
	pieces  []micro.Run // paneled: the runs, whose filters are in the same place
	vSize   int
	mSize   int
	then    Then
}

func planWinogradImage[T kernel.Float](env *kernel.Env, tiles *winogradTiles[T], then Then) kernel.Plan {
	w := &winogradImage[T]{winogradTiles: tiles, then: then}
	w.panels = ceilDiv(w.co, w.set.Width())
	w.uPoint = skewed[T](w.panels * w.ci * w.set.Width())
	size := int(unsafe.Sizeof(T(0)))
	w.findRuns(w.ci, w.chunk())

	local := w.set.Width() * winogradLanes * w.taps // for the filter
	in, out := w.inputs(), w.outputs()
	pix := in.size(w.wide) + out.size(w.wide) + winogradLanes
	large := w.points*w.uPoint*size > winogradCaches.filter
	if few := large && w.cutPaneled(); few && !kept(env, w.Problem) && env.Workers <= w.panels {
		var plan kernel.Plan
		for g := range w.Groups {
			plan.Steps = append(plan.Steps, w.paneled(g)...)
		}
		plan.Shared = w.vSize * size
		plan.Local = max(pix, local+w.points*w.panelPoint()+w.mSize+out.size(w.wide)+winogradLanes) * size
		return plan
	}

	step := kernel.Step{N: w.Groups * w.panels * blocksOf(w.ci), Run: w.transformFilters}
	step.Grain = max(1, 1<<14/(w.points*w.set.Width()*winogradLanes))
	plan := kernel.Plan{
		Steps:   []kernel.Step{step},
		Prepare: kernel.Preparation{Steps: 1, Input: w.FilterInput(), Bytes: w.Groups * w.points * w.uPoint * size},
	}
	if !large {
		w.cutFused(env)
		items := w.Groups * w.blocks
		plan.Steps = append(plan.Steps, kernel.Step{N: items, Grain: grain(w.FLOPs(), items), Run: w.fused})
		local = max(local, w.vSize+w.mSize+pix)
	} else {
		w.cutStaged(env)
		for g := range w.Groups {
			for i := range w.cuts[1:] {
				plan.Steps = append(plan.Steps, w.stage(g, w.cuts[i], w.cuts[i+1])...)
			}
		}
		plan.Shared = (w.vSize + w.mSize) * size
		local = max(local, pix)
	}
	plan.Local = local * size
	return plan
}

// rowOf returns the distance of rows of n channels or filters: whole blocks, and not a multiple of what puts 14 rows into few sets of the
// first cache.
func rowOf[T kernel.Float](n int) int {
	n = blocksOf(n) * winogradLanes
	if n*int(unsafe.Sizeof(T(0)))%1024 == 0 {
		n += winogradLanes
	}
	return n
}

// layOut sets the layouts of V and M for so many tiles.
func (w *winogradImage[T]) layOut(tiles int) {
	w.v = tileLayout{tile: rowOf[T](w.ci), block: winogradLanes}
	w.m = tileLayout{tile: rowOf[T](w.filters), block: winogradLanes}
	w.v.point, w.m.point = skewed[T](tiles*w.v.tile), skewed[T](tiles*w.m.tile)
	w.vSize, w.mSize = w.points*w.v.point, w.points*w.m.point
}

// cutFused chooses the blocks.
func (w *winogradImage[T]) cutFused(env *kernel.Env) {
	w.filters = min(w.panels*w.set.Width(), max(32, w.set.Width()))
	w.filters = blocksOf(w.filters) * winogradLanes
	tile := w.points * (rowOf[T](w.ci) + rowOf[T](w.filters)) * int(unsafe.Sizeof(T(0)))
	all := w.tiles(0, w.strips())
	w.blocks = min(max(ceilDiv(all*tile, winogradCaches.tiles), ceilDiv(shares(env), w.Groups)), w.strips())
	if n := max(env.Workers, 1); w.blocks < 8*n { // the last round is as full as the others
		w.blocks = min(ceilDiv(w.blocks, n)*n, w.strips())
	}
	w.layOut(w.most(w.blocks))
}

// cutStaged chooses the pieces.
func (w *winogradImage[T]) cutStaged(env *kernel.Env) {
	w.filters = w.panels * w.set.Width()
	tile := w.points * (rowOf[T](w.ci) + rowOf[T](w.filters)) * int(unsafe.Sizeof(T(0)))
	pieces := min(ceilDiv(w.tiles(0, w.strips())*tile, winogradCaches.staged), w.strips())
	for i := range pieces + 1 {
		u, _ := share(w.strips(), pieces, i)
		w.cuts = append(w.cuts, u)
	}
	w.layOut(w.most(pieces))
	w.cols = 1
	if env.Workers > w.points/4 { // not enough points for all
		w.cols = min(ceilDiv(4*env.Workers, w.points), w.panels)
	}
}

// cutPaneled lays everything out for panels, and cuts sums so that the same bits come out where the filter is kept. It refuses many tiles, whose products
// with a panel leave the second cache, and few panels, which would leave workers idle.
func (w *winogradImage[T]) cutPaneled() bool {
	all, width := w.tiles(0, w.strips()), w.set.Width()
	size := int(unsafe.Sizeof(T(0)))
	w.filters = blocksOf(width) * winogradLanes
	w.layOut(all)
	if w.vSize*size > winogradCaches.staged/2 || w.mSize*size > winogradCaches.panel || w.panels < winogradCaches.panels {
		return false
	}
	w.terms = min(max(winogradCaches.panel/2/(w.points*width*size)/winogradLanes, 1)*winogradLanes, w.ci, w.chunk())
	w.findRuns(w.ci, w.terms)
	w.pieces = slices.Clone(w.runs)
	for i := range w.pieces {
		w.pieces[i].B = 0
	}
	return true
}

// panelPoint is the number of elements of a part of a panel of U for a point.
func (w *winogradImage[T]) panelPoint() int { return skewed[T](w.terms * w.set.Width()) }

// findRuns cuts the terms of a sum into equal pieces of at most so many, which begin at multiples of 16 but for the last.
func (w *winogradTiles[T]) findRuns(terms, most int) {
	w.runs = w.runs[:0]
	pieces := ceilDiv(terms, most)
	for i := range pieces {
		lo, hi := share(blocksOf(terms), pieces, i)
		lo, hi = lo*winogradLanes, min(hi*winogradLanes, terms)
		w.runs = append(w.runs, micro.Run{A: bytesOf[T](lo), B: bytesOf[T](lo * w.set.Width()), K: hi - lo})
	}
}

// transformFilters computes U. Items are a block of channels for a panel of a group.
func (w *winogradImage[T]) transformFilters(c *kernel.Call, lo, hi int) {
	width, blocks := w.set.Width(), blocksOf(w.ci)
	rows := kernel.Local[T](c, 0, width*winogradLanes*w.taps)
	for i := lo; i < hi; i++ {
		b, panel, g := i%blocks, i/blocks%w.panels, i/(blocks*w.panels)
		channels := min(winogradLanes, w.ci-b*winogradLanes)
		u := kernel.Prepared[T](c, g*w.points*w.uPoint+(panel*w.ci+b*winogradLanes)*width, (w.points-1)*w.uPoint+channels*width)
		w.transformFilter(c, u, rows, w.uPoint, g, panel, b)
	}
}

// transformFilter computes U of a block of channels for a panel of a group, in rows of vectors, the points so far apart.
func (w *winogradImage[T]) transformFilter(c *kernel.Call, u, rows []T, point, g, panel, b int) {
	width, lanes := w.set.Width(), min(w.set.Width(), winogradLanes)
	cg, kg := w.C/w.Groups, w.K/w.Groups
	filter := kernel.In[T](c, w.FilterInput())
	i0, o0 := b*winogradLanes, panel*width
	channels, outs := min(winogradLanes, w.ci-i0), min(width, w.co-o0)
	call := winograd.Call{
		SrcRow: bytesOf[T](w.S * width), SrcCol: bytesOf[T](width), SrcNext: bytesOf[T](w.taps * width),
		DstRow: bytesOf[T](w.n[1] * point), DstCol: bytesOf[T](point), DstNext: bytesOf[T](width),
	}
	first := 0
	if w.line {
		call.SrcRow = call.SrcCol
	}
	if w.Pass == Forward { // rows are [channel][tap][lane]
		micro.Transpose(rows, width, filter[((g*kg+o0)*cg+i0)*w.taps:], cg*w.taps, outs, channels*w.taps)
	} else { // the filter turned around: from its last tap on
		first = (w.taps - 1) * width
		call.SrcRow, call.SrcCol = -call.SrcRow, -call.SrcCol
		for k := range channels {
			micro.Transpose(rows[k*w.taps*width:], width, filter[((g*kg+i0+k)*cg+o0)*w.taps:], w.taps, outs, w.taps)
		}
	}
	for l := 0; l < width; l += lanes {
		k := call
		k.Src, k.Dst = unsafe.Pointer(&rows[first+l]), unsafe.Pointer(&u[l])
		k.N, k.Lanes = channels, lanes
		winograd.Run[T](w.kernels[toomcook.Filter], &k)
	}
}

// filter returns the panels of U for a group and a point.
func (w *winogradImage[T]) filter(c *kernel.Call, g, point int) []T {
	return kernel.Prepared[T](c, (g*w.points+point)*w.uPoint, w.uPoint)
}

// operands returns the planes of the input and of the output from group g on, their numbers in an image, and the bias of the group.
func (w *winogradImage[T]) operands(c *kernel.Call, g int) (x, y, bias []T) {
	x, y = kernel.In[T](c, 0), kernel.Out[T](c, 0)
	if w.Pass == InputGrad {
		x = kernel.In[T](c, 1)
	}
	if w.Bias {
		bias = kernel.In[T](c, 2)[g*w.co:][:w.co]
	}
	return x[g*w.ci*w.inH*w.inW:], y[g*w.co*w.P*w.Q:], bias
}

// fused computes blocks of strips. Items are those, for each group.
func (w *winogradImage[T]) fused(c *kernel.Call, lo, hi int) {
	v := kernel.Local[T](c, 0, w.vSize)
	m := kernel.Local[T](c, w.vSize, w.mSize)
	pix, out, shift := w.local(c, w.vSize+w.mSize)
	t := micro.Take()
	defer micro.Put(t)
	in := w.inputs()
	for i := lo; i < hi; i++ {
		g := i / w.blocks
		u0, u1 := share(w.strips(), w.blocks, i%w.blocks)
		tiles := w.tiles(u0, u1)
		x, y, bias := w.operands(c, g)
		if tiles == 0 {
			continue
		}
		w.spread(toomcook.Input, &in, v, pix, x, w.ci*w.Groups, w.ci, 0, blocksOf(w.ci), u0, u1, u0, w.v)
		for k0 := 0; k0 < w.co; k0 += w.filters {
			k1 := min(k0+w.filters, w.co)
			for point := range w.points {
				w.multiply(t, m[point*w.m.point:], v[point*w.v.point:], w.filter(c, g, point), tiles, k0, k1)
			}
			w.back(c, g, y, m, bias, out, shift, k0, k0, k1, u0, u1, u0)
		}
	}
}

// local returns the pixels of a strip of inputs and of outputs, and a vector.
func (w *winogradImage[T]) local(c *kernel.Call, at int) (pix, out, shift []T) {
	inputs, outputs := w.inputs(), w.outputs()
	in, o := inputs.size(w.wide), outputs.size(w.wide)
	return kernel.Local[T](c, at, in), kernel.Local[T](c, at+in, o), kernel.Local[T](c, at+in+o, winogradLanes)
}

// multiply computes one point of M: some tiles, filters k0 … k1-1; k0 begins a panel.
func (w *winogradImage[T]) multiply(t *micro.Tile, m, v, u []T, tiles, k0, k1 int) {
	width := w.set.Width()
	for k := k0; k < k1; k += width {
		for j := range w.runs {
			w.product(t, m[k-k0:], v, u[k*w.ci:], tiles, min(width, k1-k), &w.runs[j], j > 0)
		}
	}
}

// product multiplies a run of the channels of some tiles by so many columns of a panel.
func (w *winogradImage[T]) product(t *micro.Tile, m, v, panel []T, tiles, cols int, run *micro.Run, add bool) {
	lanes := w.set.Lanes()
	t.SA, t.SB, t.SC = bytesOf[T](w.v.tile), bytesOf[T](w.set.Width()), bytesOf[T](w.m.tile)
	t.N, t.Runs = 1, run
	t.Add = 0
	if add {
		t.Add = 1
	}
	vecs := ceilDiv(cols, lanes)
	t.Mask = micro.Masks(cols, lanes)
	t.B = unsafe.Pointer(&panel[0])
	pieces := ceilDiv(tiles, w.set.Rows())
	for piece := range pieces {
		lo, hi := share(tiles, pieces, piece)
		t.A, t.C = unsafe.Pointer(&v[lo*w.v.tile]), unsafe.Pointer(&m[lo*w.m.tile])
		w.set.Kernel(micro.Rows, hi-lo, vecs)(t)
	}
}

// back transforms the products of filters k0 … k1-1 of a group in M, which begins with filter first and strip base, and stores strips u0 … u1-1.
func (w *winogradImage[T]) back(call *kernel.Call, g int, y, m, bias, pix, shift []T, first, k0, k1, u0, u1, base int) {
	out := w.outputs()
	plane := w.P * w.Q
	for k := k0; k < k1; k += winogradLanes {
		lanes := min(winogradLanes, k1-k)
		clear(shift)
		if w.Bias {
			copy(shift, bias[k:][:lanes])
		}
		for u := u0; u < u1; u++ {
			s := w.strip(u)
			if s.wide == 0 {
				continue
			}
			w.gather(&out, pix, m[w.tiles(base, u)*w.m.tile+k-first:], shift, s, w.m)
			storeStrip(&out, y[(s.image*w.co*w.Groups+k)*plane:], pix, s, lanes)
		}
		w.finish(call, g*w.co+k, g*w.co+k+lanes, u0, u1)
	}
}

// finish does what is to be done with filters k0 … k1-1 of strips u0 … u1-1.
func (w *winogradImage[T]) finish(c *kernel.Call, k0, k1, u0, u1 int) {
	if w.then == nil {
		return
	}
	if w.segs == 1 && w.Dilation == [2]int{1, 1} { // strips are rows, which are neighbours
		for end := 0; u0 < u1; u0 = end {
			image := u0 / w.down
			end = min(u1, (image+1)*w.down)
			w.then.finish(c, &w.Problem, image, k0, k1, u0%w.down*w.winogradTiles.m[0], min((end-image*w.down)*w.winogradTiles.m[0], w.P), 0, w.Q)
		}
		return
	}
	out := w.outputs()
	for u := u0; u < u1; u++ {
		s := w.strip(u)
		_, cols := out.inside(s)
		for i := range w.winogradTiles.m[0] {
			if p := s.p + i*w.Dilation[0]; s.wide > 0 && p < w.P {
				w.then.finish(c, &w.Problem, s.image, k0, k1, p, p+1, s.q, s.q+cols)
			}
		}
	}
}

// part returns the strips of column i of strips u0 … u1-1, of so many. Columns of strips belong together: the lower ones use rows of the upper ones again.
func (w *winogradImage[T]) part(u0, u1, columns, i int) (lo, hi int) {
	lo, hi = share(u1-u0, columns, i)
	return u0 + lo, u0 + hi
}

// spreadStep returns the step that transforms strips u0 … u1-1 of group g.
func (w *winogradImage[T]) spreadStep(g, u0, u1 int) kernel.Step {
	in := w.inputs()
	columns := ceilDiv(u1-u0, w.down)
	return w.items(u1-u0, blocksOf(w.ci)*columns, func(c *kernel.Call, lo, hi int) {
		x, _, _ := w.operands(c, g)
		v := kernel.Shared[T](c, 0, w.vSize)
		pix, _, _ := w.local(c, 0)
		for i := lo; i < hi; i++ {
			b := i / columns
			s0, s1 := w.part(u0, u1, columns, i%columns)
			w.spread(toomcook.Input, &in, v, pix, x, w.ci*w.Groups, w.ci, b, b+1, s0, s1, u0, w.v)
		}
	})
}

// stage returns the three steps that compute strips u0 … u1-1 of group g.
func (w *winogradImage[T]) stage(g, u0, u1 int) []kernel.Step {
	tiles := w.tiles(u0, u1)
	if tiles == 0 {
		return nil
	}
	buffers := func(c *kernel.Call) (v, m []T) {
		return kernel.Shared[T](c, 0, w.vSize), kernel.Shared[T](c, w.vSize, w.mSize)
	}
	columns := ceilDiv(u1-u0, w.down)
	multiply := func(c *kernel.Call, lo, hi int) {
		v, m := buffers(c)
		t := micro.Take()
		defer micro.Put(t)
		for i := lo; i < hi; i++ {
			point := i / w.cols
			p0, p1 := share(w.panels, w.cols, i%w.cols)
			k0, k1 := p0*w.set.Width(), min(p1*w.set.Width(), w.co)
			if k0 < k1 {
				w.multiply(t, m[point*w.m.point+k0:], v[point*w.v.point:], w.filter(c, g, point), tiles, k0, k1)
			}
		}
	}
	back := func(c *kernel.Call, lo, hi int) {
		_, y, bias := w.operands(c, g)
		_, m := buffers(c)
		_, out, shift := w.local(c, 0)
		for i := lo; i < hi; i++ {
			k, column := i/columns*winogradLanes, i%columns
			s0, s1 := w.part(u0, u1, columns, column)
			w.back(c, g, y, m, bias, out, shift, 0, k, min(k+winogradLanes, w.co), s0, s1, u0)
		}
	}
	return []kernel.Step{
		w.spreadStep(g, u0, u1),
		w.items(u1-u0, w.points*w.cols, multiply),
		w.items(u1-u0, blocksOf(w.co)*columns, back),
	}
}

// paneled returns the two steps that compute group g.
func (w *winogradImage[T]) paneled(g int) []kernel.Step {
	strips := w.strips()
	tiles := w.tiles(0, strips)
	out, width := w.outputs(), w.set.Width()
	run := func(c *kernel.Call, lo, hi int) {
		at := 0
		next := func(n int) []T {
			s := kernel.Local[T](c, at, n)
			at += n
			return s
		}
		rows, u, m := next(width*winogradLanes*w.taps), next(w.points*w.panelPoint()), next(w.mSize)
		pix, shift := next(out.size(w.wide)), next(winogradLanes)
		v := kernel.Shared[T](c, 0, w.vSize)
		_, y, bias := w.operands(c, g)
		t := micro.Take()
		defer micro.Put(t)
		for panel := lo; panel < hi; panel++ {
			k0, k1 := panel*width, min(panel*width+width, w.co)
			for j, run := range w.runs {
				first := int(run.A / unsafe.Sizeof(T(0)))
				for b := first / winogradLanes; b*winogradLanes < first+run.K; b++ {
					w.transformFilter(c, u[(b*winogradLanes-first)*width:], rows, w.panelPoint(), g, panel, b)
				}
				for point := range w.points {
					w.product(t, m[point*w.m.point:], v[point*w.v.point:], u[point*w.panelPoint():], tiles, k1-k0, &w.pieces[j], j > 0)
				}
			}
			w.back(c, g, y, m, bias, pix, shift, k0, k0, k1, 0, strips, 0)
		}
	}
	return []kernel.Step{w.spreadStep(g, 0, strips), w.items(strips, w.panels, run)}
}
