package conv

import (
	"unsafe"

	"neocog/internal/micro"
	"neocog/internal/toomcook"
	"neocog/internal/winograd"
	"neocog/vm/kernel"
)

// winogradFilter computes the gradient of the filter.
//
// Tiles of x become V[point][block of channels][tile][lane], tiles of dy Z[point][block of filters][tile][lane]; the sum of their products
// is dU[point][channel][filter], which is transformed back once.
//
// Where dU fits in the second cache, each worker adds up the tiles of a part of all strips there, part
// by part: the parts' gradients are added up as a tree (fused). Otherwise, where there are few tiles, all workers transform all of
// those of x, and then each transforms the tiles of dy of some filters and computes blocks of dU, of these and some channels, all of which fit in the second
// cache, and dU is transformed back there (blocked). With more tiles all workers transform some thousand of them, then
// each adds the products of one element of all tiles, with a part of the channels (staged). How strips are cut
// depends on the problem alone.
type winogradFilter[T kernel.Float] struct {
	*winogradTiles[T]
	lanes   int // of a block of Z: whole panels
	v, z    tileLayout
	sums    tileLayout // of dU: point, channel
	vSize   int
	zSize   int
	lengths []micro.Run // a run of each length
	parts   int         // fused: of the sum
	blocks  int         // fused: of a part
	cuts    []int       // staged: pieces of the strips
	rows    int         // staged: parts of an element's product, by blocks of channels
	block   [2]int      // blocked: blocks of 16 channels and of 16 filters of a block of dU
}

func planWinogradFilter[T kernel.Float](env *kernel.Env, tiles *winogradTiles[T]) kernel.Plan {
	w := &winogradFilter[T]{winogradTiles: tiles}
	size := int(unsafe.Sizeof(T(0)))
	w.lanes = max(w.set.Width(), winogradLanes)
	w.sums.tile = ceilDiv(w.co, w.lanes) * w.lanes
	w.sums.point = skewed[T](blocksOf(w.ci) * winogradLanes * w.sums.tile)

	in, dy := w.inputs(), w.outputs()
	pix := max(in.size(w.wide), dy.size(w.wide))
	back := winogradLanes * winogradLanes * w.taps
	var plan kernel.Plan
	all := w.Groups * blocksOf(w.co) * blocksOf(w.ci)
	if w.points*w.sums.point*size <= winogradCaches.sums {
		w.cutFused()
		items := w.parts * w.Groups
		plan = kernel.One(items, grain(w.FLOPs(), items), w.fused)
		plan.Local = (w.points*w.sums.point + w.vSize + w.zSize + pix + back) * size
		if w.parts > 1 {
			plan.Shared = w.parts * all * back * size
			plan.Steps = append(plan.Steps, kernel.Step{N: all, Grain: max(1, 1<<14/(w.parts*back)), Run: w.addParts})
		}
		return plan
	}
	if w.cutBlocked() {
		for g := range w.Groups {
			plan.Steps = append(plan.Steps, w.stageBlocked(g)...)
		}
		plan.Shared = w.vSize * size
		plan.Local = (w.points*w.sums.point + w.zSize + max(pix, back)) * size
		return plan
	}
	w.cutStaged(env)
	for g := range w.Groups {
		for i := range w.cuts[1:] {
			plan.Steps = append(plan.Steps, w.stage(g, w.cuts[i], w.cuts[i+1], i > 0)...)
		}
	}
	plan.Steps = append(plan.Steps, kernel.Step{N: all, Grain: max(1, 1<<14/(w.points*winogradLanes*winogradLanes)), Run: w.back})
	plan.Shared = (w.vSize + w.zSize + w.Groups*w.points*w.sums.point) * size
	plan.Local = max(pix, back) * size
	return plan
}

