package models_test

import (
	"neocog/autodiff"
	"neocog/graph"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops"
)

// training returns the graph to train a model with: loss and the gradients of
// all parameters. Its lines stand in the golden files, so it has a file to itself.
func training(m models.Model, d graph.DType) (g *graph.Graph, x, labels, loss *graph.Value, gradients []*graph.Value) {
	b := &layers.Builder{Train: true, DType: d}
	g, x, logits := m.Graph(b)
	labels = g.Input("labels", graph.Of(graph.Int32, graph.Batch))
	loss = b.Loss(logits, labels, ops.CrossEntropy{})
	return g, x, labels, loss, autodiff.Gradients(loss, g.Params()...)
}
