package bench

import (
	"fmt"
	"time"

	"neocog/graph"
	"neocog/internal/cpu"
	"neocog/internal/gemm"
	"neocog/ops"
	"neocog/vm/kernel"
)

// A Product is the shape of C = op(A)·op(B), where C is M×N and op transposes what Trans says.
type Product struct {
	M, N, K int
	Trans   ops.Trans
}

// String returns MxNxK.
func (p Product) String() string { return fmt.Sprintf("%dx%dx%d", p.M, p.N, p.K) }

// Transposes returns which operands are transposed, A first: nn, tn, nt or tt.
func (p Product) Transposes() string {
	letter := map[bool]string{false: "n", true: "t"}
	return letter[p.Trans.A] + letter[p.Trans.B]
}

// FLOPs returns 2·M·N·K.
func (p Product) FLOPs() int64 { return 2 * int64(p.M) * int64(p.N) * int64(p.K) }

// Gemm returns the case of a matrix product, as ops.MatMul plans it.
func Gemm(p Product, d graph.DType) Case {
	return Case{
		Name: p.String(), Shape: p.String(), Pass: p.Transposes(), Algo: "gemm", DType: d,
		prepare: func(_ Case, threads int) (*subject, error) { return prepareGemm(p, d, threads) },
	}
}

func prepareGemm(p Product, d graph.DType, threads int) (*subject, error) {
	plan, err := planGemm(p, d)
	if err != nil {
		return nil, err
	}
	a, b, c := random(d, p.M*p.K, 1), random(d, p.K*p.N, 2), newVector(d, p.M*p.N)
	l := newLoop(plan, threads, []vector{a, b}, c)
	return &subject{
		algo: "gemm", flops: p.FLOPs(), workspace: l.workspace(), run: l.run, close: l.close,
		check: func() (rel, part float64, err error) {
			rows := p.M
			if p.FLOPs() > checkFLOPs {
				rows = max(1, int(float64(p.M)*checkFLOPs/float64(p.FLOPs())))
			}
			want := make([]float64, rows*p.N)
			cpu.With(cpu.Best(), func() {
				gemm.Gemm(p.Trans.A, p.Trans.B, rows, p.N, p.K, a.doubles(a.len()).f64, columns(p.M, p.K, p.Trans.A),
					b.doubles(b.len()).f64, columns(p.K, p.N, p.Trans.B), 0, want, p.N)
			})
			return c.compare(want)
		},
	}, nil
}

// columns returns the length of a row in memory of a matrix that is rows×cols after its transposition.
func columns(rows, cols int, trans bool) int {
	if trans {
		return rows
	}
	return cols
}

// planGemm returns the plan of the node by which ops.Gemm multiplies.
func planGemm(p Product, d graph.DType) (kernel.Plan, error) {
	matrix := func(rows, cols int, trans bool) graph.Type {
		if trans {
			rows, cols = cols, rows
		}
		return graph.Of(d, rows, cols)
	}
	g := graph.New("gemm")
	in := []graph.Type{matrix(p.M, p.K, p.Trans.A), matrix(p.K, p.N, p.Trans.B)}
	ops.Gemm(g.Input("a", in[0]), g.Input("b", in[1]), g.Scalar(d, 0), p.Trans)
	if err := g.Err(); err != nil {
		return kernel.Plan{}, err
	}
	for _, n := range g.Nodes() {
		if n.Op.Name() == "MatMul" {
			return n.Op.(kernel.Op).Plan(&kernel.Env{}, in, []graph.Type{n.Out(0).Type()})
		}
	}
	return kernel.Plan{}, fmt.Errorf("ops.Gemm has no MatMul:\n%v", g)
}

// once is where a run that is not timed leaves its time.
func once() []time.Duration { return make([]time.Duration, 1) }
