package ops

import "neocog/graph"

// A nest is a nest of loops over the elements of a row-major tensor, outermost
// first, with the steps that up to three other tensors take meanwhile. Loops that
// can be one loop are one, and loops of one turn are left out, so that most
// nests have one or two. It is made in Plan and read by kernels.
type nest struct {
	rank int
	n    [graph.MaxRank]int    // extents; the last is the inner loop
	step [3][graph.MaxRank]int // elements between neighbours, 0 where broadcast
}

// newNest returns the loops over shape. strides holds, for each of the other
// tensors, one stride for each axis of shape. There is at least one loop.
func newNest(shape graph.Shape, strides ...[]int) nest {
	var l nest
	for axis, n := range shape {
		if n == 1 {
			continue
		}
		joins := l.rank > 0
		for i, s := range strides {
			joins = joins && l.step[i][l.rank-1] == s[axis]*n
		}
		if !joins {
			l.n[l.rank] = 1
			l.rank++
		}
		l.n[l.rank-1] *= n
		for i, s := range strides {
			l.step[i][l.rank-1] = s[axis]
		}
	}
	if l.rank == 0 {
		l.rank, l.n[0] = 1, 1
		for i := range strides {
			l.step[i][0] = 1
		}
	}
	return l
}

// inner returns the turns of the inner loop and the steps taken in it.
func (l *nest) inner() (n, step0, step1 int) {
	i := l.rank - 1
	return l.n[i], l.step[0][i], l.step[1][i]
}

// A place is one turn of a nest: the count of each loop and the offsets which
// the other tensors have then.
type place struct {
	at  [graph.MaxRank]int
	off [3]int
}

// place returns turn i, the zero place for loops without turns.
func (l *nest) place(i int) place {
	var p place
	for d := l.rank - 1; d >= 0; d-- {
		if l.n[d] == 0 {
			return place{}
		}
		p.at[d] = i % l.n[d]
		i /= l.n[d]
		for t := range p.off {
			p.off[t] += p.at[d] * l.step[t][d]
		}
	}
	return p
}

// forward moves p by w turns, which must not go beyond the end of the inner loop.
func (l *nest) forward(p *place, w int) {
	for d := l.rank - 1; d >= 0; d-- {
		p.at[d] += w
		p.off[0] += w * l.step[0][d]
		p.off[1] += w * l.step[1][d]
		p.off[2] += w * l.step[2][d]
		if p.at[d] < l.n[d] || d == 0 {
			return
		}
		p.off[0] -= l.n[d] * l.step[0][d]
		p.off[1] -= l.n[d] * l.step[1][d]
		p.off[2] -= l.n[d] * l.step[2][d]
		p.at[d], w = 0, 1
	}
}

// contiguous returns the strides of a row-major tensor.
func contiguous(shape graph.Shape) []int {
	s := make([]int, len(shape))
	for i, n := len(shape)-1, 1; i >= 0; i-- {
		s[i] = n
		n *= shape[i]
	}
	return s
}

// stretched returns the strides of a row-major tensor as it broadcasts to the
// shape to: one for each axis of to, 0 where it stands still.
func stretched(shape, to graph.Shape) []int {
	s := make([]int, len(to))
	own := contiguous(shape)
	for i, n := range shape {
		if n != 1 {
			s[len(to)-len(shape)+i] = own[i]
		}
	}
	return s
}
