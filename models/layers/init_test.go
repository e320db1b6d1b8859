package layers_test

import (
	"math"
	"slices"
	"testing"

	"neocog/graph"
	"neocog/models/layers"
)

// The variance of n independent draws is known to a few times its standard
// error: √(2/n) of it for the normal distribution (kurtosis 3), √(0.8/n) for the
// uniform one (kurtosis 1.8). Five of them are passed once in two million
// draws; these draws are seeded and do pass. The mean has standard error σ/√n.
func TestInitialiserStatistics(t *testing.T) {
	const in, out = 300, 100
	shape := graph.Shape{out, in}
	const n = in * out
	for _, c := range []struct {
		name     string
		init     layers.Initializer
		variance float64
		spread   float64 // kurtosis − 1
	}{
		{"He", layers.He, 2. / in, 2},
		{"Xavier", layers.Xavier, 2. / (in + out), 2},
		{"XavierUniform", layers.XavierUniform, 2. / (in + out), 0.8},
		{"LeCun", layers.LeCun, 1. / in, 2},
		{"Normal", layers.Normal(1e-4), 1e-8, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := c.init(shape, in, out).Values("fc/w", graph.Type{DType: graph.Float64, Shape: shape}, 1)
			mean, variance := moments(v)
			if bound := 5 * math.Sqrt(c.variance/n); math.Abs(mean) > bound {
				t.Errorf("mean %g, want 0 within %g", mean, bound)
			}
			if bound := 5 * c.variance * math.Sqrt(c.spread/n); math.Abs(variance-c.variance) > bound {
				t.Errorf("variance %g, want %g within %g", variance, c.variance, bound)
			}
		})
	}
}

func moments(v []float64) (mean, variance float64) {
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		variance += (x - mean) * (x - mean) / float64(len(v))
	}
	return mean, variance
}

func TestXavierUniformStaysInItsBounds(t *testing.T) {
	shape := graph.Shape{20, 30}
	v := layers.XavierUniform(shape, 30, 20).Values("w", graph.Type{DType: graph.Float64, Shape: shape}, 1)
	a := math.Sqrt(6. / 50)
	if lo, hi := slices.Min(v), slices.Max(v); lo < -a || hi >= a {
		t.Errorf("values from %g to %g, want within ±%g", lo, hi, a)
	}
}

func TestConstantInitialiser(t *testing.T) {
	shape := graph.Shape{2, 2}
	v := layers.Constant(0.1)(shape, 2, 2).Values("w", graph.Type{DType: graph.Float64, Shape: shape}, 1)
	if !slices.Equal(v, []float64{0.1, 0.1, 0.1, 0.1}) {
		t.Errorf("got %v, want 0.1 everywhere", v)
	}
}

// Gram–Schmidt done twice is orthogonal to rounding: n·2⁻⁵² per product of
// vectors of n elements, here with a margin of ten.
func TestOrthogonalInitialiser(t *testing.T) {
	for _, c := range []struct {
		name  string
		shape graph.Shape
	}{
		{"wide", graph.Shape{8, 30}},
		{"tall", graph.Shape{30, 8}},
		{"square", graph.Shape{16, 16}},
		{"filter", graph.Shape{8, 3, 3, 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			const gain = 1.5
			v := layers.Orthogonal(gain)(c.shape, 1, 1).Values("w", graph.Type{DType: graph.Float64, Shape: c.shape}, 1)
			rows := c.shape[0]
			cols := len(v) / rows
			n, dim, at := rows, cols, func(i, j int) float64 { return v[i*cols+j] }
			if rows > cols {
				n, dim, at = cols, rows, func(i, j int) float64 { return v[j*cols+i] }
			}
			for i := range n {
				for k := range n {
					dot, want := 0., 0.
					for j := range dim {
						dot += at(i, j) * at(k, j)
					}
					if i == k {
						want = gain * gain
					}
					if math.Abs(dot-want) > 10*float64(dim)*0x1p-52*gain*gain {
						t.Fatalf("product of vectors %d and %d is %g, want %g", i, k, dot, want)
					}
				}
			}
		})
	}
}

// The starting values of a layer are those of its name and the seed, whatever
// was built before it.
func TestStartingValuesDoNotDependOnOrder(t *testing.T) {
	build := func(names ...string) *graph.Graph {
		g := graph.New("net")
		x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 20))
		b := &layers.Builder{}
		for _, name := range names {
			b.Linear(name, x, 7)
		}
		if err := g.Err(); err != nil {
			t.Fatal(err)
		}
		return g
	}
	values := func(g *graph.Graph, name string, seed uint64) []float64 {
		p := g.Lookup(name)
		return p.Node().Op.(graph.ParamOp).Init.Values(name, p.Type(), seed)
	}
	one, two := build("a", "b"), build("c", "b", "a")
	for _, name := range []string{"a/w", "b/w"} {
		if !slices.Equal(values(one, name, 1), values(two, name, 1)) {
			t.Errorf("%s starts differently in another order", name)
		}
	}
	if slices.Equal(values(one, "a/w", 1), values(one, "b/w", 1)) {
		t.Error("layers a and b start alike")
	}
	if slices.Equal(values(one, "a/w", 1), values(one, "a/w", 2)) {
		t.Error("seeds 1 and 2 start alike")
	}
}
