package opstest

import (
	"context"
	"fmt"
	"math"

	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/vm"
)

// Dense returns a tensor of type t with the elements v, converted.
func Dense(t graph.Type, v []float64) *tensor.Dense {
	var backing any
	switch t.DType {
	case graph.Float32:
		backing = convert[float32](v)
	case graph.Float64:
		backing = append([]float64{}, v...)
	case graph.Int32:
		backing = convert[int32](v)
	case graph.Int64:
		backing = convert[int64](v)
	default:
		b := make([]bool, len(v))
		for i, x := range v {
			b[i] = x != 0
		}
		backing = b
	}
	return tensor.New(tensor.WithShape(t.Shape...), tensor.WithBacking(backing))
}

// Elements returns the elements of t as float64.
func Elements(t *tensor.Dense) []float64 {
	var out []float64
	switch t.Dtype() {
	case tensor.Float32:
		for _, v := range t.Float32s() {
			out = append(out, float64(v))
		}
	case tensor.Float64:
		out = append(out, t.Float64s()...)
	case tensor.Int32:
		for _, v := range t.Int32s() {
			out = append(out, float64(v))
		}
	case tensor.Int64:
		for _, v := range t.Int64s() {
			out = append(out, float64(v))
		}
	case tensor.Bool:
		for _, v := range t.Bools() {
			x := 0.0
			if v {
				x = 1
			}
			out = append(out, x)
		}
	}
	return out
}

// Near returns an error unless got and want have the same type and shape and
// every element of got is within tol of want, relative to the largest element
// of want; NaN is near NaN, and an infinity near itself.
func Near(got, want *tensor.Dense, tol float64) error {
	if got.Dtype() != want.Dtype() || !got.Shape().Eq(want.Shape()) {
		return fmt.Errorf("got %v %v, want %v %v", got.Dtype(), got.Shape(), want.Dtype(), want.Shape())
	}
	g, w := Elements(got), Elements(want)
	largest := 0.0
	for _, v := range w {
		if !math.IsInf(v, 0) && v == v {
			largest = max(largest, math.Abs(v))
		}
	}
	for i := range w {
		if g[i] == w[i] || g[i] != g[i] && w[i] != w[i] {
			continue
		}
		if diff := math.Abs(g[i] - w[i]); !(diff <= tol*largest) {
			return fmt.Errorf("element %d is %g, want %g (largest element %g, tolerance %g)", i, g[i], w[i], largest, tol)
		}
	}
	return nil
}

// run compiles and runs g once.
func run(g *graph.Graph, out []*graph.Value, feeds vm.Feeds, opts ...vm.Option) ([]*tensor.Dense, error) {
	p, err := vm.Compile(g, out, opts...)
	if err != nil {
		return nil, err
	}
	m, err := p.NewMachine(vm.NewState(0))
	if err != nil {
		return nil, err
	}
	defer m.Close()
	return m.Run(context.Background(), feeds)
}
