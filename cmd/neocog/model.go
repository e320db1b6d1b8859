package main

import (
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
	if gradient {
		l, err := train.NewLearning(m)
		if err != nil {
			return nil, err
		}
		return l.Graph, nil
	}
	g, _, _ := m.Graph(&layers.Builder{})
	return g, g.Err()
}
