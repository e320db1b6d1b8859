package train_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"neocog/data"
	"neocog/train"
)

// folder returns the names in a folder.
func folder(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// smallRun trains small for an epoch and returns its folder.
func smallRun(t testing.TB) (dir string, tr *train.Trainer) {
	t.Helper()
	run, err := train.Create(t.TempDir(), "run")
	if err != nil {
		t.Fatal(err)
	}
	tr = smallTrainer(t, func(c *train.Config) { c.Epochs = 1 })
	if _, err := tr.Fit(context.Background(), data.Digits(100, 1), nil, train.FitOptions{Run: run}); err != nil {
		t.Fatal(err)
	}
	return run.Dir, tr
}

func TestRunNames(t *testing.T) {
	at := time.Date(2017, 4, 5, 16, 7, 8, 9, time.UTC)
	if got, want := train.RunName("lenet5", at), "20170405-160708-lenet5"; got != want {
		t.Errorf("name %s, want %s", got, want)
	}
	if got, want := train.RunName("../a\\b", at), "20170405-160708-..-a-b"; got != want {
		t.Errorf("name %s, want %s: it must be one folder", got, want)
	}
	root := filepath.Join(t.TempDir(), "new", "runs")
	for _, want := range []string{"a", "a-2", "a-3"} {
		if run, err := train.Create(root, "a"); err != nil || run.Dir != filepath.Join(root, want) {
			t.Errorf("%+v, %v, want folder %s", run, err, want)
		}
	}
	for _, name := range []string{"", ".", "..", "a/b", "../a"} {
		if _, err := train.Create(root, name); err == nil || !strings.Contains(err.Error(), "cannot be the name of a run folder") {
			t.Errorf("%q: %v, want a refusal", name, err)
		}
	}
	file := filepath.Join(root, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := train.Create(file, "a"); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("runs in a file: %v, want an error that names it", err)
	}
}

func TestRunFolderHoldsWhatItShould(t *testing.T) {
	dir, tr := smallRun(t)
	want := []string{"checkpoint-0.safetensors", "checkpoint-4.safetensors", "config.yaml", "data.json", "metrics.csv", "metrics.jsonl", "weights.safetensors"}
	if got := folder(t, dir); !slices.Equal(got, want) {
		t.Errorf("the folder holds %v, want %v", got, want)
	}
	back, err := train.OpenModel(dir, small)
	if err != nil {
		t.Fatal(err)
	}
	defer back.Close()
	for _, name := range []string{"conv/w", "fc/b", "norm/gamma", "norm/mean", "norm/var"} {
		a, errA := back.State().Get(name)
		b, errB := tr.State().Get(name)
		if errA != nil || errB != nil || !slices.Equal(a.Float32s(), b.Float32s()) {
			t.Errorf("%s is not what was trained (%v, %v)", name, errA, errB)
		}
	}
	if back.Epoch() != 1 || back.Steps() != 4 || len(back.Classes()) != 10 || back.Config() != tr.Config() {
		t.Errorf("epoch %d, %d steps, %d classes; want 1, 4, 10 and the same configuration", back.Epoch(), back.Steps(), len(back.Classes()))
	}
	pixels := data.Digits(300, 7).Pixels
	p, err := tr.Predict(context.Background(), pixels, 300)
	if err != nil {
		t.Fatal(err)
	}
	q, err := back.Predict(context.Background(), pixels, 300)
	if err != nil || !slices.Equal(p, q) {
		t.Errorf("the opened run predicts otherwise (%v)", err)
	}
	if _, err := back.Fit(context.Background(), data.Digits(10, 1), nil, train.FitOptions{}); err == nil || !strings.Contains(err.Error(), "trained for all of its 1 epochs") {
		t.Errorf("more training: %v, want that all epochs are done", err)
	}
	if _, err := train.Open(dir); err == nil || !strings.Contains(err.Error(), `unknown model "small"`) {
		t.Errorf("a model of the user's own: %v, want that it is unknown", err)
	}
}

// The same run twice leaves the same bytes, seconds apart.
func TestSameRunSameFiles(t *testing.T) {
	a, _ := smallRun(t)
	b, _ := smallRun(t)
	for _, name := range []string{"config.yaml", "data.json", "weights.safetensors"} {
		x, err := os.ReadFile(filepath.Join(a, name))
		if err != nil {
			t.Fatal(err)
		}
		y, err := os.ReadFile(filepath.Join(b, name))
		if err != nil || string(x) != string(y) {
			t.Errorf("%s differs between two equal runs (%v)", name, err)
		}
	}
}

// No single bit of the weights can change, and no byte be missing, without
// being seen.
func TestDamagedWeightsAreRefused(t *testing.T) {
	dir, _ := smallRun(t)
	path := filepath.Join(dir, train.WeightsFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refuse := func(what string, content []byte) {
		t.Helper()
		if err := train.CheckWeights(content); err == nil {
			t.Errorf("%s is taken for sound weights", what)
		}
	}
	if err := train.CheckWeights(whole); err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		whole[i] ^= 1 << (i % 8)
		if err := train.CheckWeights(whole); err == nil {
			t.Errorf("a flipped bit of byte %d of %d goes unnoticed", i, len(whole))
		}
		whole[i] ^= 1 << (i % 8)
	}
	for n := 0; n < len(whole); n += 1 + n/64 {
		refuse("a file cut short", whole[:n])
	}
	refuse("a file with a byte more", append(slices.Clone(whole), 0))
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	dir, tr := smallRun(t)
	lenetDir := filepath.Join(t.TempDir(), "lenet")
	if err := os.CopyFS(lenetDir, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	put := func(dir, name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	open := func(name string, missing bool, want ...string) {
		t.Helper()
		_, err := train.OpenModel(dir, small)
		for _, w := range append(want, dir) {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%s: error %v, want %q", name, err, w)
			}
		}
		if errors.Is(err, fs.ErrNotExist) != missing {
			t.Errorf("%s: errors.Is(%v, fs.ErrNotExist) is %v", name, err, !missing)
		}
	}
	config, err := os.ReadFile(filepath.Join(dir, train.ConfigFile))
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.ReadFile(filepath.Join(dir, train.DataFile))
	if err != nil {
		t.Fatal(err)
	}

	put(dir, train.ConfigFile, "epoch: 1\n")
	open("unknown key", false, train.ConfigFile, "unknown field", `is damaged: [1:1] unknown field "epoch"`)
	put(dir, train.ConfigFile, strings.Replace(string(config), "small", "other", 1))
	open("another model", false, `the configuration is for model "other", got model "small"`)
	put(dir, train.ConfigFile, string(config))

	put(dir, train.DataFile, string(info[:len(info)/2]))
	open("half of data.json", false, "data.json is damaged")
	put(dir, train.DataFile, `{"classes":["a","b"]}`)
	open("two classes", false, "data.json names 2 classes", `model "small" has 10`)
	put(dir, train.DataFile, strings.Replace(string(info), `"mean": [`, `"mean": [1,2,`, 1))
	open("three means", false, "data.json", "got 3")
	put(dir, train.DataFile, string(info))

	weights, err := os.ReadFile(filepath.Join(dir, train.WeightsFile))
	if err != nil {
		t.Fatal(err)
	}
	put(dir, train.WeightsFile, strings.Repeat("x", 1<<20))
	open("far too long", false, "is longer than the weights of model", "those of another model")
	if err := os.Remove(filepath.Join(dir, train.WeightsFile)); err != nil {
		t.Fatal(err)
	}
	open("no weights", true, "has no weights.safetensors; it is written after an epoch")
	put(dir, train.WeightsFile, string(weights))

	// Sound weights of another model.
	put(lenetDir, train.ConfigFile, strings.Replace(string(config), "model: small", "model: lenet5", 1))
	if _, err := train.Open(lenetDir); err == nil || !strings.Contains(err.Error(), `it has the weights of model "small": they do not fit model "lenet5": it has no "conv1/w", f32[6,1,5,5] (nearest: "conv/w"); `) {
		t.Errorf("weights of another model: %v", err)
	}

	if err := os.Remove(filepath.Join(dir, train.ConfigFile)); err != nil {
		t.Fatal(err)
	}
	open("no config", true, "has no config.yaml; it is no run folder: one holds config.yaml, data.json and weights.safetensors")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	open("no folder", false, "is missing")
	if tr.Epoch() != 1 {
		t.Error("the trainer was changed")
	}
}

// Two runs never share a folder.
func TestARunFolderIsUsedOnce(t *testing.T) {
	dir, _ := smallRun(t)
	run, err := train.Create(filepath.Dir(dir), "again")
	if err != nil {
		t.Fatal(err)
	}
	run.Dir = dir
	before := folder(t, dir)
	_, err = smallTrainer(t, nil).Fit(context.Background(), data.Digits(100, 1), nil, train.FitOptions{Run: run})
	if err == nil || !strings.Contains(err.Error(), "holds a run already") {
		t.Errorf("error %v, want that the folder is taken", err)
	}
	if after := folder(t, dir); !slices.Equal(before, after) {
		t.Errorf("the folder held %v, now %v", before, after)
	}
}

// A run that diverges keeps the weights of its last good epoch.
func TestDivergedRunKeepsTheLastGoodWeights(t *testing.T) {
	run, err := train.Create(t.TempDir(), "run")
	if err != nil {
		t.Fatal(err)
	}
	tr := smallTrainer(t, func(c *train.Config) {
		c.Optimizer, c.Schedule, c.LR, c.Epochs = "sgd", "constant", 0.01, 5
	})
	good := ""
	p := &onEpoch{do: func(r train.Record) {
		if r.Epoch == 2 {
			// A weight at the edge of float32 makes the next loss infinite or NaN.
			good = fingerprintOf(t, tr)
			w, err := tr.State().Get("fc/w")
			if err != nil {
				t.Fatal(err)
			}
			for i := range w.Float32s() {
				w.Float32s()[i] = 3e38
			}
			if err := tr.State().Set("fc/w", w); err != nil {
				t.Fatal(err)
			}
		}
	}}
	// The weights are saved before Progress hears of the epoch.
	_, err = tr.Fit(context.Background(), data.Digits(100, 1), nil, train.FitOptions{Run: run, Progress: p})
	var d *train.Diverged
	if !errors.As(err, &d) || d.Epoch != 3 || d.Step != 1 {
		t.Fatalf("error %v, want a *train.Diverged at epoch 3, step 1", err)
	}
	back, err := train.OpenModel(run.Dir, small)
	if err != nil {
		t.Fatal(err)
	}
	defer back.Close()
	if back.Epoch() != 2 || good == "" {
		t.Errorf("the folder holds the weights of epoch %d, want 2", back.Epoch())
	}
	w, err := back.State().Get("fc/w")
	if err != nil || w.Float32s()[0] == 3e38 {
		t.Errorf("the folder holds spoiled weights (%v)", err)
	}
}

type onEpoch struct {
	train.Silent
	do func(train.Record)
}

func (o *onEpoch) Epoch(r train.Record) { o.do(r) }

func FuzzWeights(f *testing.F) {
	dir, tr := smallRun(f)
	whole, err := os.ReadFile(filepath.Join(dir, train.WeightsFile))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:100])
	f.Add([]byte{8, 0, 0, 0, 0, 0, 0, 0, '{', '}', ' ', ' ', ' ', ' ', ' ', ' '})
	f.Add([]byte("\x59\x00\x00\x00\x00\x00\x00\x00" + `{"test":{"dtype":"I32","shape":[2,2],"data_offsets":[0,16]},"__metadata__":{"foo":"bar"}}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		before := fingerprint(t, tr)
		if err := train.LoadWeights(tr, file); err != nil && fingerprint(t, tr) != before {
			t.Fatalf("weights that are refused (%v) have changed the trainer", err)
		}
	})
}
