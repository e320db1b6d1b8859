// Package view says what a picture of a graph shows: which nodes there are of which kind, in which boxes they lie, and
// which wires join them. Pictures of every format are made from it, so that they show the same.
//
//	| concept | meaning |
//	|---------|---------|
//	| Kind    | input, parameter, buffer, constant, or node of the forward pass, the gradient, the updates |
//	| View    | all items and wires |
//	| Item    | a node, a box of the nodes of one scope, or a reference |
//	| Wire    | a value, from the item that makes it to those which read it |
//
// Where a graph has a gradient or updates, the three parts lie in boxes of their own, "forward", "gradient" and
// "update", each with the scopes of the model in it; nodes of an optimiser lie in the box of the parameter that they
// renew. Wires do not lead from one part to another, nor from a constant or the learning rate into another box: there
// the reader finds a reference, a small item that names the value, as the labels of nets do in drawings of circuits.
// Otherwise every layer would have a wire to its gradient across the whole picture.
package view
