package conv

import "neocog/vm/kernel"

// SlicedFFT is FFT with as little shared memory as there can be: one block of outputs and one tile at a time.
type SlicedFFT struct{ FFT }

func (a SlicedFFT) Plan(_ *kernel.Env, p Problem) (kernel.Plan, error) {
	return a.plan(p, budget{1, 1})
}
