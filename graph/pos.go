package graph

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/pkg/errors"
)

// A Pos is the place in the user's program which made a node: the whole stack
// is kept, and its first frame outside Neocog's own machinery is what is shown.
type Pos struct {
	pcs  []uintptr
	text string // of a parsed graph, which has no stack
}

// machinery names the folders whose lines never are the user's: those which
// build nodes on behalf of their caller. models is not among them, since its
// files read like the papers' tables and their lines mean something.
var machinery = []string{"graph/", "ops/", "autodiff/", "models/layers/", "train/", "vm/"}

// root is the path of this module as the compiler recorded it, with a slash at its end.
var root = func() string {
	_, file, _, _ := runtime.Caller(0)
	return strings.TrimSuffix(file, "graph/pos.go")
}()

func here() Pos {
	var pcs [48]uintptr
	n := runtime.Callers(3, pcs[:])
	return Pos{pcs: append([]uintptr(nil), pcs[:n]...)}
}

// isMachinery goes by the file: a function that was inlined carries the name of
// the package it was inlined into.
func isMachinery(f runtime.Frame) bool {
	file, ours := strings.CutPrefix(f.File, root)
	if strings.HasSuffix(file, "_test.go") {
		return false
	}
	for _, dir := range machinery {
		if ours && strings.HasPrefix(file, dir) {
			return true
		}
	}
	return slices.ContainsFunc([]string{"runtime.", "reflect.", "testing."}, func(p string) bool { return strings.HasPrefix(f.Function, p) })
}

// inModels reports whether f lies in one of Neocog's own networks.
func inModels(f runtime.Frame) bool {
	return strings.HasPrefix(f.File, root+"models/") && !strings.HasSuffix(f.File, "_test.go")
}

// frames returns the user's frame and, where that one lies in Neocog's own
// models, the frame which called into them.
func (p Pos) frames() (user, caller runtime.Frame) {
	if len(p.pcs) == 0 {
		return
	}
	it := runtime.CallersFrames(p.pcs)
	for {
		f, more := it.Next()
		switch {
		case f.PC == 0 || isMachinery(f):
		case user.PC == 0:
			user = f
			if !inModels(f) {
				return
			}
		case !inModels(f):
			return user, f
		}
		if !more {
			return
		}
	}
}

// String returns the user's line as lenet.go:31, or "" where it is unknown.
func (p Pos) String() string {
	if p.text != "" {
		return p.text
	}
	f, _ := p.frames()
	return short(f)
}

// Caller returns the line which called the model that String names, or "" where
// String already is the user's own line.
func (p Pos) Caller() string {
	_, f := p.frames()
	return short(f)
}

// StackTrace returns the whole stack, innermost frame first.
func (p Pos) StackTrace() errors.StackTrace {
	st := make(errors.StackTrace, len(p.pcs))
	for i, pc := range p.pcs {
		st[i] = errors.Frame(pc)
	}
	return st
}

func short(f runtime.Frame) string {
	if f.PC == 0 {
		return ""
	}
	return fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line)
}
