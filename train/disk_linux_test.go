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
