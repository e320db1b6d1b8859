// Package bench measures matrix products, convolutions and ops: how long they take, how near to the processor's
// limit that is, and how far from the exact result they end.
//
//	p, err := bench.ParseConv("1x64x56x56,64x3x3,pad=1")
//	row, err := bench.Conv("mine", p, "im2col").Measure(2, 0)
//
//	| concept | meaning |
//	|---------|---------|
//	| Case    | one thing to measure: a shape, a pass, an algorithm |
//	| Row     | a measured Case, or why it cannot be measured |
//	| Layer   | a convolution with a name: Layers are those of well-known networks |
//	| Gemms   | the matrix products to which such layers lead |
//	| Ops     | what stands between the convolutions, at sizes that these networks have |
//
// # What is timed
//
// Operands, results and scratch memory are allocated and touched beforehand, in blocks that begin at multiples of 64 bytes, scratch
// memory on large pages, as machines of package vm have it. Convolutions
// and matrix products are planned as in a network, and their plan is run again and again by a team of persistent workers
// which share out the items of each step as package vm does; the time is that from barrier to barrier. Ops are
// compiled graphs, each run timed as a whole. The operands are those of the run before, so that small ones lie in
// the cache. The first run does not count. Reported is the median.
//
// # What is checked
//
// One run is compared with a computation in float64 of the same operands, which are exact in both: relative to the
// norm of that, RelL2 = ‖got − want‖₂ / ‖want‖₂. Convolutions are computed by conv.Im2col, since
// conv.Direct would take minutes (that the two agree is shown by the tests of ops/conv), matrix products
// by package gemm, ops by vm.Interpret. Where this takes more than 2³⁴ operations a part of the result is compared,
// always the same: the first images of an output or of the gradient of an image, the first filters of the gradient
// of a filter, the first rows of a matrix. Result.Checked says how much.
package bench
