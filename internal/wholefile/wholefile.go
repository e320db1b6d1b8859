// Package wholefile writes files whole or not at all.
package wholefile

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Write makes the file of that path from what write writes: into a new file in the same folder, which is brought to
// the disk and takes the name at the end. Whoever reads the path sees the old content or the new one; an error leaves
// the old one, and nothing else. Errors name path, not the file beside it.
func Write(path string, write func(w io.Writer) error) (err error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("%s is a folder, want the name of a file", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return named(path, err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
			err = named(path, err)
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil { // CreateTemp's are the owner's alone
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// named makes a file error name the path that the user gave instead of the temporary one.
func named(path string, err error) error {
	switch e := err.(type) {
	case *os.PathError:
		return &os.PathError{Op: "write", Path: path, Err: e.Err}
	case *os.LinkError:
		return &os.PathError{Op: "write", Path: path, Err: e.Err}
	}
	return err
}
