package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/ops"
	"neocog/train"
	"neocog/vm"
)

// An OpLayer is an op, or a step of an optimiser, with the shape at which it is usually measured.
type OpLayer struct {
	Name  string
	Shape graph.Shape // of its first operand
	// Gradient says that there is one to measure.
	Gradient bool

	build func(x *graph.Value) []*graph.Value // results; none for a rule that declares updates
	form  string                              // of Shape, "" for any
}

// Ops returns ops and steps of optimisers: element-wise ones on the largest activation of ResNet-50 at batch 8, LRN
// on AlexNet's, the classifier's on 256 rows of 1000 classes, optimisers on the weights of a 3×3 layer of VGG-19 with
// 512 channels.
func Ops() []OpLayer {
	activation, logits, weights := graph.Shape{8, 64, 112, 112}, graph.Shape{256, 1000}, graph.Shape{512, 512, 3, 3}
	unary := func(f func(x *graph.Value) *graph.Value) func(x *graph.Value) []*graph.Value {
		return func(x *graph.Value) []*graph.Value { return []*graph.Value{f(x)} }
	}
	binary := func(f func(a, b *graph.Value) *graph.Value) func(x *graph.Value) []*graph.Value {
		return func(x *graph.Value) []*graph.Value {
			return []*graph.Value{f(x, x.Graph().Input("b", x.Type()))}
		}
	}
	window := func(size, stride, pad int) ops.Pool {
		return ops.Pool{Size: [2]int{size, size}, Stride: [2]int{stride, stride}, Pad: [4]int{pad, pad, pad, pad}, Round: ops.Floor}
	}
	return []OpLayer{
		{"add", activation, true, binary(ops.Add), ""},
		{"mul", activation, true, binary(ops.Mul), ""},
		{"addbias", activation, true, addBias, "NxCxHxW"},
		{"relu", activation, true, unary(ops.ReLU), ""},
		{"exp", activation, true, unary(ops.Exp), ""},
		{"tanh", activation, true, unary(ops.Tanh), ""},
		{"sigmoid", activation, true, unary(ops.Sigmoid), ""},
		{"sum", activation, true, unary(func(x *graph.Value) *graph.Value { return ops.Sum(x) }), ""},
		{"batchnorm", activation, true, batchNorm, "NxCxHxW"},
		{"lrn", graph.Shape{8, 96, 55, 55}, true, unary(lrn), "NxCxHxW"},
		{"maxpool2d", activation, true, unary(func(x *graph.Value) *graph.Value { return ops.MaxPool2D(x, window(3, 2, 1)) }), "NxCxHxW"},
		{"avgpool2d", activation, true, unary(func(x *graph.Value) *graph.Value { return ops.AvgPool2D(x, window(2, 2, 0)) }), "NxCxHxW"},
		{"softmax", logits, true, unary(func(x *graph.Value) *graph.Value { return ops.Softmax(x, 1) }), "NxC"},
		{"crossentropy", logits, true, crossEntropy, "NxC"},
		{"momentum", weights, false, step(train.Momentum{}), ""},
		{"adam", weights, false, step(train.Adam{}), ""},
	}
}

func addBias(x *graph.Value) []*graph.Value {
	b := x.Graph().Input("b", graph.Of(x.DType(), 1, x.Shape()[1], 1, 1))
	return []*graph.Value{ops.Add(x, b)}
}

func batchNorm(x *graph.Value) []*graph.Value {
	channels := graph.Of(x.DType(), x.Shape()[1])
	y, _, _ := ops.BatchNorm(x, x.Graph().Input("gamma", channels), x.Graph().Input("beta", channels), 1e-5)
	return []*graph.Value{y}
}

// lrn is AlexNet's normalisation.
func lrn(x *graph.Value) *graph.Value {
	return ops.LRN(x, ops.LocalResponse{Size: 5, Alpha: 1e-4, Beta: 0.75, K: 2})
}

