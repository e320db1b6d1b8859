package vm

import (
	"cmp"
	"slices"
)

// A span is a block of memory which is needed from instruction first to
// instruction last, both included.
type span struct {
	bytes       int
	first, last int
	offset      int // found by pack
}

// pack gives each span an offset such that spans which are needed at the same
// time do not overlap, and returns the bytes needed in all. Larger spans go
// first, each into the smallest gap that holds it: the greedy by size of
// Pisarchyk and Lee, “Efficient Memory Management for Deep Neural Net
// Inference”, 2020. The result depends on the spans alone.
func pack(spans []*span) int {
	order := slices.Clone(spans)
	slices.SortStableFunc(order, func(a, b *span) int { return cmp.Compare(b.bytes, a.bytes) })
	var placed []*span // by offset
	total := 0
	for _, s := range order {
		if s.bytes == 0 {
			continue
		}
		size := roundUp(s.bytes)
		best, bestGap, end := -1, 0, 0
		for _, p := range placed {
			if p.last < s.first || s.last < p.first {
				continue
			}
			if gap := p.offset - end; gap >= size && (best < 0 || gap < bestGap) {
				best, bestGap = end, gap
			}
			end = max(end, p.offset+roundUp(p.bytes))
		}
		if best < 0 {
			best = end
		}
		s.offset = best
		total = max(total, best+size)
		at, _ := slices.BinarySearchFunc(placed, s, func(a, b *span) int { return cmp.Compare(a.offset, b.offset) })
		placed = slices.Insert(placed, at, s)
	}
	return total
}

func roundUp(n int) int { return (n + align - 1) &^ (align - 1) }
