package ops

import (
	"fmt"
	"slices"
	"strings"

	"neocog/graph"
)

// Einsum returns a sum of products, written by Einstein's convention.
//
//	equation  such as "bij,bjk->bik": a letter for each axis of each operand, and those of the result
//	in        float, as many as the equation has terms
//
// Axes with the same letter go together; those whose letter the result lacks are summed over. A letter
// twice in one term takes the diagonal. "..." stands for the axes that have no letter, which broadcast
// at their last ones, and an extent of 1 stretches. Without "->", the result has the axes of "...", then
// the letters that occur once, in the order of the alphabet. Spaces mean nothing.
//
// It is made of Transpose, Reshape, Mul, MatMul and Sum, one operand after the other from the left, and
// so are its gradients. At most 8 axes may be needed at a time. ONNX Einsum, numpy.einsum.
func Einsum(equation string, in ...*graph.Value) *graph.Value {
	for _, v := range in {
		if !v.IsValid() {
			return Reshape(v)
		}
		if v.Graph() != in[0].Graph() {
			return Add(in[0], v)
		}
	}
	if len(in) == 0 {
		return graph.Apply(reshape{})
	}
	y, err := einsum(equation, in)
	if err != nil {
		return mistake(in[0], "Einsum", fmt.Errorf("%q: %w", equation, err))
	}
	return y
}

func einsum(equation string, in []*graph.Value) (*graph.Value, error) {
	terms, result, err := parseEinsum(equation, in)
	if err != nil {
		return nil, err
	}
	extents, err := extentsOf(terms)
	if err != nil {
		return nil, err
	}
	for _, label := range result {
		if _, ok := extents[label]; !ok {
			return nil, fmt.Errorf("the result has %s, which no term has", label)
		}
	}
	for i := range terms {
		terms[i] = terms[i].withoutOnes(extents)
	}
	y := terms[0]
	for i, t := range terms[1:] {
		keep := slices.Clone(result)
		for _, later := range terms[i+2:] {
			keep = append(keep, later.labels...)
		}
		if y, err = y.times(t, keep); err != nil {
			return nil, err
		}
	}
	return y.sumBut(result).inOrder(result).v, nil
}

// A label is a letter of an equation; "..1" and so on are the axes of "...", from the last one on.
type label string

// A labelled is a value with a label for each axis.
type labelled struct {
	v      *graph.Value
	labels []label
}

// parseEinsum returns the operands with their labels, each of them once, and the labels of the result.
func parseEinsum(equation string, in []*graph.Value) (terms []labelled, result []label, err error) {
	left, right, explicit := strings.Cut(strings.ReplaceAll(equation, " ", ""), "->")
	texts := strings.Split(left, ",")
	if len(texts) != len(in) {
		return nil, nil, fmt.Errorf("it has %d terms, there are %d operands", len(texts), len(in))
	}
	most := 0 // axes of "..."
	var all []label
	for i, text := range texts {
		labels, dots, err := parseTerm(text, in[i].Shape().Rank())
		if err != nil {
			return nil, nil, fmt.Errorf("term %d: %w, which is %v", i, err, in[i].Type())
		}
		most = max(most, dots)
		all = append(all, labels...)
		t, err := labelled{in[i], labels}.diagonals()
		if err != nil {
			return nil, nil, fmt.Errorf("term %d: %w", i, err)
		}
		terms = append(terms, t)
	}
	if explicit {
		result, _, err = parseTerm(right, strings.Count(right, "")-1-3*strings.Count(right, "...")+most*strings.Count(right, "..."))
		if err != nil {
			return nil, nil, fmt.Errorf("the result: %w", err)
		}
		for i, l := range result {
			if slices.Contains(result[:i], l) {
				return nil, nil, fmt.Errorf("the result has %s twice", l)
			}
		}
		return terms, result, nil
	}
	for i := most; i > 0; i-- {
		result = append(result, dotLabel(i))
	}
	var once []label
	for i, l := range all {
		if len(l) == 1 && !slices.Contains(all[:i], l) && !slices.Contains(all[i+1:], l) {
			once = append(once, l)
		}
	}
	slices.Sort(once)
	return terms, append(result, once...), nil
}

