package autodiff

import (
	"fmt"

	"neocog/graph"
	"neocog/ops"
)

// VJP extends the graph with the vector-Jacobian product Σᵢ dys[i]·∂ys[i]/∂wrt[k] for each k:
// what Gradients is for a scalar and dy = 1.
//
//	ys      float [...], at least one, of one graph
//	dys     one for each of ys, of its type
//	wrt     float values of the graph
//	result  one for each of wrt, of its type; zero where no y depends on it
//
// dys count as constants, whatever they were computed from; the result can be
// differentiated by them. Mistakes are kept by the graph, as those of Gradients are.
func VJP(ys, dys []*graph.Value, wrt ...*graph.Value) []*graph.Value {
	g := graphOf(ys)
	if !matching(g, "VJP", "y", ys, "dy", dys) {
		return invalid(g, len(wrt))
	}
	r := &reverse{name: "VJP", g: g, of: ys}
	return r.run(wrt, func(i int) *graph.Value { return dys[i] })
}

// JVP extends the graph with the Jacobian-vector product Σₖ ∂ys[i]/∂wrt[k]·v[k] for each i:
// the slope of ys along v, by what is called forward mode elsewhere.
//
//	ys      float [...], at least one, of one graph
//	wrt     float values of the graph
//	v       one for each of wrt, of its type
//	result  one for each of ys, of its type
//
// It is the gradient of a gradient: u ↦ VJP(ys, u, wrt) is linear in u, and its own
// vector-Jacobian product by v is the Jacobian times v. So no op needs a second rule, and
// any op whose gradient has a gradient has a JVP. J. Townsend, “A new trick for calculating
// Jacobian vector products”, 2017. What the first VJP computes of ys' values alone is kept, the rest is not
// read and falls away when the graph is compiled.
func JVP(ys, wrt, v []*graph.Value) []*graph.Value {
	g := graphOf(ys)
	if !matching(g, "JVP", "wrt", wrt, "v", v) || !floats(g, "JVP", "y", ys) {
		return invalid(g, len(ys))
	}
	u := make([]*graph.Value, len(ys))
	for i, y := range ys {
		u[i] = ops.ZerosLike(y) // any: nothing reads it
	}
	return VJP(VJP(ys, u, wrt...), v, u...)
}

// HVP extends the graph with the product of the Hessian of loss and the vector v:
// Σₗ ∂²loss/∂wrt[k]∂wrt[l]·v[l] for each k.
//
//	loss    float scalar
//	wrt     float values of its graph
//	v       one for each of wrt, of its type
//	result  one for each of wrt, of its type
//
// It is the vector-Jacobian product of the gradient, reverse over reverse: the Hessian is
// symmetric, so that v·H is H·v. About twice the work of a gradient, and never the matrix.
// Where a derivative jumps, as that of ReLU at 0, the result is that of the piece on which
// the gradient is. v counts as a constant. B. Pearlmutter, “Fast Exact Multiplication by the
// Hessian”, Neural Computation 6(1), 1994.
func HVP(loss *graph.Value, wrt, v []*graph.Value) []*graph.Value {
	g := graphOf(append([]*graph.Value{loss}, wrt...))
	if !matching(g, "HVP", "wrt", wrt, "v", v) {
		return invalid(g, len(wrt))
	}
	return VJP(Gradients(loss, wrt...), v, wrt...)
}

// JacobianRow extends the graph with ∂y[at]/∂wrt[k] for each k: the gradient of one element
// of y, a row of its Jacobian.
//
//	y       float [...]; its extents must be known
//	at      the index of the element, one number for each axis
//	result  one for each of wrt, of its type
func JacobianRow(y *graph.Value, at []int, wrt ...*graph.Value) []*graph.Value {
	g := graphOf([]*graph.Value{y})
	if !floats(g, "JacobianRow", "y", []*graph.Value{y}) {
		return invalid(g, len(wrt))
	}
	s := y.Shape()
	if err := within(at, s); err != nil {
		g.Errorf("JacobianRow", "%v is %v: %w", y, y.Type(), err)
		return invalid(g, len(wrt))
	}
	i := 0
	for axis, k := range at {
		i = i*s[axis] + k
	}
	return Gradients(ops.Sum(ops.Slice(ops.Reshape(y, s.Size()), 0, i, i+1)), wrt...)
}

