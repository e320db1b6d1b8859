// Package kernel is the contract between an op and the machine which runs it.
//
// An op that can run implements Op: its Plan method is called once, when all
// shapes are known, and returns a Plan: a list of data-parallel steps and the
// memory which they want. All checks and all choices happen in Plan; a Step
// cannot fail and does not allocate.
//
//	| concept | meaning |
//	|---------|---------|
//	| Env     | what Plan may know of the machine: instruction set, settings |
//	| Plan    | how one node will run: steps, scratch memory, what may be overwritten |
//	| Step    | N items which may be computed in any grouping, by any number of workers |
//	| Kernel  | the function which computes items lo … hi-1 |
//	| Call    | what a Kernel is given: inputs, outputs, scratch memory |
//
// The machine cuts the items of a step evenly over its workers and lets them
// meet before the next step. The grouping depends on the number of workers, so
// a Kernel must give the same bits for every grouping: parallel over outputs,
// or over a number of chunks that the problem alone decides.
package kernel
