package ops

import (
	"fmt"

	"neocog/graph"
	"neocog/internal/simd"
	"neocog/vm/kernel"
)

// lrnGrad is the gradient of y of LRN with respect to x; what s contributes to it
// is in it.
//
//	x [N, C, ...]   s, dy like x   →   dx = dy·p − 2αβ·x·Bᵀ(dy·x·p/s),  p = s^−β
//
// B sums neighbouring channels as LRN does, Bᵀ those whose sum has a channel in
// it.
type lrnGrad struct{ LocalResponse }

func (lrnGrad) Name() string { return "LRNGrad" }

func (lrnGrad) Operands() []string { return []string{"x", "s", "dy"} }

func (o lrnGrad) Infer(in []graph.Type) ([]graph.Type, error) {
	if err := arity(in, 3); err != nil {
		return nil, err
	}
	if err := o.check(in[0]); err != nil {
		return nil, err
	}
	for i, t := range in[1:] {
		if !t.Equal(in[0]) {
			return nil, fmt.Errorf("%s is %v, x is %v, want the same", o.Operands()[1+i], t, in[0])
		}
	}
	return in[:1], nil
}

func (o lrnGrad) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	b := newBands(in[0], o.Size-1-o.before(), o.before())
	p, err := b.plan(in[0].DType, lrnGradRun[float32](b, o.LocalResponse), lrnGradRun[float64](b, o.LocalResponse))
	p.InPlace = []int{3}
	return p, err
}

// VJP takes s as an input of its own. With q = dy·x·p/s and h given, it
// differentiates
//
//	L = Σ h·dy·p − 2αβ·h·x·Bᵀq
//
// u being B(h·x), for Σ (h·x)·Bᵀq = Σ u·q:
//
//	∂x  = −2αβ·(h·Bᵀq + u·dy·p/s)
//	∂s  = −β·h·dy·p/s + 2αβ(β+1)·u·q/s        since ∂p/∂s = −β·p/s, ∂(p/s)/∂s = −(β+1)·p/s²
//	∂dy = h·p − 2αβ·u·x·p/s
func (o lrnGrad) VJP(n *graph.Node, d []*graph.Value) []*graph.Value {
	x, s, dy, h := n.In(0), n.In(1), n.In(2), d[0]
	p := Exp(Scale(Log(s), -o.Beta))
	ps := Div(p, s)
	q, u := Mul(Mul(dy, x), ps), o.sum(Mul(h, x))
	c := 2 * o.Alpha * o.Beta

	dx := Scale(Add(Mul(h, o.sumBack(q)), Mul(Mul(u, dy), ps)), -c)
	ds := Add(Scale(Mul(Mul(h, dy), ps), -o.Beta), Scale(Mul(u, Div(q, s)), c*(o.Beta+1)))
	ddy := Sub(Mul(h, p), Scale(Mul(Mul(u, x), ps), c))
	return []*graph.Value{dx, ds, ddy}
}

// The sums of b are those of Bᵀ.
func lrnGradRun[T kernel.Float](b bands, r LocalResponse) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		x, s, dy, dx := kernel.In[T](c, 0), kernel.In[T](c, 1), kernel.In[T](c, 2), kernel.Out[T](c, 0)
		slope := T(-2 * r.Alpha * r.Beta)
		for i := lo; i < hi; i++ {
			at, w := b.tile(i)
			quotients, spare := local[T](c, b, w)
			for ch := range b.channels {
				from := at + ch*b.pixels
				x, s, dx, q := x[from:][:w], s[from:][:w], dx[from:][:w], quotients[ch*w:(ch+1)*w]
				inversePower(spare[1], s, spare[2], r.Beta)
				simd.Mul(dx, dy[from:][:w], spare[1]) // where dy may be
				simd.Mul(q, dx, x)
				simd.Div(q, q, s)
			}
			sums, sum := newSweep(b, quotients, spare[0]), spare[1]
			for ch := range b.channels {
				from := at + ch*b.pixels
				sums.next(sum)
				simd.Mul(sum, sum, x[from:][:w])
				simd.Axpy(slope, sum, dx[from:][:w])
			}
		}
	}
}
