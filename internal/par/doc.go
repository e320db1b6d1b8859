// Package par runs one function on a fixed team of workers which meet at barriers
// (single program, multiple data: SPMD).
//
// A tape of hundreds of short kernels cannot afford a goroutine, a channel or an allocation per kernel.
// So the whole tape is one [Team.Run]: each worker walks all instructions, takes its [Split] of each, and the
// workers meet in [Team.Barrier] wherever an instruction reads what another worker wrote. Nothing is
// allocated, and which worker computes which element depends on the sizes alone, never on timing.
//
//	concept          what it is
//	Team             n workers; worker 0 is the goroutine that calls Run
//	Team.Run         every worker executes the same function; Run returns when all have returned
//	Team.Barrier     no worker leaves before every worker has arrived; the last one may do a serial step
//	Split            the static, even share [lo, hi) of a worker
package par
