package ops

import (
	"neocog/graph"
	"neocog/vm/kernel"
)

// StopGradient returns x, which counts as a constant from here on: nothing flows back to
// what x was computed from.
//
//	x   any [...]
//	y   = x; nothing is copied
//	dx  = 0
//
// For targets that are computed but not learned, as those of a second network, and for
// estimates which pass another function's gradient on; WithGradient gives one outright.
// There is no ONNX op; what is exported is Identity.
func StopGradient(x *graph.Value) *graph.Value { return graph.Apply(stopGradient{}, x) }

type stopGradient struct{}

func (stopGradient) Name() string { return "StopGradient" }

func (stopGradient) Infer(in []graph.Type) ([]graph.Type, error) { return in, arity(in, 1) }

func (stopGradient) Plan(_ *kernel.Env, _, _ []graph.Type) (kernel.Plan, error) {
	return kernel.Plan{View: true}, nil
}

func (stopGradient) VJP(*graph.Node, []*graph.Value) []*graph.Value { return []*graph.Value{nil} }
