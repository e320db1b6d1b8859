package ops

import (
	"math"
	"testing"

	"neocog/graph"
)

func TestMatMulTypes(t *testing.T) {
	N := graph.Batch
	g := graph.New("types")
	x, w, b := in(g, "x", N, 3), in(g, "w", 5, 3), in(g, "b", 5)
	hasType(t, Linear(x, w, b), "f32[N,5]")
	hasType(t, MatMul(w, in(g, "v", 3, N)), "f32[5,N]")
	hasType(t, Gemm(x, in(g, "dy", N, 4), in(g, "c"), Trans{A: true}), "f32[3,4]")
	refuses(t, "a is [2,3], b is [4,5]: 3 columns of a meet 4 rows of b", func(g *graph.Graph) { MatMul(in(g, "a", 2, 3), in(g, "b", 4, 5)) })
	refuses(t, "a is [N,3], bᵀ is [4,5]: 3 columns of a meet 4 rows of b", func(g *graph.Graph) {
		Linear(in(g, "a", N, 3), in(g, "b", 5, 4), in(g, "c", 5))
	})
	refuses(t, "N columns of a meet 7 rows of b", func(g *graph.Graph) { MatMul(in(g, "a", 2, N), in(g, "b", 7, 5)) })
	refuses(t, "b has 0 dimensions, want at least 2: a matrix", func(g *graph.Graph) { MatMul(in(g, "a", 2, 3), in(g, "b")) })
	refuses(t, "stacks of matrices: shapes [2] and [4] do not broadcast", func(g *graph.Graph) { MatMul(in(g, "a", 2, 3, 3), in(g, "b", 4, 3, 3)) })
	refuses(t, "a is [2,3], b is [4,5]: 3 columns of a meet 4 rows of b", func(g *graph.Graph) { MatMul(in(g, "a", 7, 2, 3), in(g, "b", 4, 5)) })
	hasType(t, MatMul(in(g, "stack", N, 1, 2, 3), in(g, "stack2", 5, 3, 4)), "f32[N,5,2,4]")
	hasType(t, MatMul(in(g, "tall", 6, 7, 2, 3), in(g, "flat", 3, 4)), "f32[6,7,2,4]")
	hasType(t, MatMul(in(g, "row", 3), in(g, "stack3", 5, 3, 4)), "f32[5,4]")
	hasType(t, MatMul(in(g, "stack4", 5, 4, 3), in(g, "column", 3)), "f32[5,4]")
	hasType(t, MatMul(in(g, "row2", 3), in(g, "column2", 3)), "f32[]")
	refuses(t, "element types f32 and f64", func(g *graph.Graph) { MatMul(in(g, "a", 2, 3), g.Input("b", graph.Of(graph.Float64, 3, 2))) })
}

func TestMatMulValues(t *testing.T) {
	y := f32(sh(2, 2), 58, 64, 139, 154)
	a, at := f32(sh(2, 3), 1, 2, 3, 4, 5, 6), f32(sh(3, 2), 1, 4, 2, 5, 3, 6)
	b, bt := f32(sh(3, 2), 7, 8, 9, 10, 11, 12), f32(sh(2, 3), 7, 9, 11, 8, 10, 12)
	expect(t, matMul{}, y, a, b)
	expect(t, matMul{TransA: true}, y, at, b)
	expect(t, matMul{TransB: true}, y, a, bt)
	expect(t, matMul{true, true}, y, at, bt)
}

func TestMatMulOfStacks(t *testing.T) {
	a := f32(sh(2, 1, 2, 2), 1, 2, 3, 4, 5, 6, 7, 8)
	b := f32(sh(3, 2, 1), 1, 0, 0, 1, 1, -1)
	expect(t, matMul{}, f32(sh(2, 3, 2, 1), 1, 3, 2, 4, -1, -1, 5, 7, 6, 8, -1, -1), a, b)
	expect(t, matMul{TransA: true}, f32(sh(2, 3, 2, 1), 1, 2, 3, 4, -2, -2, 5, 6, 7, 8, -2, -2), a, b)
	expect(t, matMul{TransB: true}, f32(sh(2, 1, 3), 1, 3, 5, 4, 10, 16), f32(sh(2, 1, 2), 1, 0, 1, 1), f32(sh(2, 3, 2), 1, 0, 3, 0, 5, 0, 2, 2, 4, 6, 8, 8))
	expect(t, matMul{}, f32(sh(0, 2, 2)), f32(sh(0, 2, 3)), f32(sh(3, 2), 1, 2, 3, 4, 5, 6))
	expect(t, matMul{}, f32(sh(2, 1, 1), 0, 0), f32(sh(2, 1, 0)), f32(sh(2, 0, 1)))
}

func TestMatMulEdges(t *testing.T) {
	expect(t, matMul{}, f64(sh(2, 1), 0, 0), f64(sh(2, 0)), f64(sh(0, 1)))
	expect(t, matMul{TransB: true}, f64(sh(1, 2), 0, 0), f64(sh(1, 0)), f64(sh(2, 0)))
	expect(t, matMul{}, f64(sh(0, 2)), f64(sh(0, 3)), f64(sh(3, 2), 1, 2, 3, 4, 5, 6))
	expect(t, matMul{true, true}, f64(sh(2, 0)), f64(sh(3, 2), 1, 2, 3, 4, 5, 6), f64(sh(0, 3)))
	expect(t, matMul{}, f64(sh(1, 1), nan), f64(sh(1, 2), 0, 1), f64(sh(2, 1), inf, 1))
}

// Sizes around the blocks of package gemm, each with all transpositions, against
// the definition. The harness splits rows and columns in several ways.
func TestMatMulAgreesWithDefinition(t *testing.T) {
	for _, s := range [][3]int{{1, 7, 5}, {9, 4, 130}, {70, 3, 6}, {3, 200, 5}, {65, 65, 65}} {
		m, n, k := s[0], s[1], s[2]
		a, b := ramp[float64](m*k), ramp[float64](k*n + 3)[3:]
		want := make([]float64, m*n)
		for i := range m {
			for j := range n {
				for l := range k {
					want[i*n+j] += a[i*k+l] * b[l*n+j]
				}
			}
		}
		for _, o := range []matMul{{}, {TransA: true}, {TransB: true}, {true, true}} {
			x, y := f64(sh(m, k), a...), f64(sh(k, n), b...)
			if o.TransA {
				x = f64(sh(k, m), turn(a, m, k)...)
			}
			if o.TransB {
				y = f64(sh(n, k), turn(b, k, n)...)
			}
			got, _ := run(t, o, x, y)
			for i, v := range got[0].data.([]float64) {
				if math.Abs(v-want[i]) > 1e-12 { // k terms below 4: k²·4·2⁻⁵³
					t.Fatalf("%v %dx%dx%d: element %d is %v, want %v", o, m, n, k, i, v, want[i])
				}
			}
		}
	}
}

func turn(a []float64, rows, cols int) []float64 {
	y := make([]float64, len(a))
	for i := range rows {
		for j := range cols {
			y[j*rows+i] = a[i*cols+j]
		}
	}
	return y
}
