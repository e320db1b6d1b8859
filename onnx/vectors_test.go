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

func TestVectors(t *testing.T) {
	fsys := vectors(t)
	dirs, err := FindCases(fsys, ".")
	if err != nil {
		t.Fatal(err)
	}
	counts := map[Verdict]int{}
	for _, dir := range dirs {
		o := RunCase(context.Background(), fsys, dir)
		counts[o.Verdict]++
		if o.Verdict == Failed {
			t.Errorf("%s: %v", o.Name, o.Err)
		}
		if o.Verdict == Refused && *verbose {
			t.Logf("refused %s: %v", o.Name, o.Err)
		}
	}
	t.Logf("%d cases: %v", len(dirs), counts)
}
