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
	Doc     string      // one line
	Source  string      // the paper or lecture that it comes from
	Input   graph.Shape // of one image, [C,H,W]
	Classes int
	// Build applies the network to images [N,C,H,W] and returns its logits
	// [N,Classes]. Mistakes, such as images of another size, are kept by the graph.
	Build func(b *layers.Builder, x *graph.Value) (logits *graph.Value)
}

// All returns the models, simplest first within a family.
func All() []Model {
	return []Model{
		{
			Name: "lenet5", Doc: "LeNet-5 on 28×28 digits, padded to the paper's 32×32",
			Source: sourceLeNet, Input: graph.Shape{1, 28, 28}, Classes: 10, Build: LeNet5,
		},
		{
			Name: "lenet5-32", Doc: "LeNet-5 on 32×32 digits",
			Source: sourceLeNet, Input: graph.Shape{1, 32, 32}, Classes: 10, Build: LeNet{}.Build,
		},
		{
			Name: "twolayer", Doc: "two-layer net 3072-50-10",
			Source: sourceLecture, Input: graph.Shape{3, 32, 32}, Classes: 10, Build: TwoLayer,
		},
		{
			Name: "fullyconnected", Doc: "fully connected net 3072-100-100-10 with batch norm and dropout",
			Source: sourceLecture, Input: graph.Shape{3, 32, 32}, Classes: 10, Build: FullyConnected{
				Hidden: []int{100, 100}, BatchNorm: true, Dropout: 0.5, Classes: 10,
			}.Build,
		},
		{
			Name: "convnetjs-cifar10", Doc: "three convolutions on CIFAR-10, the ConvNetJS demo",
			Source: sourceConvNetJS, Input: graph.Shape{3, 32, 32}, Classes: 10, Build: ConvNetJS,
		},
	}
}

// Find returns the model called name. The error for an unknown one names those
// which are spelt most like it, and all others.
func Find(name string) (Model, error) {
	all := All()
	if i := slices.IndexFunc(all, func(m Model) bool { return m.Name == name }); i >= 0 {
		return all[i], nil
	}
	var names []string
	for _, m := range all {
		names = append(names, m.Name)
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
