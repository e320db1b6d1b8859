package train

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"neocog/data"
	"neocog/graph"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops"
)

// linearRun trains the linear model for an epoch of two steps and returns its folder, with checkpoints after each step.
func linearRun(t testing.TB, test *data.Set, change func(c *Config)) (dir string, tr *Trainer) {
	t.Helper()
	cfg := DefaultConfig("linear")
	cfg.Epochs, cfg.Batch, cfg.LR, cfg.Checkpoint = 1, 8, 1e-3, "1"
	if change != nil {
		change(&cfg)
	}
	tr, err := New(linearModel, cfg, data.Normalizer{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	run, err := Create(t.TempDir(), "run")
	if err != nil {
		t.Fatal(err)
	}
	run.disk = lazy{}
	if _, err := tr.Fit(context.Background(), rows(16), test, FitOptions{Run: run}); err != nil {
		t.Fatal(err)
	}
	return run.Dir, tr
}

// No single byte of a checkpoint can change, and none be missing at its end, without being seen; and a checkpoint that is refused
// has changed nothing.
func TestDamagedCheckpointsAreRefused(t *testing.T) {
	dir, tr := linearRun(t, nil, nil)
	whole, err := os.ReadFile(filepath.Join(dir, checkpointFile(2)))
	if err != nil {
		t.Fatal(err)
	}
	tr.epoch, tr.step = 77, 78 // a checkpoint that is taken would change them
	sound := func(file []byte) bool {
		_, _, err := tr.restore(file)
		return err == nil || tr.epoch != 77 || tr.step != 78
	}
	// Every other value of every byte with -long; otherwise one bit, and all bits.
	changes := func(i int) []byte { return []byte{1 << (i % 8), 0xff} }
	if isLong() {
		changes = func(int) []byte {
			all := make([]byte, 255)
			for k := range all {
				all[k] = byte(k + 1)
			}
			return all
		}
	}
	for i := range whole {
		for _, c := range changes(i) {
			whole[i] ^= c
			if sound(whole) {
				t.Errorf("byte %d of %d, changed by %#02x, goes unnoticed", i, len(whole), c)
			}
			whole[i] ^= c
		}
	}
	for n := range whole {
		if sound(whole[:n]) {
			t.Errorf("a checkpoint of %d bytes cut to %d is taken", len(whole), n)
		}
	}
	if sound(append(whole[:len(whole):len(whole)], 0)) {
		t.Error("a checkpoint with a byte more is taken")
	}
	if !sound(whole) || tr.epoch != 1 || tr.step != 2 {
		t.Errorf("the sound checkpoint gives epoch %d, step %d, want 1, 2", tr.epoch, tr.step)
	}
}

// Where the last checkpoint is damaged the one before it is taken, and said so; where all are, nothing is.
func TestResumePassesDamagedCheckpointsOver(t *testing.T) {
	dir, _ := linearRun(t, nil, func(c *Config) { c.Epochs, c.Keep = 2, 3 })
	more := func(c *Config) { c.Epochs = 3 }
	spoil := func(step int) {
		t.Helper()
		path := filepath.Join(dir, checkpointFile(step))
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)-1] ^= 1
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	spoil(4)
	tr, run, err := ResumeModel(dir, linearModel, more)
	if err != nil {
		t.Fatal(err)
	}
	if tr.step != 3 || tr.epoch != 1 || len(run.Notes) != 1 || !strings.Contains(run.Notes[0], checkpointFile(4)+" cannot be used: it is damaged: the SHA-256") {
		t.Errorf("step %d, notes %q; want 3, and what is damaged", tr.step, run.Notes)
	}
	if _, _, err := ResumeModel(dir, linearModel, more); err == nil || !strings.Contains(err.Error(), dir+" is in use") {
		t.Errorf("the same run twice: %v, want that it is in use", err)
	}
	run.Close()
	tr.Close()
	spoil(3)
	spoil(2)
	_, _, err = ResumeModel(dir, linearModel, more)
	for _, step := range []int{2, 3, 4} {
		if err == nil || !strings.Contains(err.Error(), checkpointFile(step)+" cannot be used") {
			t.Errorf("error %v, want each of three checkpoints", err)
		}
	}
}

// A run goes on with its own configuration and images, and with no others.
func TestResumeRefusesWhatIsNotTheRun(t *testing.T) {
	dir, _ := linearRun(t, nil, nil)
	more := func(c *Config) { c.Epochs = 3 }
	if _, _, err := ResumeModel(dir, linearModel, func(c *Config) { c.Epochs, c.LR = 3, 0.5 }); err == nil || !strings.Contains(err.Error(), "lr was 0.001 and is now 0.5; a run that goes on may change epochs, patience,") {
		t.Errorf("another rate: %v", err)
	}
	if _, _, err := ResumeModel(dir, linearModel, nil); err == nil || !strings.Contains(err.Error(), "has come to epoch 1 and is asked for 1; it goes on with more than 1") {
		t.Errorf("a run that is done: %v", err)
	}
	tr, run, err := ResumeModel(dir, linearModel, more)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	before, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	other := rows(16)
	other.Pixels[3]++
	if _, err := tr.Fit(context.Background(), other, nil, FitOptions{Run: run}); err == nil || !strings.Contains(err.Error(), "was trained on other images than these") {
		t.Errorf("another image: %v", err)
	}
	if after, err := os.ReadDir(dir); err != nil || len(after) != len(before) {
		t.Errorf("the folder held %v, now %v (%v)", before, after, err)
	}
	two := models.Model{Name: "linear", Input: linearModel.Input, Classes: 10, Build: mlp}
	if _, _, err := ResumeModel(dir, two, more); err == nil || !strings.Contains(err.Error(), `its "fc/w" is f32[10,16], want f32[10,7]`) {
		t.Errorf("another network: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, ConfigFile)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ResumeModel(dir, linearModel, nil); err == nil || !strings.Contains(err.Error(), "has no config.yaml") {
		t.Errorf("no configuration: %v", err)
	}
}

func mlp(b *layers.Builder, x *graph.Value) *graph.Value {
	return b.Linear("fc", ops.ReLU(b.Linear("hidden", ops.Flatten(x), 7)), 10)
}

// Kernels of another instruction set round otherwise: the run goes on, and says so.
func TestResumeNotesOtherKernels(t *testing.T) {
	dir, _ := linearRun(t, nil, func(c *Config) { c.Epochs = 2 })
	path := filepath.Join(dir, checkpointFile(4))
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	w, err := decodeWeights(file)
	if err != nil {
		t.Fatal(err)
	}
	w.Meta[metaKernels], w.Meta[metaCode] = "abacus", "neocog 0.0.1 go1.0"
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.WriteSafetensors(f); err != nil {
		t.Fatal(err)
	}
	f.Close()
	back, run, err := ResumeModel(dir, linearModel, func(c *Config) { c.Epochs = 3 })
	if err != nil {
		t.Fatal(err)
	}
	defer back.Close()
	defer run.Close()
	if len(run.Notes) != 2 || !strings.Contains(run.Notes[0], "abacus") || !strings.Contains(run.Notes[1], "neocog 0.0.1 go1.0, and goes on with neocog") {
		t.Errorf("notes %q, want the kernels and the program of before", run.Notes)
	}
}

// A network that was trained before begins a run in the middle of its epochs, and that goes on too.
func TestResumeOfARunThatBeganWithTrainedWeights(t *testing.T) {
	dir, _ := linearRun(t, nil, func(c *Config) { c.Epochs = 3 })
	cfg, err := ReadConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Epochs = 5
	tr, err := open(dir, linearModel, cfg, WeightsFile)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	run, err := Create(t.TempDir(), "more")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if _, err := tr.Fit(ctx, rows(16), nil, FitOptions{Run: run, Progress: stopAt{after: 7, cancel: cancel}}); err == nil {
		t.Fatal("the run was not stopped")
	}
	back, run, err := ResumeModel(run.Dir, linearModel, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer back.Close()
	res, err := back.Fit(context.Background(), rows(16), nil, FitOptions{Run: run})
	if err != nil || len(res.Epochs) != 2 || res.Epochs[0].Epoch != 4 || res.Steps != 10 {
		t.Errorf("result %+v, %v; want epochs 4 and 5, and 10 steps", res, err)
	}
}

// A position that no run writes, with a checksum that is right, is an error and no panic.
func TestPositionsOfNoRun(t *testing.T) {
	dir, tr := linearRun(t, nil, func(c *Config) { c.Epochs = 2 })
	path := filepath.Join(dir, checkpointFile(4))
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	w, err := decodeWeights(file)
	if err != nil {
		t.Fatal(err)
	}
	sound := w.Meta[metaPosition]
	for _, c := range []struct{ old, new string }{
		{`"Batches":0`, `"Batches":-1`},
		{`"Batches":0`, `"Batches":1.5`},
		{sound, `{"Batches":1}`},
		{`"Seen":4`, `"Seen":-4`},
		{`"Epochs":[`, `"Epochs":[{}`},
		{sound, `null`},
		{sound, ``},
		{sound, `[]`},
	} {
		w.Meta[metaPosition] = strings.Replace(sound, c.old, c.new, 1)
		if w.Meta[metaPosition] == sound {
			t.Fatalf("the position %s has no %s", sound, c.old)
		}
		var b bytes.Buffer
		if err := w.WriteSafetensors(&b); err != nil {
			t.Fatal(err)
		}
		if _, _, err := tr.restore(b.Bytes()); err == nil || !strings.Contains(err.Error(), "position") {
			t.Errorf("%s: error %v, want the position named", w.Meta[metaPosition], err)
		}
	}
}

func TestCheckpointIntervals(t *testing.T) {
	for text, want := range map[string]interval{
		"": {time: 600e9}, "epoch": {}, "none": {none: true}, "500": {steps: 500}, "90s": {time: 90e9},
	} {
		if got, err := parseInterval(text); err != nil || got != want {
			t.Errorf("%q is %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"0", "-1", "-5m", "often", "1.5"} {
		if _, err := parseInterval(text); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: error %v, want it named", text, err)
		}
	}
}

// Patience ends a run, and more of it lets the run go on.
func TestPatience(t *testing.T) {
	dir, tr := linearRun(t, rows(10), func(c *Config) { c.Epochs, c.Patience, c.LR, c.Optimizer, c.Schedule = 50, 2, 1e-30, "sgd", "constant" })
	if tr.epoch != 3 {
		t.Errorf("a run that does not get better ends after %d epochs, want 3 with a patience of 2", tr.epoch)
	}
	if _, _, err := ResumeModel(dir, linearModel, nil); err == nil || !strings.Contains(err.Error(), "ended early, after 3 epochs: the last 2 were no better than the best") {
		t.Errorf("going on: %v", err)
	}
	back, run, err := ResumeModel(dir, linearModel, func(c *Config) { c.Patience = 4 })
	if err != nil {
		t.Fatal(err)
	}
	defer back.Close()
	run.disk = lazy{}
	res, err := back.Fit(context.Background(), rows(16), rows(10), FitOptions{Run: run})
	if err != nil || len(res.Epochs) != 5 {
		t.Errorf("%d epochs, %v; want 5 with a patience of 4", len(res.Epochs), err)
	}
}
