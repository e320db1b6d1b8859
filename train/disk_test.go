package train

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"neocog/data"
	"neocog/graph"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops"
)

// A failing disk fails at its n-th operation, counted from 1: once, or from then
// on. A write that fails has written half.
type failing struct {
	realDisk
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
	f, err := d.realDisk.Open(path, flag)
	return failingFile{f, d}, err
}

func (d *failing) Rename(from, to string) error {
	if err := d.next(); err != nil {
		return err
	}
	return d.realDisk.Rename(from, to)
}

func (d *failing) Sync(dir string) error {
	if err := d.next(); err != nil {
		return err
	}
	return d.realDisk.Sync(dir)
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

func linear(t *testing.T) *Trainer {
	t.Helper()
	m := models.Model{Name: "linear", Input: graph.Shape{1, 4, 4}, Classes: 10, Build: func(b *layers.Builder, x *graph.Value) *graph.Value {
		return b.Linear("fc", ops.Flatten(x), 10)
	}}
	tr, err := New(m, DefaultConfig("linear"), data.Normalizer{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	tr.classes = strings.Split("0123456789", "")
	return tr
}

// Whatever operation fails, once or for ever, the error names a file of the run and the
// cause; what is left is a folder of whole files, or none if nothing had begun.
func TestEveryFailureOfTheDiskLeavesWholeFiles(t *testing.T) {
	for _, always := range []bool{false, true} {
		failures := 0
		for n := 1; ; n++ {
			d := &failing{n: n, always: always}
			if !failsAt(t, d) {
				break
			}
			failures++
		}
		// begin: 2 files, each open, write, sync, close, rename, sync of the folder; twice
		// weights and two metrics files of four operations each.
		if want := 2*6 + 2*(6+2*4); failures != want {
			t.Errorf("%d operations were made to fail, want %d", failures, want)
		}
	}
}

// failsAt goes through a run of two epochs on d and reports whether anything failed.
func failsAt(t *testing.T, d *failing) bool {
	t.Helper()
	tr := linear(t)
	root := t.TempDir()
	r, err := Create(root, "run")
	if err != nil {
		t.Fatal(err)
	}
	r.disk = d
	began := false
	saved := 0
	do := func() error {
		if err := r.begin(tr, nil, ""); err != nil {
			return err
		}
		began = true
		for epoch := range 2 {
			tr.epoch++
			if err := r.Save(tr); err != nil {
				return err
			}
			saved = tr.epoch
			if err := r.Append(Record{Epoch: epoch + 1}); err != nil {
				return err
			}
		}
		return nil
	}
	err = do()
	if err != nil && (!errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), r.Dir)) {
		t.Errorf("operation %d: error %v, want the file and %v", d.n, err, syscall.ENOSPC)
	}
	entries, readErr := os.ReadDir(r.Dir)
	if !began {
		if !errors.Is(readErr, os.ErrNotExist) {
			t.Errorf("operation %d: the run did not begin, but its folder holds %v", d.n, entries)
		}
		return err != nil
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".tmp") {
			t.Errorf("operation %d: %s was left behind", d.n, e.Name())
		}
	}
	if b, err := os.ReadFile(filepath.Join(r.Dir, WeightsFile)); err == nil {
		w, err := decodeWeights(b)
		if err != nil || w.epoch < saved {
			t.Errorf("operation %d: the weights are of epoch %d, %v; epoch %d was saved", d.n, w.epoch, err, saved)
		}
	} else if saved > 0 {
		t.Errorf("operation %d: the weights of epoch %d are gone: %v", d.n, saved, err)
	}
	for _, name := range []string{CSVFile, JSONLFile} {
		f, err := os.Open(filepath.Join(r.Dir, name))
		if err != nil {
			continue
		}
		read := ReadCSV
		if name == JSONLFile {
			read = ReadJSONL
		}
		if _, err := read(f); err != nil {
			t.Errorf("operation %d: %s: %v", d.n, name, err)
		}
		f.Close()
	}
	return err != nil
}
