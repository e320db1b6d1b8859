package gorgonia_test

import (
	"fmt"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	neocog "neocog/interop/gorgonia"
)

// geometries of convolutions, odd ones too.
var geometries = []struct {
	x, w                  tensor.Shape
	pad, stride, dilation []int
}{
	{s(2, 2, 5, 4), s(3, 2, 3, 3), []int{1, 1}, []int{1, 1}, []int{1, 1}},
	{s(1, 1, 5, 5), s(1, 1, 5, 5), nil, []int{1, 1}, nil},
	{s(1, 2, 7, 6), s(2, 2, 3, 3), []int{1, 1}, []int{2, 2}, []int{1, 1}},
	{s(2, 3, 3, 5), s(4, 3, 1, 1), []int{0, 0}, []int{1, 1}, []int{1, 1}},
	{s(1, 1, 7, 7), s(2, 1, 3, 3), []int{2, 2}, []int{1, 1}, []int{2, 2}},
	{s(2, 2, 1, 11), s(3, 2, 1, 4), []int{0, 2}, []int{1, 3}, []int{1, 1}},
}

func forGeometries(t *testing.T, test func(t *testing.T, theirs, mine expression, dt tensor.Dtype)) {
	for _, c := range geometries {
		for _, dt := range []tensor.Dtype{tensor.Float64, tensor.Float32} {
			theirs := expression{in: shapes{c.x, c.w}, build: conv2d(c.pad, c.stride, c.dilation)}
			mine := theirs
			mine.build = func(in G.Nodes) (*G.Node, error) {
				return neocog.Conv2d(in[0], in[1], in[1].Shape()[2:], c.pad, c.stride, c.dilation)
			}
			t.Run(fmt.Sprintf("%v by %v pad %v stride %v dilation %v %v", c.x, c.w, c.pad, c.stride, c.dilation, dt), func(t *testing.T) {
				test(t, theirs, mine, dt)
			})
		}
	}
}

func compareAll(t *testing.T, got, want []result, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d results, want %d", len(got), len(want))
	}
	for i, w := range want {
		compare(t, w.name, got[i].value, w.value, tolerance)
	}
}

// In an ExprGraph on Gorgonia's tape machine, Conv2d gives what Gorgonia's gives, gradients too, and in the second run as in the first.
func TestConv2dOnTapeMachine(t *testing.T) {
	forGeometries(t, func(t *testing.T, theirs, mine expression, dt tensor.Dtype) {
		a, b := newProgram(t, theirs, dt, true), newProgram(t, mine, dt, true)
		want := a.run(t, tape(t, a))
		vm := tape(t, b)
		compareAll(t, b.run(t, vm), want, mine.tolerance(dt))
		vm.Reset()
		for _, n := range b.learnables { // a tape machine adds gradients to what is there
			d, err := n.Grad()
			if err != nil {
				t.Fatal(err)
			}
			G.ZeroValue(d)
		}
		compareAll(t, b.run(t, vm), want, mine.tolerance(dt))
	})
}

// So it does on the lisp machine, which asks for DoDiff in place of SymDiff.
func TestConv2dOnLispMachine(t *testing.T) {
	forGeometries(t, func(t *testing.T, theirs, mine expression, dt tensor.Dtype) {
		a, b := newProgram(t, theirs, dt, true), newProgram(t, mine, dt, false)
		want := a.run(t, tape(t, a))
		vm := G.NewLispMachine(b.cost.Graph())
		defer vm.Close()
		b.learnables = b.in // of which the machine itself finds the gradients
		compareAll(t, b.run(t, vm), want, mine.tolerance(dt))
	})
}

// A graph with our convolutions can be converted.
func TestConv2dConverts(t *testing.T) {
	forGeometries(t, func(t *testing.T, theirs, mine expression, dt tensor.Dtype) {
		a, b := newProgram(t, theirs, dt, true), newProgram(t, mine, dt, true)
		vm, err := neocog.NewMachine(b.cost, b.learnables...)
		if err != nil {
			t.Fatal(err)
		}
		defer vm.Close()
		compareAll(t, b.run(t, vm), a.run(t, tape(t, a)), mine.tolerance(dt))
	})
}

