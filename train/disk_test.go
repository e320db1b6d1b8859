package train

import (
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"neocog/data"
	"neocog/graph"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops"
)

// lazy is a disk that syncs nothing: for tests that write thousands of files.
type lazy struct{ realDisk }

func (lazy) Open(path string, flag int) (file, error) {
	f, err := realDisk{}.Open(path, flag)
	return lazyFile{f}, err
}

func (lazy) Sync(string) error { return nil }

type lazyFile struct{ file }

func (lazyFile) Sync() error { return nil }

// A failing disk fails at its n-th operation, counted from 1: once, or from then
// on. A write that fails has written half.
type failing struct {
	lazy
	n      int
	always bool
	count  int
}

func (d *failing) next() error {
	d.count++
	if d.count == d.n || d.always && d.count > d.n {
		return syscall.ENOSPC
	}
	return nil
}

func (d *failing) Open(path string, flag int) (file, error) {
	if err := d.next(); err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	f, err := d.lazy.Open(path, flag)
	return failingFile{f, d}, err
}

func (d *failing) Rename(from, to string) error {
	if err := d.next(); err != nil {
		return err
	}
	return d.lazy.Rename(from, to)
}

func (d *failing) Remove(path string) error {
	if err := d.next(); err != nil {
		return &os.PathError{Op: "remove", Path: path, Err: err}
	}
	return d.lazy.Remove(path)
}

func (d *failing) Sync(dir string) error {
	if err := d.next(); err != nil {
		return err
	}
	return d.lazy.Sync(dir)
}

type failingFile struct {
	file
	d *failing
}

func (f failingFile) Write(b []byte) (int, error) {
	if err := f.d.next(); err != nil {
		n, _ := f.file.Write(b[:len(b)/2])
		return n, err
	}
	return f.file.Write(b)
}

func (f failingFile) Sync() error {
	if err := f.d.next(); err != nil {
		return err
	}
	return f.file.Sync()
}

// Close closes even where it fails, as the system does.
func (f failingFile) Close() error {
	err := f.d.next()
	if closed := f.file.Close(); err == nil {
		err = closed
	}
	return err
}

var linearModel = models.Model{Name: "linear", Input: graph.Shape{1, 4, 4}, Classes: 10, Build: func(b *layers.Builder, x *graph.Value) *graph.Value {
	return b.Linear("fc", ops.Flatten(x), 10)
}}

// rows is a set of n images of one level each.
func rows(n int) *data.Set {
	set := &data.Set{Name: "rows", C: 1, H: 4, W: 4, Classes: strings.Split("0123456789", "")}
	for i := range n {
		set.Pixels = append(set.Pixels, slices.Repeat([]byte{byte(16 * i)}, 16)...)
		set.Labels = append(set.Labels, int32(i%10))
	}
	return set
}

// enduring is the number of epochs for tests that go through every operation of a run: of the second one with -long only.
func enduring() int {
	if isLong() {
		return 2
	}
	return 1
}

func isLong() bool { return flag.Lookup("long").Value.String() == "true" }

// Whatever operation fails, once or for ever, of a run that begins, trains, saves a checkpoint after each step and ends, the error
// names a file of the run and the cause. What is left is a folder of whole files from which the run goes on, with no less
// than what had been saved, or none if nothing had begun.
func TestEveryFailureOfTheDiskLeavesARunThatGoesOn(t *testing.T) {
	for _, always := range []bool{false, true} {
		failures := 0
		for n := 1; ; n++ {
			d := &failing{n: n, always: always}
			if !failsAt(t, d) {
				break
			}
			failures++
		}
		// Each file that is replaced takes 6: open, write, sync, close, rename, sync of the folder; each line of metrics 4; each
		// checkpoint that is removed 1. To begin with there are 2 files and a checkpoint; then for each epoch checkpoints after
		// 2 steps and the end, the weights, and 3 lines; the first epoch is the best. Of all checkpoints the last two are kept.
		epochs := enduring()
		if want := 3*6 + epochs*(3*6+6+3*4) + 6 + 2*epochs - 1; failures != want {
			t.Errorf("%d operations were made to fail, want %d", failures, want)
		}
	}
}

