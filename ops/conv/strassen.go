package conv

import (
	"neocog/internal/gemm"
	"neocog/internal/simd"
	"neocog/vm/kernel"
)

// Strassen computes 1×1 convolutions and dense layers as products of matrices, each by seven products of halves instead of eight:
//
//	M1 = (A11+A22)(B11+B22)   M2 = (A21+A22) B11   M3 = A11 (B12−B22)   M4 = A22 (B21−B11)
//	M5 = (A11+A12) B22        M6 = (A21−A11)(B11+B12)   M7 = (A12−A22)(B21+B22)
//
//	C11 = M1+M4−M5+M7   C12 = M3+M5   C21 = M2+M4   C22 = M1−M2+M3+M6
//
// One level: the seven products are those of package gemm. An odd row, column or term is done apart. Sums of quarters take 18 passes over quarters, and scratch
// memory of 5/4 of A, 5/4 of B and 7/4 of C, for one image at a time, so that it pays for large products alone, if at all: it is taken where it is asked for by
// name. See docs/performance.md.
//
// The error is relative to the largest elements of whole matrices, and halves of images, filters or channels meet: a small one beside a large one
// loses digits, and a NaN in one half reaches the other. Small integers come out exactly.
//
// Strassen, “Gaussian Elimination is not Optimal”, 1969; Higham, Accuracy and Stability of Numerical Algorithms, §23.2.2.
type Strassen struct {
	least int // rows, columns and terms that a product has at least, for tests; 0 is leastStrassen
}

// leastStrassen is the least extent of a product whose halves still fill the kernels of package gemm.
const leastStrassen = 128

// Name returns "strassen".
func (Strassen) Name() string { return "strassen" }

// Plan refuses what is no product of matrices, and small ones.
func (a Strassen) Plan(env *kernel.Env, p Problem) (kernel.Plan, error) {
	return a.PlanThen(env, p, nil)
}

// PlanThen is Plan with something to do with the outputs.
func (a Strassen) PlanThen(env *kernel.Env, p Problem, then Then) (kernel.Plan, error) {
	if _, err := kernel.Pick(p.DType, nil, nil); err != nil {
		return kernel.Plan{}, err
	}
	dense := p.R == p.H && p.S == p.W
	switch x, w, y := p.Lens(); {
	case p.Groups != 1 || p.Pad != [4]int{} || p.Dilation != [2]int{1, 1} || !dense && (p.R != 1 || p.S != 1 || p.Stride != [2]int{1, 1}):
		return kernel.Plan{}, Refuse(a, p, "only 1×1 filters and those of the size of the image, without stride, padding, dilation and groups")
	case min(x, w, y) == 0:
		return kernel.Plan{}, Refuse(a, p, "it is empty")
	}
	least := a.least
	if least == 0 {
		least = leastStrassen
	}
	m := productOf(p, dense)
	if min(m.m, m.n, m.k) < least {
		return kernel.Plan{}, Refuse(a, p, "the product of %d×%d and %d×%d matrices is too small, want extents of %d at least", m.m, m.k, m.k, m.n, least)
	}
	if p.DType.Size() == 4 {
		return planStrassen[float32](env, p, m, then), nil
	}
	return planStrassen[float64](env, p, m, then), nil
}

// A matrixProduct is C = A·B, m×n with sums of k terms, for each of some images, whose operands lie so far apart; or with sum the sum over images.
type matrixProduct struct {
	m, n, k             int
	a, b                factor
	images              int
	stepA, stepB, stepC int
	sum, dense          bool
}

// A factor is an input that lies as it is or transposed.
type factor struct {
	in, ld int
	trans  bool
}

func productOf(p Problem, dense bool) matrixProduct {
	if terms := p.C * p.R * p.S; dense {
		return [...]matrixProduct{
			Forward:    {m: p.N, n: p.K, k: terms, a: factor{0, terms, false}, b: factor{1, terms, true}, images: 1, dense: true},
			InputGrad:  {m: p.N, n: terms, k: p.K, a: factor{1, p.K, false}, b: factor{0, terms, false}, images: 1, dense: true},
			FilterGrad: {m: p.K, n: terms, k: p.N, a: factor{1, p.K, true}, b: factor{0, terms, false}, images: 1, dense: true},
		}[p.Pass]
	}
	pixels := p.H * p.W
	return [...]matrixProduct{
		Forward:    {m: p.K, n: pixels, k: p.C, a: factor{1, p.C, false}, b: factor{0, pixels, false}, images: p.N, stepB: p.C * pixels, stepC: p.K * pixels},
		InputGrad:  {m: p.C, n: pixels, k: p.K, a: factor{0, p.C, true}, b: factor{1, pixels, false}, images: p.N, stepB: p.K * pixels, stepC: p.C * pixels},
		FilterGrad: {m: p.K, n: p.C, k: pixels, a: factor{1, pixels, false}, b: factor{0, pixels, true}, images: p.N, stepA: p.K * pixels, stepB: p.C * pixels, sum: true},
	}[p.Pass]
}

