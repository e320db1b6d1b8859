package gradcheck

import (
	"math/rand/v2"

	"gorgonia.org/tensor"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/ops"
)

// A gradientCase is a function of tensors, with inputs at which its derivatives are checked.
type gradientCase struct {
	op    string // that the case is for, by its name in graphs
	title string // what is particular about it
	order int    // 0 for a function, 1 for its gradient, 2 for the gradient of that
	in    []operand
	f     func(in []*graph.Value) []*graph.Value
	once  string // why it has no second derivative to check, "" where it has
}

// An operand is an input of a case. Floats lie evenly between low and high; no two are closer to one
// another or to 0 than apart, which keeps them away from the kinks of maxima. Integers lie from 0 to below.
type operand struct {
	shape     graph.Shape
	low, high float64
	apart     float64
	below     int
}

// floats is an operand of floats between -1 and 1.
func floats(shape ...int) operand { return operand{shape: shape, low: -1, high: 1} }

func (o operand) between(low, high float64) operand {
	o.low, o.high = low, high
	return o
}

func (o operand) away(apart float64) operand {
	o.apart = apart
	return o
}

// classes is an operand of n labels of the given number of classes.
func classes(n, classes int) operand { return operand{shape: graph.Shape{n}, below: classes} }

func (o operand) typ() graph.Type {
	if o.below > 0 {
		return graph.Of(graph.Int64, o.shape...)
	}
	return graph.Of(graph.Float64, o.shape...)
}

// draw returns a tensor of the operand.
func (o operand) draw(rng *rand.Rand) *tensor.Dense {
	n := o.shape.Size()
	if o.below > 0 {
		labels := make([]int64, n)
		for i := range labels {
			labels[i] = rng.Int64N(int64(o.below))
		}
		return tensor.New(tensor.WithShape(o.shape...), tensor.WithBacking(labels))
	}
	x := make([]float64, n)
	for i := range x {
		x[i] = o.low + (o.high-o.low)*rng.Float64()
	}
	if o.apart > 0 {
		// Odd multiples of a pitch in random order, moved by less than what keeps them apart.
		pitch := max(2*o.apart, (o.high-o.low)/float64(n+1))
		for i, place := range rng.Perm(n) {
			x[i] = pitch*(float64(place)-float64(n/2)+0.5) + (rng.Float64()-0.5)*(pitch-o.apart)*0.9
		}
	}
	return tensor.New(tensor.WithShape(o.shape...), tensor.WithBacking(x))
}

// tensors draws all operands.
func (k gradientCase) tensors(seed uint64) []*tensor.Dense {
	rng := rand.New(rand.NewPCG(seed, 1))
	at := make([]*tensor.Dense, len(k.in))
	for i, o := range k.in {
		at[i] = o.draw(rng)
	}
	return at
}

// inputs declares the operands in g.
func (k gradientCase) inputs(g *graph.Graph) []*graph.Value {
	in := make([]*graph.Value, len(k.in))
	for i, o := range k.in {
		in[i] = g.Input(string(rune('a'+i)), o.typ())
	}
	return in
}

// scalar returns the function that is checked: a random linear combination of all results of k.
func (k gradientCase) scalar(seed uint64) func(in []*graph.Value) *graph.Value {
	return func(in []*graph.Value) *graph.Value {
		rng := rand.New(rand.NewPCG(seed, 2))
		var terms []*graph.Value
		for _, y := range k.results(in) {
			w := make([]float64, y.Shape().Size())
			for i := range w {
				w[i] = rng.NormFloat64()
			}
			terms = append(terms, ops.Sum(ops.Mul(graph.Const(y.Graph(), y.Shape(), w...), y)))
		}
		return total(terms)
	}
}

// results are those of k's that are valid floats.
func (k gradientCase) results(in []*graph.Value) []*graph.Value {
	var out []*graph.Value
	for _, y := range k.f(in) {
		if y.IsValid() && y.DType().IsFloat() {
			out = append(out, y)
		}
	}
	return out
}

// derivative is the case of k's gradient, as a function of k's inputs and of the gradients of its results:
// the vector-Jacobian product.
func (k gradientCase) derivative() gradientCase {
	d := gradientCase{op: k.op, title: k.title, order: k.order + 1, in: k.in}
	g := graph.New("shapes")
	for _, y := range k.results(k.inputs(g)) {
		d.in = append(d.in[:len(d.in):len(d.in)], floats(y.Shape()...))
	}
	d.f = func(in []*graph.Value) []*graph.Value {
		x, dy := in[:len(k.in)], in[len(k.in):]
		var terms, wrt []*graph.Value
		for i, y := range k.results(x) {
			terms = append(terms, ops.Sum(ops.Mul(dy[i], y)))
		}
		for _, v := range x {
			if v.DType().IsFloat() {
				wrt = append(wrt, v)
			}
		}
		return autodiff.Gradients(total(terms), wrt...)
	}
	d.once = "it is a gradient already"
	return d
}

// String says what is checked: "within the gradient of ReLU, 0.02 and more from the kink".
func (k gradientCase) String() string {
	s := [...]string{"", "within the gradient of " + k.op, "within the 2nd gradient of " + k.op}[k.order]
	if s != "" && k.title != "" {
		s += ", "
	}
	return s + k.title
}

func total(terms []*graph.Value) *graph.Value {
	if len(terms) == 0 {
		return nil
	}
	sum := terms[0]
	for _, t := range terms[1:] {
		sum = ops.Add(sum, t)
	}
	return sum
}
