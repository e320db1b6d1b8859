package gorgonia_test

import (
	"math"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	neocog "neocog/interop/gorgonia"
)

// Where both differ on purpose: docs/howto/from-gorgonia.md says the same.
func TestWhatDiffers(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name         string
		x            []float64
		shape        tensor.Shape
		build        func(G.Nodes) (*G.Node, error)
		theirs, ours []float64 // gradient of x in Σy
		theirY, ourY []float64 // nil: the same
	}{
		{name: "Rectify at 0", x: []float64{-1, 0, 1}, shape: s(3), build: one(G.Rectify), theirs: []float64{0, 1, 1}, ours: []float64{0, 0, 1}},
		{name: "Max among equals", x: []float64{2, 3, 3}, shape: s(3), build: func(in G.Nodes) (*G.Node, error) { return G.Max(in[0]) },
			theirs: []float64{0, 1, 1}, ours: []float64{0, 1, 0}},
		{name: "Abs at 0", x: []float64{-1, 0, 1}, shape: s(3), build: one(G.Abs), theirs: []float64{-1, 0, 1}, ours: []float64{-1, 0, 1}},
		{name: "MaxPool2D among equals", x: []float64{1, 3, 3, 3}, shape: s(1, 1, 2, 2), build: maxPool(s(2, 2), []int{0, 0}, []int{2, 2}),
			theirs: []float64{0, 1, 0, 0}, ours: []float64{0, 1, 0, 0}},
		{name: "MaxPool2D of NaN", x: []float64{1, nan, 3, 2}, shape: s(1, 1, 2, 2), build: maxPool(s(2, 2), []int{0, 0}, []int{2, 2}),
			theirs: []float64{0, 0, 1, 0}, ours: []float64{0, 1, 0, 0}, theirY: []float64{3}, ourY: []float64{nan}},
	} {
		run := func(make func(cost *G.Node, x *G.Node) G.VM) (y, d []float64) {
			g := G.NewGraph()
			x := leaf(g, "x", tensor.New(tensor.WithShape(c.shape...), tensor.WithBacking(slices.Clone(c.x))))
			out, err := c.build(G.Nodes{x})
			if err != nil {
				t.Fatal(err)
			}
			var read G.Value
			G.Read(out, &read)
			cost := out
			if !cost.IsScalar() {
				cost = G.Must(G.Sum(out))
			}
			if _, err := G.Grad(cost, x); err != nil {
				t.Fatal(err)
			}
			vm := make(cost, x)
			defer vm.Close()
			if err := vm.RunAll(); err != nil {
				t.Fatal(err)
			}
			gradient, err := x.Grad()
			if err != nil {
				t.Fatal(err)
			}
			return floats(t, read), floats(t, gradient)
		}
		theirY, theirs := run(func(cost, x *G.Node) G.VM { return G.NewTapeMachine(cost.Graph(), G.BindDualValues(x)) })
		ourY, ours := run(func(cost, x *G.Node) G.VM {
			m, err := neocog.NewMachine(cost, x)
			if err != nil {
				t.Fatal(err)
			}
			return m
		})
		if !slices.Equal(theirs, c.theirs) || !slices.Equal(ours, c.ours) {
			t.Errorf("%s: gradients are %v with Gorgonia and %v here, want %v and %v", c.name, theirs, ours, c.theirs, c.ours)
		}
		same := func(a, b []float64) bool {
			return slices.EqualFunc(a, b, func(x, y float64) bool { return x == y || x != x && y != y })
		}
		if c.theirY == nil {
			c.theirY, c.ourY = theirY, theirY
		}
		if !same(theirY, c.theirY) || !same(ourY, c.ourY) {
			t.Errorf("%s: results are %v with Gorgonia and %v here, want %v and %v", c.name, theirY, ourY, c.theirY, c.ourY)
		}
	}
}
