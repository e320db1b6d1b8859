// Package convtest checks a convolution algorithm: one of package conv, or a
// user's own.
//
//	func TestPointwise(t *testing.T) { convtest.Run(t, Pointwise{}) }
//
// Every algorithm meets the same named problems and the same random ones, in
// all passes and both element types; those that it refuses with
// *conv.Unsupported are left out, but not all may be. The oracle is the definition as
// one loop over all products. Checked are
//
//   - small integers, whose sums are exact in float32: no error at all;
//   - float64 and float32 random data: the error bound of a sum, element by element, and the
//     relative L2 error;
//   - NaN and infinities reach exactly the elements which the definition names;
//   - the identity ⟨conv(x,w), dy⟩ = ⟨x, dx⟩ = ⟨w, dw⟩;
//   - the same bits whichever way the items of a step are cut and ordered, by 1,
//     2, 3 and 8 workers;
//   - nothing is read or written outside the operands and the scratch memory asked
//     for: each lies beside memory that cannot be touched, at its end or its start;
//   - what outputs and scratch memory held before does not matter.
//
// The random problems have each number of images, channels, filters and columns up to
// more than two of the widest vectors; some have many channels as well as filters, some long
// rows. There are 500 of them, or as many as the test is told to make:
//
//	go test ./ops/conv -run Pointwise -shapes 10000
package convtest
