package data

import (
	"errors"
	"runtime"
	"runtime/debug"
)

// The pixels of a pack are a mapped file's. Where somebody cuts the file while it is in use, reading what is gone is a fault, which
// ends the program unless it is made a panic; every function of this package that reads pixels makes it one.

// errCut is what such a fault means to people.
var errCut = errors.New("its memory cannot be read; the file that it is mapped from was cut, or its disk is gone")

// guarded runs read and returns the fault that it meets as a *FormatError. Other panics pass.
func (s *Set) guarded(read func()) (err error) {
	before := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(before)
		if r := recover(); isFault(r) {
			err = &FormatError{File: s.Name, What: "pixels", Want: "what the file had when it was opened", Got: "less", Err: errCut}
		} else if r != nil {
			panic(r)
		}
	}()
	read()
	return nil
}

// mustRead is guarded for functions that have no error to return.
func (s *Set) mustRead(read func()) {
	if err := s.guarded(read); err != nil {
		panic(err)
	}
}

// isFault reports whether a panic is a fault of memory: such errors know the address, as debug.SetPanicOnFault says.
func isFault(r any) bool {
	err, ok := r.(runtime.Error)
	if !ok {
		return false
	}
	_, ok = err.(interface{ Addr() uintptr })
	return ok
}
