package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/tabwriter"
)

// One static binary everywhere needs a compiler for Go alone.
func TestNoCgo(t *testing.T) {
	for _, f := range sources(t) {
		file, err := parser.ParseFile(token.NewFileSet(), f.name, f.text, parser.ImportsOnly)
		if err != nil {
			t.Errorf("%s: %v", f.name, err)
			continue
		}
		if importsC(file) {
			t.Errorf("%s imports \"C\": cgo is not used in this module", f.name)
		}
	}
}

func TestNoCgoSeesC(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\nimport \"fmt\"\nimport \"C\"\n", parser.ImportsOnly)
	if err != nil || !importsC(file) {
		t.Errorf("import \"C\" goes unseen (%v)", err)
	}
}

func importsC(file *ast.File) bool {
	for _, imp := range file.Imports {
		if imp.Path.Value == `"C"` {
			return true
		}
	}
	return false
}

// With -v, the size of each package. Smallness is a feature that one can measure.
func TestSize(t *testing.T) {
	type size struct{ files, code, tests int }
	var order []string
	sizes := map[string]*size{}
	total := &size{}
	for _, f := range sources(t) {
		pkg := filepath.ToSlash(filepath.Dir(f.name))
		if sizes[pkg] == nil {
			sizes[pkg] = &size{}
			order = append(order, pkg)
		}
		lines := codeLines(f.text)
		for _, s := range []*size{sizes[pkg], total} {
			if strings.HasSuffix(f.name, "_test.go") {
				s.tests += lines
			} else {
				s.files++
				s.code += lines
			}
		}
	}
	if total.code == 0 {
		t.Fatal("the module has no lines of code")
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "package\tfiles\tcode\ttests\t")
	for _, pkg := range order {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t\n", pkg, sizes[pkg].files, sizes[pkg].code, sizes[pkg].tests)
	}
	fmt.Fprintf(w, "total\t%d\t%d\t%d\t\n", total.files, total.code, total.tests)
	w.Flush()
	t.Logf("lines with code on them, without comments and blank lines:\n%s", &b)
}

func TestCodeLines(t *testing.T) {
	const text = "// Package x.\npackage x\n\n/* two\nlines */\nvar s = `a\n\nb` // three\n\nfunc f() {}\n"
	if got := codeLines([]byte(text)); got != 5 {
		t.Errorf("%d lines of code, want 5 in\n%s", got, text)
	}
}

// codeLines counts the lines which hold at least a part of a token.
func codeLines(text []byte) int {
	file := token.NewFileSet().AddFile("", -1, len(text))
	var s scanner.Scanner
	s.Init(file, text, func(token.Position, string) {}, 0)
	count, last := 0, 0
	for {
		pos, tok, lit := s.Scan()
		if tok == token.EOF {
			return count
		}
		if tok == token.SEMICOLON && lit == "\n" {
			continue // the scanner's, not the author's
		}
		first := file.Line(pos)
		end := first + strings.Count(lit, "\n")
		count += end - max(first, last+1) + 1
		last = end
	}
}

type source struct {
	name string // relative to the module
	text []byte
}

// sources reads every Go file of the module, whatever its build tags. It walks the tree itself, so that the go command
// sees what the tests of this package depend on, and does not repeat an old result after a change.
func sources(t *testing.T) []source {
	t.Helper()
	root := moduleRoot(t)
	var files []source
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() {
			_, nested := os.Stat(filepath.Join(name, "go.mod"))
			if name != root && (nested == nil || base == "testdata" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")) {
				return fs.SkipDir
			}
			return nil
		}
		if filepath.Ext(base) != ".go" {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		files = append(files, source{rel, text})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// moduleRoot is the nearest folder upwards with a go.mod.
func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the working directory")
		}
		dir = up
	}
}
