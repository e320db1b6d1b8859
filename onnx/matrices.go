package onnx

import (
	"neocog/graph"
	"neocog/ops"
)

// matrices are products of matrices.
var matrices = []rule{
	{op: "MatMul", from: 6, in: [2]int{2, 2}, build: matMul},
	{op: "Einsum", from: 12, in: [2]int{1, -1}, attributes: []string{"equation"}, build: einsum},
	{op: "Gemm", from: 6, in: [2]int{2, 3}, attributes: []string{"alpha", "beta", "transA", "transB", "broadcast"}, build: gemm},
}

// matMul multiplies matrices; vectors count as a row on the left and as a column on
// the right.
func matMul(c *call) []*graph.Value {
	a, b := c.float(0), c.float(1)
	ra, rb := a.Shape().Rank(), b.Shape().Rank()
	if ra == 0 || rb == 0 {
		c.refuse("the operands are %v and %v, want no scalars", a.Type(), b.Type())
	}
	if ra <= 2 && rb <= 2 {
		if ra == 1 {
			a = ops.Reshape(a, 1, a.Shape()[0])
		}
		if rb == 1 {
			b = ops.Reshape(b, b.Shape()[0], 1)
		}
		y := ops.MatMul(a, b)
		if !y.IsValid() {
			return one(y)
		}
		shape := y.Shape().Clone()
		if rb == 1 {
			shape = shape[:len(shape)-1]
		}
		if ra == 1 {
			shape = shape[1:]
		}
		return one(ops.Reshape(y, shape...))
	}
	// Many matrices times one are one product of a tall matrix.
	if rb == 2 {
		s := a.Shape()
		rows, ok := joined(s[:ra-1])
		if !ok {
			c.symbolic(a)
		}
		y := ops.MatMul(ops.Reshape(a, rows, s[ra-1]), b)
		return one(ops.Reshape(y, append(s[:ra-1].Clone(), b.Shape()[1])...))
	}
	return one(c.products(a, b))
}

// maxProducts is how many products of matrices one MatMul may become.
const maxProducts = 1 << 10

// products multiplies batches of matrices, which broadcast, one by one.
func (c *call) products(a, b *graph.Value) *graph.Value {
	matrix := func(v *graph.Value) *graph.Value {
		if v.Shape().Rank() == 1 {
			return ops.Reshape(v, append(v.Shape().Clone(), 1)...)
		}
		return v
	}
	if a.Shape().Rank() == 1 {
		a = ops.Reshape(a, 1, a.Shape()[0])
		y := c.products(a, b)
		s := y.Shape()
		return ops.Reshape(y, append(s[:len(s)-2].Clone(), s[len(s)-1])...)
	}
	vector := b.Shape().Rank() == 1
	b = matrix(b)
	sa, sb := a.Shape(), b.Shape()
	c.size(a)
	c.size(b)
	batch := graph.Shape{}
	for i := max(len(sa), len(sb)) - 2; i > 0; i-- {
		m, n := 1, 1
		if j := len(sa) - 2 - i; j >= 0 {
			m = sa[j]
		}
		if j := len(sb) - 2 - i; j >= 0 {
			n = sb[j]
		}
		if m != n && m != 1 && n != 1 {
			c.refuse("the operands are %v and %v, which do not go together", a.Type(), b.Type())
		}
		if m == 1 {
			m = n
		}
		batch = append(batch, m)
	}
	count := batch.Size()
	if count < 1 || count > maxProducts {
		c.refuse("the operands are %v and %v: %d products, want 1 to %d", a.Type(), b.Type(), count, maxProducts)
	}
	all := func(v *graph.Value) *graph.Value {
		s := v.Shape()
		m := s[len(s)-2:]
		return ops.Reshape(ops.BroadcastTo(v, append(batch.Clone(), m...)...), count, m[0], m[1])
	}
	a, b = all(a), all(b)
	one := func(v *graph.Value, i int) *graph.Value {
		return ops.Reshape(ops.Slice(v, 0, i, i+1), v.Shape()[1], v.Shape()[2])
	}
	var list []*graph.Value
	for i := range count {
		y := ops.MatMul(one(a, i), one(b, i))
		if !y.IsValid() {
			return y
		}
		list = append(list, ops.Reshape(y, 1, y.Shape()[0], y.Shape()[1]))
	}
	y := list[0]
	if count > 1 {
		y = ops.Concat(0, list...)
	}
	s := append(batch.Clone(), y.Shape()[1:]...)
	if vector {
		s = s[:len(s)-1]
	}
	return ops.Reshape(y, s...)
}

// joined returns the product of extents, of which one may be symbolic if the others
// are 1.
func joined(s graph.Shape) (n int, ok bool) {
	size, symbolic := 1, 0
	for _, d := range s {
		if d == graph.Batch {
			symbolic++
		} else {
			size *= d
		}
	}
	switch {
	case symbolic == 0:
		return size, true
	case symbolic == 1 && size == 1:
		return graph.Batch, true
	}
	return 0, false
}

// gemm is alpha·A·B + beta·C, where C broadcasts.
func gemm(c *call) []*graph.Value {
	a, b := c.float(0), c.float(1)
	for i, v := range []*graph.Value{a, b} {
		if v.Shape().Rank() != 2 {
			c.refuse("operand %d is %v, want a matrix", i, v.Type())
		}
	}
	y := product(a, b, ops.Trans{A: c.attrInt("transA", 0) != 0, B: c.attrInt("transB", 0) != 0})
	y = ops.Scale(y, c.attrFloat("alpha", 1))
	if c.has(2) {
		if beta := c.attrFloat("beta", 1); beta != 0 {
			y = ops.Add(y, ops.Scale(c.float(2), beta))
		}
	}
	return one(y)
}

// product returns the product of matrices, transposed first as trans says: what a
// Gemm adds to. The addition itself is dead, and dropped with all that no output
// needs.
func product(a, b *graph.Value, trans ops.Trans) *graph.Value {
	y := ops.Gemm(a, b, a.Graph().Scalar(a.DType(), 0), trans)
	if !y.IsValid() {
		return y
	}
	return y.Node().In(0)
}
