package ops

import (
	"fmt"

	"neocog/graph"
	"neocog/vm/kernel"
)

// Where returns a where cond is true, else b, element by element, with NumPy's
// broadcasting.
//
//	cond  bool [...]
//	a     any [...]     b   elements as a's
//	y     the shape in which all three meet
//	da    = dy where cond, else 0;  db = dy where not cond, else 0
//	        each summed over the axes along which it was stretched
//
// What is not chosen does not count, be it NaN; but its own gradient may be NaN where
// 0 meets an infinity further down. ONNX Where.
func Where(cond, a, b *graph.Value) *graph.Value { return graph.Apply(where{}, cond, a, b) }

type where struct{}

func (where) Name() string { return "Where" }

func (where) Operands() []string { return []string{"cond", "a", "b"} }

func (where) Infer(in []graph.Type) ([]graph.Type, error) {
	if err := arity(in, 3); err != nil {
		return nil, err
	}
	cond, a, b := in[0], in[1], in[2]
	if err := isBool("cond", cond); err != nil {
		return nil, err
	}
	if a.DType != b.DType {
		return nil, fmt.Errorf("a has elements %v, b has %v, want the same; ops.Cast converts", a.DType, b.DType)
	}
	shape, err := broadcastShape(a.Shape, b.Shape)
	if err != nil {
		return nil, err
	}
	y, err := broadcastShape(cond.Shape, shape)
	if err != nil {
		return nil, fmt.Errorf("cond has shape %v, a and b meet in %v: these do not broadcast", cond.Shape, shape)
	}
	return []graph.Type{{DType: a.DType, Shape: y}}, nil
}

func (where) Plan(_ *kernel.Env, in, out []graph.Type) (kernel.Plan, error) {
	y := out[0].Shape
	l := newNest(y, stretched(in[0].Shape, y), stretched(in[1].Shape, y), stretched(in[2].Shape, y))
	k, err := pickMove(out[0].DType, whereRun[bool](l), whereRun[int32](l), whereRun[int64](l))
	return kernel.One(y.Size(), kernel.Grain, k), err
}

func (where) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	cond, zero := n.In(0), scalarLike(dy[0], 0)
	return []*graph.Value{nil, sumTo(Where(cond, dy[0], zero), n.In(1)), sumTo(Where(cond, zero, dy[0]), n.In(2))}
}

func whereRun[T graph.Element](l nest) kernel.Kernel {
	last := l.rank - 1
	n, stepC, stepA, stepB := l.n[last], l.step[0][last], l.step[1][last], l.step[2][last]
	return func(c *kernel.Call, lo, hi int) {
		cond, a, b, y := kernel.In[bool](c, 0), kernel.In[T](c, 1), kernel.In[T](c, 2), kernel.Out[T](c, 0)
		for p := l.place(lo); lo < hi; {
			w := min(n-p.at[last], hi-lo)
			cond, a, b := cond[p.off[0]:], a[p.off[1]:], b[p.off[2]:]
			for i := range y[lo : lo+w] {
				v := b[i*stepB]
				if cond[i*stepC] {
					v = a[i*stepA]
				}
				y[lo+i] = v
			}
			l.forward(&p, w)
			lo += w
		}
	}
}
