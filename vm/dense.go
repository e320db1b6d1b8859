package vm

import (
	"unsafe"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"neocog/graph"
)

// This file is the door between *tensor.Dense, which users feed and receive,
// and the machine's own memory. Nothing else in Neocog's core knows tensors.

// Feeds gives a tensor to each input of a program. A contiguous row-major
// tensor is read where it lies, without a copy, and must not change during Run.
type Feeds = map[*graph.Value]*tensor.Dense

// Scalar returns the only element of t as a float64: the way to read a loss.
// A tensor of another size, or of bools, is an error.
func Scalar(t *tensor.Dense) (float64, error) {
	typ, err := TypeOf(t)
	if err != nil {
		return 0, err
	}
	if n := typ.Shape.Size(); n != 1 {
		return 0, errors.Errorf("got a tensor of %d elements, want one", n)
	}
	switch typ.DType {
	case graph.Float32:
		return float64(t.Float32s()[0]), nil
	case graph.Float64:
		return t.Float64s()[0], nil
	case graph.Int32:
		return float64(t.Int32s()[0]), nil
	case graph.Int64:
		return float64(int64s(t)[0]), nil
	}
	return 0, errors.Errorf("got a tensor of %v, want numbers", typ.DType)
}

// TypeOf returns the type of t. A Go int counts as Int64 where it has 64 bits.
func TypeOf(t *tensor.Dense) (graph.Type, error) {
	if t == nil {
		return graph.Type{}, errors.New("the tensor is nil")
	}
	d, ok := dtype(t)
	if !ok {
		return graph.Type{}, errors.Errorf("the tensor has elements of type %v, want float32, float64, int32, int64 or bool", t.Dtype())
	}
	if t.IsMasked() && t.Size() > 0 { // an empty tensor says that it is masked
		return graph.Type{}, errors.New("the tensor is masked, want one without mask")
	}
	return graph.Type{DType: d, Shape: graph.Shape(t.Shape())}, nil
}

func dtype(t *tensor.Dense) (graph.DType, bool) {
	switch t.Dtype() {
	case tensor.Float32:
		return graph.Float32, true
	case tensor.Float64:
		return graph.Float64, true
	case tensor.Int32:
		return graph.Int32, true
	case tensor.Int64:
		return graph.Int64, true
	case tensor.Int:
		return graph.Int64, unsafe.Sizeof(int(0)) == 8
	case tensor.Bool:
		return graph.Bool, true
	}
	return graph.Invalid, false
}

func int64s(t *tensor.Dense) []int64 {
	if t.Dtype() == tensor.Int {
		s := t.Ints()
		return unsafe.Slice((*int64)(unsafe.Pointer(unsafe.SliceData(s))), len(s))
	}
	return t.Int64s()
}

// contiguous reports whether t's elements lie in row-major order without gaps.
func contiguous(t *tensor.Dense) bool {
	shape, strides := t.Shape(), t.Strides()
	if len(shape) == 0 {
		return true
	}
	if len(strides) != len(shape) {
		return false
	}
	want := 1
	for i := len(shape) - 1; i >= 0; i-- {
		if shape[i] > 1 && strides[i] != want {
			return false
		}
		want *= shape[i]
	}
	return true
}

// raw returns the memory of t, in whatever order its elements lie.
func raw(t *tensor.Dense, d graph.DType) unsafe.Pointer {
	switch d {
	case graph.Float32:
		return unsafe.Pointer(unsafe.SliceData(t.Float32s()))
	case graph.Float64:
		return unsafe.Pointer(unsafe.SliceData(t.Float64s()))
	case graph.Int32:
		return unsafe.Pointer(unsafe.SliceData(t.Int32s()))
	case graph.Int64:
		return unsafe.Pointer(unsafe.SliceData(int64s(t)))
	}
	return unsafe.Pointer(unsafe.SliceData(t.Bools()))
}

// gather copies the elements of t, whose type is typ, to mem in row-major order.
func gather(mem []byte, t *tensor.Dense, typ graph.Type) {
	if len(mem) == 0 {
		return
	}
	src := raw(t, typ.DType)
	if contiguous(t) {
		copy(mem, unsafe.Slice((*byte)(src), len(mem)))
		return
	}
	size := typ.DType.Size()
	index := make([]int, len(typ.Shape))
	strides := t.Strides()
	for off := 0; off < len(mem); off += size {
		at := 0
		for i, x := range index {
			at += x * strides[i]
		}
		copy(mem[off:off+size], unsafe.Slice((*byte)(unsafe.Add(src, at*size)), size))
		for i := len(index) - 1; i >= 0; i-- {
			if index[i]++; index[i] < typ.Shape[i] {
				break
			}
			index[i] = 0
		}
	}
}

// dense returns a tensor of type typ over mem, without a copy.
func dense(typ graph.Type, mem []byte) *tensor.Dense {
	var backing any
	switch typ.DType {
	case graph.Float32:
		backing = as[float32](mem)
	case graph.Float64:
		backing = as[float64](mem)
	case graph.Int32:
		backing = as[int32](mem)
	case graph.Int64:
		backing = as[int64](mem)
	default:
		backing = as[bool](mem)
	}
	return tensor.New(tensor.WithShape(typ.Shape...), tensor.WithBacking(backing))
}
