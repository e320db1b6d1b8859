package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/onnx/internal/onnxpb"
	"neocog/vm"
)

// A constant is a tensor whose elements are known, in the form of graph.ConstOp.
type constant struct {
	typ  graph.Type
	data string // where the batch is symbolic, for a batch of probes[0]
	// other is data for a batch of probes[1], "" if they are the same: numbers that
	// depend on the batch size, without saying how.
	other string
}

// probes are two batch sizes that no model has, for which shapes are computed.
var probes = [2]int{1009, 2003}

// at returns the constant for one of the probes.
func (c constant) at(probe int) constant {
	if probe == 1 && c.other != "" {
		return constant{typ: c.typ, data: c.other}
	}
	return constant{typ: c.typ, data: c.data}
}

// dtypes are the element types that ONNX and Neocog share.
var dtypes = map[onnxpb.DataType]graph.DType{
	onnxpb.Float: graph.Float32, onnxpb.Double: graph.Float64, onnxpb.Int32: graph.Int32, onnxpb.Int64: graph.Int64, onnxpb.Bool: graph.Bool,
}

// dataTypeOf is the inverse of dtypes.
func dataTypeOf(d graph.DType) onnxpb.DataType {
	for p, g := range dtypes {
		if g == d {
			return p
		}
	}
	return 0
}

// dtypeOf returns the element type d; the error tells types that Neocog does not
// have from those that nobody has.
func dtypeOf(d onnxpb.DataType) (graph.DType, error) {
	if g, ok := dtypes[d]; ok {
		return g, nil
	}
	if !d.Known() {
		return graph.Invalid, &FileError{Err: fmt.Errorf("the element type %d does not exist", d)}
	}
	return graph.Invalid, &UnsupportedError{Err: fmt.Errorf("elements of type %v; there are float, double, int32, int64 and bool", d)}
}

// checkTensor returns an error unless t is a tensor whose data have the length
// that its type says. Nothing is allocated.
func checkTensor(t *onnxpb.Tensor) error {
	if len(t.ExternalData) > 0 || t.DataLocation != 0 {
		return errors.New("its data lie in another file, which is not read; save the model with all data inside")
	}
	if t.Segment != nil {
		return errors.New("it is a segment of a tensor, which no known program writes")
	}
	if !t.DataType.Known() {
		return errors.Errorf("the element type %d does not exist", t.DataType)
	}
	if len(t.Dims) > graph.MaxRank {
		return errors.Errorf("it has %d dimensions, the most that Neocog has is %d", len(t.Dims), graph.MaxRank)
	}
	n := int64(1)
	for _, d := range t.Dims {
		if d < 0 {
			return errors.Errorf("the shape %v has the negative extent %d", t.Dims, d)
		}
		if d > 0 && n > math.MaxInt64/8/d {
			return errors.Errorf("the shape %v holds more elements than can be counted", t.Dims)
		}
		if d > 0 {
			n *= d
		}
	}
	for _, d := range t.Dims {
		if d == 0 {
			n = 0
		}
	}
	g, ok := dtypes[t.DataType]
	if !ok {
		return nil // refused where it is used
	}
	if t.RawData != nil {
		if have, want := int64(len(t.RawData)), n*int64(g.Size()); have != want {
			return errors.Errorf("%v elements of shape %v take %d bytes, there are %d", t.DataType, t.Dims, want, have)
		}
		return nil
	}
	have := map[graph.DType]int{
		graph.Float32: len(t.FloatData), graph.Float64: len(t.DoubleData), graph.Int32: len(t.Int32Data), graph.Int64: len(t.Int64Data), graph.Bool: len(t.Int32Data),
	}[g]
	if int64(have) != n {
		return errors.Errorf("the shape %v has %d elements of type %v, there are %d", t.Dims, n, t.DataType, have)
	}
	return nil
}

