package onnx

import (
	"strings"

	"neocog/graph"
	"neocog/ops"
)

// einsum sums products over named axes: "bij,bjk->bik". The operands are brought to
// one layout, with an axis for each name, multiplied there, and summed over the names
// which the result lacks.
func einsum(c *call) []*graph.Value {
	text := strings.ReplaceAll(c.attrString("equation", ""), " ", "")
	left, right, explicit := strings.Cut(text, "->")
	terms := strings.Split(left, ",")
	if len(terms) != len(c.n.Input) {
		c.refuse("the equation %s has %d operands, the node %d", quoted(text), len(terms), len(c.n.Input))
	}
	var xs []*graph.Value
	var labels [][]rune
	for i, term := range terms {
		x := c.float(i)
		x, l := c.labelled(x, term, text)
		xs, labels = append(xs, x), append(labels, l)
	}
	var result []rune
	if explicit {
		result = spread(right, ellipsisOf(labels))
	} else {
		result = implicit(labels)
	}
	order := result // names of the result, then those that are summed
	for _, l := range labels {
		for _, r := range l {
			if !hasRune(order, r) {
				order = append(order[:len(order):len(order)], r)
			}
		}
	}
	if len(order) > graph.MaxRank {
		c.refuse("the equation %s has %d axes, the most is %d", quoted(text), len(order), graph.MaxRank)
	}
	for i, r := range result {
		known := false
		for _, l := range labels {
			known = known || hasRune(l, r)
		}
		if !known || hasRune(result[:i], r) {
			c.refuse("the equation %s has a result that no operand has, or twice", quoted(text))
		}
	}
	y := c.laidOut(xs[0], labels[0], order)
	for i := 1; i < len(xs); i++ {
		y = ops.Mul(y, c.laidOut(xs[i], labels[i], order))
	}
	if len(order) == len(result) {
		return one(y)
	}
	var axes []int
	for i := len(result); i < len(order); i++ {
		axes = append(axes, i)
	}
	return one(ops.Sum(y, axes...))
}

// The axes that an ellipsis stands for are named from here on, the last one first.
const ellipsis = '\U000F0000'

func hasRune(l []rune, r rune) bool { return strings.ContainsRune(string(l), r) }

// labelled returns x and the names of its axes. Of an axis that is named twice the
// diagonal is taken.
func (c *call) labelled(x *graph.Value, term, text string) (*graph.Value, []rune) {
	named := strings.Replace(term, "...", "", 1)
	rest := x.Shape().Rank() - len(named)
	if strings.Contains(named, ".") || rest < 0 || rest > 0 && named == term {
		c.refuse("the equation %s has %s for %v", quoted(text), quoted(term), x.Type())
	}
	var dots []rune
	for i := rest; i > 0; i-- {
		dots = append(dots, ellipsis+rune(i))
	}
	l := spread(term, dots)
	for i := 0; i < len(l); i++ {
		for j := i + 1; j < len(l); j++ {
			if l[i] == l[j] {
				x = c.diagonal(x, i, j)
				l = append(l[:j:j], l[j+1:]...)
				j--
			}
		}
	}
	return x, l
}

// spread returns the names in a term, with dots for its ellipsis.
func spread(term string, dots []rune) []rune {
	before, after, ok := strings.Cut(term, "...")
	l := []rune(before)
	if ok {
		l = append(append(l, dots...), []rune(after)...)
	}
	return l
}

// ellipsisOf returns the longest list of names that an ellipsis stands for.
func ellipsisOf(labels [][]rune) []rune {
	var most []rune
	for _, l := range labels {
		var dots []rune
		for _, r := range l {
			if r >= ellipsis {
				dots = append(dots, r)
			}
		}
		if len(dots) > len(most) {
			most = dots
		}
	}
	return most
}

// implicit returns the names of a result that is not given: those that occur once, in
// the order of the alphabet, after those of ellipses.
func implicit(labels [][]rune) []rune {
	result := ellipsisOf(labels)
	for r := 'A'; r <= 'z'; r++ {
		count := 0
		for _, l := range labels {
			count += strings.Count(string(l), string(r))
		}
		if count == 1 {
			result = append(result, r)
		}
	}
	return result
}

// diagonal takes the elements of x whose places along axes i < j are equal, and drops
// axis j: elements i·(n+1) of the two axes as one.
func (c *call) diagonal(x *graph.Value, i, j int) *graph.Value {
	n := c.extent(x, i)
	if n != c.extent(x, j) {
		c.refuse("axes %d and %d of x %v have one name", i, j, x.Type())
	}
	perm := []int{}
	for a := range x.Shape() {
		if a != i && a != j {
			perm = append(perm, a)
		}
	}
	rest := x.Type().Shape
	x = ops.Transpose(x, append(perm, i, j)...)
	flat := graph.Shape{}
	for _, a := range perm {
		flat = append(flat, rest[a])
	}
	x = ops.Reshape(x, append(flat.Clone(), n*n)...)
	x = ops.SliceStep(x, len(flat), 0, n*n, n+1)
	// The diagonal, now last, goes to where axis i was.
	to := make([]int, 0, len(flat)+1)
	for a := range flat {
		to = append(to, a)
	}
	return ops.Transpose(x, append(to[:i:i], append([]int{len(flat)}, to[i:]...)...)...)
}

// laidOut gives x, whose axes have these names, an axis for each name in order.
func (c *call) laidOut(x *graph.Value, names, order []rune) *graph.Value {
	var perm []int
	shape := graph.Shape{}
	for _, r := range order {
		extent := 1
		for a, l := range names {
			if l == r {
				perm = append(perm, a)
				extent = x.Shape()[a]
			}
		}
		shape = append(shape, extent)
	}
	return ops.Reshape(ops.Transpose(x, perm...), shape...)
}
