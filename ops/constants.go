package ops

import "neocog/graph"

// Full returns a tensor of type t, whose shape may hold graph.Batch, with all
// elements v rounded to t's element type.
func Full(g *graph.Graph, t graph.Type, v float64) *graph.Value {
	return BroadcastTo(g.Scalar(t.DType, v), t.Shape...)
}

// Zeros returns a tensor of type t with all elements 0.
func Zeros(g *graph.Graph, t graph.Type) *graph.Value { return Full(g, t, 0) }

// Ones returns a tensor of type t with all elements 1.
func Ones(g *graph.Graph, t graph.Type) *graph.Value { return Full(g, t, 1) }

// ZerosLike returns zeros of the type of v. Nothing depends on the elements of v.
func ZerosLike(v *graph.Value) *graph.Value { return fullLike(v, 0) }

// OnesLike returns ones of the type of v. Nothing depends on the elements of v.
func OnesLike(v *graph.Value) *graph.Value { return fullLike(v, 1) }

func fullLike(v *graph.Value, c float64) *graph.Value {
	if !v.IsValid() {
		return BroadcastTo(v)
	}
	return Full(v.Graph(), v.Type(), c)
}
