package ops_test

import (
	"fmt"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/ops"
	"neocog/ops/opstest"
	"neocog/vm"
)

// sumOfProducts is the definition: the result of an equation with an arrow and without "...", by loops over all letters.
func sumOfProducts(equation string, shapes [][]int, x [][]float64) []float64 {
	left, right, _ := strings.Cut(equation, "->")
	terms := strings.Split(left, ",")
	extents := map[byte]int{}
	var letters []byte
	for i, t := range terms {
		for j := range t {
			if _, ok := extents[t[j]]; !ok {
				letters = append(letters, t[j])
			}
			extents[t[j]] = max(extents[t[j]], shapes[i][j])
		}
	}
	size := 1
	for i := range right {
		size *= extents[right[i]]
	}
	y := make([]float64, size)
	at := map[byte]int{}
	var loop func(d int)
	loop = func(d int) {
		if d < len(letters) {
			for at[letters[d]] = range extents[letters[d]] {
				loop(d + 1)
			}
			return
		}
		v := 1.0
		for i, t := range terms {
			from := 0
			for j := range t {
				if from *= shapes[i][j]; shapes[i][j] > 1 {
					from += at[t[j]]
				}
			}
			v *= x[i][from]
		}
		to := 0
		for i := range right {
			to = to*extents[right[i]] + at[right[i]]
		}
		y[to] += v
	}
	loop(0)
	return y
}

func TestEinsumIsTheSumOfProducts(t *testing.T) {
	for _, c := range []struct {
		equation, plain string // plain as sumOfProducts wants it, "" if the equation is
		shapes          [][]int
	}{
		{"ij->ji", "", [][]int{{3, 4}}},
		{"ij->i", "", [][]int{{3, 4}}},
		{"ij->", "", [][]int{{3, 4}}},
		{"ij", "ij->ij", [][]int{{3, 4}}},
		{"ba", "ba->ab", [][]int{{3, 4}}},
		{"i,i", "i,i->", [][]int{{5}, {5}}},
		{"i,j->ij", "", [][]int{{5}, {3}}},
		{"bij, bjk -> bik", "bij,bjk->bik", [][]int{{5, 2, 3}, {5, 3, 4}}},
		{"bij,bjk->kb", "", [][]int{{5, 2, 3}, {5, 3, 4}}},
		{"...ii ->...i", "bii->bi", [][]int{{3, 4, 4}}},
		{"iji->j", "", [][]int{{3, 4, 3}}},
		{"iii->i", "", [][]int{{3, 3, 3}}},
		{"...ij,...jk->...ik", "abij,bjk->abik", [][]int{{2, 3, 2, 4}, {3, 4, 2}}},
		{"...,...", "ab,b->ab", [][]int{{2, 3}, {3}}},
		{"aij,jkb,kl->bail", "", [][]int{{2, 3, 4}, {4, 5, 2}, {5, 3}}},
		{"ab,bc,ac->", "", [][]int{{2, 3}, {3, 4}, {2, 4}}},
		{"bij,bjk->bik", "", [][]int{{1, 2, 3}, {5, 3, 4}}},
		{"ij,ij->ij", "", [][]int{{3, 1}, {1, 4}}},
		{"ij,jk->ik", "", [][]int{{3, 1}, {4, 2}}},
		{"abcd,cdef->abef", "", [][]int{{2, 3, 2, 2}, {2, 2, 3, 2}}},
		{",i->i", "", [][]int{{}, {3}}},
	} {
		var dense []*tensor.Dense
		var x [][]float64
		for i, s := range c.shapes {
			v := wave(graph.Shape(s).Size() + i)[i:]
			x = append(x, v)
			dense = append(dense, opstest.Dense(graph.Of(graph.Float64, s...), v))
		}
		got, err := evaluate(func(in values) *graph.Value { return ops.Einsum(c.equation, in...) }, dense...)
		if err != nil {
			t.Errorf("%s: %v", c.equation, err)
			continue
		}
		plain := c.plain
		if plain == "" {
			plain = c.equation
		}
		closeTo(t, fmt.Sprint(c.equation, c.shapes), got, sumOfProducts(plain, c.shapes, x))
	}
}

