package ops

import (
	"neocog/graph"
	"neocog/internal/simd"
	"neocog/vm/kernel"
)

// L2 returns ½·λ·Σ w² over all elements of the parameters, a scalar: the
// penalty that weight decay is the gradient of.
//
//	params  float [...], at least one, all of one element type
//	dw      = λ·w
//
// With the ½ of the usual convention λ is the rate of decay itself; where a text
// writes λ·Σ w², its λ is half of this one. Accumulated as Sum is.
func L2(lambda float64, params ...*graph.Value) *graph.Value {
	if len(params) == 0 {
		return graph.Apply(sumSquares{}) // records the mistake
	}
	sum := graph.Apply(sumSquares{}, params[0])
	for _, w := range params[1:] {
		sum = Add(sum, graph.Apply(sumSquares{}, w))
	}
	return Scale(sum, lambda/2)
}

// sumSquares is Σ x² over all elements; its gradient is 2·dy·x.
type sumSquares struct{}

func (sumSquares) Name() string { return "SumSquares" }

func (sumSquares) Infer(in []graph.Type) ([]graph.Type, error) { return inferReduce(in, graph.Dims{}) }

func (sumSquares) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return planTotal(in[0], squares[float32], squares[float64], 1)
}

func (sumSquares) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	return []*graph.Value{Mul(n.In(0), Scale(dy[0], 2))}
}

func squares[T kernel.Float](x []T) float64 { return simd.SumSquares(x, 0) }