// layOut sets the layouts of V and Z for so many tiles.
func (w *winogradFilter[T]) layOut(tiles int) {
	w.v = tileLayout{tile: winogradLanes, block: tiles * winogradLanes}
	w.z = tileLayout{tile: w.lanes}
	w.v.point = skewed[T](blocksOf(w.ci) * w.v.block)
	w.z.point = skewed[T](ceilDiv(w.co, w.lanes) * tiles * w.lanes)
	w.vSize, w.zSize = w.points*w.v.point, w.points*w.z.point
	w.lengths = make([]micro.Run, min(tiles, w.chunk())+1)
	for i := range w.lengths {
		w.lengths[i].K = i
	}
}

// tileBytes is what a tile takes in V and Z.
func (w *winogradFilter[T]) tileBytes() int {
	return w.points * (blocksOf(w.ci)*winogradLanes + w.sums.tile) * int(unsafe.Sizeof(T(0)))
}

func (w *winogradFilter[T]) cutFused() {
	all := w.tiles(0, w.strips())
	blocks := max(ceilDiv(all*w.tileBytes(), winogradCaches.pairs), 1)
	w.parts = max(min(ceilDiv(fewItems, w.Groups), w.strips(), blocks), 1)
	w.blocks = ceilDiv(blocks, w.parts)
	most := 0
	for i := range w.parts {
		u0, u1 := share(w.strips(), w.parts, i)
		for b := range w.blocks {
			s0, s1 := share(u1-u0, w.blocks, b)
			most = max(most, w.tiles(u0+s0, u0+s1))
		}
	}
	w.layOut(most)
}

// cutBlocked chooses blocks of dU, unless there are too many tiles, or filters for few workers. With few tiles blocks are small, so that they take less memory
// than the tiles.
func (w *winogradFilter[T]) cutBlocked() bool {
	all := w.tiles(0, w.strips())
	if all*w.tileBytes() > winogradCaches.pairStaged || ceilDiv(w.co, w.lanes) < winogradCaches.panels {
		return false
	}
	room := min(winogradCaches.sums, max(all*w.tileBytes()/8, winogradCaches.sums/5))
	each := w.points * winogradLanes * winogradLanes * int(unsafe.Sizeof(T(0)))
	w.block[1] = w.lanes / winogradLanes
	if wider := 2 * w.block[1]; blocksOf(w.co) >= 4*wider && 4*wider*each <= room {
		w.block[1] = wider
	}
	w.block[0] = min(max(room/(w.block[1]*each), 1), blocksOf(w.ci))
	w.sums.tile = w.block[1] * winogradLanes
	w.sums.point = skewed[T](w.block[0] * winogradLanes * w.sums.tile)
	w.layOut(all)
	w.z.point = skewed[T](w.sums.tile * all)
	w.zSize = w.points * w.z.point
	return true
}

func (w *winogradFilter[T]) cutStaged(env *kernel.Env) {
	pieces := min(ceilDiv(w.tiles(0, w.strips())*w.tileBytes(), winogradCaches.pairStaged), w.strips())
	for i := range pieces + 1 {
		u, _ := share(w.strips(), pieces, i)
		w.cuts = append(w.cuts, u)
	}
	w.layOut(w.most(pieces))
	w.rows = 1
	if env.Workers > w.points/4 { // not enough points for all
		w.rows = min(ceilDiv(4*env.Workers, w.points), blocksOf(w.ci))
	}
}

// spreadOutputs transforms the blocks b0 … b1-1 of filters of dy, as spread does; z begins with the panel of block first.
func (w *winogradFilter[T]) spreadOutputs(z, pix, dy []T, first, b0, b1, u0, u1, base int) {
	out := w.outputs()
	perPanel := w.lanes / winogradLanes
	for b := b0; b < b1; b++ {
		to := z[(b-first)/perPanel*w.panelSize()+b%perPanel*winogradLanes:]
		w.spread(toomcook.OutputGrad, &out, to, pix, dy, w.co*w.Groups, w.co, b, b+1, u0, u1, base, w.z)
	}
}

// panelSize is the distance of panels of Z.
func (w *winogradFilter[T]) panelSize() int { return w.v.block / winogradLanes * w.lanes }

