package gorgonia_test

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"neocog/graph"
	neocog "neocog/interop/gorgonia"
	"neocog/vm"
)

// Learnables become parameters, with the values that they have at that moment and that nobody shares; other variables become inputs.
func TestConvertParameters(t *testing.T) {
	g := G.NewGraph()
	x := G.NewMatrix(g, tensor.Float32, G.WithShape(2, 3), G.WithName("x"))
	w := leaf(g, "w", values(rand.New(rand.NewPCG(1, 2)), around, s(3, 4), tensor.Float32))
	y := G.Must(G.Mul(x, w))
	net, err := neocog.Convert(G.Nodes{y}, G.Nodes{w})
	if err != nil {
		t.Fatal(err)
	}
	if in := net.Graph.Inputs(); len(in) != 1 || in[0] != net.Values[x] || net.Graph.Lookup("x") != in[0] {
		t.Errorf("the inputs are %v, want x alone", in)
	}
	if p := net.Graph.Params(); len(p) != 1 || p[0] != net.Values[w] || net.Graph.Lookup("w") != p[0] {
		t.Errorf("the parameters are %v, want w alone", p)
	}
	kept, err := net.State.Get("w")
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "w", kept, w.Value(), 0)

	program, err := vm.Compile(net.Graph, []*graph.Value{net.Values[y]})
	if err != nil {
		t.Fatal(err)
	}
	machine, err := program.NewMachine(net.State)
	if err != nil {
		t.Fatal(err)
	}
	defer machine.Close()
	images := values(rand.New(rand.NewPCG(3, 4)), around, s(2, 3), tensor.Float32)
	want, err := images.MatMul(w.Value().(*tensor.Dense))
	if err != nil {
		t.Fatal(err)
	}
	w.Value().(*tensor.Dense).Zero()
	out, err := machine.Run(context.Background(), vm.Feeds{net.Values[x]: images})
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "y", out[0], want, 16*0x1p-23)
}

