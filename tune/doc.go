// Package tune chooses convolution algorithms by measuring them.
//
// Without it a formula chooses: the same choice on every machine of one instruction set, but for a processor with other caches a worse one. Measure times all algorithms on a program's own
// buffers, and the Table that it returns decides instead, with vm.WithTimes. Since times differ from run to run, so might choices, and with them the last bits of
// results; therefore a Table is written to a file, and whoever reads it makes the same choices.
//
//	| concept | meaning                                                                          |
//	|---------|----------------------------------------------------------------------------------|
//	| Table   | the median times of algorithms, for each problem; names the processor            |
//	| Measure | makes a Table of one run of a machine                                            |
//	| Read    | a Table from a file; one of another processor is refused, unless it is pinned    |
//	| Pinned  | the choices hold everywhere: results are to repeat, even where others are faster |
package tune