func (w *winogradFilter[T]) operands(c *kernel.Call, g int) (x, dy []T) {
	return kernel.In[T](c, 0)[g*w.ci*w.inH*w.inW:], kernel.In[T](c, 1)[g*w.co*w.P*w.Q:]
}

// multiply adds the products of some tiles to one point of dU, or with add false writes them: blocks b0 … b1-1 of channels, with the first of which
// sums begins, and filters k0 … k1-1, with which sums and z begin; k0 begins a panel.
func (w *winogradFilter[T]) multiply(t *micro.Tile, sums, v, z []T, tiles, b0, b1, k0, k1 int, add bool) {
	width, lanes := w.set.Width(), w.set.Lanes()
	t.SA, t.SB, t.SC = bytesOf[T](w.v.tile), bytesOf[T](w.z.tile), bytesOf[T](w.sums.tile)
	t.N = 1
	pieces := ceilDiv(tiles, w.chunk())
	for k := k0; k < k1; k += width {
		cols := min(width, k1-k)
		vecs := ceilDiv(cols, lanes)
		t.Mask = micro.Masks(cols, lanes)
		panel := z[(k-k0)/w.lanes*w.panelSize()+k%w.lanes:]
		for piece := range pieces {
			lo, hi := share(tiles, pieces, piece)
			t.B = unsafe.Pointer(&panel[lo*w.z.tile])
			t.Add = 0
			if add || piece > 0 {
				t.Add = 1
			}
			for b := b0; b < b1; b++ {
				channels := min(winogradLanes, w.ci-b*winogradLanes)
				parts := ceilDiv(channels, w.set.Rows())
				for i := range parts {
					r0, r1 := share(channels, parts, i)
					t.Runs = &w.lengths[hi-lo]
					t.A = unsafe.Pointer(&v[b*w.v.block+lo*w.v.tile+r0])
					t.C = unsafe.Pointer(&sums[((b-b0)*winogradLanes+r0)*w.sums.tile+k-k0])
					w.set.Kernel(micro.Columns, r1-r0, vecs)(t)
				}
			}
		}
	}
}

// fused adds up a part of the tiles. Items are parts, for each group.
func (w *winogradFilter[T]) fused(c *kernel.Call, lo, hi int) {
	at := 0
	next := func(n int) []T {
		s := kernel.Local[T](c, at, n)
		at += n
		return s
	}
	sums, v, z := next(w.points*w.sums.point), next(w.vSize), next(w.zSize)
	in, out := w.inputs(), w.outputs()
	pix, rows := next(max(in.size(w.wide), out.size(w.wide))), next(winogradLanes*winogradLanes*w.taps)
	t := micro.Take()
	defer micro.Put(t)
	for i := lo; i < hi; i++ {
		g, part := i/w.parts, i%w.parts
		x, dy := w.operands(c, g)
		u0, u1 := share(w.strips(), w.parts, part)
		any := false
		for b := range w.blocks {
			s0, s1 := share(u1-u0, w.blocks, b)
			s0, s1 = s0+u0, s1+u0
			tiles := w.tiles(s0, s1)
			if tiles == 0 {
				continue
			}
			w.spread(toomcook.Input, &in, v, pix, x, w.ci*w.Groups, w.ci, 0, blocksOf(w.ci), s0, s1, s0, w.v)
			w.spreadOutputs(z, pix, dy, 0, 0, blocksOf(w.co), s0, s1, s0)
			for point := range w.points {
				w.multiply(t, sums[point*w.sums.point:], v[point*w.v.point:], z[point*w.z.point:], tiles, 0, blocksOf(w.ci), 0, w.co, any)
			}
			any = true
		}
		if !any {
			clear(sums)
		}
		blocks := blocksOf(w.co) * blocksOf(w.ci)
		for at := range blocks {
			block := g*blocks + at
			if w.parts == 1 {
				w.gatherFilter(rows, sums, block, 0, 0)
				w.store(c, rows, block)
			} else {
				w.gatherFilter(kernel.Shared[T](c, (block*w.parts+part)*len(rows), len(rows)), sums, block, 0, 0)
			}
		}
	}
}

