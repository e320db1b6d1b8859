package ops

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"neocog/graph"
	"neocog/vm/kernel"
)

func TestAllIsSortedAndRuns(t *testing.T) {
	var names []string
	for _, op := range All() {
		names = append(names, op.Name())
		if _, ok := op.(kernel.Op); !ok {
			t.Errorf("%s has no Plan", op.Name())
		}
		if !reflect.TypeOf(op).Comparable() {
			t.Errorf("%s is not comparable", op.Name())
		}
	}
	if !slices.IsSorted(names) {
		t.Errorf("the ops are not in the order of their names: %v", names)
	}
	if c := slices.Compact(slices.Clone(names)); len(c) != len(names) {
		t.Errorf("a name occurs twice in %v", names)
	}
}

// What has a method Infer in the source is an op, and in All: the text form, the gradient checks and ONNX go by it.
func TestAllHasEveryOpOfTheSource(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var source, listed []string
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "Infer" && f.Recv != nil {
				source = append(source, f.Recv.List[0].Type.(*ast.Ident).Name)
			}
		}
	}
	for _, op := range All() {
		listed = append(listed, reflect.TypeOf(op).Name())
	}
	slices.Sort(source)
	slices.Sort(listed)
	for _, name := range source {
		if !slices.Contains(listed, name) {
			t.Errorf("the type %s has a method Infer, and is not in All", name)
		}
	}
	if len(listed) != len(source) {
		t.Errorf("All has %d ops, the source has %d: %v and %v", len(listed), len(source), listed, source)
	}
}

// No op may panic on nil or on no input at all, whatever its attributes.
func TestInferRefusesTooFewInputs(t *testing.T) {
	for _, op := range All() {
		if _, err := op.Infer(nil); err == nil {
			t.Errorf("%s accepts no inputs", op.Name())
		}
		v := graph.Apply(op, nil)
		if v.IsValid() || v.Graph().Err() == nil {
			t.Errorf("%s accepts nil", op.Name())
		}
	}
}
