package graph

import "fmt"

// A DType is the type of one element of a tensor. The zero DType is invalid.
type DType uint8

// The element types. Labels and indices are Int32 or Int64; everything which
// is differentiated is Float32 or Float64.
const (
	Invalid DType = iota
	Float32
	Float64
	Int32
	Int64
	Bool
)

var dtypes = [...]struct {
	name string
	size int // bytes
}{
	Invalid: {"invalid", 0},
	Float32: {"f32", 4},
	Float64: {"f64", 8},
	Int32:   {"i32", 4},
	Int64:   {"i64", 8},
	Bool:    {"bool", 1},
}

// String returns the short name used in the text form: f32, f64, i32, i64, bool.
func (d DType) String() string {
	if int(d) < len(dtypes) {
		return dtypes[d].name
	}
	return fmt.Sprintf("DType(%d)", d)
}

// Size returns the size of one element in bytes, 0 for an invalid DType.
func (d DType) Size() int {
	if int(d) < len(dtypes) {
		return dtypes[d].size
	}
	return 0
}

// IsFloat reports whether d is Float32 or Float64.
func (d DType) IsFloat() bool { return d == Float32 || d == Float64 }

// IsInt reports whether d is Int32 or Int64.
func (d DType) IsInt() bool { return d == Int32 || d == Int64 }

// MarshalText returns the name of d, so that a DType may be an op's attribute.
func (d DType) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (d *DType) UnmarshalText(text []byte) error {
	for i, t := range dtypes {
		if t.name == string(text) && i != int(Invalid) {
			*d = DType(i)
			return nil
		}
	}
	return fmt.Errorf("unknown element type %q, want f32, f64, i32, i64 or bool", text)
}

// Element is any Go type that is the element of a tensor.
type Element interface {
	float32 | float64 | int32 | int64 | bool
}

// DTypeOf returns the DType of T.
func DTypeOf[T Element]() DType {
	var z T
	switch any(z).(type) {
	case float32:
		return Float32
	case float64:
		return Float64
	case int32:
		return Int32
	case int64:
		return Int64
	}
	return Bool
}
