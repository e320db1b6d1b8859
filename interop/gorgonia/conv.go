package gorgonia

import (
	"context"
	"fmt"
	"hash"
	"hash/fnv"
	"slices"
	"sync"

	"github.com/chewxy/hm"
	"github.com/pkg/errors"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/ops"
	"neocog/ops/conv"
	"neocog/vm"
)

// Conv2d is gorgonia.Conv2d, computed by Neocog: same arguments, same result but for rounding. The node may stand anywhere in an
// ExprGraph; tape and lisp machines run it and its gradients, which are convolutions with gradients of their own.
//
//	im           [N,C,H,W], float32 or float64
//	filter       [K,C,R,S]
//	kernelShape  R, S, as filter's shape has them
//	pad          zeros above and below, left and right; nil stands for none
//	stride       vertical, horizontal
//	dilation     distance of the filter's taps; nil stands for 1
//	result       [N,K,P,Q]      P = ⌊(H + 2·pad − (R−1)·dilation − 1)/stride⌋ + 1, Q likewise
//
// An error says which argument does not suit which shape.
func Conv2d(im, filter *G.Node, kernelShape tensor.Shape, pad, stride, dilation []int) (*G.Node, error) {
	if pad == nil {
		pad = []int{0, 0}
	}
	if dilation == nil {
		dilation = []int{1, 1}
	}
	if im == nil || filter == nil {
		return nil, errors.New("Conv2d: image and filter must not be nil")
	}
	if im.Dims() != 4 || filter.Dims() != 4 {
		return nil, errors.Errorf("Conv2d: the image is %v and the filter %v, want [N,C,H,W] and [K,C,R,S]", im.Shape(), filter.Shape())
	}
	if want := filter.Shape()[2:]; !slices.Equal(kernelShape, want) {
		return nil, errors.Errorf("Conv2d: kernelShape is %v, but the filter %v has taps %v", kernelShape, filter.Shape(), want)
	}
	for _, a := range []struct {
		name  string
		pair  []int
		least int
	}{{"pad", pad, 0}, {"stride", stride, 1}, {"dilation", dilation, 1}} {
		if len(a.pair) != 2 || min(a.pair[0], a.pair[1]) < a.least {
			return nil, errors.Errorf("Conv2d: %s is %v, want two numbers of at least %d", a.name, a.pair, a.least)
		}
	}
	return newConvolution(conv.Forward, [2]int{}, ops.Conv{
		Stride:   [2]int(stride),
		Dilation: [2]int(dilation),
		Pad:      [4]int{pad[0], pad[1], pad[0], pad[1]},
		Round:    ops.Floor,
	}).node(im, filter)
}

// A convolution is one of the three bilinear functions that belong to a convolution, as a gorgonia.Op. Each is the gradient
// of the others, so that derivatives of all orders are convolutions.
type convolution struct {
	pass conv.Pass
	attr ops.Conv
	size [2]int // of the gradient: H and W of the image, or R and S of the filter

	mu      sync.Mutex
	types   [2]graph.Type // that machine is for
	ins     [2]*graph.Value
	machine *vm.Machine
	diffs   [2]*convolution // what DoDiff runs
}

func newConvolution(pass conv.Pass, size [2]int, attr ops.Conv) *convolution {
	return &convolution{pass: pass, size: size, attr: attr}
}

// gradients says of what the gradients of both operands are made: of which function, of which operands: 0 and 1, those of
// the function itself, and 2, the gradient of its result.
var gradients = map[conv.Pass][2]struct {
	pass conv.Pass
	of   [2]int
}{
	conv.Forward:    {{conv.InputGrad, [2]int{1, 2}}, {conv.FilterGrad, [2]int{0, 2}}}, // x, w
	conv.InputGrad:  {{conv.FilterGrad, [2]int{2, 1}}, {conv.Forward, [2]int{2, 0}}},   // w, dy
	conv.FilterGrad: {{conv.InputGrad, [2]int{2, 1}}, {conv.Forward, [2]int{0, 2}}},    // x, dy
}

// gradient returns the function that gives the gradient of operand i, which has this shape.
func (c *convolution) gradient(i int, shape tensor.Shape) *convolution {
	return newConvolution(gradients[c.pass][i].pass, [2]int(shape[2:4]), c.attr)
}

func (c *convolution) node(a, b *G.Node) (*G.Node, error) { return G.ApplyOp(c, a, b) }

// apply is the function in a graph of Neocog's.
func (c *convolution) apply(a, b *graph.Value) *graph.Value {
	switch c.pass {
	case conv.Forward:
		return ops.Conv2D(a, b, c.attr)
	case conv.InputGrad:
		return ops.Conv2DInputGrad(a, b, c.size[0], c.size[1], c.attr)
	default:
		return ops.Conv2DFilterGrad(a, b, c.size[0], c.size[1], c.attr)
	}
}

