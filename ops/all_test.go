package ops

import (
	"reflect"
	"slices"
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
