//go:build unix

package data

import (
	"fmt"
	"os"
	"syscall"
)

// mapFile returns the content of a file, mapped for reading until the program ends.
func mapFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	size := info.Size()
	switch {
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: want a file, got %v", path, info.Mode().Type())
	case size == 0:
		return nil, nil // which cannot be mapped
	case !fitsInt(uint64(size)):
		return nil, fmt.Errorf("%s: a file of %d bytes cannot be mapped on this machine", path, size)
	}
	b, err := syscall.Mmap(int(f.Fd()), 0, int(size), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, &os.PathError{Op: "mmap", Path: path, Err: err}
	}
	return b, nil
}
