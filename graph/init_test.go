package graph_test

import (
	"math"
	"slices"
	"testing"

	"neocog/graph"
)

func TestInitValues(t *testing.T) {
	typ := graph.Of(graph.Float64, 100, 100)
	moments := func(v []float64) (mean, std float64) {
		for _, x := range v {
			mean += x / float64(len(v))
		}
		for _, x := range v {
			std += (x - mean) * (x - mean) / float64(len(v))
		}
		return mean, math.Sqrt(std)
	}
	// 10,000 draws: the mean is known to std/100 and the deviation to about std/140;
	// five times that is never seen for a fixed seed that was drawn once.
	mean, std := moments(graph.Normal(3, 2).Values("w", typ, 1))
	if math.Abs(mean-3) > 0.1 || math.Abs(std-2) > 0.1 {
		t.Errorf("normal(3,2) has mean %v and deviation %v", mean, std)
	}
	v := graph.Uniform(-1, 3).Values("w", typ, 1)
	mean, std = moments(v)
	if math.Abs(mean-1) > 0.06 || math.Abs(std-4/math.Sqrt(12)) > 0.06 || slices.Min(v) < -1 || slices.Max(v) >= 3 || slices.Min(v) > -0.99 || slices.Max(v) < 2.99 {
		t.Errorf("uniform(-1,3) has mean %v and deviation %v, from %v to %v", mean, std, slices.Min(v), slices.Max(v))
	}
	for _, x := range graph.Constant(2.5).Values("w", typ, 1) {
		if x != 2.5 {
			t.Fatalf("constant(2.5) gives %v", x)
		}
	}
	for _, x := range (graph.Init{}).Values("w", typ, 1) {
		if x != 0 {
			t.Fatalf("the zero Init gives %v", x)
		}
	}
	if k := graph.Key().Values("k", graph.Of(graph.Int64, 2), 1); len(k) != 2 || k[0] <= 0 || k[0] >= 1<<53 || k[0] != math.Trunc(k[0]) || k[1] != 0 {
		t.Errorf("key() gives %v", k)
	}
}

func TestInitDependsOnSeedAndNameAlone(t *testing.T) {
	typ := f32(3, 5)
	for _, i := range []graph.Init{graph.Normal(0, 1), graph.Uniform(0, 1), graph.Orthogonal(1)} {
		a := i.Values("w", typ, 1)
		if b := i.Values("w", typ, 1); !slices.Equal(a, b) {
			t.Errorf("%v gives %v, then %v", i, a, b)
		}
		if slices.Equal(a, i.Values("v", typ, 1)) || slices.Equal(a, i.Values("w", typ, 2)) {
			t.Errorf("%v does not depend on name and seed", i)
		}
	}
}

func TestOrthogonal(t *testing.T) {
	const gain = 1.5
	for _, shape := range [][]int{{4, 4}, {3, 7}, {7, 3}, {1, 9}, {9, 1}, {6, 2, 3, 3}, {20, 2, 2, 2}} {
		typ := graph.Of(graph.Float64, shape...)
		v := graph.Orthogonal(gain).Values("w", typ, 3)
		rows := shape[0]
		cols := len(v) / rows
		n, dot := rows, func(i, j int) (s float64) {
			for c := range cols {
				s += v[i*cols+c] * v[j*cols+c]
			}
			return
		}
		if cols < rows {
			n, dot = cols, func(i, j int) (s float64) {
				for r := range rows {
					s += v[r*cols+i] * v[r*cols+j]
				}
				return
			}
		}
		for i := range n {
			for j := range n {
				want := 0.0
				if i == j {
					want = gain * gain
				}
				// Twice-projected Gram–Schmidt is orthogonal to rounding: n·ε is ample.
				if math.Abs(dot(i, j)-want) > 1e-14*gain*gain {
					t.Errorf("%v: vectors %d and %d have the product %v, want %v", shape, i, j, dot(i, j), want)
				}
			}
		}
	}
	for _, shape := range [][]int{{0, 3}, {3, 0}} {
		if v := graph.Orthogonal(1).Values("w", graph.Of(graph.Float64, shape...), 3); len(v) != 0 {
			t.Errorf("%v: %d values", shape, len(v))
		}
	}
}

// Large parameters come in pieces which together are the whole: those of one sequence of random numbers.
func TestInitInBlocks(t *testing.T) {
	typ, n := f32(3, 7001), 0
	whole := graph.Normal(0, 1).Values("w", typ, 1)
	for block := range graph.Normal(0, 1).Blocks("w", typ, 1) {
		if len(block) > 8192 || !slices.Equal(block, whole[n:n+len(block)]) {
			t.Fatalf("a block of %d values from %d on is not that part of the whole", len(block), n)
		}
		n += len(block)
	}
	if n != 3*7001 {
		t.Errorf("the blocks have %d values, want %d", n, 3*7001)
	}
	if slices.Equal(whole[:8192], whole[8192:2*8192]) {
		t.Error("the random numbers begin anew in each block")
	}
}
