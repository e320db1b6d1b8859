package onnx

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"flag"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"
)

// shared finds a file or folder of the shared data, which lies beside the repository and is not part of it.
func shared(t *testing.T, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		path := filepath.Join(dir, "..", "shared", name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Skipf("shared/%s is not beside the repository", name)
	return ""
}

// vectors returns the node tests of ONNX 1.12.
func vectors(t *testing.T) fs.FS {
	t.Helper()
	f, err := os.Open(shared(t, "onnx/node-tests-opset17.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.ToSlash(filepath.Clean(h.Name))] = &fstest.MapFile{Data: data, Mode: 0o644}
	}
}

var verbose = flag.Bool("refused", false, "list what is refused")

// outcomes runs all vectors, once for all tests.
func outcomes(t *testing.T) []Outcome {
	t.Helper()
	fsys := vectors(t)
	once.Do(func() {
		dirs, err := FindCases(fsys, ".")
		if err != nil {
			t.Fatal(err)
		}
		for _, dir := range dirs {
			all = append(all, RunCase(context.Background(), fsys, dir))
		}
	})
	return all
}

var (
	once sync.Once
	all  []Outcome
)

// No vector may pass wrongly: each passes or is refused.
func TestVectors(t *testing.T) {
	counts := map[Verdict]int{}
	for _, o := range outcomes(t) {
		counts[o.Verdict]++
		if o.Verdict == Failed {
			t.Errorf("%s: %v", o.Name, o.Err)
		}
		if o.Verdict == Refused && *verbose {
			t.Logf("refused %s: %v", o.Name, o.Err)
		}
	}
	if len(all) != 932 {
		t.Errorf("%d vectors, want 932", len(all))
	}
	t.Logf("%d cases: %v", len(all), counts)
}
