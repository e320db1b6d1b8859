package download

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"neocog/data"
)

// unpacked reports whether all members are in dir, at their lengths.
func (f File) unpacked(dir string) bool {
	for name, size := range f.Members {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() != size {
			return false
		}
	}
	return true
}

// unpack writes the members into dir, each whole or not at all. Names in the archive decide nothing but which member they are.
func (f File) unpack(dir string) error {
	archive := filepath.Join(dir, f.Name)
	r, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer r.Close()
	z, err := gzip.NewReader(r)
	if err != nil {
		return fmt.Errorf("%s: %w", archive, err)
	}
	missing := len(f.Members)
	for t := tar.NewReader(z); missing > 0; {
		head, err := t.Next()
		if errors.Is(err, io.EOF) {
			return &data.FormatError{File: archive, What: "members", Want: fmt.Sprint(len(f.Members)), Got: fmt.Sprint(len(f.Members) - missing)}
		}
		if err != nil {
			return fmt.Errorf("%s: %w", archive, err)
		}
		name := path.Base(head.Name)
		size, ok := f.Members[name]
		if !ok || head.Typeflag != tar.TypeReg {
			continue
		}
		if head.Size != size {
			return &data.FormatError{File: archive, What: "length of " + name, Want: fmt.Sprint(size), Got: fmt.Sprint(head.Size)}
		}
		if err := keep(filepath.Join(dir, name), t); err != nil {
			return fmt.Errorf("%s: %w", archive, err)
		}
		missing--
	}
	return nil
}

// keep writes what r has to a file that takes its name at the end.
func keep(path string, r io.Reader) (err error) {
	w, err := os.OpenFile(path+".part", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			w.Close()
			os.Remove(w.Name())
		}
	}()
	if _, err := io.Copy(w, r); err != nil {
		return err
	}
	if err := w.Sync(); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.Rename(w.Name(), strings.TrimSuffix(w.Name(), ".part"))
}
