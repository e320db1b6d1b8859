// Package onnx takes convolutional networks in and out: it reads ONNX files into
// ordinary graphs, and writes graphs as ONNX files which other programs open.
//
//	m, err := onnx.ReadFile("resnet20.onnx")
//	net, err := m.Import(onnx.Options{})
//	p, err := vm.Compile(net.Graph, net.Outputs)
//	machine, err := p.NewMachine(net.State)
//
// What Import returns is no different from a graph built by hand: summarise it,
// differentiate it, train it further, export it again.
//
//	| concept  | meaning |
//	|----------|---------|
//	| Model    | a file whose structure is sound: what Decode and ReadFile return |
//	| Network  | a graph with its outputs, their names, and the weights |
//	| Options  | what a model leaves open: batch size, extents that have names |
//	| rule     | how one ONNX op becomes ops of ours, in one range of operator sets |
//	| RunCase  | one of ONNX's own test cases: passed, failed, or refused |
//
// # What can be imported
//
// Operator sets 6 to 22 of the ops that Ops lists, with elements float, double,
// int32, int64 and bool; docs/onnx.md says which of ONNX's own test cases that
// is. Everything else is refused by an error that names op, node and
// operator set; nothing is guessed. In particular there are no control flow, no
// sequences, no quantised types, no functions and no data in other files.
//
// A rule is one element of a table; rules that belong together have a file:
// elementwise.go, comparisons.go, matrices.go, images.go, normalisations.go,
// reductions.go, shapes.go, indexing.go, constants.go, losses.go; resize.go.
//
// # Constants, shapes and the batch
//
// The shape of every value of a graph is known, but for the batch. What ONNX gives
// to ops as operands, such as the shape for a Reshape, must therefore be known
// when the graph is made: initialisers, Constant nodes, and what is computed
// from these and from shapes. Such nodes are computed at once and leave nothing
// behind. Where the batch is symbolic its size is not known; a model which
// computes with it wants Options.Batch.
//
// # Hostile files
//
// Files may come from anywhere. Decode and Import never panic, take time and memory
// in proportion to the file, follow no paths, and return a *FileError or an
// *UnsupportedError. See package onnxpb for the limits of the format itself,
// and maxFolded for those of computing constants.
package onnx
