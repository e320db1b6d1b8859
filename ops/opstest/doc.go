// Package opstest proves that an op keeps its promises: ours, and those that a
// user writes. One call in a test does it all:
//
//	func TestSwish(t *testing.T) {
//		opstest.Run(t, opstest.Op{Op: swish{Beta: 1.5}, In: opstest.Shapes{{2, 3, 4, 4}}})
//	}
//
// Run checks, with inputs drawn from a seed, that
//
//   - the op is comparable, and its text form parses back to the same op;
//   - its kernel writes every element of what Infer announces and nothing else,
//     reads no more than it is given, and does not change its inputs;
//   - the results have the same bits for any division of the work, and in place
//     as well as out of place, and running allocates nothing;
//   - float32 agrees with float64;
//   - the tape agrees with the interpreter, for any number of workers;
//   - its VJP agrees with finite differences, and so does the VJP of its VJP.
//
// A kernel that is found faulty by itself is not run by tape and interpreter,
// whose memory it might damage.
package opstest