// place returns the group, the first filter and the first channel of a block of 16 of either.
func (w *winogradFilter[T]) place(block int) (g, k, ch int) {
	cs, ks := blocksOf(w.ci), blocksOf(w.co)
	return block / (cs * ks), block / cs % ks * winogradLanes, block % cs * winogradLanes
}

// gatherFilter transforms a block of the sums of its group, which begin with filter k0 and channel ch0, back to rows of filters for each of channel, r, s.
func (w *winogradFilter[T]) gatherFilter(rows, sums []T, block, k0, ch0 int) {
	_, k, ch := w.place(block)
	call := winograd.Call{
		Src: unsafe.Pointer(&sums[(ch-ch0)*w.sums.tile+k-k0]), SrcNext: bytesOf[T](w.sums.tile),
		SrcRow: bytesOf[T](w.n[1] * w.sums.point), SrcCol: bytesOf[T](w.sums.point),
		Dst: unsafe.Pointer(&rows[0]), DstNext: bytesOf[T](w.taps * winogradLanes),
		DstRow: bytesOf[T](w.S * winogradLanes), DstCol: bytesOf[T](winogradLanes),
		N: min(winogradLanes, w.ci-ch), Lanes: winogradLanes,
	}
	if w.line {
		call.SrcRow = call.SrcCol
	}
	winograd.Run[T](w.kernels[toomcook.FilterGrad], &call)
}

// store writes a block to dw.
func (w *winogradFilter[T]) store(c *kernel.Call, rows []T, block int) {
	g, k, ch := w.place(block)
	dw := kernel.Out[T](c, 0)[((g*w.co+k)*w.ci+ch)*w.taps:]
	channels, filters := min(winogradLanes, w.ci-ch), min(winogradLanes, w.co-k)
	micro.Transpose(dw, w.ci*w.taps, rows, winogradLanes, channels*w.taps, filters)
}

// addParts adds the parts of the gradient up: neighbours first, then neighbouring pairs, and so on. Items are blocks.
func (w *winogradFilter[T]) addParts(c *kernel.Call, lo, hi int) {
	size := winogradLanes * winogradLanes * w.taps
	for i := lo; i < hi; i++ {
		parts := kernel.Shared[T](c, i*w.parts*size, w.parts*size)
		_, _, ch := w.place(i)
		used := min(winogradLanes, w.ci-ch) * w.taps * winogradLanes
		for step := 1; step < w.parts; step *= 2 {
			for j := 0; j+step < w.parts; j += 2 * step {
				add(parts[j*size:][:used], parts[(j+step)*size:][:used])
			}
		}
		w.store(c, parts[:size], i)
	}
}

// back transforms the sums of all tiles. Items are blocks.
func (w *winogradFilter[T]) back(c *kernel.Call, lo, hi int) {
	rows := kernel.Local[T](c, 0, winogradLanes*winogradLanes*w.taps)
	for i := lo; i < hi; i++ {
		g, _, _ := w.place(i)
		w.gatherFilter(rows, w.staged(c, g), i, 0, 0)
		w.store(c, rows, i)
	}
}

// staged returns dU of a group in shared memory.
func (w *winogradFilter[T]) staged(c *kernel.Call, g int) []T {
	return kernel.Shared[T](c, w.vSize+w.zSize+g*w.points*w.sums.point, w.points*w.sums.point)
}

