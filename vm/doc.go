// Package vm compiles graphs and runs them.
//
//	p, err := vm.Compile(g, []*graph.Value{loss})
//	m, err := p.NewMachine(vm.NewState(seed))
//	out, err := m.Run(ctx, vm.Feeds{x: images, y: labels})
//
//	| concept   | meaning |
//	|-----------|---------|
//	| Program   | a compiled graph: passes applied, planned for each batch size that it meets |
//	| Machine   | what runs a Program: one block of memory and a team of workers; for one goroutine |
//	| State     | the values of parameters and buffers by name, shared by any number of machines |
//	| Feeds     | the tensor for each input of a run |
//	| Option    | threads, algorithms of convolution, watching for NaN, leaving out updates |
//	| RunError  | what went wrong at a node: bad data, a NaN that was watched for, a kernel's bug |
//	| Interpret | the slow and obvious evaluation that the tape is tested against |
//
// # From graph to tape
//
// Compile rebuilds the graph without what is not needed (prune), with what
// depends on constants only computed (fold), and with equal ops on equal inputs
// computed once (cse). Passes change no bit of any result; Program.Log says what
// they did, Program.Passes shows the graph before and after each, and Program.Graph the last one.
//
// A batch size that is met for the first time is planned: every node gives the
// steps of its kernels (see package vm/kernel), and every value a place.
// Values whose lives do not overlap share memory in one arena; a result lies over
// an input that dies with it where the kernel allows that; a view lies where its
// input does; and the new value of a parameter is written over the old one where
// nobody needs that any more. Program.Dump shows the tape. Machines remember the
// plan, so that from the second run of a batch size on a run allocates nothing. Program.Cost says before it runs what a run takes: arithmetic, memory and when it is
// fullest, the time by a formula. Package inspect/program shows all of that as a page.
//
// # Runs
//
// All workers walk the tape together, each takes its share of each step, and they
// meet at a barrier after it. Shares depend on sizes alone, and kernels give the
// same bits for any division: results do not depend on the number of threads.
//
// Updates are simultaneous: every new value is computed from the parameters as
// they were before the run, and outputs show those. What computes new values waits
// until all that the program returns is there, from a line of the dump that is called commit.
// From then on each parameter changes as soon as nobody needs the old value, so that its gradient needs
// no memory any longer; the rest of the gradients are computed in between. A run which ends with
// an error before that line – wrong feeds, a label out of range, a context that
// is done – has changed nothing. After it the context is not looked at any more,
// and an error, which then comes from a kernel, may leave some parameters changed.
// WithWatch moves every change behind the last instruction, and all that computes one behind
// everything else.
//
// # Memory
//
// Program.ArenaBytes says what a run needs. WithMemoryBudget has less: results that
// are not needed for long are forgotten and computed again, to the same bits, for more time.
//
// A machine's outputs are views into its memory, valid until its next run. Feeds
// are read where they lie, in whatever order their elements have.
//
// # Tensors
//
// *tensor.Dense of gorgonia.org/tensor is what is fed and returned, and nothing
// more: its engines never run. Only dense.go knows it.
package vm
