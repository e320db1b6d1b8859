package onnx

import (
	"neocog/graph"
	"neocog/ops"
)

// matrices are products of matrices.
var matrices = []rule{
	{op: "MatMul", from: 6, in: [2]int{2, 2}, build: matMul},
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
	c.refuse("the operands are %v and %v; batches of matrices times batches of matrices are not known", a.Type(), b.Type())
	return nil
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