// The symbolic N must make no difference, wherever it is.
func TestEinsumOfBatches(t *testing.T) {
	for _, c := range []struct {
		equation string
		symbolic byte
		shapes   [][]int
	}{
		{"nij,nij->", 'n', [][]int{{3, 2, 4}, {3, 2, 4}}},
		{"nchw,kc->nkhw", 'n', [][]int{{3, 2, 4, 2}, {5, 2}}},
		{"kc,cnh->khn", 'n', [][]int{{5, 2}, {2, 3, 4}}},
		{"nqhd,nkhd->nhqk", 'n', [][]int{{3, 2, 2, 4}, {3, 5, 2, 4}}},
		{"nh,nk->hk", 'n', [][]int{{3, 2}, {3, 5}}},
	} {
		g := graph.New("batch")
		feeds := vm.Feeds{}
		var in values
		var x [][]float64
		for i, s := range c.shapes {
			typ := graph.Of(graph.Float64, append([]int{}, s...)...)
			v := wave(typ.Shape.Size())
			dense := opstest.Dense(typ, v)
			declared := graph.Type{DType: typ.DType, Shape: typ.Shape.Clone()}
			if at := strings.IndexByte(strings.Split(c.equation, ",")[i], c.symbolic); at >= 0 && at < len(s) {
				declared.Shape[at] = graph.Batch
			}
			in = append(in, g.Input(fmt.Sprint("x", i), declared))
			feeds[in[i]] = dense
			x = append(x, v)
		}
		y := ops.Sum(ops.Mul(ops.Einsum(c.equation, in...), ops.Einsum(c.equation, in...)))
		if err := g.Err(); err != nil {
			t.Errorf("%s: %v", c.equation, err)
			continue
		}
		want := 0.0
		for _, v := range sumOfProducts(c.equation, c.shapes, x) {
			want += v * v
		}
		closeTo(t, c.equation, run1(t, g, vm.NewState(1), feeds, y)[0].Float64s(), []float64{want})
	}
}

func TestEinsumTypes(t *testing.T) {
	N := graph.Batch
	of := func(g *graph.Graph, name string, s ...int) *graph.Value {
		return g.Input(name, graph.Of(graph.Float32, s...))
	}
	g := graph.New("symbolic")
	typed(t, ops.Einsum("nchw,kc->nkhw", of(g, "a", N, 3, 4, 5), of(g, "b", 7, 3)), "f32[N,7,4,5]")
	typed(t, ops.Einsum("nhd,nhd->hd", of(g, "c", N, 3, 4), of(g, "d", N, 3, 4)), "f32[3,4]")
	typed(t, ops.Einsum("nqhd,nkhd->nhqk", of(g, "e", N, 3, 2, 4), of(g, "f", N, 5, 2, 4)), "f32[N,2,3,5]")
	typed(t, ops.Einsum("nij,nij->", of(g, "g", N, 3, 4), of(g, "h", N, 3, 4)), "f32[]")
	typed(t, ops.Einsum("...c,c", of(g, "i", N, 3, 4), of(g, "j", 4)), "f32[N,3]")
	refused(t, map[string]func(g *graph.Graph) *graph.Value{
		`Einsum: "ij,jk": it has 2 terms, there are 1 operands`:                   func(g *graph.Graph) *graph.Value { return ops.Einsum("ij,jk", input(g, 2, 3)) },
		`term 0: "ijk" has 3 letters for an operand of 2 dimensions, which is f3`: func(g *graph.Graph) *graph.Value { return ops.Einsum("ijk", input(g, 2, 3)) },
		`term 0: '1' is no letter`:                                                func(g *graph.Graph) *graph.Value { return ops.Einsum("i1", input(g, 2, 3)) },
		`j has extent 3 in one term and 4 in f32[4], want equal ones or 1`:        func(g *graph.Graph) *graph.Value { return ops.Einsum("ij,j", input(g, 2, 3), of(g, "y", 4)) },
		`the result has k, which no term has`:                                     func(g *graph.Graph) *graph.Value { return ops.Einsum("ij->k", input(g, 2, 3)) },
		`the result has i twice`:                                                  func(g *graph.Graph) *graph.Value { return ops.Einsum("ij->ii", input(g, 2, 3)) },
		`the diagonal of f32[2,3] is asked for`:                                   func(g *graph.Graph) *graph.Value { return ops.Einsum("ii", input(g, 2, 3)) },
		`the result: '-' is no letter`:                                            func(g *graph.Graph) *graph.Value { return ops.Einsum("i->->", input(g, 2)) },
		"has 10 axes, the most is 8": func(g *graph.Graph) *graph.Value {
			return ops.Einsum("abcde,fghij->abcdefghij", input(g, 1, 1, 1, 1, 1), of(g, "y", 1, 1, 1, 1, 1))
		},
	})
	if ops.Einsum("i", nil).IsValid() || ops.Einsum("").IsValid() {
		t.Error("the sum of nothing is valid")
	}
}
