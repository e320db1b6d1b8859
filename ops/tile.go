package ops

import (
	"fmt"
	"slices"

	"neocog/graph"
)

// Tile returns x repeated along its axes.
//
//	x        any [...]
//	repeats  how often, at least 0, for each axis; 1 for the symbolic batch
//	y        [extent_i·repeats_i, ...]:  y[i, j, …] = x[i mod extent_0, j mod extent_1, …]
//	dx       = the sum of dy over the repetitions
//
// x itself is returned where all repeats are 1. It is a BroadcastTo between two
// Reshapes, which copy nothing. ONNX Tile, numpy.tile.
func Tile(x *graph.Value, repeats ...int) *graph.Value {
	if !x.IsValid() {
		return Reshape(x)
	}
	s := x.Shape()
	if len(repeats) != len(s) {
		return mistake(x, "Tile", fmt.Errorf("x %v has %d axes, repeats are given for %d", x.Type(), len(s), len(repeats)))
	}
	y := s.Clone()
	for i, r := range repeats {
		switch n := s[i]; {
		case r < 0 || r > maxAttribute:
			return mistake(x, "Tile", fmt.Errorf("axis %d is to be repeated %d times, want 0 to %d", i, r, maxAttribute))
		case n == graph.Batch && r != 1:
			return mistake(x, "Tile", fmt.Errorf("axis %d of x %v is the symbolic N, which cannot be repeated: it has the same extent everywhere", i, x.Type()))
		case n != graph.Batch:
			y[i] = n * r
		}
	}
	if slices.Equal(repeats, ones(len(s))) {
		return x
	}
	return Reshape(repeated(x, repeats), y...)
}

// repeated returns the elements of Tile in their order, under some shape: x with one more
// axis before each that is repeated, stretched.
func repeated(x *graph.Value, repeats []int) *graph.Value {
	s := x.Shape()
	var from, to []int
	joins := false // the last axis is known and not repeated
	for i, n := range s {
		known := n != graph.Batch
		switch r := repeats[i]; {
		case r != 1 && n == 1:
			from, to = append(from, 1), append(to, r)
		case r != 1:
			from, to = append(from, 1, n), append(to, r, n)
		case joins && known:
			from[len(from)-1] *= n
			to[len(to)-1] *= n
			continue
		default:
			from, to = append(from, n), append(to, n)
		}
		joins = known && repeats[i] == 1
	}
	if len(to) > graph.MaxRank { // one half after the other
		first, second := ones(len(s)), ones(len(s))
		copy(first[:len(s)/2], repeats)
		copy(second[len(s)/2:], repeats[len(s)/2:])
		return repeated(Tile(x, first...), second)
	}
	return BroadcastTo(Reshape(x, from...), to...)
}
