package conv

import "neocog/vm/kernel"

// WithSmallCaches runs f with Winograd's plans made for hardly any memory, so that small problems are cut into many blocks; with staged,
// no transformed filter counts as small, and with paneled panels of it are enough where they can be.
func WithSmallCaches(staged, paneled bool, f func()) {
	old := winogradCaches
	defer func() { winogradCaches = old }()
	winogradCaches.tiles, winogradCaches.staged, winogradCaches.pairs, winogradCaches.pairStaged = 1<<15, 1<<16, 1<<15, 1<<16
	if staged {
		winogradCaches.filter, winogradCaches.sums = 0, 0
	}
	if paneled {
		winogradCaches.staged, winogradCaches.panel, winogradCaches.panels, winogradCaches.pairStaged = 1<<24, 1<<15, 1, 1<<24
	}
	f()
}

// SlicedFFT is FFT with as little shared memory as there can be: one block of outputs and one tile at a time.
type SlicedFFT struct{ FFT }

func (a SlicedFFT) Plan(_ *kernel.Env, p Problem) (kernel.Plan, error) {
	return a.plan(p, budget{1, 1})
}

// SmallStrassen is Strassen for products of any size from 2×2 on.
func SmallStrassen() Strassen { return Strassen{least: 2} }

// PointwiseInChunks is Pointwise with a gradient of the filter that takes so many pixels at a time.
func PointwiseInChunks(pixels int) Pointwise { return Pointwise{chunk: pixels} }