// SymDiff returns the gradients of both operands.
func (c *convolution) SymDiff(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
	all := G.Nodes{in[0], in[1], grad}
	out := make(G.Nodes, 2)
	for i := range out {
		of := gradients[c.pass][i].of
		var err error
		if out[i], err = c.gradient(i, in[i].Shape()).node(all[of[0]], all[of[1]]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// DiffWRT says that both operands have gradients.
func (*convolution) DiffWRT(int) []bool { return []bool{true, true} }

// DoDiff adds the gradients of both operands to those that the nodes hold: what a lisp machine asks for.
func (c *convolution) DoDiff(_ G.ExecutionContext, in G.Nodes, out *G.Node) error {
	dy, err := out.Grad()
	if err != nil {
		return err
	}
	all := []G.Value{in[0].Value(), in[1].Value(), dy}
	for i, n := range in {
		if c.diffs[i] == nil {
			c.diffs[i] = c.gradient(i, n.Shape())
		}
		of := gradients[c.pass][i].of
		d, err := c.diffs[i].Do(all[of[0]], all[of[1]])
		if err != nil {
			return err
		}
		sum, err := n.Grad()
		if err != nil {
			return err
		}
		if _, err := tensor.Add(sum, d, tensor.UseUnsafe()); err != nil {
			return err
		}
	}
	return nil
}

// Do computes the function into new memory.
func (c *convolution) Do(in ...G.Value) (G.Value, error) {
	var out *tensor.Dense
	err := c.run(in, func(y *tensor.Dense) error { out = y.Clone().(*tensor.Dense); return nil })
	return out, err
}

// UsePreallocDo computes the function into the memory of prealloc.
func (c *convolution) UsePreallocDo(prealloc G.Value, in ...G.Value) (G.Value, error) {
	out, ok := prealloc.(*tensor.Dense)
	if !ok {
		return c.Do(in...)
	}
	return out, c.run(in, func(y *tensor.Dense) error {
		if !y.Shape().Eq(out.Shape()) {
			return errors.Errorf("%v: the memory for the result is %v, want %v", c, out.Shape(), y.Shape())
		}
		return tensor.Copy(out, y)
	})
}

// run computes the function and hands the result, which is the machine's, to use.
func (c *convolution) run(in []G.Value, use func(*tensor.Dense) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(in) != 2 {
		return errors.Errorf("%v: got %d operands, want 2", c, len(in))
	}
	var operands [2]*tensor.Dense
	var types [2]graph.Type
	for i, v := range in {
		var err error
		if operands[i], err = dense(v); err != nil {
			return err
		}
		if types[i], err = vm.TypeOf(operands[i]); err != nil {
			return err
		}
	}
	if c.machine == nil || !types[0].Equal(c.types[0]) || !types[1].Equal(c.types[1]) {
		if err := c.compile(types); err != nil {
			return err
		}
	}
	out, err := c.machine.Run(context.Background(), vm.Feeds{c.ins[0]: operands[0], c.ins[1]: operands[1]})
	if err != nil {
		return err
	}
	return use(out[0])
}

func (c *convolution) compile(types [2]graph.Type) error {
	g, ins, out := c.graph(types)
	p, err := vm.Compile(g, []*graph.Value{out})
	if err != nil {
		return err
	}
	m, err := p.NewMachine(vm.NewState(0))
	if err != nil {
		return err
	}
	if c.machine != nil {
		c.machine.Close()
	}
	c.machine, c.types, c.ins = m, types, ins
	return nil
}

// graph returns a graph of nothing but the function.
func (c *convolution) graph(types [2]graph.Type) (*graph.Graph, [2]*graph.Value, *graph.Value) {
	g := graph.New(c.pass.String())
	ins := [2]*graph.Value{g.Input("a", types[0]), g.Input("b", types[1])}
	return g, ins, c.apply(ins[0], ins[1])
}

// InferShape returns the shape of the result.
func (c *convolution) InferShape(in ...G.DimSizer) (tensor.Shape, error) {
	shapes, err := G.DimSizersToShapes(in)
	if err != nil {
		return nil, err
	}
	if len(shapes) != 2 {
		return nil, errors.Errorf("%v: got %d operands, want 2", c, len(shapes))
	}
	g, _, out := c.graph([2]graph.Type{graph.Of(graph.Float32, shapes[0]...), graph.Of(graph.Float32, shapes[1]...)})
	if err := g.Err(); err != nil {
		return nil, err
	}
	return tensor.Shape(out.Type().Shape), nil
}

// Type says that operands and result have four axes, and elements of one type.
func (*convolution) Type() hm.Type {
	t := G.TensorType{Dims: 4, Of: hm.TypeVariable('a')}
	return hm.NewFnType(t, t, t)
}

// Arity returns 2.
func (*convolution) Arity() int { return 2 }

// ReturnsPtr says that the result has memory of its own.
func (*convolution) ReturnsPtr() bool { return true }

// CallsExtern says that all is Go.
func (*convolution) CallsExtern() bool { return false }

// OverwritesInput says that operands stay as they are.
func (*convolution) OverwritesInput() int { return -1 }

// WriteHash writes all that tells this function from others: Gorgonia takes nodes of one hash and the same operands for one.
func (c *convolution) WriteHash(h hash.Hash) { fmt.Fprint(h, c.String()) }

// Hashcode is the hash of WriteHash.
func (c *convolution) Hashcode() uint32 {
	h := fnv.New32a()
	c.WriteHash(h)
	return h.Sum32()
}

// String returns the function with its attributes.
func (c *convolution) String() string {
	a := c.attr
	return fmt.Sprintf("neocog convolution %v{stride %v, pad %v, dilation %v, gradient of %v}", c.pass, a.Stride, a.Pad[:2], a.Dilation, c.size)
}
