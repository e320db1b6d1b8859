package ops

import (
	"neocog/graph"
	"neocog/vm/kernel"
)

// Sign returns −1, 0 or 1 for elements below, at and above 0.
//
//	x   float or int [...]
//	y   same type as x
//	dx  = 0
//
// The sign of −0 is −0, that of NaN is NaN. ONNX Sign.
func Sign(x *graph.Value) *graph.Value { return graph.Apply(sign{}, x) }

type sign struct{}

func (sign) Name() string { return "Sign" }

func (sign) Elementwise() {}

func (sign) Infer(in []graph.Type) ([]graph.Type, error) { return sameNumber(in) }

func (sign) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return numberwise(in[0], eachRun(signRow[float32]), eachRun(signRow[float64]), eachRun(signRow[int32]), eachRun(signRow[int64]))
}

func (sign) VJP(*graph.Node, []*graph.Value) []*graph.Value { return []*graph.Value{nil} }

func signRow[T kernel.Number](y, x []T) {
	for i, v := range x {
		switch {
		case v > 0:
			y[i] = 1
		case v < 0:
			y[i] = -1
		default:
			y[i] = v // 0, −0, NaN
		}
	}
}