// What SymDiff returns has right gradients too. gorgonia.Grad passes over nodes that it has differentiated before, so that
// gradients are asked for here in place of the convolution, not behind it.
func TestConv2dSecondOrder(t *testing.T) {
	for _, c := range geometries {
		pad, dilation := c.pad, c.dilation
		if pad == nil {
			pad, dilation = []int{0, 0}, []int{1, 1}
		}
		y := s(c.x[0], c.w[0], 0, 0)
		for i := range 2 {
			y[2+i] = (c.x[2+i]+2*pad[i]-dilation[i]*(c.w[2+i]-1)-1)/c.stride[i] + 1
		}
		e := expression{in: shapes{c.x, c.w, y}, build: func(in G.Nodes) (*G.Node, error) {
			y, err := neocog.Conv2d(in[0], in[1], in[1].Shape()[2:], c.pad, c.stride, c.dilation)
			if err != nil {
				return nil, err
			}
			d, err := y.Op().(G.SDOp).SymDiff(in[:2], y, in[2])
			if err != nil {
				return nil, err
			}
			return G.Add(G.Must(G.Sum(G.Must(G.Cube(d[0])))), G.Must(G.Sum(G.Must(G.Cube(d[1])))))
		}}
		t.Run(fmt.Sprintf("%v by %v", c.x, c.w), func(t *testing.T) {
			p := newProgram(t, e, tensor.Float64, true)
			got := p.run(t, tape(t, p))
			q := newProgram(t, e, tensor.Float64, false)
			compareAll(t, got[1:], q.differences(t, tape(t, q)), 1e-6)
		})
	}
}

func TestConv2dErrors(t *testing.T) {
	g := G.NewGraph()
	image := G.NewTensor(g, tensor.Float32, 4, G.WithShape(1, 3, 8, 8), G.WithName("x"))
	filter := G.NewTensor(g, tensor.Float32, 4, G.WithShape(4, 3, 3, 3), G.WithName("w"))
	flat := G.NewMatrix(g, tensor.Float32, G.WithShape(3, 8), G.WithName("m"))
	other := G.NewTensor(g, tensor.Float32, 4, G.WithShape(4, 2, 3, 3), G.WithName("v"))
	large := G.NewTensor(g, tensor.Float32, 4, G.WithShape(4, 3, 9, 9), G.WithName("u"))
	for _, c := range []struct {
		im, filter            *G.Node
		kernel                tensor.Shape
		pad, stride, dilation []int
		want                  string
	}{
		{nil, filter, s(3, 3), nil, []int{1, 1}, nil, "must not be nil"},
		{flat, filter, s(3, 3), nil, []int{1, 1}, nil, "the image is (3, 8)"},
		{image, filter, s(5, 5), nil, []int{1, 1}, nil, "kernelShape is (5, 5), but the filter (4, 3, 3, 3) has taps (3, 3)"},
		{image, filter, s(3, 3), []int{1}, []int{1, 1}, nil, "pad is [1], want two numbers of at least 0"},
		{image, filter, s(3, 3), nil, []int{0, 1}, nil, "stride is [0 1], want two numbers of at least 1"},
		{image, filter, s(3, 3), nil, nil, nil, "stride is [], want two numbers of at least 1"},
		{image, filter, s(3, 3), nil, []int{1, 1}, []int{1, -1}, "dilation is [1 -1]"},
		{image, other, s(3, 3), nil, []int{1, 1}, nil, "x has 3 channels, w wants 2"},
		{image, large, s(9, 9), nil, []int{1, 1}, nil, "a filter of 9 is larger than the height, 8"},
	} {
		_, err := neocog.Conv2d(c.im, c.filter, c.kernel, c.pad, c.stride, c.dilation)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want an error with %q", err, c.want)
		}
	}
}
