package onnx

import "fmt"

// A FileError is a file that is no ONNX model: damaged, truncated, or
// contradicting itself.
type FileError struct {
	Where string // such as `initialiser "w"` or `node "conv1"`; "" for the file as a whole
	Err   error
}

// Error returns the text.
func (e *FileError) Error() string {
	if e.Where == "" {
		return fmt.Sprintf("onnx: %v", e.Err)
	}
	return fmt.Sprintf("onnx: %s: %v", e.Where, e.Err)
}

// Unwrap returns what is wrong.
func (e *FileError) Unwrap() error { return e.Err }

func fileErrorf(where, format string, args ...any) error {
	return &FileError{where, fmt.Errorf(format, args...)}
}

// An UnsupportedError is a model that may be right and that Neocog cannot take
// in: an op that it does not have, an attribute, an element type, a shape that is
// known only when the model runs.
type UnsupportedError struct {
	Op    string // ONNX's name, with its domain if that is not ONNX's own; "" where the model as a whole is meant
	Node  string // name of the node, or of its first result where it has none
	Opset int64
	Err   error
}

// Error returns the text, which begins with op, node and opset.
func (e *UnsupportedError) Error() string {
	if e.Op == "" {
		return fmt.Sprintf("onnx: %v", e.Err)
	}
	return fmt.Sprintf("onnx: %s, node %q, opset %d: %v", e.Op, cut(e.Node), e.Opset, e.Err)
}

// Unwrap returns why it is refused.
func (e *UnsupportedError) Unwrap() error { return e.Err }

// An InternalError is a node whose import has panicked: a bug in Neocog, whatever the model is.
type InternalError struct {
	Op, Node string
	Opset    int64
	Panic    any
	Stack    []byte // where it was
}

// Error returns the text, which begins with op, node and opset.
func (e *InternalError) Error() string {
	return fmt.Sprintf("onnx: %s, node %q, opset %d: internal error: %v; this is a bug in neocog", e.Op, cut(e.Node), e.Opset, e.Panic)
}