// What Gorgonia takes several ops for is one op: a convolution, and a ReLU.
func TestConvertRecognisesPatterns(t *testing.T) {
	g := G.NewGraph()
	rng := rand.New(rand.NewPCG(1, 2))
	x := leaf(g, "x", values(rng, around, s(1, 2, 6, 6), tensor.Float32))
	w := leaf(g, "w", values(rng, around, s(3, 2, 3, 3), tensor.Float32))
	y := G.Must(G.Rectify(G.Must(G.Conv2d(x, w, s(3, 3), []int{1, 1}, []int{1, 1}, []int{1, 1}))))
	net, err := neocog.Convert(G.Nodes{y}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range net.Graph.Nodes() {
		got = append(got, n.Op.Name())
	}
	if want := []string{"Input", "Input", "Conv2D", "ReLU"}; !slices.Equal(got, want) {
		t.Errorf("the ops are %v, want %v", got, want)
	}
}

// Names that occur twice in an ExprGraph, or not at all, are told apart.
func TestConvertNames(t *testing.T) {
	g := G.NewGraph()
	v := func(name string, length int) *G.Node { // of another shape each: Gorgonia takes what has one name and one shape for one variable
		return G.NewUniqueNode(G.WithType(G.TensorType{Dims: 1, Of: tensor.Float64}), G.WithShape(length), G.WithName(name), G.In(g))
	}
	a, b, c, d := v("x", 1), v("x_2", 2), v("x", 3), v("", 4)
	net, err := neocog.Convert(G.Nodes{a, b, c, d}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, n := range map[string]*G.Node{"x": a, "x_2": b, "x_3": c, "unnamed": d} {
		if got := net.Graph.Lookup(name); got == nil || got != net.Values[n] {
			t.Errorf("%q is %v, want %v", name, got, net.Values[n])
		}
	}
}

// Whatever cannot be converted is an UnsupportedError, which names the op and the node.
func TestUnsupported(t *testing.T) {
	image := func(g *G.ExprGraph) *G.Node {
		return leaf(g, "image", values(rand.New(rand.NewPCG(1, 2)), around, s(1, 2, 4, 4), tensor.Float64))
	}
	matrix := func(g *G.ExprGraph) *G.Node {
		return leaf(g, "matrix", values(rand.New(rand.NewPCG(1, 2)), around, s(3, 5), tensor.Float64))
	}
	for _, c := range []struct {
		name  string
		build func(g *G.ExprGraph) *G.Node
		op    string // part of UnsupportedError.Op
		want  string
	}{
		{"Sin", func(g *G.ExprGraph) *G.Node { return G.Must(G.Sin(matrix(g))) }, "sin", "there is no rule for it"},
		{"Cos", func(g *G.ExprGraph) *G.Node { return G.Must(G.Cos(matrix(g))) }, "cos", "there is no rule for it"},
		{"Sparsemax", func(g *G.ExprGraph) *G.Node { return G.Must(G.Sparsemax(matrix(g))) }, "Sparsemax", "there is no rule for it"},
		{"DiagFlat", func(g *G.ExprGraph) *G.Node {
			return G.Must(G.DiagFlat(G.NewVector(g, tensor.Float64, G.WithShape(3), G.WithName("v"))))
		}, "DiagFlat", "there is no rule for it"},
		{"At", func(g *G.ExprGraph) *G.Node { return G.Must(G.At(matrix(g), 1, 2)) }, "At", "there is no rule for it"},
		{"a random node", func(g *G.ExprGraph) *G.Node { return G.UniformRandomNode(g, tensor.Float64, 0, 1, 3, 5) }, "0(0, 1)", "there is no rule for it"},
		{"AveragePool2D", func(g *G.ExprGraph) *G.Node {
			return G.Must(G.AveragePool2D(image(g), s(2, 2), []int{0, 0}, []int{2, 2}))
		}, "AvgPool", "ops.AvgPool2D is the average"},
		{"Im2Col alone", func(g *G.ExprGraph) *G.Node {
			return G.Must(G.Im2Col(image(g), s(2, 2), s(0, 0), s(1, 1), s(1, 1)))
		}, "im2col", "there is no rule for it"},
		{"a gradient of Gorgonia's", func(g *G.ExprGraph) *G.Node {
			x := image(g)
			y := G.Must(G.MaxPool2D(x, s(2, 2), []int{0, 0}, []int{2, 2}))
			if _, err := G.Grad(G.Must(G.Sum(y)), x); err != nil {
				t.Fatal(err)
			}
			return x.Deriv()
		}, "MaxPoolDiff", "there is no rule for it"},
		{"an op of somebody's own", func(g *G.ExprGraph) *G.Node { return G.Must(G.ApplyOp(strange{}, matrix(g))) }, "strange", "there is no rule for it"},
		{"bytes", func(g *G.ExprGraph) *G.Node {
			return G.NewVector(g, tensor.Byte, G.WithShape(3), G.WithName("letters"))
		}, "variable", "elements of type uint8 have no counterpart"},
		{"a large padding", func(g *G.ExprGraph) *G.Node {
			return G.Must(G.MaxPool2D(image(g), s(2, 2), []int{2, 2}, []int{2, 2}))
		}, "MaxPool", "padding"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := c.build(G.NewGraph())
			_, err := neocog.Convert(G.Nodes{n}, nil)
			no, ok := errors.AsType[*neocog.UnsupportedError](err)
			if !ok {
				t.Fatalf("got %v, want an UnsupportedError", err)
			}
			if no.Node != n || !strings.Contains(no.Op, c.op) {
				t.Errorf("the error is about op %q of node %v, want %q and %v", no.Op, no.Node, c.op, n)
			}
			for _, part := range []string{c.op, c.want, fmt.Sprintf("of node %d %q, %v", n.ID(), n.Name(), n.Shape())} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error is\n%v\nwant %q in it", err, part)
				}
			}
			if _, err := neocog.NewMachine(n); err == nil {
				t.Error("NewMachine has no error")
			}
		})
	}
}

