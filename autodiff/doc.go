// Package autodiff is reverse-mode differentiation as a graph pass, and the
// proof that gradients are right.
//
// Gradients walks the graph backwards from a scalar and asks each op for its
// vector-Jacobian product, in terms of other ops. Gradients therefore are
// ordinary nodes: they can be printed, optimised, exported – and differentiated
// again. Nothing is marked on the forward nodes, so that any number of losses
// over one graph may be differentiated, in any order.
//
// Check compares gradients, of first and second order, with finite differences.
package autodiff
