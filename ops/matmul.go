package ops

import (
	"fmt"
	"unsafe"

	"neocog/graph"
	"neocog/internal/gemm"
	"neocog/vm/kernel"
)

// MatMul returns the product of two matrices, or of stacks of them.
//
//	a   float [..., M, K], or [K]: a row
//	b   [..., K, N], elements as a's, or [K]: a column
//	y   [..., M, N]      y[…,i,j] = Σ_l a[…,i,l]·b[…,l,j]
//	da  = dy·bᵀ, db = aᵀ·dy, summed over what was stretched
//
// The extents before the last two broadcast. y lacks M where a is a row, and N where b
// is a column. Each extent may be symbolic. With K = 0 the product is zero. 0·Inf and 0·NaN
// are NaN. ONNX MatMul, numpy.matmul.
func MatMul(a, b *graph.Value) *graph.Value {
	if !a.IsValid() || !b.IsValid() || a.Graph() != b.Graph() || min(a.Shape().Rank(), b.Shape().Rank()) == 0 {
		return graph.Apply(matMul{}, a, b)
	}
	switch ra, rb := a.Shape().Rank(), b.Shape().Rank(); {
	case ra == 1:
		return squeezed(MatMul(Unsqueeze(a, 0), b), -2, rb)
	case rb == 1:
		return squeezed(MatMul(a, Unsqueeze(b, 1)), -1, ra)
	case ra > 2 && rb == 2 && a.Shape()[:ra-1].IsStatic() && a.Shape()[ra-1] == b.Shape()[0]:
		// One tall product, whose gradient is that of one, too.
		s := a.Shape()
		y := graph.Apply(matMul{}, Reshape(a, s[:ra-1].Size(), s[ra-1]), b)
		if !y.IsValid() {
			return y
		}
		return Reshape(y, append(s[:ra-1].Clone(), y.Shape()[1])...)
	}
	return graph.Apply(matMul{}, a, b)
}

// squeezed drops an axis of y that stands for that of a vector, whose other operand had so many dimensions.
func squeezed(y *graph.Value, axis, rank int) *graph.Value {
	if !y.IsValid() {
		return y
	}
	if rank == 1 {
		axis = -1 // the other one is gone
	}
	return Squeeze(y, axis)
}

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
		if r := t.Shape.Rank(); r < 2 {
			return nil, fmt.Errorf("%s has %d dimensions, want at least 2: a matrix", operandsAB[i], r)
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
	stack, err := broadcastShape(stackOf(a.Shape), stackOf(b.Shape))
	if err != nil {
		return nil, fmt.Errorf("stacks of matrices: %w", err)
	}
	return []graph.Type{graph.Of(a.DType, append(stack, m, n)...)}, nil
}

// matrix returns the rows and columns of a matrix after its transposition, if any.
func matrix(s graph.Shape, trans bool) (rows, cols int) {
	r := len(s)
	if trans {
		return s[r-1], s[r-2]
	}
	return s[r-2], s[r-1]
}

// stackOf returns the extents before those of a matrix.
func stackOf(s graph.Shape) graph.Shape { return s[:len(s)-2] }

func transposed(trans bool) string {
	if trans {
		return "ᵀ"
	}
	return ""
}

func (o matMul) Plan(_ *kernel.Env, in, out []graph.Type) (kernel.Plan, error) {
	p, products := o.product(in, out[0])
	k, err := kernel.Pick(in[0].DType, matMulRun[float32](p), matMulRun[float64](p))
	plan := kernel.One(products*max(p.m, p.n), grainOf(p.k*min(p.m, p.n)/8), k)
	if p.m == 0 || p.n == 0 {
		plan = kernel.One(0, 1, k)
	}
	plan.FLOPs = p.flops(products)
	return plan, err
}

// product returns what is to be computed for these types, and how often.
func (o matMul) product(in []graph.Type, out graph.Type) (p product, products int) {
	x, w, y := in[0].Shape, in[1].Shape, stackOf(out.Shape)
	p = product{trans: o, lda: x[len(x)-1], ldb: w[len(w)-1]}
	p.m, p.k = matrix(x, o.TransA)
	_, p.n = matrix(w, o.TransB)
	p.stack = newNest(y, stretched(stackOf(x), y), stretched(stackOf(w), y))
	return p, y.Size()
}

func (p product) flops(products int) int64 {
	return 2 * int64(products) * int64(p.m) * int64(p.n) * int64(p.k)
}