func within(at []int, s graph.Shape) error {
	if !s.IsStatic() {
		return fmt.Errorf("a row of the Jacobian wants a shape without the symbolic N")
	}
	if len(at) != len(s) {
		return fmt.Errorf("the index %v has %d numbers, want %d", at, len(at), len(s))
	}
	for axis, k := range at {
		if k < 0 || k >= s[axis] {
			return fmt.Errorf("the index %v is %d along axis %d, want 0 to %d", at, k, axis, s[axis]-1)
		}
	}
	return nil
}

// Jacobian extends the graph with ∂y/∂wrt[k] for each k.
//
//	y       float [Y...], not empty; its extents must be known
//	result  one for each of wrt [W...], [Y..., W...]: result[i…, j…] = ∂y[i…]/∂wrt[k][j…]
//
// There are as many gradients in the graph as y has elements, one row after the other. For a
// product with a vector VJP and JVP are one.
func Jacobian(y *graph.Value, wrt ...*graph.Value) []*graph.Value {
	g := graphOf([]*graph.Value{y})
	if !floats(g, "Jacobian", "y", []*graph.Value{y}) {
		return invalid(g, len(wrt))
	}
	s := y.Shape()
	if !s.IsStatic() || s.Size() == 0 {
		g.Errorf("Jacobian", "%v is %v, want a shape without the symbolic N, and at least one element", y, y.Type())
		return invalid(g, len(wrt))
	}
	rows := make([][]*graph.Value, len(wrt))
	for i := range s.Size() {
		for k, d := range JacobianRow(y, unravel(i, s), wrt...) {
			if !d.IsValid() {
				return invalid(g, len(wrt))
			}
			rows[k] = append(rows[k], ops.Reshape(d, append([]int{1}, d.Shape()...)...))
		}
	}
	out := make([]*graph.Value, len(wrt))
	for k, r := range rows {
		out[k] = ops.Reshape(ops.Concat(0, r...), append(s.Clone(), wrt[k].Shape()...)...)
	}
	return out
}

// graphOf returns the graph of the first of vs that is not nil. Where all are, a new one
// takes the report of that, as graph.Apply has it.
func graphOf(vs []*graph.Value) *graph.Graph {
	for _, v := range vs {
		if v != nil {
			return v.Graph()
		}
	}
	return ops.Neg(nil).Graph()
}

// floats reports whether vs are float values of g, at least one, and tells g if not.
func floats(g *graph.Graph, op, name string, vs []*graph.Value) bool {
	if len(vs) == 0 {
		g.Errorf(op, "there is no %s, want at least one", name)
		return false
	}
	for i, v := range vs {
		switch {
		case v == nil:
			g.Errorf(op, "%s %d is nil", name, i)
		case !v.IsValid(): // reported where it was made
		case v.Graph() != g:
			g.Errorf(op, "%s %d, %v, belongs to graph %q, not to graph %q", name, i, v, v.Graph().Name(), g.Name())
		case !v.DType().IsFloat():
			g.Errorf(op, "%s %d, %v, is %v; only floats have gradients", name, i, v, v.Type())
		default:
			continue
		}
		return false
	}
	return true
}

// matching reports whether as and bs are float values of g, as many and of the same types.
func matching(g *graph.Graph, op, a string, as []*graph.Value, b string, bs []*graph.Value) bool {
	if !floats(g, op, a, as) {
		return false
	}
	if len(as) != len(bs) {
		g.Errorf(op, "there are %d of %s and %d of %s, want one for each", len(as), a, len(bs), b)
		return false
	}
	if !floats(g, op, b, bs) {
		return false
	}
	for i := range as {
		if !as[i].Type().Equal(bs[i].Type()) {
			g.Errorf(op, "%s %d is %v, %s %d is %v, want the same type", a, i, as[i].Type(), b, i, bs[i].Type())
			return false
		}
	}
	return true
}

func invalid(g *graph.Graph, n int) []*graph.Value {
	out := make([]*graph.Value, n)
	for i := range out {
		out[i] = g.Invalid()
	}
	return out
}
