package train_test

import (
	"context"
	"os"
	"runtime"
	"testing"

	"neocog/data"
	"neocog/train"
)

// usage is what a process holds.
type usage struct {
	heap       uint64 // bytes that are reachable
	goroutines int
	files      int // 0 where the system does not say
}

func measure() (u usage) {
	runtime.GC()
	runtime.GC() // what finalizers of the first have let go
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	files, _ := os.ReadDir("/proc/self/fd")
	return usage{m.HeapAlloc, runtime.NumGoroutine(), len(files)}
}

// A long run holds at its end what it held after its first tenth: with workers that come and go with each epoch, evaluations,
// checkpoints and metrics. 100,000 steps with -long.
func TestLongRunsDoNotGrow(t *testing.T) {
	epochs := 10
	if *long {
		epochs = 500
	}
	set, test := data.Digits(1600, 1), data.Digits(50, 2)
	run, err := train.Create(t.TempDir(), "run")
	if err != nil {
		t.Fatal(err)
	}
	tr := smallTrainer(t, func(c *train.Config) {
		c.Epochs, c.Batch, c.Workers, c.Augment, c.Checkpoint, c.TensorBoard = epochs, 8, 2, "crop:2", "100", true
		c.Average, c.LR = 0.99, 1e-3
	})
	var all []usage
	progress := &onEpoch{do: func(r train.Record) {
		if r.Epoch%(epochs/10) == 0 {
			all = append(all, measure())
		}
	}}
	res, err := tr.Fit(context.Background(), set, test, train.FitOptions{Run: run, Progress: progress})
	if err != nil {
		t.Fatal(err)
	}
	first, last := all[0], all[len(all)-1]
	// A record of 72 bytes for each epoch, in a slice that may be half empty; and what the runtime keeps for itself.
	slack := uint64(epochs*2*72 + 64<<10)
	if last.heap > first.heap+slack {
		t.Errorf("the heap grows from %d to %d bytes, by more than %d", first.heap, last.heap, slack)
	}
	if last.goroutines > first.goroutines || last.files > first.files {
		t.Errorf("%d goroutines and %d files, after a tenth of the steps %d and %d", last.goroutines, last.files, first.goroutines, first.files)
	}
	t.Logf("%d steps in %.0f s; heap, goroutines, files after each tenth: %v", res.Steps, res.Seconds, all)
}
