package ops

import (
	"math"
	"testing"

	"neocog/graph"
)

func axes(a ...int) graph.Dims { return graph.MakeDims(a...) }

func TestReduceTypes(t *testing.T) {
	N := graph.Batch
	g := graph.New("types")
	x := in(g, "x", N, 3, 4)
	hasType(t, Sum(x), "f32[]")
	hasType(t, Sum(x, 0), "f32[3,4]")
	hasType(t, Sum(x, -1), "f32[N,3]")
	hasType(t, Sum(x, 2, 0), "f32[3]")
	hasType(t, Mean(x, 0, 1, 2), "f32[]")
	hasType(t, MeanKeep(x, -1, 0), "f32[1,3,1]")
	hasType(t, SumKeep(x), "f32[1,1,1]")
	if Sum(x, 0, -1, 1).Node().Op != Sum(x).Node().Op {
		t.Error("all axes and no axes are different ops")
	}
	if Sum(x, -1, 0).Node().Op != Sum(x, 0, 2).Node().Op {
		t.Error("the order of axes matters")
	}
	refuses(t, "axis 3 is out of range, x f32[N,3,4] has axes 0 to 2", func(g *graph.Graph) { Sum(in(g, "x", N, 3, 4), 3) })
	refuses(t, "axis -4 is out of range", func(g *graph.Graph) { Mean(in(g, "x", N, 3, 4), -4) })
	refuses(t, "axis 1 is given twice", func(g *graph.Graph) { Sum(in(g, "x", N, 3, 4), 1, -2) })
	refuses(t, "2 axes are given, x f32[5] has 1", func(g *graph.Graph) { Sum(in(g, "x", 5), 0, 0) })
	refuses(t, "want a tensor of f32 or f64", func(g *graph.Graph) { Sum(g.Input("x", graph.Of(graph.Int32, 4))) })
}

func TestSumValues(t *testing.T) {
	x := f32(sh(2, 3, 2), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
	expect(t, sum{}, f32(sh(), 78), x)
	expect(t, sum{axes(0)}, f32(sh(3, 2), 8, 10, 12, 14, 16, 18), x)
	expect(t, sum{axes(1)}, f32(sh(2, 2), 9, 12, 27, 30), x)
	expect(t, sum{axes(2)}, f32(sh(2, 3), 3, 7, 11, 15, 19, 23), x)
	expect(t, sum{axes(0, 2)}, f32(sh(3), 18, 26, 34), x)
	expect(t, sum{axes(0, 1)}, f32(sh(2), 36, 42), x)
	expect(t, sum{axes(1, 2)}, f32(sh(2), 21, 57), x)
	expect(t, sum{axes(0, 1, 2)}, f32(sh(), 78), x)
	expect(t, mean{axes(1)}, f32(sh(2, 2), 3, 4, 9, 10), x)
	expect(t, mean{}, f32(sh(), 6.5), x)
	expect(t, sum{}, f64(sh(), 7), f64(sh(), 7))
	expect(t, mean{axes(0)}, f64(sh(2), 1, 2), f64(sh(1, 2), 1, 2))
}

func TestSumOfNothing(t *testing.T) {
	expect(t, sum{}, f32(sh(), 0), f32(sh(0, 3)))
	expect(t, sum{axes(0)}, f32(sh(3), 0, 0, 0), f32(sh(0, 3)))
	expect(t, sum{axes(1)}, f32(sh(0)), f32(sh(0, 3)))
	expect(t, sum{axes(1)}, f32(sh(2), 0, 0), f32(sh(2, 0)))
	expect(t, mean{}, f32(sh(), float32(nan)), f32(sh(0, 3)))
	expect(t, mean{axes(0)}, f64(sh(1), nan), f64(sh(0, 1)))
	expect(t, mean{axes(0)}, f64(sh(0)), f64(sh(0, 0)))
}

func TestSumPropagates(t *testing.T) {
	expect(t, sum{axes(1)}, f64(sh(3), nan, inf, nan), f64(sh(3, 2), nan, 1, inf, 1, inf, -inf))
}

// Every set of axes must agree with the definition, over more results than one band.
func TestSumAgreesWithDefinition(t *testing.T) {
	s := sh(3, 2, 5, 2, 300)
	x := ramp[float64](s.Size())
	stride := contiguous(s)
	for set := 1; set < 31; set++ {
		var ax []int
		for i := range s {
			if set>>i&1 == 1 {
				ax = append(ax, i)
			}
		}
		y := dropAxes(s, axes(ax...))
		to := contiguous(y)
		want := make([]float64, y.Size())
		for i, v := range x {
			j, d := 0, 0
			for axis, n := range s {
				if set>>axis&1 == 0 {
					j += i / stride[axis] % n * to[d]
					d++
				}
			}
			want[j] += v
		}
		got, _ := run(t, sum{axes(ax...)}, f64(s, x...))
		for i, v := range got[0].data.([]float64) {
			// at most 18000 terms below 2, added in another order
			if d := math.Abs(v - want[i]); d > 1e-10 {
				t.Fatalf("axes %v: element %d is %v, want %v", ax, i, v, want[i])
			}
		}
	}
}

// Naive float32 accumulation of a million numbers near 1 is off by 1e-3 and more;
// the promise is one rounding of the float64 sum.
func TestSumOfManyIsAccurate(t *testing.T) {
	const n = 1_000_000
	x := make([]float32, n)
	exact := 0.0
	for i := range x {
		x[i] = float32(0.1 + math.Mod(float64(i)*0.618, 1))
		exact += float64(x[i])
	}
	for name, c := range map[string]struct {
		op graph.Op
		s  graph.Shape
	}{
		"all":    {sum{}, sh(n)},
		"column": {sum{axes(0)}, sh(n, 1)},
		"rows":   {mean{axes(1)}, sh(1, n)},
	} {
		got, _ := run(t, c.op, f32(c.s, x...))
		v := float64(got[0].data.([]float32)[0])
		if name == "rows" {
			v *= n
		}
		if math.Abs(v-exact) > 1e-7*exact {
			t.Errorf("%s: %v, want %v to 1e-7", name, v, exact)
		}
	}
}

func TestSpreadMean(t *testing.T) {
	op := spreadMean{axes(graph.Batch, 3)}
	out := []graph.Type{graph.Of(graph.Float32, 2, 3)}
	got, _ := runAs(t, op, out, f32(sh(3), 2, 4, 6))
	same(t, "SpreadMean", got[0], f32(sh(2, 3), 1, 2, 3, 1, 2, 3))
	got, _ = runAs(t, op, out, f32(sh(2, 1), 3, 6))
	same(t, "SpreadMean", got[0], f32(sh(2, 3), 1, 1, 1, 2, 2, 2))
}