// decode returns the elements of t, which checkTensor has seen.
func decode(t *onnxpb.Tensor) (constant, error) {
	d, err := dtypeOf(t.DataType)
	if err != nil {
		return constant{}, err
	}
	typ := graph.Type{DType: d, Shape: graph.Shape{}}
	for _, n := range t.Dims {
		typ.Shape = append(typ.Shape, int(n))
	}
	if err := typ.Check(); err != nil {
		return constant{}, &UnsupportedError{Err: err}
	}
	if t.RawData != nil {
		if d == graph.Bool {
			return constant{typ: typ, data: string(booleans(t.RawData))}, nil
		}
		return constant{typ: typ, data: string(t.RawData)}, nil
	}
	b := make([]byte, 0, typ.Bytes())
	switch d {
	case graph.Float32:
		for _, v := range t.FloatData {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
	case graph.Float64:
		for _, v := range t.DoubleData {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		}
	case graph.Int32:
		for _, v := range t.Int32Data {
			b = binary.LittleEndian.AppendUint32(b, uint32(v))
		}
	case graph.Int64:
		for _, v := range t.Int64Data {
			b = binary.LittleEndian.AppendUint64(b, uint64(v))
		}
	case graph.Bool:
		for _, v := range t.Int32Data {
			b = append(b, byte(v))
			if v != 0 {
				b[len(b)-1] = 1
			}
		}
	}
	return constant{typ: typ, data: string(b)}, nil
}

// booleans returns b with every byte but 0 as 1.
func booleans(b []byte) []byte {
	c := make([]byte, len(b))
	for i, v := range b {
		if v != 0 {
			c[i] = 1
		}
	}
	return c
}

// encode returns c as a message.
func encode(name string, c constant) *onnxpb.Tensor {
	t := &onnxpb.Tensor{Name: name, DataType: dataTypeOf(c.typ.DType), RawData: []byte(c.data)}
	for _, d := range c.typ.Shape {
		t.Dims = append(t.Dims, int64(d))
	}
	return t
}

// ints returns the elements of c, which are integers or booleans.
func (c constant) ints() []int {
	out := make([]int, c.typ.Shape.Size())
	for i := range out {
		switch c.typ.DType {
		case graph.Int64:
			out[i] = int(binary.LittleEndian.Uint64([]byte(c.data[8*i : 8*i+8])))
		case graph.Int32:
			out[i] = int(int32(binary.LittleEndian.Uint32([]byte(c.data[4*i : 4*i+4]))))
		default:
			out[i] = int(c.data[i])
		}
	}
	return out
}

// floats returns the elements of c as float64.
func (c constant) floats() []float64 {
	out := make([]float64, c.typ.Shape.Size())
	for i := range out {
		out[i] = graph.ConstOp{Data: c.data}.At(c.typ.DType, i)
	}
	return out
}

// ofInts returns an int64 constant.
func ofInts(shape graph.Shape, v ...int) constant {
	var b []byte
	for _, x := range v {
		b = binary.LittleEndian.AppendUint64(b, uint64(int64(x)))
	}
	return constant{typ: graph.Type{DType: graph.Int64, Shape: shape}, data: string(b)}
}

// ofFloats returns a constant of type t, v rounded to its elements.
func ofFloats(t graph.Type, v []float64) constant {
	b := make([]byte, 0, t.Bytes())
	for _, x := range v {
		switch t.DType {
		case graph.Float32:
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(x)))
		case graph.Float64:
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
		case graph.Int32:
			b = binary.LittleEndian.AppendUint32(b, uint32(int32(x)))
		case graph.Int64:
			b = binary.LittleEndian.AppendUint64(b, uint64(int64(x)))
		default:
			b = append(b, map[bool]byte{true: 1}[x != 0])
		}
	}
	return constant{typ: t, data: string(b)}
}

// dense returns a tensor with the elements of c.
func (c constant) dense() *tensor.Dense {
	n := c.typ.Shape.Size()
	var backing any
	switch c.typ.DType {
	case graph.Float32:
		v := make([]float32, n)
		for i := range v {
			v[i] = math.Float32frombits(binary.LittleEndian.Uint32([]byte(c.data[4*i : 4*i+4])))
		}
		backing = v
	case graph.Float64:
		backing = c.floats()
	case graph.Int32:
		v := make([]int32, n)
		for i, x := range c.ints() {
			v[i] = int32(x)
		}
		backing = v
	case graph.Int64:
		v := make([]int64, n)
		for i, x := range c.ints() {
			v[i] = int64(x)
		}
		backing = v
	default:
		v := make([]bool, n)
		for i := range v {
			v[i] = c.data[i] != 0
		}
		backing = v
	}
	return tensor.New(tensor.WithShape(c.typ.Shape...), tensor.WithBacking(backing))
}

// constantOf returns the elements of t, whatever their order in memory.
func constantOf(t *tensor.Dense) (constant, error) {
	typ, err := vm.TypeOf(t)
	if err != nil {
		return constant{}, err
	}
	typ.Shape = typ.Shape.Clone()
	b := make([]byte, 0, typ.Bytes())
	if typ.Shape.Size() > 0 {
		if t.RequiresIterator() || !t.Shape().IsScalar() && !t.DataOrder().IsRowMajor() || t.Dtype() == tensor.Int {
			s := vm.NewState(0) // which copies any view into rows
			if err := s.Set("t", t); err != nil {
				return constant{}, err
			}
			if t, err = s.Get("t"); err != nil {
				return constant{}, err
			}
		}
		b, err = binary.Append(b, binary.LittleEndian, t.Data()) // of a scalar, the bare number
	}
	return constant{typ: typ, data: string(b)}, err
}

// DecodeTensor reads a TensorProto, the form of the .pb files beside ONNX's own
// test models.
func DecodeTensor(data []byte) (*tensor.Dense, error) {
	var t onnxpb.Tensor
	if err := onnxpb.Unmarshal(data, &t); err != nil {
		return nil, &FileError{Err: err}
	}
	if err := checkTensor(&t); err != nil {
		return nil, &FileError{"tensor " + quoted(t.Name), err}
	}
	c, err := decode(&t)
	if err != nil {
		return nil, err
	}
	return c.dense(), nil
}

// EncodeTensor is the inverse of DecodeTensor.
func EncodeTensor(name string, t *tensor.Dense) ([]byte, error) {
	c, err := constantOf(t)
	if err != nil {
		return nil, errors.WithMessagef(err, "tensor %q", name)
	}
	return onnxpb.Marshal(encode(name, c)), nil
}

// readFile reads a file of at most most bytes.
func readFile(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.Errorf("%s is no regular file", path)
	}
	if info.Size() > most {
		return nil, errors.Errorf("%s has %d bytes, the most is %d", path, info.Size(), most)
	}
	return os.ReadFile(path)
}
