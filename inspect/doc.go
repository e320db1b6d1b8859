// Package inspect says what a graph costs and looks like, without running it.
//
// Summarise lists the layers of a graph with their parameters, multiply-adds,
// activations and receptive fields, as the tables of the lecture do; GraphJSON
// writes down the whole graph for other programs.
//
// Costs come from the same plans by which a machine runs the graph, made for the
// batch size in question. A plan computes nothing and holds no tensor, so that
// the largest network is summarised in milliseconds.
package inspect
