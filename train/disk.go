package train

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/pkg/errors"
)

// A disk is the few things that a run folder needs of a file system. Tests put a
// full one in its place.
type disk interface {
	Open(path string, flag int) (file, error)
	Rename(from, to string) error
	Remove(path string) error
	Sync(dir string) error // makes names in dir durable
}

// A file is what a disk opens for writing.
type file interface {
	io.Writer
	Size() (int64, error)
	Truncate(size int64) error
	Sync() error
	Close() error
}

// realDisk is the operating system's.
type realDisk struct{}

func (realDisk) Open(path string, flag int) (file, error) {
	f, err := os.OpenFile(path, flag, 0o644)
	if err != nil {
		return nil, err
	}
	return realFile{f}, nil
}

func (realDisk) Rename(from, to string) error { return os.Rename(from, to) }

func (realDisk) Remove(path string) error { return os.Remove(path) }

func (realDisk) Sync(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	// Some file systems cannot sync a folder; the rename is then as durable as it gets.
	d.Sync()
	return nil
}

type realFile struct{ *os.File }

func (f realFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// replace writes a file as a whole or not at all: into a temporary one beside it,
// which takes its name only once it is on the disk. A reader sees the old content
// or the new one; an error leaves the old one, and nothing else. A process that is
// killed leaves the temporary file, for sweep.
func replace(d disk, path string, write func(w io.Writer) error) (err error) {
	temp := tempFile(path)
	defer func() {
		if err != nil {
			os.Remove(temp)
			err = errors.WithMessagef(err, "%s was not written", path)
		}
	}()
	f, err := d.Open(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	buffer := bufio.NewWriterSize(f, 1<<16)
	if err = write(buffer); err == nil {
		err = buffer.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	if err := d.Rename(temp, path); err != nil {
		return err
	}
	return d.Sync(filepath.Dir(path))
}

// appendTo adds a line to a file, after head if the file is new. An error leaves
// the file as it was.
func appendTo(d disk, path, head, line string) (err error) {
	defer func() {
		if err != nil {
			err = errors.WithMessagef(err, "%s was not continued", path)
		}
	}()
	f, err := d.Open(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND)
	if err != nil {
		return err
	}
	size, err := f.Size()
	if err != nil {
		f.Close()
		return err
	}
	if size > 0 {
		head = ""
	}
	if _, err = io.WriteString(f, head+line); err == nil {
		err = f.Sync()
	}
	if err != nil {
		f.Truncate(size)
		f.Close()
		if size == 0 {
			os.Remove(path)
		}
		return err
	}
	return f.Close()
}

// content is a write for replace.
func content(b []byte) func(w io.Writer) error {
	return func(w io.Writer) error { _, err := w.Write(b); return err }
}

// tempFile is where replace writes.
func tempFile(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".tmp")
}

// sweep removes what writers have left in a folder that were killed.
func sweep(d disk, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if name := e.Name(); !strings.HasPrefix(name, ".") || !strings.HasSuffix(name, ".tmp") {
			continue
		}
		path := filepath.Join(dir, e.Name())
		if err := d.Remove(path); err != nil {
			return errors.WithMessagef(err, "%s, which a killed run has left, was not removed", path)
		}
	}
	return nil
}
