package layout

import (
	"cmp"
	"math"
	"slices"
)

// rank gives each item its rank, and long edges their bends.
func (v *Level) rank(edges []edge) {
	up := v.circles(edges)
	above, below := make([][]int, len(v.Items)), make([][]int, len(v.Items))
	for i, e := range edges {
		a, b := e.from, e.to
		if up[i] {
			a, b = b, a
		}
		above[b], below[a] = append(above[b], a), append(below[a], b)
	}
	order := topological(above, below)
	// As high as possible: ports at the rim alone.
	first := 0
	if slices.ContainsFunc(v.Items, func(it Item) bool { return it.Kind == InPort }) {
		first = 1
	}
	last := first
	for _, i := range order {
		it := &v.Items[i]
		if it.Kind == InPort {
			continue
		}
		it.Rank = first
		for _, a := range above[i] {
			it.Rank = max(it.Rank, v.Items[a].Rank+1)
		}
		if it.Kind != OutPort {
			last = max(last, it.Rank)
		}
	}
	// And then down to what reads them, unless that makes more wires longer than shorter: parameters stand beside
	// the layer that they belong to.
	for _, i := range slices.Backward(order) {
		it := &v.Items[i]
		if it.Kind == OutPort {
			it.Rank = last + 1
			continue
		}
		if it.Kind == InPort || len(below[i]) == 0 || len(below[i]) < len(above[i]) {
			continue
		}
		lowest := last
		for _, b := range below[i] {
			lowest = min(lowest, v.Items[b].Rank-1)
		}
		it.Rank = max(it.Rank, lowest)
	}
	v.grid(above, below)
	v.bends(edges, up)
}

// grid spreads nodes that no wire joins with others over ranks, so that they form no endless row.
func (v *Level) grid(above, below [][]int) {
	var alone []int
	for i, it := range v.Items {
		if it.Kind == Child && len(above[i])+len(below[i]) == 0 {
			alone = append(alone, i)
		}
	}
	if len(alone) < len(v.Items) {
		return // there is a picture that they may stand beside
	}
	columns := int(math.Ceil(math.Sqrt(float64(len(alone)))))
	if len(alone) <= 3 {
		columns = 3
	}
	for k, i := range alone {
		v.Items[i].Rank = k / columns
	}
}

// circles returns which edges must be turned around so that no circle is left: those that lead back to an item whose
// depth-first search is not over.
func (v *Level) circles(edges []edge) []bool {
	out := make([][]int, len(v.Items))
	for i, e := range edges {
		out[e.from] = append(out[e.from], i)
	}
	up := make([]bool, len(edges))
	state := make([]uint8, len(v.Items)) // 1: begun, 2: over
	type frame struct{ item, next int }
	for root := range v.Items {
		if state[root] != 0 {
			continue
		}
		state[root] = 1
		for stack := []frame{{root, 0}}; len(stack) > 0; {
			f := &stack[len(stack)-1]
			if f.next == len(out[f.item]) {
				state[f.item] = 2
				stack = stack[:len(stack)-1]
				continue
			}
			e := out[f.item][f.next]
			f.next++
			switch to := edges[e].to; state[to] {
			case 0:
				state[to] = 1
				stack = append(stack, frame{to, 0})
			case 1:
				up[e] = true
			}
		}
	}
	return up
}

// topological returns all items, each after those above it.
func topological(above, below [][]int) []int {
	left := make([]int, len(above))
	var order []int
	for i := range above {
		if left[i] = len(above[i]); left[i] == 0 {
			order = append(order, i)
		}
	}
	for at := 0; at < len(order); at++ {
		for _, b := range below[order[at]] {
			if left[b]--; left[b] == 0 {
				order = append(order, b)
			}
		}
	}
	return order
}

// bends makes the segments. All targets of a wire share one row of bends.
func (v *Level) bends(edges []edge, up []bool) {
	type row struct {
		from int
		End
	}
	rows := map[row][]int{} // by wire and its upper item: the bends, one a rank
	for i, e := range edges {
		a, b := e.from, e.to
		if up[i] {
			a, b = b, a
		}
		r := row{a, End{e.wire, up[i]}}
		at := a
		for rank := v.Items[a].Rank + 1; rank < v.Items[b].Rank; rank++ {
			if k := rank - v.Items[a].Rank - 1; k < len(rows[r]) {
				at = rows[r][k]
				continue
			}
			bend := v.add(Bend, e.wire)
			v.Items[bend].Rank = rank
			v.Segs = append(v.Segs, Seg{From: at, To: bend, End: r.End})
			rows[r] = append(rows[r], bend)
			at = bend
		}
		v.Segs = append(v.Segs, Seg{From: at, To: b, End: r.End})
	}
	highest := 0
	for _, it := range v.Items {
		highest = max(highest, it.Rank)
	}
	v.Ranks = make([][]int, highest+1)
	for i, it := range v.Items {
		v.Ranks[it.Rank] = append(v.Ranks[it.Rank], i)
	}
	slices.SortStableFunc(v.Segs, func(a, b Seg) int {
		return cmp.Or(cmp.Compare(v.Items[a.From].Rank, v.Items[b.From].Rank), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
}