func crossEntropy(x *graph.Value) []*graph.Value {
	labels := x.Graph().Input("labels", graph.Of(graph.Int32, x.Shape()[0]))
	return []*graph.Value{ops.SoftmaxCrossEntropy(x, labels, ops.CrossEntropy{})}
}

// step is one step of rule on parameters of x's type, with x as gradient.
func step(rule train.Optimizer) func(x *graph.Value) []*graph.Value {
	return func(x *graph.Value) []*graph.Value {
		g := x.Graph()
		w := g.Param("w", x.Type(), graph.Normal(0, 1))
		rule.Apply(g.Scalar(x.DType(), 0.01), []*graph.Value{w}, []*graph.Value{x})
		return nil
	}
}

// A misfit says why a shape cannot be measured.
type misfit struct{ text string }

func (m *misfit) Error() string { return m.text }

// Op returns the case of an op at the given shape of its first operand, forward or for the gradient alone: the gradient
// of what the op computes from operands and results of a run forward.
func Op(l OpLayer, shape graph.Shape, d graph.DType, gradient bool) Case {
	c := Case{Name: l.Name, Shape: join(shape...), Pass: "fwd", DType: d}
	if gradient {
		c.Pass = "grad"
	}
	c.prepare = func(_ Case, threads int) (*subject, error) {
		if want := map[string]int{"NxC": 2, "NxCxHxW": 4}[l.form]; want > 0 && len(shape) != want {
			return nil, &misfit{fmt.Sprintf("got %s, wants %s", c.Shape, l.form)}
		}
		if err := small("the operand", shape...); err != nil {
			return nil, err
		}
		o, err := l.forward(shape, d)
		if err == nil && gradient {
			o, err = o.gradient(threads)
		}
		if err != nil {
			return nil, err
		}
		return o.prepare(threads)
	}
	return c
}

// An opGraph is a graph of one op with its feeds.
type opGraph struct {
	g       *graph.Graph
	results []*graph.Value
	feeds   vm.Feeds
}

func (l OpLayer) forward(shape graph.Shape, d graph.DType) (*opGraph, error) {
	g := graph.New(l.Name)
	o := &opGraph{g: g, results: l.build(g.Input("x", graph.Of(d, shape...))), feeds: vm.Feeds{}}
	if err := g.Err(); err != nil {
		if first, ok := errors.AsType[*graph.Error](err); ok { // the line is ours, and of no interest
			return nil, &misfit{first.Err.Error()}
		}
		return nil, err
	}
	for i, in := range g.Inputs() {
		o.feeds[in] = draw(in.Type(), uint64(i+1), shape)
	}
	return o, nil
}

// draw returns random floats, or labels below the last extent of shape.
func draw(t graph.Type, seed uint64, shape graph.Shape) *tensor.Dense {
	v := random(t.DType, t.Shape.Size(), seed)
	if t.DType == graph.Int32 {
		labels := make([]int32, v.len())
		for i := range labels {
			labels[i] = int32((v.at(i) + 1) / 2 * float64(shape[len(shape)-1]))
		}
		return tensor.New(tensor.WithShape(t.Shape...), tensor.WithBacking(labels))
	}
	return dense(t.Shape, v)
}

func dense(shape graph.Shape, v vector) *tensor.Dense {
	if v.f64 != nil {
		return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(v.f64))
	}
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(v.f32))
}

