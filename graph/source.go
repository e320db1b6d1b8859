package graph

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"
)

// InputOp is the op of a value made by Graph.Input.
type InputOp struct{ Label string }

// Name returns "Input".
func (InputOp) Name() string { return "Input" }

// Infer fails: the type of an input is declared, not inferred.
func (InputOp) Infer([]Type) ([]Type, error) { return nil, errDeclared }

// ParamOp is the op of a value made by Graph.Param or Graph.Buffer.
type ParamOp struct {
	Label  string
	Init   Init
	Buffer bool // kept but not learned
}

// Name returns "Param" or "Buffer".
func (p ParamOp) Name() string {
	if p.Buffer {
		return "Buffer"
	}
	return "Param"
}

// Infer fails: the type of a parameter is declared, not inferred.
func (ParamOp) Infer([]Type) ([]Type, error) { return nil, errDeclared }

// ConstOp is the op of a constant. Data holds the elements, little-endian, as
// a string: immutable and comparable, so equal constants are equal ops.
type ConstOp struct{ Data string }

// Name returns "Const".
func (ConstOp) Name() string { return "Const" }

// Infer fails: the type of a constant is declared, not inferred.
func (ConstOp) Infer([]Type) ([]Type, error) { return nil, errDeclared }

var errDeclared = fmt.Errorf("its type is declared, not inferred")

// IsSource reports whether n has a declared type: an input, parameter, buffer
// or constant.
func (n *Node) IsSource() bool {
	switch n.Op.(type) {
	case InputOp, ParamOp, ConstOp:
		return true
	}
	return false
}

// Const adds a constant tensor. A scalar has the empty shape and one element.
func Const[T Element](g *Graph, shape Shape, data ...T) *Value {
	pos := here()
	t := Type{DTypeOf[T](), shape}
	op := ConstOp{encode(data)}
	if err := t.check(); err == nil && shape.IsStatic() && shape.Size() != len(data) {
		g.report(&Error{Pos: pos, Op: "Const", Scope: g.scopeName(), Err: fmt.Errorf("shape %v wants %d elements, got %d", shape, shape.Size(), len(data))})
		return g.invalid(op, pos)
	}
	return g.source("Const", op, t, pos)
}

func errSymbolicConst(s Shape) error {
	return fmt.Errorf("shape %v has a symbolic dimension; a constant has a fixed shape", s)
}

// Scalar adds a scalar constant of type d, v rounded to it.
func (g *Graph) Scalar(d DType, v float64) *Value {
	return g.source("Const", ConstOp{encodeFloat(d, v)}, Of(d), here())
}

// ConstOf adds a constant of type t whose elements are data in the form of
// ConstOp.Data: for passes which compute constants.
func (g *Graph) ConstOf(t Type, data string) *Value {
	pos := here()
	if t.Shape.IsStatic() && t.Bytes() != len(data) {
		g.report(&Error{Pos: pos, Op: "Const", Scope: g.scopeName(), Err: fmt.Errorf("type %v wants %d bytes, got %d", t, t.Bytes(), len(data))})
		return g.invalid(ConstOp{data}, pos)
	}
	return g.source("Const", ConstOp{data}, t, pos)
}

func encode[T Element](data []T) string {
	var z T
	size := int(unsafe.Sizeof(z))
	b := make([]byte, 0, len(data)*size)
	for _, v := range data {
		switch v := any(v).(type) {
		case float32:
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		case float64:
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		case int32:
			b = binary.LittleEndian.AppendUint32(b, uint32(v))
		case int64:
			b = binary.LittleEndian.AppendUint64(b, uint64(v))
		case bool:
			if v {
				b = append(b, 1)
			} else {
				b = append(b, 0)
			}
		}
	}
	return string(b)
}

func encodeFloat(d DType, v float64) string {
	switch d {
	case Float32:
		return encode([]float32{float32(v)})
	case Float64:
		return encode([]float64{v})
	case Int32:
		return encode([]int32{int32(v)})
	case Int64:
		return encode([]int64{int64(v)})
	case Bool:
		return encode([]bool{v != 0})
	}
	return ""
}

// At returns element i of a constant whose element type is d, as a float64;
// Int64 values beyond 2^53 are rounded.
func (c ConstOp) At(d DType, i int) float64 {
	b := []byte(c.Data[i*d.Size() : (i+1)*d.Size()])
	switch d {
	case Float32:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	case Float64:
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	case Int32:
		return float64(int32(binary.LittleEndian.Uint32(b)))
	case Int64:
		return float64(int64(binary.LittleEndian.Uint64(b)))
	}
	return float64(b[0])
}

// intAt returns element i of a constant of type Int32 or Int64.
func (c ConstOp) intAt(d DType, i int) int64 {
	b := []byte(c.Data[i*d.Size() : (i+1)*d.Size()])
	if d == Int32 {
		return int64(int32(binary.LittleEndian.Uint32(b)))
	}
	return int64(binary.LittleEndian.Uint64(b))
}
