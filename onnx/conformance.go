package onnx

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"runtime/debug"
	"slices"
	"strings"

	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/vm"
)

// A Verdict is what became of a test case.
type Verdict string

// The verdicts.
const (
	Passed  Verdict = "passed"
	Failed  Verdict = "failed"
	Refused Verdict = "refused" // Neocog says that it does not have what the model needs
)

// An Outcome is what became of one test case.
type Outcome struct {
	Name    string
	Ops     []string // of the model, sorted, each once
	Verdict Verdict
	Err     error // why it was refused or failed
}

// Tolerances of ONNX's own test runner: |got − want| ≤ absolute + relative·|want|.
const (
	relativeTolerance = 1e-3
	absoluteTolerance = 1e-7
)

// FindCases returns the folders in fsys, at dir or below, that hold a file
// model.onnx, sorted: ONNX's backend test cases.
func FindCases(fsys fs.FS, dir string) ([]string, error) {
	var found []string
	err := fs.WalkDir(fsys, dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && d.Name() == "model.onnx" {
			found = append(found, path.Dir(p))
		}
		return err
	})
	return found, err
}

// RunCase runs the model in a folder on each of its data sets, the folders
// test_data_set_k with files input_i.pb and output_i.pb, one tensor each, and
// compares the results: equal shapes, equal element types, equal integers and booleans,
// floats equal up to 1e-7 + 1e-3·|want|, NaN being equal to NaN. Nothing that a file holds
// makes it panic.
func RunCase(ctx context.Context, fsys fs.FS, dir string) (o Outcome) {
	o = Outcome{Name: path.Base(dir), Verdict: Failed}
	defer func() {
		if r := recover(); r != nil {
			o.Verdict, o.Err = Failed, fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	data, err := fs.ReadFile(fsys, path.Join(dir, "model.onnx"))
	if err != nil {
		o.Err = err
		return o
	}
	m, err := Decode(data)
	if err == nil {
		o.Ops = m.ops()
		var sets []string
		sets, err = fs.Glob(fsys, path.Join(dir, "test_data_set_*"))
		if err == nil && len(sets) == 0 {
			err = errors.New("there is no folder test_data_set_0")
		}
		for _, set := range sets {
			var d *dataset
			if err == nil {
				d, err = loadSet(m, fsys, set)
			}
			if err == nil {
				err = d.run(ctx)
			}
		}
	}
	var unsupported *UnsupportedError
	switch {
	case err == nil:
		o.Verdict = Passed
	case errors.As(err, &unsupported):
		o.Verdict, o.Err = Refused, err
	default:
		o.Err = err
	}
	return o
}

// ops returns the ops of the model, sorted, each once.
func (m *Model) ops() []string {
	var names []string
	for _, n := range m.proto.Graph.Node {
		names = append(names, (&call{n: n}).name())
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// A dataset is a model with one set of inputs and the outputs that it should give.
type dataset struct {
	model *Model
	known map[string]*tensor.Dense
	want  []*tensor.Dense
}

// loadSet reads a data set. Where its files are no tensors of ours, that Import refuses
// the model is the better reason.
func loadSet(m *Model, fsys fs.FS, set string) (*dataset, error) {
	s := &dataset{m, map[string]*tensor.Dense{}, nil}
	inputs, err := tensors(fsys, set, "input", len(m.fed()))
	for i, t := range inputs {
		s.known[m.inputNames()[i]] = t
	}
	if err == nil {
		s.want, err = tensors(fsys, set, "output", len(m.proto.Graph.Output))
	}
	if err != nil {
		if _, refused := m.Import(Options{Known: s.known}); refused != nil {
			return nil, refused
		}
	}
	return s, err
}

// run runs the model and compares.
func (s *dataset) run(ctx context.Context) error {
	net, err := s.model.Import(Options{Known: s.known})
	if err != nil {
		return err
	}
	got, err := net.Run(ctx, s.known)
	if err != nil {
		return err
	}
	for i, t := range got {
		if err := compare(t, s.want[i]); err != nil {
			return fmt.Errorf("output %s: %w", quoted(net.OutputNames[i]), err)
		}
	}
	return nil
}

// tensors reads n files called stem_i.pb.
func tensors(fsys fs.FS, set, stem string, n int) ([]*tensor.Dense, error) {
	var list []*tensor.Dense
	for i := range n {
		name := path.Join(set, fmt.Sprintf("%s_%d.pb", stem, i))
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return list, err
		}
		t, err := DecodeTensor(data)
		if err != nil {
			return list, fmt.Errorf("%s: %w", name, err)
		}
		list = append(list, t)
	}
	return list, nil
}

// Run runs the network once: inputs by name, outputs in the order of
// n.Outputs. Updates of parameters are not performed. To run it many times,
// compile n.Graph.
func (n *Network) Run(ctx context.Context, inputs map[string]*tensor.Dense) ([]*tensor.Dense, error) {
	p, err := vm.Compile(n.Graph, n.Outputs, vm.NoUpdates())
	if err != nil {
		return nil, err
	}
	m, err := p.NewMachine(n.State)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	feeds := vm.Feeds{}
	for name, t := range inputs {
		v := n.Graph.Lookup(name)
		if v == nil || !slices.Contains(n.Graph.Inputs(), v) {
			var names []string
			for _, in := range n.Graph.Inputs() {
				names = append(names, in.Node().Op.(graph.InputOp).Label)
			}
			return nil, fmt.Errorf("the model has no input %q; it has %s", name, strings.Join(names, ", "))
		}
		feeds[v] = t
	}
	got, err := m.Run(ctx, feeds)
	if err != nil {
		return nil, err
	}
	out := make([]*tensor.Dense, len(got))
	for i, t := range got {
		k, err := constantOf(t) // what Run gives is valid until the machine is closed
		if err != nil {
			return nil, err
		}
		out[i] = k.dense()
	}
	return out, nil
}

// compare returns an error unless got is want, up to the tolerances.
func compare(got, want *tensor.Dense) error {
	g, err := constantOf(got)
	if err != nil {
		return err
	}
	w, err := constantOf(want)
	if err != nil {
		return err
	}
	if !g.typ.Equal(w.typ) {
		return fmt.Errorf("got %v, want %v", g.typ, w.typ)
	}
	if !g.typ.DType.IsFloat() {
		gs, ws := g.ints(), w.ints()
		for i := range gs {
			if gs[i] != ws[i] {
				return fmt.Errorf("element %d of %v is %v, want %v", i, g.typ, gs[i], ws[i])
			}
		}
		return nil
	}
	gs, ws := g.floats(), w.floats()
	for i := range gs {
		a, b := gs[i], ws[i]
		switch {
		case a == b || a != a && b != b:
		case math.IsInf(a, 0) || math.IsInf(b, 0) || !(math.Abs(a-b) <= absoluteTolerance+relativeTolerance*math.Abs(b)):
			return fmt.Errorf("element %d of %v is %v, want %v", i, g.typ, a, b)
		}
	}
	return nil
}
