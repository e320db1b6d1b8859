// Package autodiff is reverse-mode differentiation as a graph pass, and the
// proof that gradients are right.
//
// Gradients walks the graph backwards from a scalar and asks each op for its
// vector-Jacobian product, in terms of other ops. Gradients therefore are
// ordinary nodes: they can be printed, optimised, exported – and differentiated
// again. Nothing is marked on the forward nodes, so that any number of losses
// over one graph may be differentiated, in any order.
//
//	| function    | extends the graph with                                               |
//	|-------------|----------------------------------------------------------------------|
//	| Gradients   | the gradient of a scalar                                             |
//	| VJP         | a vector times the Jacobian: the gradient of anything, given its own |
//	| JVP         | the Jacobian times a vector: the slope along it                      |
//	| HVP         | the Hessian of a scalar times a vector                               |
//	| JacobianRow | the gradient of one element                                          |
//	| Jacobian    | those of all elements                                                |
//
// ops.StopGradient holds a value constant, ops.WithGradient gives one a gradient of your own.
//
// Check compares gradients, of first and second order, with finite differences; package gradcheck does so for the whole library.
package autodiff
