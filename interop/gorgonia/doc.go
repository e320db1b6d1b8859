// Package gorgonia lets programs of Gorgonia compute with Neocog. It is a module of its own, since Gorgonia brings dependencies that
// nobody else needs.
//
//	| what             | for whom |
//	|------------------|----------|
//	| Conv2d           | an ExprGraph stays as it is, and its convolutions become fast: gorgonia.Conv2d's twin, with gradients |
//	| NewMachine       | the program stays as it is, and its tape machine becomes Neocog: a gorgonia.VM |
//	| Convert          | the network comes along: an ordinary graph of Neocog's, with the values of its parameters |
//	| EvalMode         | for predicting: no dropout, running statistics |
//	| UnsupportedError | what cannot be converted: the op, the node, and why |
//
// NewMachine is all that most programs need. Where they say
//
//	gorgonia.Grad(cost, learnables...)
//	vm := gorgonia.NewTapeMachine(g, gorgonia.BindDualValues(learnables...))
//
// they say
//
//	gorgonia.Grad(cost, learnables...)
//	vm, err := neocog.NewMachine(cost, learnables...)
//
// with neocog for this package, and go on with RunAll, Reset and their solver.
//
// # What differs
//
// Results are Gorgonia's but for rounding, with these exceptions. The gradient of Rectify at exactly 0 is 0, not the gradient of the
// result; that of Max belongs to the first of equal elements, not to all; MaxPool2D does not pass over NaN. Dropout draws
// its own numbers, from a seed, the same in every run of the program. A converted graph has the batch size of the Gorgonia graph.
// docs/howto/from-gorgonia.md lists the ops that can be converted.
package gorgonia
