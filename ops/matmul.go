package ops

import (
	"fmt"

	"neocog/graph"
	"neocog/internal/gemm"
	"neocog/vm/kernel"
)

// MatMul returns the product of two matrices.
//
//	a   float [M, K]     b   [K, N], elements as a's
//	y   [M, N]           y[i,j] = Σ_l a[i,l]·b[l,j]
//	da  = dy·bᵀ, db = aᵀ·dy
//
// Each extent may be symbolic. With K = 0 the product is zero. 0·Inf and 0·NaN
// are NaN. ONNX MatMul, for two dimensions.
func MatMul(a, b *graph.Value) *graph.Value { return graph.Apply(matMul{}, a, b) }

// Trans says which operands of Gemm are transposed first.
type Trans struct{ A, B bool }

// Gemm returns op(a)·op(b) + c, where op transposes if trans says so.
//
//	a   float [M, K], or [K, M] if trans.A
//	b   [K, N], or [N, K] if trans.B
//	c   anything that broadcasts to [M, N], such as a bias [N]
//	y   [M, N]
//
// It is a MatMul and an Add. ONNX Gemm with alpha = beta = 1.
func Gemm(a, b, c *graph.Value, trans Trans) *graph.Value {
	return Add(graph.Apply(matMul{trans.A, trans.B}, a, b), c)
}

// Linear returns x·wᵀ + b, the fully connected layer.
//
//	x   float [N, in]
//	w   [out, in]: a row for each result, as in PyTorch's Linear
//	b   [out]
//	y   [N, out]
//	dx  = dy·w, dw = dyᵀ·x, db = Σ_n dy[n]
func Linear(x, w, b *graph.Value) *graph.Value { return Gemm(x, w, b, Trans{B: true}) }

type matMul struct{ TransA, TransB bool }

func (matMul) Name() string { return "MatMul" }

func (matMul) Operands() []string { return operandsAB }

func (o matMul) Infer(in []graph.Type) ([]graph.Type, error) {
	if err := arity(in, 2); err != nil {
		return nil, err
	}
	a, b := in[0], in[1]
	for i, t := range in {
		if err := isFloat(t); err != nil {
			return nil, err
		}
		if err := rank(operandsAB[i], t, 2, "a matrix"); err != nil {
			return nil, err
		}
	}
	if err := sameDType(in); err != nil {
		return nil, err
	}
	m, ka := matrix(a.Shape, o.TransA)
	kb, n := matrix(b.Shape, o.TransB)
	if ka != kb {
		return nil, fmt.Errorf("a%s is %v, b%s is %v: %s columns of a meet %s rows of b, want as many",
			transposed(o.TransA), graph.Shape{m, ka}, transposed(o.TransB), graph.Shape{kb, n}, extent(ka), extent(kb))
	}
	return []graph.Type{graph.Of(a.DType, m, n)}, nil
}

// matrix returns the rows and columns of a matrix after its transposition, if any.
func matrix(s graph.Shape, trans bool) (rows, cols int) {
	if trans {
		return s[1], s[0]
	}
	return s[0], s[1]
}

func transposed(trans bool) string {
	if trans {
		return "ᵀ"
	}
	return ""
}

func (o matMul) Plan(_ *kernel.Env, in, out []graph.Type) (kernel.Plan, error) {
	p := product{trans: o, lda: in[0].Shape[1], ldb: in[1].Shape[1]}
	p.m, p.k = matrix(in[0].Shape, o.TransA)
	_, p.n = matrix(in[1].Shape, o.TransB)
	k, err := kernel.Pick(in[0].DType, matMulRun[float32](p), matMulRun[float64](p))
	plan := kernel.One(max(p.m, p.n), grainOf(p.k*min(p.m, p.n)/8), k)
	if p.m == 0 || p.n == 0 {
		plan = kernel.One(0, 1, k)
	}
	plan.FLOPs = 2 * int64(p.m) * int64(p.n) * int64(p.k)
	return plan, err
}

func (o matMul) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	a, b := n.In(0), n.In(1)
	var da, db *graph.Value
	if o.TransA { // dA is the transpose of dY·op(B)ᵀ
		da = graph.Apply(matMul{o.TransB, true}, b, dy[0])
	} else {
		da = graph.Apply(matMul{false, !o.TransB}, dy[0], b)
	}
	if o.TransB { // dB is the transpose of op(A)ᵀ·dY
		db = graph.Apply(matMul{true, o.TransA}, dy[0], a)
	} else {
		db = graph.Apply(matMul{!o.TransA, false}, a, dy[0])
	}
	return []*graph.Value{da, db}
}

// product is one matrix product: [m, k]·[k, n], and the lengths of the rows of
// a and b in memory.
type product struct {
	trans    matMul
	m, n, k  int
	lda, ldb int
}

// matMulRun computes rows lo … hi-1 of the product, or columns where those are
// more. An element has the same bits either way, see package gemm.
func matMulRun[T kernel.Float](p product) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		if lo >= hi {
			return
		}
		a, b, y := kernel.In[T](c, 0), kernel.In[T](c, 1), kernel.Out[T](c, 0)
		m, n := p.m, p.n
		if p.m >= p.n {
			m, a, y = hi-lo, a[offset(lo, p.lda, p.trans.TransA, len(a)):], y[lo*p.n:]
		} else {
			n, b, y = hi-lo, b[offset(lo, p.ldb, !p.trans.TransB, len(b)):], y[lo:]
		}
		gemm.Gemm(p.trans.TransA, p.trans.TransB, m, n, p.k, a, p.lda, b, p.ldb, 0, y, p.n)
	}
}

// offset returns where row i of a matrix begins, or column i if it is columns
// which are asked for; size where the matrix is empty.
func offset(i, ld int, column bool, size int) int {
	if column {
		return min(i, size)
	}
	return min(i*ld, size)
}
