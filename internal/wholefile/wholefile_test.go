package wholefile_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"neocog/internal/wholefile"
)

// A write that fails half way leaves the old content, and nothing beside it.
func TestWriteIsWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	put := func(text string, fault error) error {
		return wholefile.Write(path, func(w io.Writer) error {
			if _, err := io.WriteString(w, text); err != nil {
				return err
			}
			return fault
		})
	}
	if err := put("old", nil); err != nil {
		t.Fatal(err)
	}
	fault := errors.New("no more")
	if err := put("ne", fault); !errors.Is(err, fault) {
		t.Errorf("error %v, want %v", err, fault)
	}
	if b, err := os.ReadFile(path); string(b) != "old" || err != nil {
		t.Errorf("the file holds %q (%v), want the old content", b, err)
	}
	if err := put("new", nil); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(path); string(b) != "new" {
		t.Errorf("the file holds %q, want the new content", b)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("mode %v (%v), want 0644", info.Mode(), err)
	}
	if list, err := os.ReadDir(dir); len(list) != 1 || err != nil {
		t.Errorf("the folder holds %v (%v), want the file alone", list, err)
	}
}

func TestErrorsNameTheUsersPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing", "file")
	err := wholefile.Write(path, func(io.Writer) error { return nil })
	if err == nil || !strings.HasPrefix(err.Error(), "write "+path+":") || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want one of %s", err, path)
	}
}

func TestAFolderIsNoFile(t *testing.T) {
	dir := t.TempDir()
	err := wholefile.Write(dir, func(io.Writer) error { return nil })
	if err == nil || err.Error() != dir+" is a folder, want the name of a file" {
		t.Errorf("error %v", err)
	}
}
