//go:build !unix

package arena

import "errors"

func mmap(int) ([]byte, error) { return nil, errors.ErrUnsupported }

func munmap([]byte) {}

func populate([]byte) error { return nil }
