package layout

import (
	"cmp"
	"slices"
)

// sweeps is how often the ranks are ordered from top to bottom and back.
const sweeps = 12

// order decides the order within the ranks, so that few segments cross: each rank in turn by the barycentre of the
// neighbours in the rank above, or below, of which the best order seen is kept (Sugiyama et al., section III).
func (v *Level) order() {
	above, below := make([][]int, len(v.Items)), make([][]int, len(v.Items))
	between := make([][]Seg, len(v.Ranks)) // by upper rank
	for _, s := range v.Segs {
		above[s.To], below[s.From] = append(above[s.To], s.From), append(below[s.From], s.To)
		r := v.Items[s.From].Rank
		between[r] = append(between[r], s)
	}
	v.begin(above, below)
	pos := make([]int, len(v.Items))
	number := func(rank []int) {
		for i, it := range rank {
			pos[it] = i
		}
	}
	crossings := func() (n int) {
		for r := range between {
			n += crossed(between[r], pos, len(v.Ranks[min(r+1, len(v.Ranks)-1)]))
		}
		return n
	}
	for _, rank := range v.Ranks {
		number(rank)
	}
	best, fewest := cloneRanks(v.Ranks), crossings()
	weight := make([]float64, len(v.Items))
	for sweep := 0; sweep < sweeps && fewest > 0; sweep++ {
		ranks, beside := slices.Clone(v.Ranks), above
		if sweep%2 == 1 {
			slices.Reverse(ranks)
			beside = below
		}
		for _, rank := range ranks {
			for i, it := range rank {
				weight[it] = float64(i)
				if len(beside[it]) > 0 {
					sum := 0
					for _, n := range beside[it] {
						sum += pos[n]
					}
					weight[it] = float64(sum) / float64(len(beside[it]))
				}
			}
			// Equal weights change places in every second pair of sweeps, which leads out of dead ends.
			if sweep%4 >= 2 {
				slices.Reverse(rank)
			}
			slices.SortStableFunc(rank, func(a, b int) int { return cmp.Compare(weight[a], weight[b]) })
			number(rank)
		}
		if n := crossings(); n < fewest {
			best, fewest = cloneRanks(v.Ranks), n
		}
	}
	v.Ranks = best
	for _, rank := range v.Ranks {
		number(rank)
	}
	v.ends(pos)
}

// begin puts the items of each rank in the order in which a depth-first search from the top meets them.
func (v *Level) begin(above, below [][]int) {
	seen, at := make([]int, len(v.Items)), 0
	var stack []int
	for i := range v.Items {
		if len(above[i]) > 0 {
			continue
		}
		for stack = append(stack, i); len(stack) > 0; {
			it := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if seen[it] > 0 {
				continue
			}
			at++
			seen[it] = at
			for _, b := range slices.Backward(below[it]) {
				stack = append(stack, b)
			}
		}
	}
	for _, rank := range v.Ranks {
		slices.SortStableFunc(rank, func(a, b int) int { return cmp.Compare(seen[a], seen[b]) })
	}
}

func cloneRanks(ranks [][]int) [][]int {
	out := make([][]int, len(ranks))
	for i, r := range ranks {
		out[i] = slices.Clone(r)
	}
	return out
}

// crossed counts the crossings of the segments between two ranks, of which the lower has n items, in O(e·log n): Barth,
// Mutzel and Jünger, “Simple and Efficient Bilayer Cross Counting”, JGAA 8(2), 2004.
func crossed(segs []Seg, pos []int, n int) int {
	slices.SortFunc(segs, func(a, b Seg) int {
		return cmp.Or(cmp.Compare(pos[a.From], pos[b.From]), cmp.Compare(pos[a.To], pos[b.To]))
	})
	tree := make([]int, n+1)
	count := 0
	for i, s := range segs {
		// Earlier segments which end further to the right.
		count += i
		for k := pos[s.To] + 1; k > 0; k -= k & -k {
			count -= tree[k]
		}
		for k := pos[s.To] + 1; k <= n; k += k & -k {
			tree[k]++
		}
	}
	return count
}

// ends lists the ends of each item in the order of what they lead to, and decides which segments are to be straight.
func (v *Level) ends(pos []int) {
	type key struct {
		item int
		down bool
		End
	}
	sum, count := map[key]float64{}, map[key]float64{}
	meet := func(item int, down bool, e End, other int) {
		k := key{item, down, e}
		if count[k] == 0 {
			if it := &v.Items[item]; down {
				it.Outs = append(it.Outs, e)
			} else {
				it.Ins = append(it.Ins, e)
			}
		}
		sum[k] += float64(pos[other])
		count[k]++
	}
	for _, s := range v.Segs {
		meet(s.From, true, s.End, s.To)
		meet(s.To, false, s.End, s.From)
	}
	for i := range v.Items {
		sort := func(ends []End, down bool) {
			slices.SortStableFunc(ends, func(a, b End) int {
				ka, kb := key{i, down, a}, key{i, down, b}
				return cmp.Compare(sum[ka]/count[ka], sum[kb]/count[kb])
			})
		}
		sort(v.Items[i].Ins, false)
		sort(v.Items[i].Outs, true)
	}
	begins := func(i int) bool { return v.Items[i].Kind == Child && len(v.Items[i].Ins) == 0 }
	spine := make([][]End, len(v.Items)) // by item: its ends at which something comes from further up
	for _, s := range v.Segs {
		if !begins(s.From) {
			spine[s.To] = append(spine[s.To], s.End)
		}
	}
	for i := range v.Segs {
		s := &v.Segs[i]
		s.Loose = begins(s.From) && len(spine[s.To]) > 0
	}
	for i := range v.Items {
		it := &v.Items[i]
		if it.Mid = float64(len(it.Ins)-1) / 2; len(spine[i]) == 1 {
			it.Mid = float64(slices.Index(it.Ins, spine[i][0]))
		}
	}
}
