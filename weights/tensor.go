package weights

import (
	"encoding/binary"
	"unicode/utf8"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/internal/simd"
	"neocog/vm"
)

// A kind is a form of elements in files.
type kind struct {
	safetensors, npy string // its names
	size             int    // of an element in bytes
	as               graph.DType
}

// kinds are the forms that are read. The first one of an element type is the one that is written. V2 is what NumPy
// calls the bfloat16 of the Python package ml_dtypes.
var kinds = []kind{
	{"F32", "f4", 4, graph.Float32},
	{"F64", "f8", 8, graph.Float64},
	{"I32", "i4", 4, graph.Int32},
	{"I64", "i8", 8, graph.Int64},
	{"BOOL", "b1", 1, graph.Bool},
	{"F16", "f2", 2, graph.Float32},
	{"BF16", "V2", 2, graph.Float32},
}

// kindOf returns the form in which elements of type d are written.
func kindOf(d graph.DType) kind {
	for _, k := range kinds {
		if k.as == d {
			return k
		}
	}
	return kind{}
}

// lengthOf returns how many bytes elements of form k take in a tensor of that shape. A shape that is not possible is
// an error.
func (k kind) lengthOf(shape []uint64) (graph.Type, int, error) {
	t := graph.Type{DType: k.as, Shape: graph.Shape{}}
	for _, n := range shape {
		if n > 1<<62 {
			return t, 0, errors.Errorf("the extent %d in the shape %v is more than can be counted", n, shape)
		}
		t.Shape = append(t.Shape, int(n))
	}
	if err := t.Check(); err != nil {
		return t, 0, err
	}
	return t, t.Shape.Size() * k.size, nil
}

// decode returns the tensor of type t whose elements are in b, in row-major order and in form k.
func (k kind) decode(t graph.Type, b []byte, order binary.ByteOrder) *tensor.Dense {
	n := t.Shape.Size()
	var backing any
	switch {
	case k.size == 2: // the two halves
		bits, x := make([]uint16, n), make([]float32, n)
		for i := range bits {
			bits[i] = order.Uint16(b[2*i:])
		}
		if k.safetensors == "F16" {
			simd.FromFloat16(x, bits)
		} else {
			simd.FromBfloat16(x, bits)
		}
		backing = x
	case k.as == graph.Bool:
		x := make([]bool, n)
		for i := range x {
			x[i] = b[i] != 0
		}
		backing = x
	default:
		switch k.as {
		case graph.Float32:
			backing = make([]float32, n)
		case graph.Float64:
			backing = make([]float64, n)
		case graph.Int32:
			backing = make([]int32, n)
		case graph.Int64:
			backing = make([]int64, n)
		}
		binary.Decode(b, order, backing) // of the right length
	}
	return tensor.New(tensor.WithShape(t.Shape...), tensor.WithBacking(backing))
}

// elements returns the type of d and its elements in row-major order: a []float32 for example.
func elements(d *tensor.Dense) (graph.Type, any, error) {
	t, err := vm.TypeOf(d)
	if err != nil {
		return t, nil, err
	}
	t.Shape = t.Shape.Clone()
	if t.Shape.Size() == 0 { // of which a Dense may have no memory
		return t, map[graph.DType]any{
			graph.Float32: []float32{}, graph.Float64: []float64{}, graph.Int32: []int32{}, graph.Int64: []int64{}, graph.Bool: []bool{},
		}[t.DType], nil
	}
	if !d.Shape().IsScalar() && (d.RequiresIterator() || !d.DataOrder().IsRowMajor()) || d.Dtype() == tensor.Int {
		// A State copies any view into rows.
		s := vm.NewState(0)
		if err := s.Set("", d); err != nil {
			return t, nil, err
		}
		if d, err = s.Get(""); err != nil {
			return t, nil, err
		}
	}
	switch t.DType {
	case graph.Float32:
		return t, d.Float32s(), nil
	case graph.Float64:
		return t, d.Float64s(), nil
	case graph.Int32:
		return t, d.Int32s(), nil
	case graph.Int64:
		return t, d.Int64s(), nil
	}
	return t, d.Bools(), nil
}

// converted returns d with elements of type as, where both are floats: rounded to the nearest, ties to even.
func converted(d *tensor.Dense, as graph.DType) (*tensor.Dense, error) {
	t, e, err := elements(d)
	if err != nil || t.DType == as {
		return d, err
	}
	var backing any
	switch e := e.(type) {
	case []float32:
		x := make([]float64, t.Shape.Size())
		for i, v := range e {
			x[i] = float64(v)
		}
		backing = x
	case []float64:
		x := make([]float32, t.Shape.Size())
		for i, v := range e {
			x[i] = float32(v)
		}
		backing = x
	}
	return tensor.New(tensor.WithShape(t.Shape...), tensor.WithBacking(backing)), nil
}

// checkName refuses names that not every format can hold.
func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("a tensor has no name")
	case name == metaKey:
		return errors.Errorf("a tensor cannot be called %q, which is the place of the metadata", name)
	case !utf8.ValidString(name):
		return errors.Errorf("the name %.99q is not UTF-8", name)
	case len(name) > maxName:
		return errors.Errorf("the name %.99q… has %d bytes, the most is %d", name, len(name), maxName)
	}
	return nil
}

// maxName is the longest name that a zip archive can hold, without .npy.
const maxName = 1<<16 - 1 - len(".npy")
