package onnx

import (
	"fmt"
	"strconv"

	"github.com/pkg/errors"

	"neocog/onnx/internal/onnxpb"
)

// The versions of ONNX's operator set that a model may be written in. Rules begin at
// 6, but for those of ops that have been the same since 1.
const (
	minOpset = 1
	maxOpset = 22
)

// maxFile is the length of the longest file that protocol buffers allow, in bytes.
const maxFile = 1<<31 - 1

// A Model is an ONNX file whose structure is known to be sound: every tensor has
// the data that its shape asks for, every name is made once, before it is used.
// Whether Neocog has its ops is what Import finds out.
type Model struct {
	proto *onnxpb.Model
	opset int64
}

// ReadFile reads a model from a file.
func ReadFile(path string) (*Model, error) {
	data, err := readFile(path, maxFile)
	if err != nil {
		return nil, err
	}
	m, err := Decode(data)
	return m, errors.WithMessage(err, path)
}

// Decode reads a model from the bytes of a file, which the model keeps and which
// must not change. A file that is damaged, contradicts itself or keeps its weights
// in other files is a *FileError, an operator set that is too old or too new an
// *UnsupportedError.
//
// Nothing in a file can make Decode take much more time or memory than the length
// of the file warrants.
func Decode(data []byte) (*Model, error) {
	m := &Model{proto: &onnxpb.Model{}}
	if err := onnxpb.Unmarshal(data, m.proto); err != nil {
		return nil, &FileError{Err: err}
	}
	if m.proto.Graph == nil {
		return nil, fileErrorf("", "it holds no graph; is it an ONNX model?")
	}
	found := false
	for _, o := range m.proto.OpsetImport {
		if isONNX(o.Domain) {
			if found {
				return nil, fileErrorf("", "it names two versions of ONNX's operator set, %d and %d", m.opset, o.Version)
			}
			m.opset, found = o.Version, true
		}
	}
	if !found {
		for _, n := range m.proto.Graph.Node {
			if !isONNX(n.Domain) {
				return nil, &UnsupportedError{Op: (&call{n: n}).name(), Node: title(n), Err: errors.New("ops of that domain are not known")}
			}
		}
		return nil, fileErrorf("", "it does not say which version of ONNX's operator set it is written in")
	}
	if m.opset < minOpset || m.opset > maxOpset {
		return nil, &UnsupportedError{Err: fmt.Errorf("the model is written in operator set %d; %d to %d can be read", m.opset, minOpset, maxOpset)}
	}
	if err := checkGraph(m.proto.Graph); err != nil {
		return nil, err
	}
	return m, nil
}

// Opset returns the version of ONNX's operator set that the model is written in.
func (m *Model) Opset() int { return int(m.opset) }

// isONNX reports whether domain is that of ONNX's own ops.
func isONNX(domain string) bool { return domain == "" || domain == "ai.onnx" }

// quoted returns name for a message, cut where it is long.
func quoted(name string) string { return strconv.Quote(cut(name)) }

// cut returns the beginning of a name that is too long for a message.
func cut(name string) string {
	const most = 100
	if len(name) > most {
		return name[:most] + "…"
	}
	return name
}

// title names a node in messages.
func title(n *onnxpb.Node) string {
	switch {
	case n.Name != "":
		return n.Name
	case len(n.Output) > 0:
		return n.Output[0]
	}
	return ""
}

// checkGraph returns what is wrong with the tensors and the names of g.
func checkGraph(g *onnxpb.Graph) error {
	if len(g.SparseInitializer) > 0 {
		return &UnsupportedError{Err: errors.New("sparse initialisers")}
	}
	made := map[string]string{} // by what
	for _, t := range g.Initializer {
		where := "initialiser " + quoted(t.Name)
		if t.Name == "" {
			return fileErrorf("an initialiser", "it has no name")
		}
		if made[t.Name] != "" {
			return fileErrorf(where, "the name is taken by another")
		}
		if err := checkTensor(t); err != nil {
			return &FileError{where, err}
		}
		made[t.Name] = where
	}
	inputs := map[string]bool{}
	for _, v := range g.Input {
		where := "input " + quoted(v.Name)
		if v.Name == "" {
			return fileErrorf("an input", "it has no name")
		}
		if inputs[v.Name] {
			return fileErrorf(where, "the name is taken by another")
		}
		if err := checkValueInfo(v); err != nil {
			return &FileError{where, err}
		}
		inputs[v.Name] = true
		made[v.Name] = where // an initialiser of that name is its default
	}
	for _, n := range g.Node {
		if err := checkNode(n, made); err != nil {
			return err
		}
	}
	if len(g.Output) == 0 {
		return fileErrorf("", "the graph has no outputs")
	}
	outputs := map[string]bool{}
	for _, v := range g.Output {
		where := "output " + quoted(v.Name)
		if made[v.Name] == "" {
			return fileErrorf(where, "nothing makes it")
		}
		if outputs[v.Name] {
			return fileErrorf(where, "it is listed twice")
		}
		outputs[v.Name] = true
	}
	return nil
}

// checkNode checks the names and the tensors of a node and adds its results to
// made.
func checkNode(n *onnxpb.Node, made map[string]string) error {
	where := fmt.Sprintf("node %s, %s", quoted(title(n)), quoted(n.OpType))
	if n.OpType == "" {
		return fileErrorf(where, "it has no op")
	}
	for i, name := range n.Input {
		if name != "" && made[name] == "" {
			return fileErrorf(where, "operand %d is %s, which nothing before the node makes: a name that is missing, or a cycle", i, quoted(name))
		}
	}
	for _, name := range n.Output {
		if name == "" {
			continue
		}
		if old := made[name]; old != "" {
			return fileErrorf(where, "it makes %s, which is made by %s already", quoted(name), old)
		}
		made[name] = where
	}
	seen := map[string]bool{}
	for _, a := range n.Attribute {
		if seen[a.Name] {
			return fileErrorf(where, "the attribute %s is given twice", quoted(a.Name))
		}
		seen[a.Name] = true
		if a.T != nil {
			if err := checkTensor(a.T); err != nil {
				return &FileError{where + ", attribute " + quoted(a.Name), err}
			}
		}
	}
	return nil
}

// checkValueInfo returns an error unless the declared type makes sense.
func checkValueInfo(v *onnxpb.ValueInfo) error {
	if v.Type == nil || v.Type.Tensor == nil {
		return nil // refused by Import, which knows what it needs
	}
	t := v.Type.Tensor
	if !t.ElemType.Known() {
		return errors.Errorf("the element type %d does not exist", t.ElemType)
	}
	if t.Shape != nil {
		for _, d := range t.Shape.Dim {
			if d.Value != nil && *d.Value < 0 {
				return errors.Errorf("the shape has the negative extent %d", *d.Value)
			}
		}
	}
	return nil
}
