package weights

import (
	"fmt"
	"strings"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/internal/nearest"
	"neocog/vm"
)

// Of returns a copy of the values of params, parameters and buffers of a graph, that s holds.
func Of(s *vm.State, params []*graph.Value) (*File, error) {
	f := &File{Tensors: map[string]*tensor.Dense{}}
	for _, p := range params {
		name, err := labelOf(p)
		if err != nil {
			return nil, err
		}
		if f.Tensors[name], err = s.Get(name); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// Save writes the values of params in s to a file whose format is that of the ending of path; see File.Write.
func Save(path string, s *vm.State, params []*graph.Value) error {
	f, err := Of(s, params)
	if err != nil {
		return err
	}
	return f.Write(path)
}

// Load reads a file and sets the values of params in s; see File.Into.
func Load(path string, s *vm.State, params []*graph.Value) error {
	f, err := Read(path)
	if err != nil {
		return err
	}
	return errors.WithMessage(f.Into(s, params), path)
}

// Into sets the values of params in s to the tensors of their names. The file must have each of them in its shape, and
// nothing else: if not, the error is a *Misfit, and s is as it was. Floats of another precision are rounded to that
// of the parameter; other elements must be of its type.
func (f *File) Into(s *vm.State, params []*graph.Value) error {
	wanted := map[string]bool{}
	m := &Misfit{}
	for _, p := range params {
		name, err := labelOf(p)
		if err != nil {
			return err
		}
		wanted[name] = true
		want := p.Type()
		if have, ok := s.Type(name); ok && !have.Equal(want) {
			return errors.Errorf("value %q is %v in the state, %v in the graph", name, have, want)
		}
		d := f.Tensors[name]
		if d == nil {
			m.Missing = append(m.Missing, Want{name, want})
			continue
		}
		have, err := vm.TypeOf(d)
		if err != nil {
			return errors.WithMessagef(err, "tensor %q", name)
		}
		if !have.Shape.Equal(want.Shape) || have.DType != want.DType && !(isFloat(have.DType) && isFloat(want.DType)) {
			have.Shape = have.Shape.Clone()
			m.Other = append(m.Other, Mismatch{Want{name, want}, have})
		}
	}
	for _, name := range f.Names() {
		if !wanted[name] {
			m.Extra = append(m.Extra, name)
		}
	}
	if len(m.Missing)+len(m.Other)+len(m.Extra) > 0 {
		return m
	}
	for _, p := range params {
		name, _ := labelOf(p)
		d, err := converted(f.Tensors[name], p.Type().DType)
		if err != nil {
			return err
		}
		if err := s.Set(name, d); err != nil {
			return err
		}
	}
	return nil
}

func isFloat(d graph.DType) bool { return d == graph.Float32 || d == graph.Float64 }

// labelOf returns the name of a parameter or buffer.
func labelOf(v *graph.Value) (string, error) {
	if v.IsValid() {
		if op, ok := v.Node().Op.(graph.ParamOp); ok {
			return op.Label, nil
		}
	}
	return "", errors.Errorf("%v is no parameter and no buffer", v)
}

// A Want is a parameter.
type Want struct {
	Name string
	Type graph.Type
}

// A Mismatch is a parameter whose tensor has another shape, or elements that cannot become its.
type Mismatch struct {
	Want
	Have graph.Type
}

// A Misfit says why tensors are not those of a network.
type Misfit struct {
	Missing []Want
	Other   []Mismatch
	Extra   []string // tensors that no parameter is called
}

// shown is how many tensors of each sort an error names.
const shown = 3

// Error says which tensors are missing, have another shape, or are too many, with the names that may have been meant.
func (m *Misfit) Error() string {
	var parts, missing []string
	for _, w := range m.Missing {
		missing = append(missing, w.Name)
	}
	for _, w := range m.Missing[:min(shown, len(m.Missing))] {
		parts = append(parts, fmt.Sprintf("it has no %q, %v%s", w.Name, w.Type, meant(w.Name, m.Extra)))
	}
	parts = more(parts, "missing", len(m.Missing))
	for _, o := range m.Other[:min(shown, len(m.Other))] {
		parts = append(parts, fmt.Sprintf("its %q is %v, want %v", o.Name, o.Have, o.Type))
	}
	parts = more(parts, "of other types", len(m.Other))
	for _, name := range m.Extra[:min(shown, len(m.Extra))] {
		parts = append(parts, fmt.Sprintf("its %q is not known%s", name, meant(name, missing)))
	}
	parts = more(parts, "not known", len(m.Extra))
	return strings.Join(parts, "; ")
}

// more says how many were not named.
func more(parts []string, what string, n int) []string {
	if n > shown {
		parts = append(parts, fmt.Sprintf("%d more are %s", n-shown, what))
	}
	return parts
}

// meant suggests the nearest of the names that nothing goes with.
func meant(name string, known []string) string {
	near := nearest.Names(name, known, 2)
	if len(near) == 0 {
		return ""
	}
	for i, n := range near {
		near[i] = fmt.Sprintf("%q", n)
	}
	return " (nearest: " + strings.Join(near, ", ") + ")"
}
