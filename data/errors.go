package data

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// FormatError says that some data is not what its reader wants, with both numbers.
//
//	train-labels-idx1-ubyte: label of image 3: want 0..9, got 37
//
// Err, where there is one, is the cause: io.ErrUnexpectedEOF for a file that ends early,
// gzip.ErrChecksum for a damaged one.
type FormatError struct {
	File string // path or name of the set; empty when a plain io.Reader was read
	What string // the part at fault, such as "idx magic" or "label of image 3"
	Want string
	Got  string
	Err  error
}

func (e *FormatError) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File + ": ")
	}
	fmt.Fprintf(&b, "%s: want %s, got %s", e.What, e.Want, e.Got)
	if e.Err != nil {
		fmt.Fprintf(&b, " (%v)", e.Err)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *FormatError) Unwrap() error { return e.Err }

// missingError says which file or folder is not there, and what would be.
type missingError struct{ text string }

func (e *missingError) Error() string { return e.text }

// Unwrap returns fs.ErrNotExist.
func (e *missingError) Unwrap() error { return fs.ErrNotExist }

// inFile puts the path into an error that does not name one yet.
func inFile(path string, err error) error {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*FormatError](err); ok && f.File == "" {
		named := *f
		named.File = path
		return &named
	}
	return fmt.Errorf("%s: %w", path, err)
}
