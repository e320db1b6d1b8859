package cpu

import (
	"sync"
	"time"
)

// Peak measures the float32 multiply-add rate that the given number of threads
// reach together at level l, in GFLOP/s, a multiply-add counting as two: the
// limit for every kernel at this moment. It takes about twenty milliseconds and
// returns the best of several runs; 0 where l has no such instructions.
//
// On a shared machine the limit moves: measure it in the same run as what is
// compared with it.
func Peak(l Level, threads int) float64 {
	run, flops := peakLoop(l)
	if run == nil || l > Best() {
		return 0
	}
	const rounds, tries = 1_000_000, 5
	best := 0.0
	for range tries {
		start := time.Now()
		var done sync.WaitGroup
		for range threads - 1 {
			done.Go(func() { run(rounds) })
		}
		run(rounds)
		done.Wait()
		rate := float64(threads) * rounds * float64(flops) / float64(time.Since(start).Nanoseconds())
		best = max(best, rate)
	}
	return best
}