// gradient returns the graph of o's gradient alone: what the op computed forward is fed.
func (o *opGraph) gradient(threads int) (*opGraph, error) {
	n := o.results[0].Node()
	op, ok := n.Op.(graph.Differentiable)
	if !ok {
		return nil, fmt.Errorf("%s has no gradient", n.Op.Name())
	}
	forward, err := o.run(n.Outs(), threads)
	if err != nil {
		return nil, err
	}
	dy := o.g.Input("dy", o.results[0].Type())
	dOut := make([]*graph.Value, len(n.Outs()))
	dOut[0] = dy
	var roots []*graph.Value
	for _, dx := range op.VJP(n, dOut) {
		if dx != nil {
			roots = append(roots, dx)
		}
	}
	if err := o.g.Err(); err != nil {
		return nil, err
	}
	d := &opGraph{feeds: vm.Feeds{}}
	var images map[*graph.Value]*graph.Value
	d.g, images = o.g.Rebuild(roots, false, func(to *graph.Graph, m *graph.Node, _ []*graph.Value) []*graph.Value {
		if m != n {
			return nil
		}
		outs := make([]*graph.Value, len(forward))
		for i, t := range forward {
			outs[i] = to.Input(fmt.Sprintf("y%d", i), n.Out(i).Type())
			d.feeds[outs[i]] = t
		}
		return outs
	})
	for _, root := range roots {
		d.results = append(d.results, images[root])
	}
	for in, t := range o.feeds {
		if v := images[in]; v != nil {
			d.feeds[v] = t
		}
	}
	if v := images[dy]; v != nil {
		d.feeds[v] = draw(dy.Type(), 99, nil)
	}
	return d, d.g.Err()
}

// run returns copies of values computed once.
func (o *opGraph) run(values []*graph.Value, threads int) ([]*tensor.Dense, error) {
	p, err := vm.Compile(o.g, values, vm.Threads(threads), vm.NoUpdates())
	if err != nil {
		return nil, err
	}
	m, err := p.NewMachine(vm.NewState(1))
	if err != nil {
		return nil, err
	}
	defer m.Close()
	outs, err := m.Run(context.Background(), o.feeds)
	if err != nil {
		return nil, err
	}
	copies := make([]*tensor.Dense, len(outs))
	for i, t := range outs {
		copies[i] = t.Clone().(*tensor.Dense)
	}
	return copies, nil
}

// checked are the values that a check compares: results, or new values of parameters.
func (o *opGraph) checked() []*graph.Value {
	values := slices.Clone(o.results)
	for _, u := range o.g.Updates() {
		if u.Next.DType().IsFloat() {
			values = append(values, u.Next)
		}
	}
	return values
}

// prepare compiles the graph. Updates are timed as they happen in training, in place.
func (o *opGraph) prepare(threads int) (*subject, error) {
	p, err := vm.Compile(o.g, o.results, vm.Threads(threads))
	if err != nil {
		return nil, err
	}
	m, err := p.NewMachine(vm.NewState(1))
	if err != nil {
		return nil, err
	}
	arena, err := p.ArenaBytes(0)
	if err != nil {
		return nil, err
	}
	results := 0
	for _, v := range o.results {
		results += v.Type().Bytes()
	}
	return &subject{
		bytes: int64(results + traffic(p.Graph())), workspace: max(0, arena-results), close: m.Close,
		run: func(times []time.Duration) error {
			for i := range times {
				start := time.Now()
				if _, err := m.Run(context.Background(), o.feeds); err != nil {
					return err
				}
				times[i] = time.Since(start)
			}
			return nil
		},
		check: func() (rel, part float64, err error) { return o.check(threads) },
	}, nil
}

// traffic returns the bytes of the inputs of g, of its parameters and of their new values.
func traffic(g *graph.Graph) int {
	n := 0
	for _, in := range g.Inputs() {
		n += in.Type().Bytes()
	}
	for _, u := range g.Updates() {
		n += 2 * u.Next.Type().Bytes()
	}
	return n
}

func (o *opGraph) check(threads int) (rel, part float64, err error) {
	values := o.checked()
	got, err := o.run(values, threads)
	if err != nil {
		return 0, 0, err
	}
	want, err := vm.Interpret(o.g, values, vm.NewState(1), o.feeds, vm.As(graph.Float64))
	if err != nil {
		return 0, 0, err
	}
	var d difference
	for i, t := range want {
		if !values[i].DType().IsFloat() {
			continue
		}
		exact := t.Float64s()
		for j := range exact {
			d.add(elements(got[i]).at(j), exact[j])
		}
	}
	rel, err = d.relL2()
	return rel, 1, err
}

func elements(t *tensor.Dense) vector {
	if t.Dtype() == tensor.Float64 {
		return vector{f64: t.Float64s()}
	}
	return vector{f32: t.Float32s()}
}