// failsAt goes through a run of epochs of two steps on d and reports whether anything failed.
func failsAt(t *testing.T, d *failing) bool {
	t.Helper()
	m, cfg := linearModel, DefaultConfig("linear")
	cfg.Epochs, cfg.Batch, cfg.Checkpoint, cfg.TensorBoard, cfg.LR = enduring(), 8, "1", true, 1e-3
	tr, err := New(m, cfg, data.Normalizer{})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	r, err := Create(t.TempDir(), "run")
	if err != nil {
		t.Fatal(err)
	}
	r.disk = d
	set := rows(16)
	_, err = tr.Fit(context.Background(), set, set, FitOptions{Run: r})
	if err == nil {
		return false
	}
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), r.Dir) {
		t.Errorf("operation %d: error %v, want the file and %v", d.n, err, syscall.ENOSPC)
	}
	entries, readErr := os.ReadDir(r.Dir)
	if readErr != nil {
		if !errors.Is(readErr, os.ErrNotExist) || tr.step > 1 {
			t.Errorf("operation %d: after %d steps the folder cannot be read: %v", d.n, tr.step, readErr)
		}
		return true
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".tmp") {
			t.Errorf("operation %d: %s was left behind", d.n, e.Name())
		}
	}
	for name, read := range map[string]func(io.Reader) ([]Record, error){CSVFile: ReadCSV, JSONLFile: ReadJSONL} {
		f, err := os.Open(filepath.Join(r.Dir, name))
		if err != nil {
			continue
		}
		if _, err := read(f); err != nil {
			t.Errorf("operation %d: %s: %v", d.n, name, err)
		}
		f.Close()
	}
	back, run, err := ResumeModel(r.Dir, m, nil)
	if err != nil {
		// Its last checkpoint may be there, and only the folder's sync after it have failed.
		if tr.epoch < cfg.Epochs || !strings.Contains(err.Error(), "it goes on with more") {
			t.Errorf("operation %d, after %d steps: %v", d.n, tr.step, err)
		}
		return true
	}
	defer back.Close()
	run.disk = lazy{}
	if back.step < tr.step-1 || len(run.Notes) > 0 {
		t.Errorf("operation %d: the run goes on from step %d, notes %q; after step %d a checkpoint had been saved", d.n, back.step, run.Notes, tr.step-1)
	}
	if _, err := back.Fit(context.Background(), set, set, FitOptions{Run: run}); err != nil {
		t.Errorf("operation %d: going on: %v", d.n, err)
	}
	if back.step != 2*cfg.Epochs {
		t.Errorf("operation %d: the run went on to step %d, want %d", d.n, back.step, 2*cfg.Epochs)
	}
	return true
}

// A network that is worth something before it is trained is there whenever its folder is, whatever operation was the last one.
func TestAFullDiskKeepsTheStartOrNothing(t *testing.T) {
	set := rows(16)
	for n := 1; ; n++ {
		cfg := DefaultConfig("linear")
		cfg.Epochs, cfg.Batch, cfg.LR = 1, 8, 1e-3
		tr, err := New(linearModel, cfg, data.Normalizer{})
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		r, err := Create(t.TempDir(), "run")
		if err != nil {
			t.Fatal(err)
		}
		r.disk = &failing{n: n, always: true}
		_, err = tr.Fit(context.Background(), set, set, FitOptions{Run: r, Start: &Record{}})
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("operation %d: error %v, want %v", n, err, syscall.ENOSPC)
		}
		if _, gone := os.Stat(r.Dir); gone != nil {
			if tr.step > 0 {
				t.Errorf("operation %d: the folder is gone after %d steps", n, tr.step)
			}
			continue
		}
		back, err := OpenModel(r.Dir, linearModel)
		if err != nil {
			t.Errorf("operation %d, after %d steps: %v", n, tr.step, err)
			continue
		}
		back.Close()
	}
}
