package ops

import (
	"math"

	"neocog/graph"
	"neocog/vm/kernel"
)

// RoundDown returns the greatest whole number not above x, element by element: its
// floor. (Floor and Ceil are roundings of the number of windows.)
//
//	x   float [...]
//	y   same type as x
//	dx  = 0, here and for RoundUp and Round
//
// Infinities, NaN and −0 stay what they are. ONNX Floor.
func RoundDown(x *graph.Value) *graph.Value { return graph.Apply(floor{}, x) }

// RoundUp returns the least whole number not below x, its ceiling; −0 for what lies between −1
// and 0. ONNX Ceil.
func RoundUp(x *graph.Value) *graph.Value { return graph.Apply(ceil{}, x) }

// Round returns the nearest whole number, of two equally near the even one: 2
// for 1.5 and for 2.5. ONNX Round.
func Round(x *graph.Value) *graph.Value { return graph.Apply(round{}, x) }

type floor struct{}

func (floor) Name() string { return "Floor" }

func (floor) Elementwise() {}

func (floor) Infer(in []graph.Type) ([]graph.Type, error) { return sameFloat(in, 1) }

func (floor) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return planWide(in[0], math.Floor)
}

func (floor) VJP(*graph.Node, []*graph.Value) []*graph.Value { return []*graph.Value{nil} }

type ceil struct{}

func (ceil) Name() string { return "Ceil" }

func (ceil) Elementwise() {}

func (ceil) Infer(in []graph.Type) ([]graph.Type, error) { return sameFloat(in, 1) }

func (ceil) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return planWide(in[0], math.Ceil)
}

func (ceil) VJP(*graph.Node, []*graph.Value) []*graph.Value { return []*graph.Value{nil} }

type round struct{}

func (round) Name() string { return "Round" }

func (round) Elementwise() {}

func (round) Infer(in []graph.Type) ([]graph.Type, error) { return sameFloat(in, 1) }

func (round) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return planWide(in[0], math.RoundToEven)
}

func (round) VJP(*graph.Node, []*graph.Value) []*graph.Value { return []*graph.Value{nil} }
