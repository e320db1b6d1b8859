package bench

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"neocog/ops/conv"
	"neocog/vm/kernel"
)

var (
	calibrate = flag.String("calibrate", "", "append the times of all convolution algorithms to this file, in the form of ops/conv/testdata/times.txt")
	part      = flag.Int("part", 0, "of -calibrate: measure only this one of -parts")
	parts     = flag.Int("parts", 1, "of -calibrate")
)

// calibrated returns the problems that are measured: the named layers at their usual batch sizes, and besides those of networks for small
// images in training and filters of a single row or column.
func calibrated(t *testing.T) (problems []conv.Problem) {
	for _, l := range Layers() {
		for _, n := range l.Batches {
			if p := l.At(n); !slices.Contains(problems, p) {
				problems = append(problems, p)
			}
		}
	}
	for _, shape := range []string{
		"128x16x32x32,16x3x3,pad=1", "128x32x16x16,32x3x3,pad=1", "128x64x8x8,64x3x3,pad=1", "8x16x32x32,16x3x3,pad=1", "8x64x8x8,64x3x3,pad=1",
		"64x32x28x28,64x5x5,pad=2", "8x96x35x35,96x3x3,pad=1", "1x128x17x17,192x1x5,pad=0x2", "8x128x17x17,192x1x5,pad=0x2", "8x128x17x17,192x5x1,pad=2x0",
		"8x384x8x8,384x1x3,pad=0x1", "8x384x8x8,384x3x1,pad=1x0", "8x64x56x56,64x7x7,pad=3", "1x64x28x28,64x7x7,pad=3",
	} {
		p, err := ParseConv(shape)
		if err != nil {
			t.Fatal(err)
		}
		problems = append(problems, p)
	}
	return problems
}

// The times by which ops/conv chooses. On an idle machine, in pieces of a minute or two:
//
//	go test ./bench -run TestCalibrate -calibrate /tmp/times.txt -parts 8 -part 0
func TestCalibrate(t *testing.T) {
	if *calibrate == "" {
		t.Skip("it measures times: -calibrate FILE")
	}
	f, err := os.OpenFile(*calibrate, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := bufio.NewWriter(f)
	defer out.Flush()
	for i, p := range calibrated(t) {
		if i%*parts != *part {
			continue
		}
		for p.Pass = conv.Forward; p.Pass <= conv.FilterGrad; p.Pass++ {
			for _, r := range race(t, p) {
				fmt.Fprintf(out, "%s\t%s\t%s\t%.1f\t%.1f\n", FormatConv(p), Passes[p.Pass], r.algo, r.whole, r.kept)
			}
			out.Flush()
		}
		runtime.GC()
	}
}

// A runner is an algorithm in a race, with its times in microseconds: of whole runs, and of those whose filter is prepared.
type runner struct {
	algo        string
	l           *loop
	reps        int
	times, rest []time.Duration
	whole, kept float64
}

const (
	rounds   = 5
	hopeless = 1.7 // times the best: what takes longer in the first round runs no more
)

// race runs all algorithms in turn, round by round, so that what slows the machine down slows all of them, and takes medians. Only
// the forward pass has filters which are prepared once: gradients are computed while filters change.
func race(t *testing.T, p conv.Problem) []*runner {
	first, second, result := operandsOf(p)
	in := []vector{random(p.DType, first, 1), random(p.DType, second, 2)}
	y := newVector(p.DType, result)
	var all []*runner
	for _, a := range conv.All() {
		if _, slow := a.(conv.Direct); slow {
			continue
		}
		if _, transforms := a.(conv.FFT); transforms && p.R*p.S < 25 {
			continue
		}
		plan, err := a.Plan(&kernel.Env{Workers: 2}, p)
		var no *conv.Unsupported
		if errors.As(err, &no) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		r := &runner{algo: a.Name(), l: newLoop(plan, 2, in, y)}
		defer r.l.close()
		once := make([]time.Duration, 2)
		if err := r.l.run(once); err != nil {
			t.Fatal(err)
		}
		r.reps = 1 + min(max(1, int(3*time.Millisecond/max(once[1], 1))), 50)
		r.times = once[1:]
		all = append(all, r)
	}
	best := slices.Min(all[0].times)
	for _, r := range all {
		best = min(best, slices.Min(r.times))
	}
	for range rounds {
		for _, r := range all {
			if float64(r.times[0]) > hopeless*float64(best) {
				continue
			}
			times := make([]time.Duration, r.reps)
			if err := r.l.run(times); err != nil {
				t.Fatal(err)
			}
			r.times = append(r.times, times[1:]...)
			if p.Pass == conv.Forward && r.l.plan.Prepare.Steps > 0 {
				r.l.keep()
				if err := r.l.run(times); err != nil {
					t.Fatal(err)
				}
				r.rest = append(r.rest, times[1:]...)
				r.l.first = 0
			}
		}
	}
	for _, r := range all {
		if len(r.times) > 1 {
			r.times = r.times[1:] // the first was alone
		}
		r.whole = medianOf(r.times) / 1e3
		r.kept = r.whole
		if len(r.rest) > 0 {
			r.kept = medianOf(r.rest) / 1e3
		}
	}
	return all
}