// A quarterSum is a quarter, plus or minus another one; rows and columns are 0 or 1.
type quarterSum struct {
	row, col int
	sign     int // 0 is the first quarter alone
	row2     int
	col2     int
}

// strassenProducts are the operands of M1 … M7.
var strassenProducts = [7][2]quarterSum{
	{{0, 0, 1, 1, 1}, {0, 0, 1, 1, 1}},
	{{1, 0, 1, 1, 1}, {}},
	{{}, {0, 1, -1, 1, 1}},
	{{row: 1, col: 1}, {1, 0, -1, 0, 0}},
	{{0, 0, 1, 0, 1}, {row: 1, col: 1}},
	{{1, 0, -1, 0, 0}, {0, 0, 1, 0, 1}},
	{{0, 1, -1, 1, 1}, {1, 0, 1, 1, 1}},
}

// strassenSums say which of M1 … M7 each quarter of C adds and subtracts.
var strassenSums = [2][2][]struct{ sign, product int }{
	{{{1, 0}, {1, 3}, {-1, 4}, {1, 6}}, {{1, 2}, {1, 4}}},
	{{{1, 1}, {1, 3}}, {{1, 0}, {-1, 1}, {1, 2}, {1, 5}}},
}

// strassen is a product by halves.
//
//	shared memory: the sums of quarters of A, of B, by product; M[product][m/2][n/2]
type strassen[T kernel.Float] struct {
	matrixProduct
	p          Problem
	hm, hn, hk int
	parts      int // of the columns of a product
	then       Then
}

func planStrassen[T kernel.Float](env *kernel.Env, p Problem, m matrixProduct, then Then) kernel.Plan {
	s := &strassen[T]{matrixProduct: m, p: p, hm: m.m / 2, hn: m.n / 2, hk: m.k / 2, then: then}
	s.parts = max(1, min(4*max(env.Workers, 1), s.hn/32))
	plan := kernel.Plan{Shared: kernel.SizeOf(p.DType, 7*(s.hm*s.hk+s.hk*s.hn+s.hm*s.hn))}
	flops := p.FLOPs() / int64(s.images)
	for i := range s.images {
		plan.Steps = append(plan.Steps,
			kernel.Step{N: 2 * 7 * sumParts, Grain: grain(flops/16, 2*7*sumParts), Run: s.addQuarters(i)},
			kernel.Step{N: 7 * s.parts, Grain: grain(flops, 7*s.parts), Run: s.multiply(i)},
			kernel.Step{N: s.hm, Grain: grain(flops/16, s.hm), Run: s.addProducts(i)},
		)
	}
	return plan
}

// sumParts is how many parts a sum of quarters is cut into, by rows.
const sumParts = 4

// quarter returns where a quarter of an operand begins; its rows are rows of the stored matrix.
func (o factor) quarter(row, col, h, w int) int {
	if o.trans {
		row, col, h, w = col, row, w, h
	}
	return row*h*o.ld + col*w
}

// operands returns an input of an image, and the place for the sums of product i, rows of which are those of the stored matrix, and how many there are.
func (s *strassen[T]) operands(c *kernel.Call, image, side, i int) (o factor, in, sum []T, h, w, rows, cols int) {
	o, step, h, w := s.a, s.stepA, s.hm, s.hk
	at := i * s.hm * s.hk
	if side == 1 {
		o, step, h, w = s.b, s.stepB, s.hk, s.hn
		at = 7*s.hm*s.hk + i*s.hk*s.hn
	}
	rows, cols = h, w
	if o.trans {
		rows, cols = w, h
	}
	return o, kernel.In[T](c, o.in)[image*step:], kernel.Shared[T](c, at, h*w), h, w, rows, cols
}

// addQuarters adds quarters of A and B. Items are parts of the rows, of both operands of each product.
func (s *strassen[T]) addQuarters(image int) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		for i := lo; i < hi; i++ {
			product, side := i/sumParts/2, i/sumParts%2
			q := strassenProducts[product][side]
			if q.sign == 0 || side == 0 && s.stepA == 0 && image > 0 { // A is that of the image before
				continue
			}
			o, in, sum, h, w, rows, cols := s.operands(c, image, side, product)
			x, y := in[o.quarter(q.row, q.col, h, w):], in[o.quarter(q.row2, q.col2, h, w):]
			r0, r1 := share(rows, sumParts, i%sumParts)
			for r := r0; r < r1; r++ {
				to, x, y := sum[r*cols:][:cols], x[r*o.ld:][:cols], y[r*o.ld:][:cols]
				if q.sign > 0 {
					simd.Add(to, x, y)
				} else {
					simd.Sub(to, x, y)
				}
			}
		}
	}
}

