package autodiff

import (
	"slices"

	"neocog/graph"
	"neocog/ops"
)

// Gradients extends the graph with d(loss)/d(wrt[i]) and returns these values,
// each of the type of wrt[i].
//
// loss must be a float scalar. wrt may name any float values of its graph:
// parameters, inputs, or what was computed on the way. Where the loss does not
// depend on wrt[i] the gradient is zero. A mistake is recorded in the graph, as
// everywhere, and the results are invalid: an op without gradient between
// wrt[i] and the loss is one, and the error names both ends. Where an op gives
// no gradient to an input by its nature, as for labels and indices, nothing
// flows there, which is no mistake.
//
// The new nodes carry the scope of the forward node they derive from, and point
// to it by Origin.
//
// Griewank and Walther, “Evaluating Derivatives”, 2nd ed., SIAM 2008, section 3.2.
func Gradients(loss *graph.Value, wrt ...*graph.Value) []*graph.Value {
	if loss == nil {
		// No graph is known that could keep the mistake: Neg reports it to one of
		// its own, which whoever uses the result learns of.
		return slices.Repeat([]*graph.Value{ops.Neg(nil)}, len(wrt))
	}
	r := &reverse{name: "Gradients", g: loss.Graph(), of: []*graph.Value{loss}}
	if loss.IsValid() { // else reported where it was made
		if t := loss.Type(); !t.DType.IsFloat() || len(t.Shape) != 0 {
			r.g.Errorf("Gradients", "the loss %v is %v, want a float scalar; Sum or Mean makes one", loss, t)
			return invalid(r.g, len(wrt))
		}
	}
	return r.run(wrt, func(int) *graph.Value { return ops.OnesLike(loss) })
}

// reverse is one differentiation.
type reverse struct {
	name    string // of the function that was called, for errors
	g       *graph.Graph
	of      []*graph.Value                // what is differentiated: the loss
	wants   []bool                        // by node index: some wrt reaches the node
	source  []*graph.Value                // by node index: a wrt that reaches the node
	goal    []*graph.Value                // by node index: one of of that the node reaches
	adjoint map[*graph.Value]*graph.Value // gradient with respect to a value
}

// run returns the gradients by wrt, given that of each of r.of.
func (r *reverse) run(wrt []*graph.Value, seed func(i int) *graph.Value) []*graph.Value {
	out := make([]*graph.Value, len(wrt))
	ok := r.check(wrt)
	if ok {
		r.reach(wrt)
		ok = r.sweep(seed)
	}
	for i, v := range wrt {
		switch {
		case !ok || !v.IsValid():
			out[i] = r.g.Invalid()
		case r.adjoint[v] != nil:
			out[i] = r.adjoint[v]
		default:
			r.g.Deriving(v.Node(), func() { out[i] = ops.ZerosLike(v) })
		}
	}
	return out
}

// check reports what is wrong with the question, once.
func (r *reverse) check(wrt []*graph.Value) bool {
	for _, v := range r.of {
		if !v.IsValid() {
			return false // reported where it was made
		}
	}
	ok := true
	for i, v := range wrt {
		switch {
		case v == nil:
			r.g.Errorf(r.name, "operand %d is nil", i)
		case !v.IsValid():
		case v.Graph() != r.g:
			r.g.Errorf(r.name, "%v belongs to graph %q, the loss to graph %q", v, v.Graph().Name(), r.g.Name())
		case !v.DType().IsFloat():
			r.g.Errorf(r.name, "%v is %v; only floats have gradients", v, v.Type())
		default:
			continue
		}
		ok = false
	}
	return ok
}

// reach marks the nodes which lie on a way from a wrt to what is differentiated.
func (r *reverse) reach(wrt []*graph.Value) {
	last := 0
	for _, v := range r.of {
		last = max(last, v.Node().Index())
	}
	nodes := r.g.Nodes()[:last+1]
	r.source, r.goal = make([]*graph.Value, len(nodes)), make([]*graph.Value, len(nodes))
	is := map[*graph.Value]bool{}
	for _, v := range wrt {
		is[v] = true
	}
	for i, n := range nodes {
		for _, v := range n.Ins() {
			if s := r.source[v.Node().Index()]; s != nil && r.source[i] == nil {
				r.source[i] = s
			}
			if is[v] && r.source[i] == nil {
				r.source[i] = v
			}
		}
	}
	r.wants = make([]bool, len(nodes))
	for i := range nodes {
		r.wants[i] = r.source[i] != nil
	}
}

// sweep goes backwards over the nodes and adds up the gradients.
func (r *reverse) sweep(seed func(i int) *graph.Value) bool {
	r.adjoint = map[*graph.Value]*graph.Value{}
	for i, v := range r.of {
		r.g.Deriving(v.Node(), func() { r.add(v, seed(i)) })
		r.goal[v.Node().Index()] = v
	}
	nodes := r.g.Nodes()[:len(r.wants)]
	for i := len(nodes) - 1; i >= 0; i-- {
		n := nodes[i]
		if !r.wants[i] || !r.touched(n) {
			continue
		}
		op, ok := n.Op.(graph.Differentiable)
		if !ok {
			r.g.Errorf(r.name, "%s has no gradient, and lies between %v and the loss %v\n\t%v\n\t%v\n\t%v",
				n.Op.Name(), r.source[i], r.goal[i], r.source[i].Node(), n, r.goal[i].Node())
			return false
		}
		if !r.node(n, op) {
			return false
		}
	}
	return true
}

// add adds d to the gradient with respect to v.
func (r *reverse) add(v, d *graph.Value) {
	if sum := r.adjoint[v]; sum != nil {
		d = ops.Add(sum, d)
	}
	r.adjoint[v] = d
}

// touched reports whether what is differentiated depends on a result of n.
func (r *reverse) touched(n *graph.Node) bool {
	for _, v := range n.Outs() {
		if r.adjoint[v] != nil {
			return true
		}
	}
	return false
}

// node adds the gradients which n passes to its inputs.
func (r *reverse) node(n *graph.Node, op graph.Differentiable) (ok bool) {
	r.g.Deriving(n, func() {
		defer func() {
			if p := recover(); p != nil {
				r.g.Errorf(r.name, "the VJP of %s panicked: %v\n\t%v", n.Op.Name(), p, n)
				ok = false
			}
		}()
		dy := make([]*graph.Value, len(n.Outs()))
		for i, v := range n.Outs() {
			dy[i] = r.adjoint[v]
		}
		dx := op.VJP(n, dy)
		if len(dx) != len(n.Ins()) {
			r.g.Errorf(r.name, "the VJP of %s gives %d gradients for %d inputs\n\t%v", n.Op.Name(), len(dx), len(n.Ins()), n)
			return
		}
		for i, d := range dx {
			if d == nil {
				continue
			}
			x := n.In(i)
			if !d.IsValid() {
				ops.Add(x, d) // reported where it was made; this graph hears of it
				return
			}
			if d.Graph() != r.g {
				r.g.Errorf(r.name, "the VJP of %s gives a value of graph %q for input %d\n\t%v", n.Op.Name(), d.Graph().Name(), i, n)
				return
			}
			if !d.Type().Equal(x.Type()) {
				r.g.Errorf(r.name, "the VJP of %s gives %v for input %d, which is %v\n\t%v", n.Op.Name(), d.Type(), i, x.Type(), n)
				return
			}
			r.add(x, d)
			if at := x.Node().Index(); r.goal[at] == nil {
				r.goal[at] = r.goal[n.Index()]
			}
		}
		ok = true
	})
	return ok
}
