package layout

import (
	"math"
	"slices"
)

// An aligner finds the x of the items of a level: Brandes and Köpf, “Fast and Simple Horizontal Coordinate Assignment”,
// Graph Drawing 2001, with widths and with ends that are not in the middle of their items, as Rüegg, Schulze, Carstens
// and von Hanxleden, “Size- and Port-Aware Horizontal Node Coordinate Assignment”, Graph Drawing 2015.
//
// Blocks of items that stand straight below each other are pushed together by longest paths in both directions, instead
// of by the classes of the paper, whose compaction Brandes, Walter and Zink corrected in 2020 (arXiv:2008.01252).
type aligner struct {
	v        *Level
	in       *inside
	pos      []int
	above    [][]joint
	below    [][]joint
	conflict map[[2]int]bool // a segment that crosses a straight wire, by upper and lower item
}

// A joint is a neighbour, and how much further to the right than it the item itself has to be for the wire to be straight.
type joint struct {
	item  int
	shift float64
}

// run returns the x of each item: of four layouts, which lean to the upper left, upper right, lower left and lower
// right, the mean of the two in the middle. Since each keeps the distances, so does that.
func (a *aligner) run() []float64 {
	v := a.v
	a.pos = make([]int, len(v.Items))
	for _, rank := range v.Ranks {
		for k, i := range rank {
			a.pos[i] = k
		}
	}
	a.above, a.below = make([][]joint, len(v.Items)), make([][]joint, len(v.Items))
	for _, s := range v.Segs {
		if s.Loose {
			continue
		}
		d := a.in.outs[s.From][slices.Index(v.Items[s.From].Outs, s.End)] - a.in.ins[s.To][slices.Index(v.Items[s.To].Ins, s.End)]
		a.above[s.To] = append(a.above[s.To], joint{s.From, d})
		a.below[s.From] = append(a.below[s.From], joint{s.To, -d})
	}
	for i := range v.Items {
		byPlace := func(x, y joint) int { return a.pos[x.item] - a.pos[y.item] }
		slices.SortStableFunc(a.above[i], byPlace)
		slices.SortStableFunc(a.below[i], byPlace)
	}
	a.conflicts()
	var all [4][]float64
	for k := range all {
		all[k] = a.lean(k&1 == 1, k&2 == 2)
	}
	return middle(a.in.half, all)
}

// middle aligns the layouts with the narrowest and returns the mean of the middle two, item by item.
func middle(half []float64, all [4][]float64) []float64 {
	var lo, hi [4]float64
	narrow := 0
	for k, x := range all {
		lo[k], hi[k] = math.Inf(1), math.Inf(-1)
		for i := range x {
			lo[k], hi[k] = min(lo[k], x[i]-half[i]), max(hi[k], x[i]+half[i])
		}
		if hi[k]-lo[k] < hi[narrow]-lo[narrow] {
			narrow = k
		}
	}
	out := make([]float64, len(half))
	for i := range out {
		var x [4]float64
		for k := range all {
			if x[k] = all[k][i] + lo[narrow] - lo[k]; k&1 == 1 {
				x[k] = all[k][i] + hi[narrow] - hi[k]
			}
		}
		slices.Sort(x[:])
		out[i] = (x[1] + x[2]) / 2
	}
	return out
}

// conflicts marks the segments that cross one between two bends, which stays straight instead of them.
func (a *aligner) conflicts() {
	a.conflict = map[[2]int]bool{}
	isBend := func(i int) bool { return a.v.Items[i].Kind == Bend }
	for r := 1; r < len(a.v.Ranks); r++ {
		rank := a.v.Ranks[r]
		left, from := 0, 0 // the place of the last inner segment, and the first item after it
		for k, i := range rank {
			right := len(a.v.Ranks[r-1])
			inner := isBend(i) && isBend(a.above[i][0].item)
			if inner {
				right = a.pos[a.above[i][0].item]
			}
			if !inner && k < len(rank)-1 {
				continue
			}
			for ; from <= k; from++ {
				for _, j := range a.above[rank[from]] {
					if p := a.pos[j.item]; (p < left || p > right) && !(isBend(j.item) && isBend(rank[from])) {
						a.conflict[[2]int{j.item, rank[from]}] = true
					}
				}
			}
			left = right
		}
	}
}

// lean returns the layout whose blocks follow the lower neighbours, if up, and lie as far to the right as may be, if
// right; otherwise to the left.
func (a *aligner) lean(right, up bool) []float64 {
	n := len(a.v.Items)
	root, shift := make([]int, n), make([]float64, n) // by item: its block, and where it is in it
	next, tail := make([]bool, n), make([]bool, n)    // it has one further along in its block
	for i := range root {
		root[i] = i
	}
	ranks := slices.Clone(a.v.Ranks)
	beside := a.above
	if up {
		slices.Reverse(ranks)
		beside = a.below
	}
	for _, rank := range ranks {
		limit := -1 // the place of the last neighbour taken
		if right {
			limit = math.MaxInt
		}
		for k := range rank {
			i := rank[k]
			if right {
				i = rank[len(rank)-1-k]
			}
			near := beside[i]
			if len(near) == 0 {
				continue
			}
			middle := []int{(len(near) - 1) / 2, len(near) / 2}
			if right {
				slices.Reverse(middle)
			}
			for _, m := range middle {
				j := near[m]
				key := [2]int{j.item, i}
				if up {
					key = [2]int{i, j.item}
				}
				p := a.pos[j.item]
				if tail[i] || next[j.item] || a.conflict[key] || !right && p <= limit || right && p >= limit {
					continue
				}
				root[i], shift[i] = root[j.item], shift[j.item]+j.shift
				tail[i], next[j.item] = true, true
				limit = p
			}
		}
	}
	x := a.compact(root, shift, right)
	for i := range x {
		x[i] += shift[i]
	}
	return x
}

// compact places the blocks as far to the left, or right, as their distances allow, and returns the x of each item's
// block; blocks that could stand nearer to their neighbours on the other side then do.
func (a *aligner) compact(root []int, shift []float64, right bool) []float64 {
	n := len(root)
	type arc struct {
		to   int
		dist float64
	}
	out, waits := make([][]arc, n), make([]int, n)
	for _, rank := range a.v.Ranks {
		for k := 1; k < len(rank); k++ {
			i, j := rank[k-1], rank[k]
			gap := float64(Beside)
			if a.v.Items[i].Kind != Child || a.v.Items[j].Kind != Child {
				gap = Wires
			}
			dist := a.in.half[i] + gap + a.in.half[j] + shift[i] - shift[j]
			from, to := root[i], root[j]
			if right {
				from, to = to, from
			}
			out[from] = append(out[from], arc{to, dist})
			waits[to]++
		}
	}
	var order []int
	for i := range root {
		if root[i] == i && waits[i] == 0 {
			order = append(order, i)
		}
	}
	at := make([]float64, n) // distance from the side that they lean to
	for k := 0; k < len(order); k++ {
		for _, e := range out[order[k]] {
			at[e.to] = max(at[e.to], at[order[k]]+e.dist)
			if waits[e.to]--; waits[e.to] == 0 {
				order = append(order, e.to)
			}
		}
	}
	for _, i := range slices.Backward(order) {
		most := math.Inf(1)
		for _, e := range out[i] {
			most = min(most, at[e.to]-e.dist)
		}
		if !math.IsInf(most, 1) {
			at[i] = max(at[i], most)
		}
	}
	x := make([]float64, n)
	for i := range x {
		if x[i] = at[root[i]]; right {
			x[i] = -x[i]
		}
	}
	return x
}
