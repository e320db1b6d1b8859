package bench

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"testing"

	"neocog/ops/conv"
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
			var algorithms []conv.Algorithm
			for _, a := range conv.All() {
				if _, transforms := a.(conv.FFT); a.Name() != (conv.Direct{}).Name() && !(transforms && p.R*p.S < 25) {
					algorithms = append(algorithms, a)
				}
			}
			racers, err := Race(p, algorithms, 2, conv.Fast, false)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range racers {
				if r.Refused == "" {
					fmt.Fprintf(out, "%s\t%s\t%s\t%.1f\t%.1f\n", FormatConv(p), Passes[p.Pass], r.Algo, float64(r.Time)/1e3, float64(r.Kept)/1e3)
				}
			}
			out.Flush()
		}
		runtime.GC()
	}
}
