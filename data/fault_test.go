package data

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// cutPack returns a set of 40 images of 3×32×32 of a pack that was cut behind the twentieth.
func cutPack(t *testing.T) *Set {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("what a cut file does to its map is known for Linux only")
	}
	var b bytes.Buffer
	set := coloured(40, 32, 32)
	if err := WritePack(&b, set, set.Take(1)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(write(t, "pack", map[string][]byte{"set.pack": b.Bytes()}), "set.pack")
	train, _, err := OpenPack(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 4096+20*3072); err != nil {
		t.Fatal(err)
	}
	return train
}

// A pack that is cut while it is in use is an error of the loader and not the end of the program.
func TestPackThatIsCutReachesTheReader(t *testing.T) {
	train := cutPack(t)
	for _, workers := range []int{0, 2} {
		l := &Loader{Set: train, Batch: 4, Workers: workers}
		n := 0
		for batch := range l.Epoch(0) {
			n += batch.N
		}
		if n > 24 || l.Err() == nil || !strings.Contains(l.Err().Error(), "of coloured, epoch 0: its memory cannot be read") {
			t.Errorf("%d workers: %d images, then error %v", workers, n, l.Err())
		}
	}
}

// Measuring colours once read pixels outside of what catches faults, and the program ended. The error stays in the epochs after it.
func TestPackThatIsCutBeforeTheLoaderMeasures(t *testing.T) {
	train := cutPack(t)
	for _, text := range []string{"pca", "cutout:4", "border:mean+crop:2"} {
		a, err := ParseAugment(text)
		if err != nil {
			t.Fatal(err)
		}
		l := &Loader{Set: train, Batch: 4, Augment: a}
		for e := range 2 {
			for range l.Epoch(e) {
				t.Errorf("%s, epoch %d: a batch", text, e)
				break
			}
			if _, ok := errors.AsType[*FormatError](l.Err()); !ok {
				t.Errorf("%s, epoch %d: error %v, want a *FormatError", text, e, l.Err())
			}
		}
	}
}

// Each function that reads pixels once ended the program with a fault.
func TestPackThatIsCutEndsNoFunctionThatReadsIt(t *testing.T) {
	train := cutPack(t)
	const want = "coloured: pixels: want what the file had when it was opened, got less"
	for name, read := range map[string]func() error{
		"Subset":    func() error { _, err := train.Subset([]int{39}); return err },
		"As":        func() error { _, err := train.As(1, 16, 16); return err },
		"WritePack": func() error { return WritePack(&bytes.Buffer{}, train, train) },
		"For":       func() error { _, err := Augment{PCA{0.1}}.For(train, 1); return errors.Unwrap(err) },
	} {
		if err := read(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", name, err, want)
		}
	}
	for name, read := range map[string]func(){
		"Shuffled":       func() { train.Shuffled(1) },
		"PixelMean":      func() { PixelMean(train) },
		"ChannelMeanStd": func() { ChannelMeanStd(train) },
	} {
		func() {
			defer func() {
				if err, ok := recover().(*FormatError); !ok || !strings.HasPrefix(err.Error(), want) {
					t.Errorf("%s: panics with %v, want %s", name, err, want)
				}
			}()
			read()
		}()
	}
	if s, err := train.Subset([]int{0, 19}); err != nil || s.Len() != 2 {
		t.Errorf("images that are still there: %v", err)
	}
}

// What is no fault of memory stays a panic: a mistake must not look like a file that was cut.
func TestGuardLetsOtherPanicsPass(t *testing.T) {
	for _, mistake := range []func(){func() { panic("mine") }, func() { _ = (*Set)(nil).Labels }, func() { numbered(2).Image(2) }} {
		func() {
			defer func() {
				if r := recover(); r == nil {
					t.Error("no panic")
				} else if _, ok := r.(*FormatError); ok {
					t.Errorf("panics with %v", r)
				}
			}()
			numbered(1).mustRead(mistake)
		}()
	}
}