// products returns M of product i.
func (s *strassen[T]) products(c *kernel.Call, i int) []T {
	return kernel.Shared[T](c, 7*(s.hm*s.hk+s.hk*s.hn)+i*s.hm*s.hn, s.hm*s.hn)
}

// multiply computes M1 … M7. Items are parts of their columns.
func (s *strassen[T]) multiply(image int) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		for i := lo; i < hi; i++ {
			product := i / s.parts
			var of [2][]T
			var ld [2]int
			for side := range of {
				q := strassenProducts[product][side]
				o, in, sum, h, w, _, cols := s.operands(c, image, side, product)
				if of[side], ld[side] = sum, cols; q.sign == 0 {
					of[side], ld[side] = in[o.quarter(q.row, q.col, h, w):], o.ld
				}
			}
			j0, j1 := share(s.hn, s.parts, i%s.parts)
			b := of[1][j0:]
			if s.b.trans {
				b = of[1][j0*ld[1]:]
			}
			gemm.Gemm(s.a.trans, s.b.trans, s.hm, j1-j0, s.hk, of[0], ld[0], b, ld[1], 0, s.products(c, product)[j0:], s.hn)
		}
	}
}

// addProducts adds M1 … M7 up to rows of C, and what halves leave out. Items are rows of the upper half, each with that of the lower half; the last one has an odd row besides.
func (s *strassen[T]) addProducts(image int) kernel.Kernel {
	add := s.sum && image > 0
	return func(c *kernel.Call, lo, hi int) {
		out := kernel.Out[T](c, 0)[image*s.stepC:]
		for i := lo; i < hi; i++ {
			for half := range 2 {
				row := half*s.hm + i
				for right := range 2 {
					to := out[row*s.n+right*s.hn:][:s.hn]
					for j, t := range strassenSums[half][right] {
						m := s.products(c, t.product)[i*s.hn:][:s.hn]
						switch {
						case j == 0 && !add:
							copy(to, m)
						case t.sign > 0:
							simd.Add(to, to, m)
						default:
							simd.Sub(to, to, m)
						}
					}
				}
				s.rest(c, image, out, row, add)
			}
			if i == s.hm-1 && s.m%2 > 0 {
				s.product(c, image, out, s.m-1, 0, s.n, 0, s.k, add)
				s.finish(c, image, out, s.m-1)
			}
		}
	}
}

// rest adds an odd term to a row, computes its odd column, and finishes it.
func (s *strassen[T]) rest(c *kernel.Call, image int, out []T, row int, add bool) {
	if s.k%2 > 0 {
		s.product(c, image, out, row, 0, 2*s.hn, s.k-1, s.k, true)
	}
	if s.n%2 > 0 {
		s.product(c, image, out, row, s.n-1, s.n, 0, s.k, add)
	}
	s.finish(c, image, out, row)
}

// product multiplies terms k0 … k1-1 of columns j0 … j1-1 of a row.
func (s *strassen[T]) product(c *kernel.Call, image int, out []T, row, j0, j1, k0, k1 int, add bool) {
	at := func(o factor, row, col int) int {
		if o.trans {
			row, col = col, row
		}
		return row*o.ld + col
	}
	beta := T(0)
	if add {
		beta = 1
	}
	a, b := kernel.In[T](c, s.a.in)[image*s.stepA:], kernel.In[T](c, s.b.in)[image*s.stepB:]
	gemm.Gemm(s.a.trans, s.b.trans, 1, j1-j0, k1-k0, a[at(s.a, row, k0):], s.a.ld, b[at(s.b, k0, j0):], s.b.ld, beta, out[row*s.n+j0:], s.n)
}

// finish adds the bias to a row of the output, and does what is to be done with it.
func (s *strassen[T]) finish(c *kernel.Call, image int, out []T, row int) {
	if s.p.Pass != Forward {
		return
	}
	y := out[row*s.n:][:s.n]
	switch bias := s.p.Bias; {
	case bias && s.dense:
		simd.Add(y, y, kernel.In[T](c, 2)[:s.n])
	case bias:
		shift := kernel.In[T](c, 2)[row]
		for i := range y {
			y[i] += shift
		}
	}
	if s.dense {
		s.then.finish(c, &s.p, row, 0, s.p.K, 0, 1, 0, 1)
	} else {
		s.then.finish(c, &s.p, image, row, row+1, 0, s.p.H, 0, s.p.W)
	}
}
