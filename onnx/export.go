package onnx

import (
	"fmt"
	"slices"

	"github.com/pkg/errors"

	"neocog/graph"
	"neocog/onnx/internal/onnxpb"
	"neocog/vm"
)

// The versions in which files are written.
const (
	exportIR    = 8
	exportOpset = 17
)

// Metadata of the model, which other programs show.
const (
	updatePrefix = "neocog.update:" // + parameter = output that is its next value
)

// Export writes the network as an ONNX file: see Export.
func (n *Network) Export() ([]byte, error) { return Export(n.Graph, n.Outputs, n.OutputNames, n.State) }

// Export returns graph g with these outputs as the bytes of an ONNX file: operator
// set 17, IR version 8.
//
// Parameters and buffers are initialisers, with the values that they have in state or,
// where it is nil or lacks them, their starting values. Inputs keep their names, nodes
// their scopes as the part of their names before the last slash. The type of every
// value is in the file; the batch, where it is symbolic, is called N. Outputs are
// called names; where that is nil, output or output0, output1 and so on. What g's updates
// assign to parameters is added as further outputs, called after the parameter with
// ".next" behind it, and noted in the model's metadata.
//
// Every op of package ops can be exported, gradients among them: those without
// counterpart in ONNX as the ops that they are made of. Only ScatterElements with the
// greatest or least element is younger than the operator set. The one that computes
// something else elsewhere is Dropout, as other programs draw other random numbers.
func Export(g *graph.Graph, outputs []*graph.Value, names []string, state *vm.State) ([]byte, error) {
	m, err := export(g, outputs, names, state)
	if err != nil {
		return nil, err
	}
	return onnxpb.Marshal(m), nil
}

func export(g *graph.Graph, outputs []*graph.Value, names []string, state *vm.State) (*onnxpb.Model, error) {
	if err := g.Err(); err != nil {
		return nil, err
	}
	if len(outputs) == 0 {
		return nil, errors.New("onnx: nothing is to be exported: there are no outputs")
	}
	if names == nil {
		for i := range outputs {
			names = append(names, fmt.Sprintf("output%d", i))
		}
		if len(names) == 1 {
			names[0] = "output"
		}
	}
	if len(names) != len(outputs) {
		return nil, errors.Errorf("onnx: there are %d outputs and %d names", len(outputs), len(names))
	}
	for i, v := range outputs {
		if !v.IsValid() || v.Graph() != g {
			return nil, errors.Errorf("onnx: output %q is no value of graph %q", names[i], g.Name())
		}
	}
	roots := slices.Clone(outputs)
	names = slices.Clone(names)
	m := &onnxpb.Model{
		IRVersion: exportIR, ProducerName: "neocog",
		OpsetImport: []*onnxpb.OperatorSet{{Version: exportOpset}},
	}
	for _, u := range g.Updates() {
		label := labelOf(u.Param)
		roots, names = append(roots, u.Next), append(names, label+".next")
		m.MetadataProps = append(m.MetadataProps, &onnxpb.StringEntry{Key: updatePrefix + label, Value: label + ".next"})
	}
	lowered, images := lower(g, roots)
	if err := lowered.Err(); err != nil {
		return nil, errors.WithMessage(err, "onnx: an op could not be expressed by others")
	}
	e := newEmitter(lowered, state)
	for _, v := range g.Inputs() {
		e.taken[labelOf(v)] = true
	}
	for i, v := range roots {
		if err := e.reserve(images[v], names[i]); err != nil {
			return nil, err
		}
	}
	// All inputs, also those that nothing reads.
	for _, v := range g.Inputs() {
		e.graph.Input = append(e.graph.Input, info(labelOf(v), v.Type()))
		if v.Shape().IsStatic() || e.batch.input != "" {
			continue
		}
		e.batch = batchSource{labelOf(v), slices.Index(v.Shape(), graph.Batch), len(v.Shape())}
	}
	if err := e.nodes(); err != nil {
		return nil, err
	}
	for i, v := range roots {
		e.output(images[v], names[i])
	}
	m.Graph = e.graph
	return m, nil
}

// labelOf returns the name of an input, a parameter or a buffer, "" of other values.
func labelOf(v *graph.Value) string {
	switch op := v.Node().Op.(type) {
	case graph.InputOp:
		return op.Label
	case graph.ParamOp:
		return op.Label
	}
	return ""
}

// info returns the declaration of a value.
func info(name string, t graph.Type) *onnxpb.ValueInfo {
	s := &onnxpb.Shape{}
	for _, d := range t.Shape {
		switch d {
		case graph.Batch:
			s.Dim = append(s.Dim, &onnxpb.Dimension{Param: batchName})
			continue
		case unknown:
			s.Dim = append(s.Dim, &onnxpb.Dimension{})
			continue
		}
		n := int64(d)
		s.Dim = append(s.Dim, &onnxpb.Dimension{Value: &n})
	}
	return &onnxpb.ValueInfo{Name: name, Type: &onnxpb.Type{Tensor: &onnxpb.TensorType{ElemType: dataTypeOf(t.DType), Shape: s}}}
}

// batchName is what the symbolic extent is called.
const batchName = "N"

// unknown is an extent in a file that is neither known nor the batch: a multiple of it.
const unknown = -2
