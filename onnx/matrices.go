package onnx

import (
	"neocog/graph"
	"neocog/ops"
)

// matrices are products of matrices.
var matrices = []rule{
	{op: "MatMul", from: 6, in: [2]int{2, 2}, build: func(c *call) []*graph.Value { return one(ops.MatMul(c.float(0), c.float(1))) }},
	{op: "Einsum", from: 12, in: [2]int{1, -1}, attributes: []string{"equation"}, build: func(c *call) []*graph.Value {
		var xs []*graph.Value
		for i := range c.n.Input {
			if !c.has(i) {
				c.refuse("operand %d is missing", i)
			}
			xs = append(xs, c.float(i))
		}
		return one(ops.Einsum(c.attrString("equation", ""), xs...))
	}},
	{op: "Gemm", from: 6, in: [2]int{2, 3}, attributes: []string{"alpha", "beta", "transA", "transB", "broadcast"}, build: gemm},
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

// gemm is alpha·A·B + beta·C, where C stretches to A·B.
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
		k := c.stretching(2, y)
		if beta := c.attrFloat("beta", 1); beta != 0 {
			y = ops.Add(y, ops.Scale(k, beta))
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
