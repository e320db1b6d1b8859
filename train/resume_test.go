package train_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"neocog/data"
	"neocog/models/layers"
	"neocog/train"
)

// stopping cancels a run after so many steps of training, or while it evaluates.
type stopping struct {
	train.Silent
	cancel context.CancelFunc
	left   int
}

func (s *stopping) Step(int, int, float64, float64) {
	if s.left--; s.left == 0 {
		s.cancel()
	}
}

// outcome is what a run leaves.
type outcome struct {
	files   map[string]string // but for what has times in it
	records []train.Record    // without seconds
	state   string
	result  train.Result
}

func leaves(t testing.TB, dir string, tr *train.Trainer, res *train.Result) outcome {
	t.Helper()
	out := outcome{files: map[string]string{}, state: fingerprint(t, tr), result: *res}
	for _, name := range folder(t, dir) {
		switch filepath.Ext(name) {
		case ".csv", ".jsonl", ".neocog":
			continue
		}
		if strings.HasPrefix(name, "checkpoint") { // one for each stop
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		out.files[name] = string(b)
	}
	var err error
	if out.records, err = train.Records(dir); err != nil {
		t.Fatal(err)
	}
	for _, list := range [][]train.Record{out.records, out.result.Epochs} {
		for i := range list {
			list[i].Seconds = 0
		}
	}
	return out
}

// same reports in words how two runs differ.
func same(a, b outcome) error {
	if a.state != b.state {
		return errors.New("parameters or slots have other bits")
	}
	if x, y := slices.Sorted(maps.Keys(a.files)), slices.Sorted(maps.Keys(b.files)); !slices.Equal(x, y) {
		return fmt.Errorf("the folder holds %v, want %v", x, y)
	}
	for name := range a.files {
		if a.files[name] != b.files[name] {
			return fmt.Errorf("%s has other bytes", name)
		}
	}
	if x, y := fmt.Sprint(a.records), fmt.Sprint(b.records); x != y {
		return fmt.Errorf("metrics are\n%s, want\n%s", x, y)
	}
	if x, y := fmt.Sprint(a.result.Epochs), fmt.Sprint(b.result.Epochs); x != y || a.result.Steps != b.result.Steps || a.result.Accuracy != b.result.Accuracy {
		return fmt.Errorf("the result is\n%v, want\n%v", x, y)
	}
	return nil
}

// runSmall trains the model small in a new folder. Where stops are given it is cancelled after so many steps,
// goes on, is cancelled after so many more, and so on, and then goes on to its end.
func runSmall(t testing.TB, change func(*train.Config), test *data.Set, stops ...int) outcome {
	t.Helper()
	set := data.Digits(110, 1)
	run, err := train.Create(t.TempDir(), "run")
	if err != nil {
		t.Fatal(err)
	}
	tr := smallTrainer(t, func(c *train.Config) {
		c.Epochs = 3
		change(c)
	})
	for _, stop := range append(stops, -1) {
		ctx, cancel := context.WithCancel(context.Background())
		res, err := tr.Fit(ctx, set, test, train.FitOptions{Run: run, Progress: &stopping{cancel: cancel, left: stop}})
		cancel()
		if err == nil {
			if stop >= 0 {
				t.Fatalf("the run ended before it could be stopped after %d steps", stop)
			}
			return leaves(t, run.Dir, tr, res)
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if tr, run, err = train.ResumeModel(run.Dir, small, nil); err != nil {
			t.Fatal(err)
		}
		if len(run.Notes) > 0 {
			t.Errorf("notes %q, want none", run.Notes)
		}
		t.Cleanup(tr.Close)
	}
	panic("unreachable")
}

// A run that is stopped anywhere and goes on has the bits of one that is not: 4 batches an epoch, 12 steps.
func TestResumedRunsHaveTheSameBits(t *testing.T) {
	test := data.Digits(40, 2)
	for name, change := range map[string]func(c *train.Config){
		"as usual":          func(c *train.Config) {},
		"augmented, ahead":  func(c *train.Config) { c.Augment, c.Workers, c.Optimizer = "crop:2+rotate:10+cutout:5", 2, "adamw" },
		"mixed":             func(c *train.Config) { c.Augment, c.Optimizer = "mixup:0.2", "adam" },
		"averaged":          func(c *train.Config) { c.Average, c.Lookahead, c.ClipNorm = 0.9, 5, 1 },
		"micro-batches":     func(c *train.Config) { c.MicroBatch, c.Average = 10, 0.9 },
		"plateau":           func(c *train.Config) { c.Schedule, c.LR, c.Explode = "plateau:1,2", 0.1, 0 },
		"warm-up, plateau":  func(c *train.Config) { c.Schedule, c.LR, c.Explode = "warmup:1+plateau:1,2", 0.1, 20 },
		"patience":          func(c *train.Config) { c.Patience, c.LR, c.Epochs = 2, 1e-6, 9 },
		"restarts":          func(c *train.Config) { c.Schedule = "restarts:3" },
		"one cycle, lars":   func(c *train.Config) { c.Schedule, c.Optimizer, c.Validation = "one-cycle", "lars", 0 },
		"groups, by value":  func(c *train.Config) { c.Groups, c.ClipValue, c.Optimizer = "conv/*=0; *=1", 0.01, "rmsprop" },
		"checkpoints often": func(c *train.Config) { c.Checkpoint, c.Keep = "1", 3 },
		"tensorboard":       func(c *train.Config) { c.TensorBoard, c.Checkpoint = true, "epoch" },
	} {
		t.Run(name, func(t *testing.T) {
			want := runSmall(t, change, test)
			list := [][]int{{2, 5, 1}}
			if *long {
				list = append(list, []int{1}, []int{3}, []int{4}, []int{11}, []int{12})
			}
			for _, stops := range list {
				if err := same(runSmall(t, change, test, stops...), want); err != nil {
					t.Errorf("stopped after %v steps: %v", stops, err)
				}
			}
		})
	}
	t.Run("stopped anywhere, without test images", func(t *testing.T) {
		change := func(c *train.Config) { c.Schedule, c.LR, c.Explode = "plateau:1,2", 0.1, 0 }
		want := runSmall(t, change, nil)
		for stop := 1; stop < 12; stop += 2 {
			if err := same(runSmall(t, change, nil, stop), want); err != nil {
				t.Errorf("stopped after %d steps: %v", stop, err)
			}
		}
	})
}

// Fine-tuning goes on likewise: neither the weights that it begins with nor, of a graph that is not in the zoo, the network comes from
// a name and a seed.
func TestResumedTransfersHaveTheSameBits(t *testing.T) {
	digits := data.Digits(110, 1)
	from, err := train.Create(t.TempDir(), "base")
	if err != nil {
		t.Fatal(err)
	}
	first := lenet(t, func(c *train.Config) { c.Epochs = 1 })
	if _, err := first.Fit(context.Background(), digits, nil, train.FitOptions{Run: from}); err != nil {
		t.Fatal(err)
	}
	zoo, err := train.OpenBase(from.Dir)
	if err != nil {
		t.Fatal(err)
	}
	_, _, logits := first.Model().Graph(&layers.Builder{})
	imported, err := train.NewBase("imported", logits, zoo.State, zoo.Norm)
	if err != nil {
		t.Fatal(err)
	}
	five := data.Digits(110, 2)
	five.Classes = five.Classes[:5]
	for i := range five.Labels {
		five.Labels[i] %= 5
	}
	for name, base := range map[string]*train.Base{"a run": zoo, "an imported graph": imported} {
		tune := func(stop int) (*train.Trainer, *train.Run, *train.Result, error) {
			cfg := train.DefaultConfig("")
			cfg.Classes, cfg.Groups, cfg.Epochs, cfg.Batch = 5, "head/*=1; fc*=0.1; *=0", 2, 32
			tr, err := base.From(cfg)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(tr.Close)
			run, err := train.Create(t.TempDir(), "run")
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			res, err := tr.Fit(ctx, five, nil, train.FitOptions{Run: run, Progress: &stopping{cancel: cancel, left: stop}})
			return tr, run, res, err
		}
		tr, run, res, err := tune(-1)
		if err != nil {
			t.Fatal(err)
		}
		want := leaves(t, run.Dir, tr, res)
		for _, stop := range []int{1, 6} {
			_, run, _, err := tune(stop)
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			tr, run, err := train.Resume(run.Dir, nil)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			defer tr.Close()
			res, err := tr.Fit(context.Background(), five, nil, train.FitOptions{Run: run})
			if err != nil {
				t.Fatal(err)
			}
			if err := same(leaves(t, run.Dir, tr, res), want); err != nil {
				t.Errorf("%s, stopped after %d steps: %v", name, stop, err)
			}
		}
	}
}
