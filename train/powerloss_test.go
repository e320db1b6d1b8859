package train

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"neocog/data"
)

// A losing disk knows what of its files would be there after a loss of power: the content of each as it was last synced, and the
// names as they were when the folder was last synced. The power goes at the n-th operation.
type losing struct {
	lazy
	n, count int
	content  map[string][]byte // of the names of now, by their last sync; nil if there was none
	durable  map[string][]byte // the names of the last sync of the folder
}

var errPower = errors.New("the power is gone")

func (d *losing) next() error {
	if d.count++; d.count >= d.n {
		return errPower
	}
	return nil
}

func (d *losing) Open(path string, flag int) (file, error) {
	if err := d.next(); err != nil {
		return nil, err
	}
	f, err := d.lazy.Open(path, flag)
	if name := filepath.Base(path); flag&os.O_APPEND == 0 || d.content[name] == nil {
		d.content[name] = nil
	}
	return losingFile{f, d, path}, err
}

func (d *losing) Rename(from, to string) error {
	if err := d.next(); err != nil {
		return err
	}
	d.content[filepath.Base(to)] = d.content[filepath.Base(from)]
	delete(d.content, filepath.Base(from))
	return d.lazy.Rename(from, to)
}

func (d *losing) Remove(path string) error {
	if err := d.next(); err != nil {
		return err
	}
	delete(d.content, filepath.Base(path))
	return d.lazy.Remove(path)
}

func (d *losing) Sync(string) error {
	if err := d.next(); err != nil {
		return err
	}
	d.durable = maps.Clone(d.content)
	return nil
}

type losingFile struct {
	file
	d    *losing
	path string
}

func (f losingFile) Write(b []byte) (int, error) {
	if err := f.d.next(); err != nil {
		return 0, err
	}
	return f.file.Write(b)
}

func (f losingFile) Sync() error {
	if err := f.d.next(); err != nil {
		return err
	}
	b, err := os.ReadFile(f.path)
	if err != nil {
		return err
	}
	name := filepath.Base(f.path)
	// A file that is continued has its name already.
	if old, ok := f.d.durable[name]; ok && bytes.Equal(old, f.d.content[name]) {
		f.d.durable[name] = b
	}
	f.d.content[name] = b
	return nil
}

// Whenever the power goes, and whether the file system has kept the last renames or not, the run goes on from the last checkpoint that
// was saved, or had not begun.
func TestLossOfPower(t *testing.T) {
	set := rows(16)
	for n, done := 1, false; !done; n++ {
		cfg := DefaultConfig("linear")
		cfg.Epochs, cfg.Batch, cfg.Checkpoint, cfg.TensorBoard, cfg.LR = enduring(), 8, "1", true, 1e-3
		tr, err := New(linearModel, cfg, data.Normalizer{})
		if err != nil {
			t.Fatal(err)
		}
		run, err := Create(t.TempDir(), "run")
		if err != nil {
			t.Fatal(err)
		}
		d := &losing{n: n, content: map[string][]byte{}, durable: map[string][]byte{}}
		run.disk = d
		_, err = tr.Fit(context.Background(), set, set, FitOptions{Run: run})
		if done = err == nil; !done && !errors.Is(err, errPower) {
			t.Fatalf("operation %d: %v", n, err)
		}
		for kept, files := range map[string]map[string][]byte{"without the last renames": d.durable, "with them": d.content} {
			dir := t.TempDir()
			for name, b := range files {
				if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			back, run, err := ResumeModel(dir, linearModel, func(c *Config) { c.Epochs = 3 })
			if err != nil {
				// The first checkpoint is saved before the first step.
				if tr.step > 0 || !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("operation %d, after %d steps, %s: %v", n, tr.step, kept, err)
				}
				continue
			}
			if back.step < tr.step-1 || len(run.Notes) > 0 {
				t.Errorf("operation %d, %s: the run goes on from step %d, notes %q; a checkpoint of step %d had been saved", n, kept, back.step, run.Notes, tr.step-1)
			}
			run.disk = lazy{}
			if _, err := back.Fit(context.Background(), set, set, FitOptions{Run: run}); err != nil {
				t.Errorf("operation %d, %s: going on: %v", n, kept, err)
			}
			back.Close()
		}
		tr.Close()
	}
}