// strange is x, as an op that nobody knows.
type strange struct{}

func (strange) Arity() int                                        { return 1 }
func (strange) Type() hm.Type                                     { return hm.NewFnType(hm.TypeVariable('a'), hm.TypeVariable('a')) }
func (strange) InferShape(in ...G.DimSizer) (tensor.Shape, error) { return in[0].(tensor.Shape), nil }
func (strange) Do(in ...G.Value) (G.Value, error)                 { return in[0], nil }
func (strange) ReturnsPtr() bool                                  { return false }
func (strange) CallsExtern() bool                                 { return false }
func (strange) OverwritesInput() int                              { return -1 }
func (s strange) WriteHash(h hash.Hash)                           { fmt.Fprint(h, s) }
func (strange) Hashcode() uint32                                  { return 1 }
func (strange) String() string                                    { return "strange" }

// Gorgonia takes a kernelShape with as many taps as the filter, which is another convolution: not the one that has the filter's shape.
func TestOtherKernelShape(t *testing.T) {
	g := G.NewGraph()
	rng := rand.New(rand.NewPCG(1, 2))
	x := leaf(g, "x", values(rng, around, s(1, 2, 4, 4), tensor.Float64))
	w := leaf(g, "w", values(rng, around, s(3, 2, 1, 4), tensor.Float64))
	y := G.Must(G.Conv2d(x, w, s(4, 1), []int{0, 0}, []int{4, 4}, []int{1, 1})) // of the same shape as with (1, 4)
	_, err := neocog.Convert(G.Nodes{y}, nil)
	if no, ok := errors.AsType[*neocog.UnsupportedError](err); !ok || !strings.Contains(no.Op, "im2col") {
		t.Errorf("got %v, want an UnsupportedError about im2col", err)
	}
}

// An op of somebody's own that has a name of Gorgonia's is not taken for it.
func TestNamesake(t *testing.T) {
	x := G.NewMatrix(G.NewGraph(), tensor.Float64, G.WithShape(3, 5), G.WithName("x"))
	_, err := neocog.Convert(G.Nodes{G.Must(G.ApplyOp(sumOp{}, x))}, nil)
	if _, ok := errors.AsType[*neocog.UnsupportedError](err); !ok {
		t.Errorf("got %v, want an UnsupportedError", err)
	}
}

type sumOp struct{ strange }

// A Gorgonia with other fields gives an error, no panic.
func TestOtherGorgonia(t *testing.T) {
	err := func() (err error) {
		defer neocog.Guard(&err)
		reflect.ValueOf(strange{}).FieldByName("along").Len()
		return nil
	}()
	if err == nil || !strings.Contains(err.Error(), "not as Gorgonia v0.9.18 makes it") {
		t.Errorf("got %v", err)
	}
}

func TestConvertErrors(t *testing.T) {
	g := G.NewGraph()
	w := G.NewMatrix(g, tensor.Float32, G.WithShape(3, 4), G.WithName("w"))
	y := G.Must(G.Square(w))
	for _, c := range []struct {
		outputs, learnables G.Nodes
		want                string
	}{
		{nil, nil, "Convert needs an output, got none"},
		{G.Nodes{nil}, nil, "one of the nodes to convert is nil"},
		{G.Nodes{y}, G.Nodes{nil}, "one of the nodes to convert is nil"},
		{G.Nodes{y}, G.Nodes{w}, `the learnable "w" has no value`},
		{G.Nodes{y}, G.Nodes{y}, "a learnable must be a variable"},
	} {
		if _, err := neocog.Convert(c.outputs, c.learnables); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want an error with %q", err, c.want)
		}
	}
}
