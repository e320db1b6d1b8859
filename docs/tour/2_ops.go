package main

import "fmt"

// Chapter 2. Ops.
//
// Each op is a struct, its three methods, and a function that writes it into the graph. VJP can be
// skipped on a first reading. What matters is only what it is made of: calls of the same functions.
// The derivative of a formula is a formula.

// A source is a number from outside: an image, or a parameter. Somebody else has put it into its
// memory before the graph runs.
type source struct {
	Name string
	Is   Shape
}

func (g *Graph) Source(name string, is Shape) *Value { return g.Apply(source{name, is}) }
func (s source) Infer([]Shape) (Shape, error)        { return s.Is, nil }
func (source) Run([]Tensor, Tensor)                  {}
func (source) VJP(y, dy *Value) []*Value             { return nil }

// A constant is one number, as often as the shape wants it.
type constant struct {
	Number float64
	Is     Shape
}

func (g *Graph) Constant(x float64, is Shape) *Value { return g.Apply(constant{x, is}) }
func (c constant) Infer([]Shape) (Shape, error)      { return c.Is, nil }
func (constant) VJP(y, dy *Value) []*Value           { return nil }
func (c constant) Run(_ []Tensor, out Tensor) {
	for i := range out.Data {
		out.Data[i] = c.Number
	}
}

// Addition and multiplication go element by element. If y = a + b, then a nudge of a nudges y just
// as much. If y = a·b, it is felt b times.
type (
	add struct{}
	mul struct{}
)

func Add(a, b *Value) *Value { return a.Graph.Apply(add{}, a, b) }
func Mul(a, b *Value) *Value { return a.Graph.Apply(mul{}, a, b) }

func (add) Infer(in []Shape) (Shape, error) { return same(in) }
func (mul) Infer(in []Shape) (Shape, error) { return same(in) }
func (add) VJP(y, dy *Value) []*Value       { return []*Value{dy, dy} }
func (mul) VJP(y, dy *Value) []*Value       { return []*Value{Mul(dy, y.In[1]), Mul(dy, y.In[0])} }
func (add) Run(in []Tensor, out Tensor) {
	for i, a := range in[0].Data {
		out.Data[i] = a + in[1].Data[i]
	}
}
func (mul) Run(in []Tensor, out Tensor) {
	for i, a := range in[0].Data {
		out.Data[i] = a * in[1].Data[i]
	}
}

// same is Infer for all ops that go element by element.
func same(in []Shape) (Shape, error) {
	if len(in) == 2 && in[0] != in[1] {
		return Shape{}, fmt.Errorf("operands are %v and %v, want the same shape", in[0], in[1])
	}
	return in[0], nil
}

// Three functions of one number. ReLU, max(x, 0), is what makes a network more than one large
// multiplication: it lets pass what is positive. Its slope is step, 1 or 0, which is flat itself,
// so that nothing flows back through it.
type (
	scale struct{ By float64 }
	relu  struct{}
	step  struct{}
)

func Scale(x *Value, by float64) *Value { return x.Graph.Apply(scale{by}, x) }
func Sub(a, b *Value) *Value            { return Add(a, Scale(b, -1)) }
func ReLU(x *Value) *Value              { return x.Graph.Apply(relu{}, x) }
func Step(x *Value) *Value              { return x.Graph.Apply(step{}, x) }

func (scale) Infer(in []Shape) (Shape, error) { return same(in) }
func (relu) Infer(in []Shape) (Shape, error)  { return same(in) }
func (step) Infer(in []Shape) (Shape, error)  { return same(in) }

func (s scale) VJP(y, dy *Value) []*Value { return []*Value{Scale(dy, s.By)} }
func (relu) VJP(y, dy *Value) []*Value    { return []*Value{Mul(dy, Step(y.In[0]))} }
func (step) VJP(y, dy *Value) []*Value    { return nil }

func (s scale) Run(in []Tensor, out Tensor) {
	for i, x := range in[0].Data {
		out.Data[i] = s.By * x
	}
}
func (relu) Run(in []Tensor, out Tensor) {
	for i, x := range in[0].Data {
		out.Data[i] = max(x, 0)
	}
}
func (step) Run(in []Tensor, out Tensor) {
	clear(out.Data)
	for i, x := range in[0].Data {
		if x > 0 {
			out.Data[i] = 1
		}
	}
}

// Sum adds up along each direction in which the wanted shape has extent 1, and Repeat copies along
// them. They are two sides of one coin: a number that is used in many places gets the sum of all
// that these places have to say about it, so that each is the other's derivative.
type (
	sum    struct{ To Shape }
	repeat struct{ To Shape }
)

func Sum(x *Value, to Shape) *Value    { return x.Graph.Apply(sum{to}, x) }
func Repeat(x *Value, to Shape) *Value { return x.Graph.Apply(repeat{to}, x) }

func (s sum) Infer(in []Shape) (Shape, error)    { return s.To, fits(s.To, in[0]) }
func (r repeat) Infer(in []Shape) (Shape, error) { return r.To, fits(in[0], r.To) }
func (sum) VJP(y, dy *Value) []*Value            { return []*Value{Repeat(dy, y.In[0].Shape)} }
func (repeat) VJP(y, dy *Value) []*Value         { return []*Value{Sum(dy, y.In[0].Shape)} }
func (sum) Run(in []Tensor, out Tensor) {
	clear(out.Data)
	for i, x := range in[0].Data {
		out.Data[shrink(i, in[0].Shape, out.Shape)] += x
	}
}
func (repeat) Run(in []Tensor, out Tensor) {
	for i := range out.Data {
		out.Data[i] = in[0].Data[shrink(i, out.Shape, in[0].Shape)]
	}
}

func fits(small, large Shape) error {
	for d := range small {
		if small[d] != large[d] && small[d] != 1 {
			return fmt.Errorf("%v and %v: want equal extents, or 1 in the smaller shape", small, large)
		}
	}
	return nil
}

// shrink says where element i of a large block falls in the small one.
func shrink(i int, large, small Shape) int {
	at, stride := 0, 1
	for d := 3; d >= 0; d-- {
		at += i % large[d] % small[d] * stride
		i, stride = i/large[d], stride*small[d]
	}
	return at
}

// Grown up: a file for each op in ops, such as ops/relu.go and ops/broadcastto.go, on float32 and
// float64, shared out among workers, tested by ops/opstest. How to write one:
// docs/howto/add-an-op.md.