// dotLabel is the label of the i-th axis of "..." from the end, from 1 on.
func dotLabel(i int) label { return label(fmt.Sprintf("..%d", i)) }

// parseTerm returns the labels of a term for so many axes, and how many "..." stands for.
func parseTerm(text string, rank int) (labels []label, dots int, err error) {
	before, after, some := strings.Cut(text, "...")
	letters := before + after
	for _, r := range letters {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') {
			return nil, 0, fmt.Errorf("%q is no letter", r)
		}
	}
	dots = rank - len(letters)
	if dots < 0 || dots > 0 && !some {
		return nil, 0, fmt.Errorf("%q has %d letters for an operand of %d dimensions", text, len(letters), rank)
	}
	for _, r := range before {
		labels = append(labels, label(r))
	}
	for i := dots; i > 0; i-- {
		labels = append(labels, dotLabel(i))
	}
	for _, r := range after {
		labels = append(labels, label(r))
	}
	return labels, dots, nil
}

// diagonals returns t with each label once: of axes which share one, the diagonal.
func (t labelled) diagonals() (labelled, error) {
	for i := 0; i < len(t.labels); i++ {
		l := t.labels[i]
		j := i + 1 + slices.Index(t.labels[i+1:], l)
		if j == i {
			continue
		}
		s := t.v.Shape()
		n := s[i]
		if n == graph.Batch || n != s[j] {
			return t, fmt.Errorf("the diagonal of %v is asked for, axes %d and %d: want known and equal extents", t.v.Type(), i, j)
		}
		order := append(others(len(s), i, j), i, j)
		v := Transpose(t.v, order...)
		rest := v.Shape()[:len(s)-2]
		v = SliceStep(Reshape(v, append(rest.Clone(), n*n)...), len(s)-2, 0, n*n, n+1)
		labels := make([]label, 0, len(s)-1)
		for _, a := range order[:len(s)-1] {
			labels = append(labels, t.labels[a])
		}
		t, i = labelled{v, labels}, -1
	}
	return t, nil
}

// others returns 0 … n-1 but i and j.
func others(n, i, j int) []int {
	return slices.DeleteFunc(upTo(n), func(a int) bool { return a == i || a == j })
}

// extentsOf returns the extent of each label. One of 1 goes with every other.
func extentsOf(terms []labelled) (map[label]int, error) {
	extents := map[label]int{}
	for _, t := range terms {
		for i, l := range t.labels {
			n := t.v.Shape()[i]
			m, known := extents[l]
			switch {
			case !known || m == 1:
				extents[l] = n
			case n != 1 && n != m:
				return nil, fmt.Errorf("%s has extent %s in one term and %s in %v, want equal ones or 1", l, extent(m), extent(n), t.v.Type())
			}
		}
	}
	return extents, nil
}

// withoutOnes drops the axes which would have to be stretched: products do that.
func (t labelled) withoutOnes(extents map[label]int) labelled {
	var drop []int
	var labels []label
	for i, l := range t.labels {
		if t.v.Shape()[i] != extents[l] {
			drop = append(drop, i)
		} else {
			labels = append(labels, l)
		}
	}
	if drop == nil {
		return t
	}
	return labelled{Squeeze(t.v, drop...), labels}
}

// sumBut sums over all axes but those whose labels are kept.
func (t labelled) sumBut(keep []label) labelled {
	var axes []int
	var labels []label
	for i, l := range t.labels {
		if slices.Contains(keep, l) {
			labels = append(labels, l)
		} else {
			axes = append(axes, i)
		}
	}
	if axes == nil {
		return t
	}
	return labelled{Sum(t.v, axes...), labels}
}