// spreadStep returns the step that transforms strips u0 … u1-1 of group g, of x and of so many blocks of filters of dy.
func (w *winogradFilter[T]) spreadStep(g, filters, u0, u1 int) kernel.Step {
	in, out := w.inputs(), w.outputs()
	columns := ceilDiv(u1-u0, w.down)
	channels := blocksOf(w.ci) * columns
	return w.items(u1-u0, channels+filters*columns, func(c *kernel.Call, lo, hi int) {
		x, dy := w.operands(c, g)
		v, z := kernel.Shared[T](c, 0, w.vSize), kernel.Shared[T](c, w.vSize, w.zSize)
		pix := kernel.Local[T](c, 0, max(in.size(w.wide), out.size(w.wide)))
		for i := lo; i < hi; i++ {
			s0, s1 := share(u1-u0, columns, i%columns)
			s0, s1 = s0+u0, s1+u0
			if b := i / columns; i < channels {
				w.spread(toomcook.Input, &in, v, pix, x, w.ci*w.Groups, w.ci, b, b+1, s0, s1, u0, w.v)
			} else {
				b -= blocksOf(w.ci)
				w.spreadOutputs(z, pix, dy, 0, b, b+1, s0, s1, u0)
			}
		}
	})
}

// stage returns the two steps that add strips u0 … u1-1 of group g.
func (w *winogradFilter[T]) stage(g, u0, u1 int, add bool) []kernel.Step {
	tiles := w.tiles(u0, u1)
	if tiles == 0 && add {
		return nil
	}
	multiply := func(c *kernel.Call, lo, hi int) {
		v, z := kernel.Shared[T](c, 0, w.vSize), kernel.Shared[T](c, w.vSize, w.zSize)
		sums := w.staged(c, g)
		t := micro.Take()
		defer micro.Put(t)
		for i := lo; i < hi; i++ {
			point := i / w.rows
			b0, b1 := share(blocksOf(w.ci), w.rows, i%w.rows)
			w.multiply(t, sums[point*w.sums.point+b0*winogradLanes*w.sums.tile:], v[point*w.v.point:], z[point*w.z.point:], tiles, b0, b1, 0, w.co, add)
		}
	}
	return []kernel.Step{w.spreadStep(g, blocksOf(w.co), u0, u1), w.items(u1-u0, w.points*w.rows, multiply)}
}

// stageBlocked returns the two steps that compute group g. Items of the second are some panels of filters.
func (w *winogradFilter[T]) stageBlocked(g int) []kernel.Step {
	strips := w.strips()
	tiles := w.tiles(0, strips)
	cs, ks := blocksOf(w.ci), blocksOf(w.co)
	out := w.outputs()
	run := func(c *kernel.Call, lo, hi int) {
		_, dy := w.operands(c, g)
		v := kernel.Shared[T](c, 0, w.vSize)
		n := w.points * w.sums.point
		sums, z := kernel.Local[T](c, 0, n), kernel.Local[T](c, n, w.zSize)
		rows, pix := kernel.Local[T](c, n+w.zSize, winogradLanes*winogradLanes*w.taps), kernel.Local[T](c, n+w.zSize, out.size(w.wide))
		t := micro.Take()
		defer micro.Put(t)
		for i := lo; i < hi; i++ {
			j0 := i * w.block[1]
			j1 := min(j0+w.block[1], ks)
			k0, k1 := j0*winogradLanes, min(j1*winogradLanes, w.co)
			w.spreadOutputs(z, pix, dy, j0, j0, j1, 0, strips, 0)
			for b0 := 0; b0 < cs; b0 += w.block[0] {
				b1 := min(b0+w.block[0], cs)
				for point := range w.points {
					w.multiply(t, sums[point*w.sums.point:], v[point*w.v.point:], z[point*w.z.point:], tiles, b0, b1, k0, k1, false)
				}
				for j := j0; j < j1; j++ {
					for b := b0; b < b1; b++ {
						block := (g*ks+j)*cs + b
						w.gatherFilter(rows, sums, block, k0, b0*winogradLanes)
						w.store(c, rows, block)
					}
				}
			}
		}
	}
	return []kernel.Step{w.spreadStep(g, 0, 0, strips), w.items(strips, ceilDiv(ks, w.block[1]), run)}
}