// PlanTiles has tiles that fit the second cache.
func (o matMul) PlanTiles(_ *kernel.Env, in, out []graph.Type, use kernel.TileKernel) (kernel.Plan, error) {
	p, products := o.product(in, out[0])
	t := tiling{rows: min(32, p.m)}
	if p.k > 64 { // what tiles read weighs more
		t.rows = min(128, p.m)
	}
	t.cols = min(p.n, tileElements/max(t.rows, 1))
	t.rows = min(p.m, tileElements/max(t.cols, 1))
	if p.m == 0 || p.n == 0 {
		return kernel.Plan{}, nil
	}
	t.down, t.across = (p.m+t.rows-1)/t.rows, (p.n+t.cols-1)/t.cols
	k, err := kernel.Pick(in[0].DType, matMulTiles[float32](p, t, use), matMulTiles[float64](p, t, use))
	plan := kernel.One(products*t.down*t.across, 1, k)
	plan.Local = tileElements * in[0].DType.Size()
	plan.FLOPs = p.flops(products)
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
	return []*graph.Value{sumTo(da, a), sumTo(db, b)}
}

// product is a stack of matrix products [m, k]·[k, n], and the lengths of the rows of
// a and b in memory.
type product struct {
	trans    matMul
	m, n, k  int
	lda, ldb int
	stack    nest // over the products, in a and in b
}

// matMulRun computes rows lo … hi-1 of the products, counted over all of them, or columns where those are
// more. An element has the same bits either way, see package gemm.
func matMulRun[T kernel.Float](p product) kernel.Kernel {
	lines := max(p.m, p.n)
	return func(c *kernel.Call, lo, hi int) {
		if lo >= hi {
			return
		}
		a, b, y := kernel.In[T](c, 0), kernel.In[T](c, 1), kernel.Out[T](c, 0)
		for at := p.stack.place(lo / lines); lo < hi; p.stack.forward(&at, 1) {
			i := lo / lines
			first := lo - i*lines
			end := min(lines, first+hi-lo)
			productLines(p, a[at.off[0]*p.m*p.k:][:p.m*p.k], b[at.off[1]*p.k*p.n:][:p.k*p.n], y[i*p.m*p.n:][:p.m*p.n], first, end)
			lo += end - first
		}
	}
}

// productLines computes rows or columns lo … hi-1 of one product.
func productLines[T kernel.Float](p product, a, b, y []T, lo, hi int) {
	m, n := p.m, p.n
	if p.m >= p.n {
		m, a, y = hi-lo, a[offset(lo, p.lda, p.trans.TransA, len(a)):], y[lo*p.n:]
	} else {
		n, b, y = hi-lo, b[offset(lo, p.ldb, !p.trans.TransB, len(b)):], y[lo:]
	}
	gemm.Gemm(p.trans.TransA, p.trans.TransB, m, n, p.k, a, p.lda, b, p.ldb, 0, y, p.n)
}

// tileElements is the size of a tile at most: 256 KiB of float32.
const tileElements = 1 << 16

// A tiling cuts a product's result into tiles of rows×cols, so many down and across.
type tiling struct{ rows, cols, down, across int }

// matMulTiles computes tiles lo … hi-1, counted downwards first, over all products, and hands their rows to use.
func matMulTiles[T kernel.Float](p product, t tiling, use kernel.TileKernel) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		a, b, y := kernel.In[T](c, 0), kernel.In[T](c, 1), kernel.Local[T](c, 0, tileElements)
		for ; lo < hi; lo++ {
			which := lo / (t.down * t.across)
			i, j := lo%t.down*t.rows, lo/t.down%t.across*t.cols
			m, n := min(t.rows, p.m-i), min(t.cols, p.n-j)
			at := p.stack.place(which)
			x, w := a[at.off[0]*p.m*p.k:][:p.m*p.k], b[at.off[1]*p.k*p.n:][:p.k*p.n]
			gemm.Gemm(p.trans.TransA, p.trans.TransB, m, n, p.k, x[offset(i, p.lda, p.trans.TransA, len(x)):], p.lda, w[offset(j, p.ldb, !p.trans.TransB, len(w)):], p.ldb, 0, y, n)
			first := (which*p.m+i)*p.n + j
			if n == p.n { // whole rows lie together
				use(c, unsafe.Pointer(&y[0]), first, first+m*n)
				continue
			}
			for r := range m {
				use(c, unsafe.Pointer(&y[r*n]), first+r*p.n, first+r*p.n+n)
			}
		}
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
