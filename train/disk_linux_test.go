package train_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"neocog/data"
	"neocog/train"
)

// mount puts a file system in memory, of the given size, over a new folder.
func mount(t *testing.T, options string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("mounting a small file system takes root: %v; TestEveryFailureOfTheDiskLeavesARunThatGoesOn has a disk that is full by its own word", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// The 500 kB of the parameters of LeNet-5 and their momentum do not fit: nothing of the run is left.
func TestFullDisk(t *testing.T) {
	root := mount(t, "size=64k")
	run, err := train.Create(root, "run")
	if err != nil {
		t.Fatal(err)
	}
	tr := lenet(t, nil)
	_, err = tr.Fit(context.Background(), data.Digits(64, 1), nil, train.FitOptions{Run: run})
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), filepath.Join(run.Dir, "checkpoint-0.safetensors")+" was not written") {
		t.Errorf("error %v, want that the checkpoint was not written and why", err)
	}
	if got := folder(t, root); len(got) != 0 {
		t.Errorf("%v is left, want nothing of the run", got)
	}
}

// On a disk without any space the folder goes too.
func TestFullDiskFromTheStart(t *testing.T) {
	root := mount(t, "size=16k")
	run, err := train.Create(root, "run")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "ballast"), make([]byte, 16<<10), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = lenet(t, nil).Fit(context.Background(), data.Digits(64, 1), nil, train.FitOptions{Run: run})
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), train.DataFile) {
		t.Errorf("error %v, want that data.json was not written and why", err)
	}
	if got := folder(t, root); !slices.Equal(got, []string{"ballast"}) {
		t.Errorf("%v is left, want nothing of the run", got)
	}
}

func TestReadOnlyFolder(t *testing.T) {
	root := mount(t, "size=64k,ro")
	if _, err := train.Create(root, "run"); !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), root) {
		t.Errorf("error %v, want the folder and %v", err, syscall.EROFS)
	}
}

// A disk that fills up, or is made read-only, while a run trains ends it with an error that names the file and the cause. The checkpoint
// before that still loads, and the run goes on to the same bits once there is room.
func TestRunGoesOnAfterTheDiskFailed(t *testing.T) {
	set, test := data.Digits(110, 1), data.Digits(40, 2)
	often := func(c *train.Config) { c.Epochs, c.Checkpoint = 3, "1" }
	want := runSmall(t, often, test)
	for _, c := range []struct {
		name        string
		spoil, mend func(root string) error
		cause       error
	}{
		{"full",
			func(root string) error { return fill(filepath.Join(root, "ballast")) },
			func(root string) error { return os.Remove(filepath.Join(root, "ballast")) },
			syscall.ENOSPC},
		{"read-only",
			func(root string) error { return remount(root, syscall.MS_RDONLY) },
			func(root string) error { return remount(root, 0) },
			syscall.EROFS},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := mount(t, "size=1m")
			run, err := train.Create(root, "run")
			if err != nil {
				t.Fatal(err)
			}
			tr := smallTrainer(t, often)
			spoil := &onStep{at: 6, do: func() {
				if err := c.spoil(root); err != nil {
					t.Fatal(err)
				}
			}}
			_, err = tr.Fit(context.Background(), set, test, train.FitOptions{Run: run, Progress: spoil})
			if !errors.Is(err, c.cause) || !strings.Contains(err.Error(), filepath.Join(run.Dir, "checkpoint-6.safetensors")+" was not written") {
				t.Errorf("error %v, want that the checkpoint was not written, and %v", err, c.cause)
			}
			back, run, err := train.ResumeModel(run.Dir, small, nil)
			if err != nil {
				t.Fatal(err)
			}
			if back.Steps() != 5 || len(run.Notes) > 0 {
				t.Errorf("the run goes on from step %d, notes %q; want 5", back.Steps(), run.Notes)
			}
			if _, err := back.Fit(context.Background(), set, test, train.FitOptions{Run: run}); !errors.Is(err, c.cause) || !strings.Contains(err.Error(), run.Dir) {
				t.Errorf("going on where it cannot be written: %v, want the file and %v", err, c.cause)
			}
			back.Close()
			if err := c.mend(root); err != nil {
				t.Fatal(err)
			}
			if back, run, err = train.ResumeModel(run.Dir, small, nil); err != nil {
				t.Fatal(err)
			}
			defer back.Close()
			res, err := back.Fit(context.Background(), set, test, train.FitOptions{Run: run})
			if err != nil {
				t.Fatal(err)
			}
			if err := same(leaves(t, run.Dir, back, res), want); err != nil {
				t.Error(err)
			}
		})
	}
}

// onStep does something once, after so many steps.
type onStep struct {
	train.Silent
	at int
	do func()
}

func (o *onStep) Step(int, int, float64, float64) {
	if o.at--; o.at == 0 {
		o.do()
	}
}

// fill writes a file until the disk is full.
func fill(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for {
		if _, err := f.Write(make([]byte, 4096)); errors.Is(err, syscall.ENOSPC) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func remount(dir string, flags uintptr) error {
	return syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|flags, "size=1m")
}
