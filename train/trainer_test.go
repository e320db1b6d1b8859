package train_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"neocog/data"
	"neocog/models"
	"neocog/train"
)

var long = flag.Bool("long", false, "also train on the whole of MNIST, a minute for each seed")

func lenet(t testing.TB, change func(c *train.Config)) *train.Trainer {
	t.Helper()
	m, err := models.Find("lenet5")
	if err != nil {
		t.Fatal(err)
	}
	c := train.DefaultConfig("lenet5")
	c.TrainImages, c.Epochs = 300, 2
	if change != nil {
		change(&c)
	}
	set, _, err := train.Load(c)
	if err != nil {
		t.Fatal(err)
	}
	norm, err := train.Normalize(c, set)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := train.New(m, c, norm)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	return tr
}

// fingerprint is a hash of every parameter and buffer.
func fingerprint(t testing.TB, tr *train.Trainer) string {
	t.Helper()
	h := sha256.New()
	for _, name := range tr.State().Names() {
		v, err := tr.State().Get(name)
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		fmt.Fprintln(&text, name, v.Shape(), v.Dtype())
		if v.Dtype().String() == "float32" {
			for _, x := range v.Float32s() {
				fmt.Fprintf(&text, "%b ", x)
			}
		} else {
			fmt.Fprint(&text, v.Data())
		}
		h.Write(text.Bytes())
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

func TestSameSeedSameBitsForAnyThreads(t *testing.T) {
	run := func(seed uint64, threads, procs int) string {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		tr := lenet(t, func(c *train.Config) { c.Seed, c.Threads, c.Batch = seed, threads, 48 })
		set, _ := data.DigitsSplit(300, 10, 1)
		if _, err := tr.Fit(context.Background(), set, nil, train.FitOptions{}); err != nil {
			t.Fatal(err)
		}
		return fingerprint(t, tr)
	}
	want := run(1, 1, 1)
	for _, c := range []struct{ threads, procs int }{{1, 2}, {2, 2}, {3, 2}, {2, 1}} {
		if got := run(1, c.threads, c.procs); got != want {
			t.Errorf("%d threads, GOMAXPROCS %d: other bits", c.threads, c.procs)
		}
	}
	if run(2, 1, 1) == want {
		t.Error("another seed gives the same bits")
	}
}

func TestStepDoesNotAllocate(t *testing.T) {
	for _, threads := range []int{1, 2} {
		for _, optimizer := range []string{"sgd", "nesterov", "adam"} {
			tr := lenet(t, func(c *train.Config) { c.Threads, c.Optimizer = threads, optimizer })
			set, _ := data.DigitsSplit(64, 1, 1)
			b := data.Batch{X: make([]float32, 64*set.Dim()), Y: set.Labels, N: 64}
			step := func() {
				if _, _, err := tr.Step(context.Background(), 1e-3, b); err != nil {
					t.Fatal(err)
				}
			}
			step()
			if n := testing.AllocsPerRun(20, step); n != 0 {
				t.Errorf("%s, %d threads: a step of LeNet-5 allocates %v times", optimizer, threads, n)
			}
		}
	}
}

func TestDigitsAreLearned(t *testing.T) {
	tr := lenet(t, func(c *train.Config) { c.TrainImages, c.Epochs = 3000, 4 })
	set, test := data.DigitsSplit(3000, 1000, 1)
	res, err := tr.Fit(context.Background(), set, test, train.FitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if res.Accuracy < 0.96 || len(res.Epochs) != 4 {
		t.Errorf("accuracy %v after %d epochs, want at least 0.96 after 4", res.Accuracy, len(res.Epochs))
	}
	pixels := append(append([]byte{}, test.Image(0)...), test.Image(1)...)
	p, err := tr.Predict(context.Background(), pixels, 2)
	if err != nil || len(p) != 20 {
		t.Fatalf("%d probabilities, %v", len(p), err)
	}
	for i := range 2 {
		sum := float32(0)
		for _, v := range p[10*i : 10*i+10] {
			sum += v
		}
		if sum < 0.9999 || sum > 1.0001 {
			t.Errorf("the probabilities of image %d add up to %v", i, sum)
		}
	}
}

func TestRunFolderIsReadBack(t *testing.T) {
	root := t.TempDir()
	run, err := train.Create(root, "one")
	if err != nil {
		t.Fatal(err)
	}
	if second, err := train.Create(root, "one"); err != nil || second.Dir != filepath.Join(root, "one-2") {
		t.Errorf("a second run of that name: %+v, %v; want a folder of its own", second, err)
	}
	tr := lenet(t, nil)
	set, test := data.DigitsSplit(300, 200, 1)
	res, err := tr.Fit(context.Background(), set, test, train.FitOptions{Run: run})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(root, "one")
	back, err := train.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer back.Close()
	m, err := back.Evaluate(context.Background(), test)
	if err != nil {
		t.Fatal(err)
	}
	if m.Accuracy != res.Accuracy || m.Loss != res.Loss {
		t.Errorf("read back: %v, %v; trained: %v, %v", m.Accuracy, m.Loss, res.Accuracy, res.Loss)
	}
	recs, err := train.Records(dir)
	if err != nil || len(recs) != 2 {
		t.Errorf("%d records, %v; want 2", len(recs), err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.Contains(e.Name(), "tmp") || strings.HasPrefix(e.Name(), ".") {
			t.Errorf("%s was left behind", e.Name())
		}
	}
	weights := filepath.Join(dir, "weights.safetensors")
	whole, err := os.ReadFile(weights)
	if err != nil {
		t.Fatal(err)
	}
	for what, content := range map[string][]byte{"truncated": whole[:len(whole)/2], "empty": {}, "foreign": []byte("no tensors here")} {
		if err := os.WriteFile(weights, content, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := train.Open(dir); err == nil || !strings.Contains(err.Error(), "weights.safetensors") {
			t.Errorf("%s weights: %v, want an error that names the file", what, err)
		}
	}
	if _, err := train.Open(filepath.Join(root, "none")); err == nil {
		t.Error("a folder that is not there is opened")
	}
}

func TestInterruptedRunIsSaved(t *testing.T) {
	root := t.TempDir()
	run, err := train.Create(root, "cut")
	if err != nil {
		t.Fatal(err)
	}
	tr := lenet(t, func(c *train.Config) { c.Epochs = 1000 })
	ctx, cancel := context.WithCancel(context.Background())
	set, test := data.DigitsSplit(300, 50, 1)
	res, err := tr.Fit(ctx, set, test, train.FitOptions{Run: run, Progress: stop{cancel: cancel}})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want context.Canceled", err)
	}
	if res == nil || res.Steps == 0 {
		t.Errorf("result %+v, want the steps so far", res)
	}
	back, err := train.Open(filepath.Join(root, "cut"))
	if err != nil {
		t.Fatal(err)
	}
	defer back.Close()
	if a, b := fingerprintOf(t, back), fingerprintOf(t, tr); a != b {
		t.Error("what was saved is not what was trained")
	}
}

// fingerprintOf hashes the parameters of the model itself: slots are not saved.
func fingerprintOf(t *testing.T, tr *train.Trainer) string {
	t.Helper()
	h := sha256.New()
	for _, name := range tr.State().Names() {
		if strings.HasPrefix(name, "opt/") || name == "step" {
			continue
		}
		v, err := tr.State().Get(name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(h, name, v.Float32s())
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// stop cancels in the second epoch.
type stop struct {
	train.Silent
	cancel func()
}

func (s stop) Step(epoch, step int, loss, accuracy float64) {
	if epoch == 2 && step == 3 {
		s.cancel()
	}
}

func TestModelAndDataMustFit(t *testing.T) {
	tr := lenet(t, nil)
	_, err := tr.Fit(context.Background(), noise(10), nil, train.FitOptions{})
	if err == nil {
		t.Fatal("colour images are accepted by LeNet-5")
	}
	for _, part := range []string{"28", "32", "convnetjs-cifar10"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error lacks %q: %v", part, err)
		}
	}
}

// At least 98.8 % on MNIST's test images after three epochs, for any seed.
func TestMNIST(t *testing.T) {
	if !*long {
		t.Skip("training on all of MNIST takes about 20 s a seed; -long does it")
	}
	set, test, err := data.Open(shared(t, "mnist"))
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(3) {
		tr := lenet(t, func(c *train.Config) { c.Seed, c.Epochs, c.TrainImages = seed+1, 3, 0 })
		res, err := tr.Fit(context.Background(), set, test, train.FitOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("seed %d: %.2f %% in %.1f s", seed+1, 100*res.Accuracy, res.Seconds)
		if res.Accuracy < 0.988 {
			t.Errorf("seed %d: accuracy %v, want at least 0.988", seed+1, res.Accuracy)
		}
	}
}
