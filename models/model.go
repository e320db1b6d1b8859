package models

import (
	"slices"

	"neocog/graph"
	"neocog/internal/nearest"
	"neocog/models/layers"
)

// A Model is a network by name.
type Model struct {
	Name    string
	Aliases []string    // other names that Find knows
	Doc     string      // one line
	Source  string      // the paper or lecture that it comes from
	Input   graph.Shape // of one image, [C,H,W]
	Classes int
	// Build applies the network to images [N,C,H,W] and returns its logits
	// [N,Classes]. Mistakes, such as images of another size, are kept by the graph.
	Build func(b *layers.Builder, x *graph.Value) (logits *graph.Value)
}

// Find returns the model which has this name or alias. The error for an unknown
// one names those which are spelt most like it, and all others.
func Find(name string) (Model, error) {
	all := All()
	if i := slices.IndexFunc(all, func(m Model) bool { return m.Name == name || slices.Contains(m.Aliases, name) }); i >= 0 {
		return all[i], nil
	}
	var names []string
	for _, m := range all {
		names = append(append(names, m.Name), m.Aliases...)
	}
	return Model{}, nearest.Unknown("model", name, names)
}

// Graph returns a new graph called m.Name with the model built by b, its input
// x, called "x", and its logits.
func (m Model) Graph(b *layers.Builder) (g *graph.Graph, x, logits *graph.Value) {
	d := b.DType
	if d == graph.Invalid {
		d = graph.Float32
	}
	g = graph.New(m.Name)
	x = g.Input("x", graph.Of(d, append([]int{graph.Batch}, m.Input...)...))
	return g, x, m.Build(b, x)
}

const sourceLecture = "S. Cheng, “Convolutional Neural Networks”, Deep Learning Lecture 4, University of Oklahoma, 2017"