// inOrder returns t with its axes in the order of labels.
func (t labelled) inOrder(labels []label) labelled {
	perm := make([]int, len(labels))
	for i, l := range labels {
		perm[i] = slices.Index(t.labels, l)
	}
	if len(perm) == 0 {
		return t
	}
	return labelled{Transpose(t.v, perm...), labels}
}

// times returns the product of a and b, summed over what is not kept. The axes fall into groups: those of both
// that are kept, those of a, those of b, and those of both that are summed over. Where there are some of these
// it is a stack of products of matrices.
func (a labelled) times(b labelled, keep []label) (labelled, error) {
	a, b = a.sumBut(slices.Concat(keep, b.labels)), b.sumBut(slices.Concat(keep, a.labels))
	var both, rows, columns, inner []label
	for _, l := range a.labels {
		switch shared := slices.Contains(b.labels, l); {
		case !shared:
			rows = append(rows, l)
		case slices.Contains(keep, l):
			both = append(both, l)
		default:
			inner = append(inner, l)
		}
	}
	for _, l := range b.labels {
		if !slices.Contains(a.labels, l) {
			columns = append(columns, l)
		}
	}
	// The symbolic N cannot be joined with other axes. It is one of the stack instead, and summed over later.
	stack := slices.Clone(both)
	for _, group := range []*[]label{&rows, &columns, &inner} {
		if len(*group) < 2 {
			continue
		}
		for _, l := range slices.Clone(*group) {
			if a.extent(l) == graph.Batch || b.extent(l) == graph.Batch {
				stack = append(stack, l)
				*group = slices.DeleteFunc(*group, func(m label) bool { return m == l })
			}
		}
	}
	labels := slices.Concat(stack, rows, columns)
	if len(labels) > graph.MaxRank || len(stack)+2 > graph.MaxRank {
		return a, fmt.Errorf("a product on the way has %d axes, the most is %d", max(len(labels), len(stack)+2), graph.MaxRank)
	}
	var y *graph.Value
	if len(inner) == 0 {
		y = Mul(a.spread(labels), b.spread(labels))
	} else {
		x, w := a.matrices(stack, rows, inner), b.matrices(stack, inner, columns)
		y = MatMul(x, w)
		if !y.IsValid() {
			return labelled{y, labels}, nil
		}
		shape := y.Shape()[:len(stack)].Clone()
		for _, l := range rows {
			shape = append(shape, a.extent(l))
		}
		for _, l := range columns {
			shape = append(shape, b.extent(l))
		}
		y = Reshape(y, shape...)
	}
	if !y.IsValid() {
		return labelled{y, labels}, nil
	}
	return labelled{y, labels}.sumBut(keep), nil
}

// extent returns the extent of a label, 1 where t does not have it.
func (t labelled) extent(l label) int {
	if i := slices.Index(t.labels, l); i >= 0 {
		return t.v.Shape()[i]
	}
	return 1
}

// spread returns t with an axis for each of labels, of extent 1 where it has none.
func (t labelled) spread(labels []label) *graph.Value {
	own := slices.DeleteFunc(slices.Clone(labels), func(l label) bool { return !slices.Contains(t.labels, l) })
	shape := make([]int, len(labels))
	for i, l := range labels {
		shape[i] = t.extent(l)
	}
	return Reshape(t.inOrder(own).v, shape...)
}

// matrices returns t as a stack of matrices: an axis for each label of the stack, and one for all of each group.
func (t labelled) matrices(stack, rows, columns []label) *graph.Value {
	v := t.spread(slices.Concat(stack, rows, columns))
	if !v.IsValid() {
		return v
	}
	shape := v.Shape()[:len(stack)].Clone()
	for _, group := range [][]label{rows, columns} {
		n := 1
		for _, l := range group {
			if e := t.extent(l); len(group) == 1 {
				n = e
			} else {
				n *= e
			}
		}
		shape = append(shape, n)
	}
	return Reshape(v, shape...)
}
