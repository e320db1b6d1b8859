// Package gradcheck proves the gradients of the whole library: every op, every convolution algorithm, every model of
// the zoo.
//
// Derivatives are computed in float64 and compared with finite differences, those of the gradient too. How much may be missing,
// and why that much, is in docs/numerics.md.
//
//	| subjects   | are checked as                                     | derivatives compared                                                    |
//	|------------|----------------------------------------------------|-------------------------------------------------------------------------|
//	| Ops        | functions of tiny tensors, see cases.go            | by each element                                                         |
//	| Algorithms | one pass each, the others by the definition's sums | by each element of small tensors, along random directions of larger ones |
//	| Models     | the loss, in inference and training                | along random directions of all parameters, and of single ones            |
//
// "neocog gradcheck --all" prints it. For an op of your own, autodiff.Check is one call, and package opstest checks more of
// it than gradients.
package gradcheck
