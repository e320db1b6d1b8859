package main

import (
	"path"

	"github.com/spf13/cobra"

	"neocog/graph"
	"neocog/models"
	"neocog/models/layers"
	"neocog/train"
)

// completeModel completes one argument, the name of a model.
func completeModel(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, m := range models.All() {
		names = append(names, m.Name+"\t"+m.Doc)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// findModel is models.Find; an unknown name is a mistake on the command line.
func findModel(name string) (models.Model, error) {
	m, err := models.Find(name)
	return m, asUsage(err)
}

// modelGraph returns the graph of a model: as it predicts, from images to logits, or with gradient as it trains,
// with the loss and the derivative of that by every parameter, and nothing that these do not need.
func modelGraph(m models.Model, gradient bool) (*graph.Graph, error) {
	o, err := outputsOf(m, gradient)
	if err != nil {
		return nil, err
	}
	return o.graph, nil
}

// modelOutputs is a graph with what it computes.
type modelOutputs struct {
	graph  *graph.Graph
	values []*graph.Value
	names  []string // logits, or loss and gradients, such as conv1/dw of conv1/w
}

// outputsOf is modelGraph with the outputs.
func outputsOf(m models.Model, gradient bool) (*modelOutputs, error) {
	if gradient {
		l, err := train.NewLearning(m)
		if err != nil {
			return nil, err
		}
		o := &modelOutputs{l.Graph, append([]*graph.Value{l.Loss}, l.Grads...), []string{"loss"}}
		for _, p := range l.Params {
			scope, name := path.Split(p.Node().Op.(graph.ParamOp).Label)
			o.names = append(o.names, scope+"d"+name)
		}
		return o, nil
	}
	g, _, logits := m.Graph(&layers.Builder{})
	return &modelOutputs{g, []*graph.Value{logits}, []string{"logits"}}, g.Err()
}
